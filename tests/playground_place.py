"""The address that `play` prints, as a script uses it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class PlaygroundPlace:
    """`page` opens the page; `base` ends with a slash; `headers` let a script in."""

    page: str
    base: str
    headers: dict[str, str]

    @classmethod
    def of(cls, line: str) -> PlaygroundPlace:
        """Read the line `Playground: http://127.0.0.1:8400/?key=…`."""
        page = line.removeprefix("Playground: ").strip()
        parts = urlsplit(page)
        key = parse_qs(parts.query).get("key", [""])[0]  # an older version has none
        return cls(page, f"{parts.scheme}://{parts.netloc}/", {"Authorization": f"Bearer {key}"})
