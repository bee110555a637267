"""Store the webhooks of the Discord adapter, present and forgotten ones."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from actors.adapters.store.engine.schema import voice


def webhook(conn: Connection, channel_id: int, character_key: str) -> tuple[int, str] | None:
    row = conn.execute(
        select(voice.c.webhook_id, voice.c.token).where(
            voice.c.channel_id == channel_id, voice.c.character_key == character_key, ~voice.c.is_forgotten
        )
    ).one_or_none()
    return None if row is None else (row.webhook_id, row.token)


def any_webhook(conn: Connection, channel_id: int, preferred_key: str) -> int | None:
    """Return a webhook of this channel that is not forgotten, preferably that of `preferred_key`."""
    current = select(voice.c.webhook_id).where(voice.c.channel_id == channel_id, ~voice.c.is_forgotten)
    ordered = current.order_by((voice.c.character_key != preferred_key), voice.c.webhook_id)
    found: int | None = conn.execute(ordered.limit(1)).scalar()
    return found


def keep_webhook(
    conn: Connection, channel_id: int, character_key: str, webhook_id: int, token: str, *, picture: str | None = None
) -> None:
    """Make this the character's webhook in this channel; mark the previous one as forgotten."""
    conn.execute(
        update(voice)
        .where(voice.c.channel_id == channel_id, voice.c.character_key == character_key)
        .values(is_forgotten=True)
    )
    conn.execute(delete(voice).where(voice.c.webhook_id == webhook_id, voice.c.character_key == character_key))
    conn.execute(
        insert(voice).values(
            webhook_id=webhook_id,
            character_key=character_key,
            channel_id=channel_id,
            token=token,
            is_forgotten=False,
            picture=picture,
        )
    )


def webhook_picture(conn: Connection, webhook_id: int, character_key: str) -> str | None:
    """Return the fingerprint of the picture that the webhook was given; None if unknown."""
    shown = select(voice.c.picture).where(voice.c.webhook_id == webhook_id, voice.c.character_key == character_key)
    picture: str | None = conn.execute(shown).scalar()
    return picture


def note_picture(conn: Connection, webhook_id: int, character_key: str, picture: str) -> None:
    conn.execute(
        update(voice)
        .where(voice.c.webhook_id == webhook_id, voice.c.character_key == character_key)
        .values(picture=picture)
    )


def forget_webhook(conn: Connection, webhook_id: int) -> None:
    conn.execute(update(voice).where(voice.c.webhook_id == webhook_id).values(is_forgotten=True))


def webhook_token(conn: Connection, webhook_id: int, *, with_forgotten: bool = False) -> str | None:
    """Return the token; None for an unknown webhook, and for a forgotten one unless `with_forgotten`."""
    known = select(voice.c.token).where(voice.c.webhook_id == webhook_id).limit(1)
    token: str | None = conn.execute(known if with_forgotten else known.where(~voice.c.is_forgotten)).scalar()
    return token


def webhook_home(conn: Connection, webhook_id: int) -> int | None:
    """Return the channel for which a webhook was created or adopted, forgotten or not; None for an unknown one."""
    home: int | None = conn.execute(
        select(voice.c.channel_id).where(voice.c.webhook_id == webhook_id).limit(1)
    ).scalar()
    return home


def known_webhooks(conn: Connection, channel_id: int) -> frozenset[int]:
    return frozenset(conn.execute(select(voice.c.webhook_id).where(voice.c.channel_id == channel_id)).scalars())
