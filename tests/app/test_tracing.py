"""Spans switched on by the environment, and sent to a collector over a real socket."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typer.testing import CliRunner

from actors.adapters import spans
from actors.adapters.log import LogTrace
from actors.app.cli import app
from actors.app.settings import load
from actors.app.tracing import WRONG_ADDRESS, Tracing, header_secrets, take_variables, tracing
from actors.playground import PlaygroundServer, Voice
from actors.ports import Noted
from machines.facts import Generated, Started
from tests.adapters.test_spans import moves
from tests.app.processes import started
from tests.app.test_running import say_and_wait, settings_for, with_server
from tests.patience import PATIENCE_S

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
KEY = "c0llect0r-k3y"
LIBRARY_WAITS_S = 40.0
"""For a collector that does not answer, if nobody cuts it short."""


class Collector:
    """Takes what is sent to `/v1/traces`, as a real one does, and answers with `status` and the key that it saw."""

    def __init__(self, status: int) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.keys: set[str | None] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append(ExportTraceServiceRequest.FromString(sent))
                collector.keys.add(self.headers["X-Key"])
                self.send_response(status, f"Your key is {self.headers['X-Key']}")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Not to standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def spans(self) -> list[tuple[str, str]]:
        """(name, id of its trace) of each."""
        scopes = [scope for request in self.requests for each in request.resource_spans for scope in each.scope_spans]
        return [(span.name, span.trace_id.hex()) for scope in scopes for span in scope.spans]


@contextmanager
def collecting(status: int) -> Iterator[Collector]:
    collector = Collector(status)
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        thread.join()
        collector.server.server_close()


def asked_for(**environment: str) -> Tracing:
    with tracing(load(_env_file=None), environment) as made:
        return made


class TestRun:
    def test_a_line_that_was_played_is_one_trace_that_the_log_leads_to(self, tmp_path: Path) -> None:
        with collecting(400) as collector:
            variables = {ENDPOINT: collector.url, "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={KEY}"}
            (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))

            def work(server: PlaygroundServer) -> None:
                settings = settings_for(server, LOG_FORMAT="json")
                with started(tmp_path, "run", until="Ready: ", **settings) as (process, _):
                    say_and_wait(server, "!start Maren", Voice.BOT)
                    say_and_wait(server, "Good evening!", Voice.WEBHOOK)
                    process.send_signal(signal.SIGTERM)
                    assert process.wait(PATIENCE_S) == 0

            with_server(work)
        log = (tmp_path / "stderr").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in log.splitlines()]
        assert f"Spans go to {collector.url}" in {line["message"] for line in lines}
        (trace_id,) = {line["trace_id"] for line in lines if line["response"] is not None}
        assert {("Generating", trace_id), ("Sending", trace_id)} < set(collector.spans)
        assert collector.keys == {KEY}
        assert "Your key is [secret]" in log, "what a collector says to a refusal is logged"
        assert KEY not in log


class TestSwitch:
    def test_without_the_variable_nothing_is_loaded_or_said(self) -> None:
        assert asked_for() == Tracing()

    @pytest.mark.parametrize("off", [{"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}])
    def test_the_standard_ways_to_turn_it_off_do(self, off: dict[str, str]) -> None:
        assert asked_for(**{ENDPOINT: "http://127.0.0.1:4318"}, **off) == Tracing()

    def test_without_the_extra_the_log_names_the_variable_and_the_mend(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in [*sys.modules]:
            if name.startswith("opentelemetry") or name == "actors.adapters.spans":
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "opentelemetry", None)  # as Python marks what cannot be imported
        log = LogTrace()
        assert asked_for(**{ENDPOINT: "http://127.0.0.1:4318"}).beside(log) is log
        (line,) = caplog.messages
        assert line.startswith(f"{ENDPOINT} is set, but no spans are sent")
        assert "pip install -e '.[trace]'" in line

    @pytest.mark.parametrize("address", ["foo", "localhost:4318", "grpc://collector:4317", "http://", "http://[::1"])
    def test_an_address_that_is_none_is_named_and_not_shown(self, address: str) -> None:
        made = asked_for(**{ENDPOINT: address})
        assert made.spans is None
        assert made.note == Noted("warning", f"{ENDPOINT} {WRONG_ADDRESS}")

    def test_the_doctor_finds_what_the_log_would_say(self, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STATUS_URL", "")
        (bare / ".env").write_text(f"{ENDPOINT}=foo\n", encoding="utf-8")
        monkeypatch.setenv(ENDPOINT, "")  # so that what doctor takes from the file is put back
        monkeypatch.delenv(ENDPOINT)
        done = CliRunner().invoke(app, ["doctor"])
        assert f"✗ traces: {ENDPOINT} {WRONG_ADDRESS}\n" in done.stdout

    def test_a_protocol_that_is_not_spoken_is_named(self) -> None:
        made = asked_for(**{ENDPOINT: "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
        assert made.spans is None
        assert made.note is not None
        assert made.note.words.endswith("instead of grpc.")

    def test_a_collector_that_never_answers_does_not_keep_the_program_from_ending(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spans, "CLOSING_S", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            monkeypatch.setenv(ENDPOINT, url)
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", str(LIBRARY_WAITS_S))
            with tracing(load(_env_file=None), {ENDPOINT: url}) as made:
                assert made.spans is not None
                for event in moves(Started(1.0), Generated(2.0, ("Hi",))):
                    made.spans.publish(event)
                began = time.monotonic()
            assert time.monotonic() - began < LIBRARY_WAITS_S / 2


class TestVariables:
    def test_those_of_a_dotenv_are_taken_unless_the_environment_says_otherwise(self) -> None:
        environment = {"OTEL_SERVICE_NAME": "set"}
        take_variables({"OTEL_SERVICE_NAME": "in the file", ENDPOINT: "http://c", "DISCORD_TOKEN": "t"}, environment)
        assert environment == {"OTEL_SERVICE_NAME": "set", ENDPOINT: "http://c"}

    def test_the_values_of_headers_are_secrets_with_and_without_their_scheme(self) -> None:
        headers = "authorization=Basic%20QWxh,x-team=blue"
        assert set(header_secrets({"OTEL_EXPORTER_OTLP_HEADERS": headers})) == {"Basic QWxh", "QWxh", "blue"}
        assert header_secrets({}) == ()
