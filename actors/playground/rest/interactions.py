"""How the bot answers a press or a command: the callback, the original and its edits, follow-ups.

The routes under `webhooks/` are those of webhooks, with the application's id and the interaction's token.
"""

from dataclasses import replace

from ..interactions import EPHEMERAL, FITTING, LOADING, Callback, Interaction
from ..limits import checked_choices
from ..payloads import message_json
from ..records import Channel, Message
from ..refusals import INVALID_WEBHOOK_TOKEN, Refusal, invalid_field
from ..world import Author, Draft, World
from .call import Answer, Call, Route
from .drafts import read_draft, read_edit


def call_back(world: World, call: Call) -> Answer:
    """The first answer: a message (4), "thinking…" (5), nothing to see (6), the message changed (7), choices (8)."""
    interaction = world.desk.to_call_back(call.id("interaction"), call.params["token"])
    kind = _kind(call, interaction)
    content = Call(call.params, call.query, call.fields.get("data") or {}, call.uploads)
    if kind is Callback.CHOICES:
        world.acknowledge(interaction, kind, None, checked_choices(content.fields.get("choices")))
        return _called_back(call, {"interaction": _told(interaction), "resource": {"type": int(kind)}})
    original = _carried_out(world, interaction, kind, content)
    world.acknowledge(interaction, kind, original.id)
    return _called_back(call, _callback_json(world, interaction, kind, original))


def get_original(world: World, call: Call) -> Answer:
    return Answer(200, message_json(world, _original(world, _answered(world, call))))


def edit_original(world: World, call: Call) -> Answer:
    """Replaces what the callback said; a deferral ends with it."""
    return Answer(200, message_json(world, _edited(world, _answered(world, call), call)))


def delete_original(world: World, call: Call) -> Answer:
    original = _original(world, _answered(world, call))
    if world.desk.is_whisper(original.id):
        world.change_whisper(replace(world.desk.whisper(original.id), is_gone=True))
    else:
        world.delete(original)
    return Answer(204)


def follow_up(world: World, call: Call) -> Answer:
    """A further message; the first one after a deferral takes the deferral's place, as on Discord."""
    interaction = _answered(world, call)
    if interaction.answered_with is Callback.DEFERRED_MESSAGE and _original(world, interaction).flags & LOADING:
        return Answer(200, message_json(world, _edited(world, interaction, call)))
    return Answer(200, message_json(world, _said(world, interaction, call)))


def is_for_interaction(world: World, call: Call) -> bool:
    """Whether a path of webhooks names the application instead."""
    return call.params.get("webhook") == str(world.bot.id)


def _kind(call: Call, interaction: Interaction) -> Callback:
    kind = call.fields.get("type")
    fitting = FITTING[interaction.kind]
    if kind not in fitting:
        numbers = ", ".join(str(int(each)) for each in fitting)
        raise invalid_field("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{numbers}}}.")
    return Callback(kind)


def _called_back(call: Call, told: dict[str, object]) -> Answer:
    return Answer(200, told) if call.query.get("with_response") in ("1", "true") else Answer(204)


def _carried_out(world: World, interaction: Interaction, kind: Callback, content: Call) -> Message:
    if kind is Callback.MESSAGE:
        return _said(world, interaction, content)
    if kind is Callback.DEFERRED_MESSAGE or interaction.message is None:
        return _posted(world, interaction, Draft(flags=LOADING | _ephemeral(content)))
    if kind is Callback.DEFERRED_UPDATE:
        return interaction.message
    pressed = world.shelf.get(interaction.channel_id, interaction.message.id)
    return world.edit(*read_edit(world, pressed, content))


def _said(world: World, interaction: Interaction, content: Call) -> Message:
    draft = read_draft(world, _channel(world, interaction), content)
    return _posted(world, interaction, replace(draft, flags=draft.flags | _ephemeral(content)))


def _posted(world: World, interaction: Interaction, draft: Draft) -> Message:
    channel = _channel(world, interaction)
    if draft.flags & EPHEMERAL:
        return world.whisper(interaction, channel, draft)
    return world.post(channel, Author(world.bot.id, world.bot.name), draft)


def _edited(world: World, interaction: Interaction, call: Call) -> Message:
    original = _original(world, interaction)
    edited, attached = read_edit(world, replace(original, flags=original.flags & ~LOADING), call)
    edited = replace(edited, flags=edited.flags | original.flags & EPHEMERAL)
    if not world.desk.is_whisper(original.id):
        return world.edit(edited, attached)
    world.change_whisper(replace(world.desk.whisper(original.id), message=edited), attached)
    return edited


def _original(world: World, interaction: Interaction) -> Message:
    if world.desk.is_whisper(interaction.original_id):
        return world.desk.whisper(interaction.original_id).message
    return world.shelf.get(interaction.channel_id, interaction.original_id or 0)


def _answered(world: World, call: Call) -> Interaction:
    if not is_for_interaction(world, call):
        raise Refusal(INVALID_WEBHOOK_TOKEN)
    return world.desk.answered(call.params["token"])


def _channel(world: World, interaction: Interaction) -> Channel:
    return world.channel(interaction.channel_id)


def _ephemeral(content: Call) -> int:
    flags = content.fields.get("flags") or 0
    return flags & EPHEMERAL if isinstance(flags, int) else 0


def _callback_json(world: World, interaction: Interaction, kind: Callback, original: Message) -> dict[str, object]:
    told = _told(interaction) | {
        "response_message_id": str(original.id),
        "response_message_loading": bool(original.flags & LOADING),
        "response_message_ephemeral": bool(original.flags & EPHEMERAL),
    }
    return {"interaction": told, "resource": {"type": int(kind), "message": message_json(world, original)}}


def _told(interaction: Interaction) -> dict[str, object]:
    return {"id": str(interaction.id), "type": int(interaction.kind)}


ORIGINAL = "/webhooks/{webhook}/{token}/messages/@original"
ROUTES = (
    Route("POST", "/interactions/{interaction}/{token}/callback", call_back, needs_bot=False),
    Route("GET", ORIGINAL, get_original, needs_bot=False),
    Route("PATCH", ORIGINAL, edit_original, needs_bot=False),
    Route("DELETE", ORIGINAL, delete_original, needs_bot=False),
)
