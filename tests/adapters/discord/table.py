"""What the adapter keeps, in memory."""

from actors.ports import RefusedName


class WebhookTable:
    """Forgets nothing that `known_webhooks` must still know."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], tuple[int, str]] = {}
        self.pictures: dict[tuple[int, str], str | None] = {}
        self._ever: dict[int, set[int]] = {}
        self._tokens: dict[int, str] = {}
        self.places: dict[int, tuple[int | None, int | None]] = {}
        self.names: list[RefusedName] = []

    async def webhook(self, channel_id: int, character_key: str) -> tuple[int, str] | None:
        return self.rows.get((channel_id, character_key))

    async def keep_webhook(
        self, channel_id: int, character_key: str, webhook_id: int, token: str, *, picture: str | None = None
    ) -> None:
        self.rows[channel_id, character_key] = (webhook_id, token)
        self.pictures[webhook_id, character_key] = picture
        self._ever.setdefault(channel_id, set()).add(webhook_id)
        self._tokens[webhook_id] = token

    async def forget_webhook(self, webhook_id: int) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row[0] != webhook_id}

    async def webhook_token(self, webhook_id: int, *, with_forgotten: bool = False) -> str | None:
        kept = next((token for kept, token in self.rows.values() if kept == webhook_id), None)
        return kept or (self._tokens.get(webhook_id) if with_forgotten else None)

    async def webhook_home(self, webhook_id: int) -> int | None:
        return next((channel_id for channel_id, ids in self._ever.items() if webhook_id in ids), None)

    async def webhook_picture(self, webhook_id: int, character_key: str) -> str | None:
        return self.pictures.get((webhook_id, character_key))

    async def note_picture(self, webhook_id: int, character_key: str, picture: str) -> None:
        self.pictures[webhook_id, character_key] = picture

    async def known_webhooks(self, channel_id: int) -> frozenset[int]:
        return frozenset(self._ever.get(channel_id, ()))

    async def any_webhook(self, channel_id: int, preferred_key: str) -> int | None:
        keys = [key for channel, key in self.rows if channel == channel_id]
        preferred = [key for key in keys if key == preferred_key] + keys
        return self.rows[channel_id, preferred[0]][0] if preferred else None

    async def place(self, channel_id: int) -> tuple[int | None, int | None] | None:
        return self.places.get(channel_id)

    async def keep_place(self, channel_id: int, parent_id: int | None, guild_id: int | None) -> None:
        self.places[channel_id] = (parent_id, guild_id)

    async def refused_names(self, *, since: float) -> tuple[RefusedName, ...]:
        return tuple(each for each in self.names if each.at >= since)

    async def keep_refused_name(self, refused: RefusedName) -> None:
        self.names.append(refused)
