"""Defines the errors with which Discord refuses a request: status, code and message.

Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from dataclasses import dataclass

from .records import Json


@dataclass(frozen=True, slots=True)
class Reason:
    status: int
    code: int
    message: str


UNAUTHORISED = Reason(401, 0, "401: Unauthorized")
NO_SUCH_PATH = Reason(404, 0, "404: Not Found")
UNKNOWN_CHANNEL = Reason(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = Reason(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = Reason(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = Reason(404, 10008, "Unknown Message")
UNKNOWN_USER = Reason(404, 10013, "Unknown User")
UNKNOWN_WEBHOOK = Reason(404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION = Reason(404, 10062, "Unknown interaction")
WEBHOOKS_FULL = Reason(400, 30007, "Maximum number of webhooks reached (15)")
TOO_LARGE = Reason(413, 40005, "Request entity too large")
ALREADY_ACKNOWLEDGED = Reason(400, 40060, "Interaction has already been acknowledged.")
MISSING_ACCESS = Reason(403, 50001, "Missing Access")
DM_CHANNEL_REFUSED = Reason(403, 50003, "Cannot execute action on a DM channel")
OTHERS_MESSAGE = Reason(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = Reason(400, 50006, "Cannot send an empty message")
MISSING_PERMISSIONS = Reason(403, 50013, "Missing Permissions")
CHANNEL_TYPE_REFUSED = Reason(400, 50024, "Cannot execute action on this channel type")
INVALID_WEBHOOK_TOKEN = Reason(401, 50027, "Invalid Webhook Token")
INVALID_FORM = Reason(400, 50035, "Invalid Form Body")
THREAD_ARCHIVED = Reason(400, 50083, "Thread is archived")
INVALID_JSON = Reason(400, 50109, "The request body contains invalid JSON.")
THREAD_EXISTS = Reason(400, 160004, "A thread has already been created for this message")
THREAD_LOCKED = Reason(403, 160005, "Thread is locked")
GUILD_OUT = Reason(503, 0, "Service Unavailable")


class Refusal(Exception):
    """The request is refused; nothing was stored."""

    def __init__(self, reason: Reason, errors: Json | None = None) -> None:
        super().__init__(reason.message)
        self.reason = reason
        self.errors = errors

    @property
    def body(self) -> Json:
        """The JSON that Discord answers with."""
        body: Json = {"message": self.reason.message, "code": self.reason.code}
        return body if self.errors is None else body | {"errors": self.errors}


def invalid_field(path: str, code: str, message: str) -> Refusal:
    """A 400 that names the field (`embeds.0.title`) and what is wrong with it."""
    errors: Json = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(path.split(".")):
        errors = {name: errors}
    return Refusal(INVALID_FORM, errors)
