"""Sends spans to a collector if OpenTelemetry's variables name one and the extra `trace` is installed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

from actors.adapters.log import SpanIds
from actors.adapters.tracing import Traces
from actors.app.measurement import provider_of
from actors.app.settings import Settings
from actors.ports import Noted, Trace

if TYPE_CHECKING:  # loaded only if spans are wanted: the extra may be missing
    from actors.adapters.spans import Spans

PREFIX: Final = "OTEL_"
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HEADERS: Final = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")

MISSING: Final = "is set, but no spans are sent: the extra `trace` is missing. In the clone: pip install -e '.[trace]'"
WRONG_ADDRESS: Final = "is not a valid URL, so no spans are sent: write it like http://localhost:4318."
WRONG_PROTOCOL: Final = "no spans are sent: use http/protobuf (a collector's port 4318) instead of"


@dataclass(frozen=True, slots=True)
class Tracing:
    """The spans of this process, if any; `note` is the message about them for the log."""

    spans: Spans | None = None
    note: Noted | None = None

    @property
    def ids_of(self) -> SpanIds | None:
        """Returns the trace ids of a response for the log; None without spans."""
        return None if self.spans is None else self.spans.ids_of

    def beside(self, trace: Trace) -> Trace:
        """Return a trace that feeds `trace` and the spans; publish `note`."""
        if self.note is not None:
            trace.publish(self.note)
        return trace if self.spans is None else Traces(trace, self.spans)


@contextmanager
def tracing(settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[Tracing]:
    """Yield the tracing that the variables ask for; at the end, send the remaining spans."""
    made = _made(settings, environment)
    try:
        yield made
    finally:
        if made.spans is not None:
            made.spans.close()


def take_variables(dotenv: Mapping[str, str | None], environment: MutableMapping[str, str] = os.environ) -> None:
    """Copy the `OTEL_` lines of a `.env` into the environment, where the library reads them; existing values stay."""
    for name, value in dotenv.items():
        if name.startswith(PREFIX) and value:
            environment.setdefault(name, value)


def read_variables() -> None:
    """Call `take_variables` with the settings' `.env`."""
    take_variables(dotenv_values(".env"))


def header_secrets(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the header values that are sent to the collector: most are keys."""
    pairs = [pair for name in HEADERS for pair in environment.get(name, "").split(",")]
    values = [unquote(pair.partition("=")[2]).strip() for pair in pairs]
    return tuple(secret for value in values for secret in {value, value.rpartition(" ")[2]} if secret)


def _made(settings: Settings, environment: Mapping[str, str]) -> Tracing:
    variable = next((name for name in ENDPOINTS if environment.get(name)), None)
    if variable is None or _is_turned_off(environment):
        return Tracing()
    if not _is_address(environment[variable]):
        return Tracing(note=Noted("warning", f"{variable} {WRONG_ADDRESS}"))
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        return Tracing(note=Noted("warning", f"{variable} is set, but {WRONG_PROTOCOL} {protocol}."))
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from actors.adapters.spans import Spans
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("opentelemetry"):
            raise
        return Tracing(note=Noted("warning", f"{variable} {MISSING}"))
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)  # it would log each of its own retries
    has_model = settings.groq_api_key is not None or bool(settings.groq_base_url)
    provider = provider_of(settings) if has_model else "understudy"
    spans = Spans(BatchSpanProcessor(OTLPSpanExporter()), provider=provider)
    return Tracing(spans, Noted("info", f"Spans go to {environment[variable]}"))


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_turned_off(environment: Mapping[str, str]) -> bool:
    exporter, disabled = environment.get("OTEL_TRACES_EXPORTER", ""), environment.get("OTEL_SDK_DISABLED", "")
    return exporter.strip() == "none" or disabled.strip().lower() == "true"
