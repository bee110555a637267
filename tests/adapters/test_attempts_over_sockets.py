"""With the real client: a try for which no webhook could be made is in the log as every try is."""

from __future__ import annotations

from actors.adapters.log import LogTrace
from machines.facts import SendRefused
from tests.adapters.logged import MULTI, Kept, is_subsequence
from tests.reliability.stage import CHANNEL, NAME, performing

MAKING = "POST /channels/{channel}/webhooks"


async def test_m5_a_try_without_a_webhook_is_in_the_log_and_no_attempt_on_the_wire(kept: Kept) -> None:
    log = LogTrace()
    async with performing("webhook") as stage:
        for webhook in stage.server.webhooks(CHANNEL):
            stage.server.delete_webhook(webhook.id)
        stage.server.next_requests(MAKING, "http_503")
        stage.say()
        await stage.until_over()
        refused = [moved.move.fact for moved in stage.moves if isinstance(moved.move.fact, SendRefused)]
        # That the old webhook is gone is asked before the line goes out: its first try meets the 503.
        assert [(fact.status, fact.on_wire) for fact in refused] == [(503, False)]
        assert stage.attempts == 1
        for event in stage.trace.events:
            log.publish(event)
    assert log.message_send_attempts == 1 + 1, "the first line's, and those that the server saw"
    expected = [
        f"Attempting to send response from {NAME}",
        f"❌ Discord HTTP error sending {NAME}'s message (attempt 1/3): HTTPException[503]",
        f"Attempting to send response from {NAME} (attempt 2/3)",
        f"✅ Successfully sent response from {NAME}",
    ]
    assert is_subsequence(expected, kept.said)
    (unmade,) = [record for record in kept.records if "HTTP error" in record.getMessage()]
    assert unmade.getMessage().startswith(MULTI)
