"""The log: the seed's lines to the letter, as text or JSON, without a secret in either.

    trace ─► LogTrace ─► records ─► TextFormatter or JsonFormatter ─► standard error
                            └─► ErrorLines ─► metrics, report

Failure modes: none of its own. What it is given is durable already; a line that cannot be written is the
logging library's to report.
"""

from actors.adapters.log.error_lines import ErrorLines
from actors.adapters.log.formats import JsonFormatter, SpanIds, TextFormatter, set_up
from actors.adapters.log.lines import LogTrace
from actors.adapters.log.scrubber import Scrubber

__all__ = ["ErrorLines", "JsonFormatter", "LogTrace", "Scrubber", "SpanIds", "TextFormatter", "set_up"]
