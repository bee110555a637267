"""Serves uploaded files: webhooks' pictures, and attachments."""

import base64

from aiohttp import web

from .local_discord import LocalDiscord
from .payloads import avatar_hash

FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
"""The URL changes with the content."""


def mount_images(app: web.Application, discord: LocalDiscord) -> None:
    """Adds `/avatars/{webhook}/{hash}` and `/attachments/{id}/{name}`."""

    async def avatar(request: web.Request) -> web.Response:
        webhook = discord.webhooks.get(_number(request.match_info["webhook"]))
        if webhook is None or webhook.avatar is None or avatar_hash(webhook.avatar) != request.match_info["hash"]:
            raise web.HTTPNotFound
        kind, _, content = webhook.avatar.removeprefix("data:").partition(";base64,")
        return web.Response(body=base64.b64decode(content), content_type=kind, headers=FOREVER)

    async def attachment(request: web.Request) -> web.Response:
        found = discord.attachments.get(_number(request.match_info["id"]))
        if found is None:
            raise web.HTTPNotFound
        saved = FOREVER | {"Content-Disposition": "attachment"}
        return web.Response(body=base64.b64decode(found.content), headers=saved | {"Content-Type": found.content_type})

    app.router.add_get("/avatars/{webhook}/{hash}", avatar)
    app.router.add_get("/attachments/{id}/{name}", attachment)


def image_type(picture: bytes) -> str:
    """The content type of a picture by its first bytes; PNG if they are neither JPEG nor GIF."""
    kinds = {b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    return next((kind for start, kind in kinds.items() if picture.startswith(start)), "image/png")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
