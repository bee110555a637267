"""Writes times as cards ask for them: in UTC, in SillyTavern's forms, independent of the machine's language."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OFFSET: Final = re.compile(r"[+-]?[0-9]{1,2}")
_OFFSET_HOURS_MAX: Final = 14
_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def moment(kind: str, at: float | None, *, hours: str = "0") -> str:
    """`at`, seconds since 1970, as the macro `kind` writes it, `hours` from UTC; empty where the time is unknown."""
    if at is None or not _OFFSET.fullmatch(hours) or abs(int(hours)) > _OFFSET_HOURS_MAX:
        return ""
    when = datetime.fromtimestamp(at, UTC) + timedelta(hours=int(hours))
    match kind:
        case "date":
            return f"{_MONTHS[when.month - 1]} {when.day}, {when.year}"
        case "weekday":
            return _WEEKDAYS[when.weekday()]
        case "isotime":
            return f"{when:%H:%M}"
        case "isodate":
            return f"{when:%Y-%m-%d}"
        case _:
            return f"{(when.hour - 1) % 12 + 1}:{when:%M} {'AM' if when.hour < 12 else 'PM'}"


def duration(seconds: float) -> str:
    """A time that has passed, in the largest unit that fits: `3 hours`."""
    for unit_s, unit in _UNITS:
        count = int(seconds // unit_s)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "just now"
