"""Write the log: the seed's lines to the letter, as text or JSON, without secrets.

    trace ─► LogTrace ─► records ─► TextFormatter or JsonFormatter ─► standard error
                            └─► ErrorCounter ─► metrics, report

Failure modes: none of its own. Events are durable before they are logged; the logging library reports a line that it
cannot write.
"""

from actors.adapters.log.errors import ErrorCounter
from actors.adapters.log.formats import JsonFormatter, SpanIds, TextFormatter, set_up
from actors.adapters.log.lines import LogTrace
from actors.adapters.log.scrubber import Scrubber

__all__ = ["ErrorCounter", "JsonFormatter", "LogTrace", "Scrubber", "SpanIds", "TextFormatter", "set_up"]
