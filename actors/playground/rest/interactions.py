"""Routes for the bot's answers to a press or a command: the callback, the original and its edits, follow-ups.

The routes under `webhooks/` have the application's id and the interaction's token in place of a webhook's.
"""

from dataclasses import replace

from ..interactions import EPHEMERAL, FITTING, LOADING, Callback, Interaction
from ..limits import checked_choices
from ..local_discord import Author, Draft, LocalDiscord
from ..payloads import message_json
from ..records import Channel, Message
from ..refusals import INVALID_WEBHOOK_TOKEN, Refusal, invalid_field
from .call import Answer, Call, Route
from .drafts import read_draft, read_edit


def call_back(discord: LocalDiscord, call: Call) -> Answer:
    """The first answer: a message (4), "thinking…" (5), nothing visible (6), an edited message (7), choices (8)."""
    interaction = discord.desk.to_call_back(call.id("interaction"), call.params["token"])
    kind = _kind(call, interaction)
    content = Call(call.params, call.query, call.fields.get("data") or {}, call.uploads)
    if kind is Callback.CHOICES:
        discord.acknowledge(interaction, kind, None, checked_choices(content.fields.get("choices")))
        return _called_back(call, {"interaction": _told(interaction), "resource": {"type": int(kind)}})
    original = _carried_out(discord, interaction, kind, content)
    discord.acknowledge(interaction, kind, original.id)
    return _called_back(call, _callback_json(discord, interaction, kind, original))


def get_original(discord: LocalDiscord, call: Call) -> Answer:
    return Answer(200, message_json(discord, _original(discord, _answered(discord, call))))


def edit_original(discord: LocalDiscord, call: Call) -> Answer:
    """Edits the callback's message; this ends a deferral."""
    return Answer(200, message_json(discord, _edited(discord, _answered(discord, call), call)))


def delete_original(discord: LocalDiscord, call: Call) -> Answer:
    original = _original(discord, _answered(discord, call))
    if discord.desk.is_whisper(original.id):
        discord.change_whisper(replace(discord.desk.whisper(original.id), is_gone=True))
    else:
        discord.delete(original)
    return Answer(204)


def follow_up(discord: LocalDiscord, call: Call) -> Answer:
    """Posts one more message; the first one after a deferral replaces the deferral, as on Discord."""
    interaction = _answered(discord, call)
    if interaction.answered_with is Callback.DEFERRED_MESSAGE and _original(discord, interaction).flags & LOADING:
        return Answer(200, message_json(discord, _edited(discord, interaction, call)))
    return Answer(200, message_json(discord, _said(discord, interaction, call)))


def is_for_interaction(discord: LocalDiscord, call: Call) -> bool:
    """Whether a webhook path has the application's id instead of a webhook's."""
    return call.params.get("webhook") == str(discord.bot.id)


def _kind(call: Call, interaction: Interaction) -> Callback:
    kind = call.fields.get("type")
    fitting = FITTING[interaction.kind]
    if kind not in fitting:
        numbers = ", ".join(str(int(each)) for each in fitting)
        raise invalid_field("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{numbers}}}.")
    return Callback(kind)


def _called_back(call: Call, told: dict[str, object]) -> Answer:
    return Answer(200, told) if call.query.get("with_response") in ("1", "true") else Answer(204)


def _carried_out(discord: LocalDiscord, interaction: Interaction, kind: Callback, content: Call) -> Message:
    if kind is Callback.MESSAGE:
        return _said(discord, interaction, content)
    if kind is Callback.DEFERRED_MESSAGE or interaction.message is None:
        return _posted(discord, interaction, Draft(flags=LOADING | _ephemeral(content)))
    if kind is Callback.DEFERRED_UPDATE:
        return interaction.message
    pressed = discord.shelf.get(interaction.channel_id, interaction.message.id)
    return discord.edit(*read_edit(discord, pressed, content))


def _said(discord: LocalDiscord, interaction: Interaction, content: Call) -> Message:
    draft = read_draft(discord, _channel(discord, interaction), content)
    return _posted(discord, interaction, replace(draft, flags=draft.flags | _ephemeral(content)))


def _posted(discord: LocalDiscord, interaction: Interaction, draft: Draft) -> Message:
    channel = _channel(discord, interaction)
    if draft.flags & EPHEMERAL:
        return discord.whisper(interaction, channel, draft)
    return discord.post(channel, Author(discord.bot.id, discord.bot.name), draft)


def _edited(discord: LocalDiscord, interaction: Interaction, call: Call) -> Message:
    original = _original(discord, interaction)
    edited, attached = read_edit(discord, replace(original, flags=original.flags & ~LOADING), call)
    edited = replace(edited, flags=edited.flags | original.flags & EPHEMERAL)
    if not discord.desk.is_whisper(original.id):
        return discord.edit(edited, attached)
    discord.change_whisper(replace(discord.desk.whisper(original.id), message=edited), attached)
    return edited


def _original(discord: LocalDiscord, interaction: Interaction) -> Message:
    if discord.desk.is_whisper(interaction.original_id):
        return discord.desk.whisper(interaction.original_id).message
    return discord.shelf.get(interaction.channel_id, interaction.original_id or 0)


def _answered(discord: LocalDiscord, call: Call) -> Interaction:
    if not is_for_interaction(discord, call):
        raise Refusal(INVALID_WEBHOOK_TOKEN)
    return discord.desk.answered(call.params["token"])


def _channel(discord: LocalDiscord, interaction: Interaction) -> Channel:
    return discord.channel(interaction.channel_id)


def _ephemeral(content: Call) -> int:
    flags = content.fields.get("flags") or 0
    return flags & EPHEMERAL if isinstance(flags, int) else 0


def _callback_json(
    discord: LocalDiscord, interaction: Interaction, kind: Callback, original: Message
) -> dict[str, object]:
    told = _told(interaction) | {
        "response_message_id": str(original.id),
        "response_message_loading": bool(original.flags & LOADING),
        "response_message_ephemeral": bool(original.flags & EPHEMERAL),
    }
    return {"interaction": told, "resource": {"type": int(kind), "message": message_json(discord, original)}}


def _told(interaction: Interaction) -> dict[str, object]:
    return {"id": str(interaction.id), "type": int(interaction.kind)}


ORIGINAL = "/webhooks/{webhook}/{token}/messages/@original"
ROUTES = (
    Route("POST", "/interactions/{interaction}/{token}/callback", call_back, needs_bot=False),
    Route("GET", ORIGINAL, get_original, needs_bot=False),
    Route("PATCH", ORIGINAL, edit_original, needs_bot=False),
    Route("DELETE", ORIGINAL, delete_original, needs_bot=False),
)
