"""The Webhooks port in memory."""


class WebhookTable:
    """Forgets nothing that `known_webhooks` must still know."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], tuple[int, str]] = {}
        self._ever: dict[int, set[int]] = {}

    async def webhook(self, channel_id: int, character_key: str) -> tuple[int, str] | None:
        return self.rows.get((channel_id, character_key))

    async def keep_webhook(self, channel_id: int, character_key: str, webhook_id: int, token: str) -> None:
        self.rows[channel_id, character_key] = (webhook_id, token)
        self._ever.setdefault(channel_id, set()).add(webhook_id)

    async def forget_webhook(self, webhook_id: int) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row[0] != webhook_id}

    async def webhook_token(self, webhook_id: int) -> str | None:
        return next((token for kept, token in self.rows.values() if kept == webhook_id), None)

    async def known_webhooks(self, channel_id: int) -> frozenset[int]:
        return frozenset(self._ever.get(channel_id, ()))
