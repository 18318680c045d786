"""Writes log lines and figures of a running node, for its operator.

**Logs**: the standard library's `logging`, one line an event, never a query's contents, never a secret.

    log = logging.getLogger(__name__)
    event(log, logging.INFO, "checkpoint signed", size=1200)

    2026-03-01T12:00:00.123Z INFO node.runtime.runtime: checkpoint signed size=1200                          (text)
    {"time": "2026-03-01T12:00:00.123Z", "level": "info", "logger": "accredit.node.runtime.runtime",
     "event": "checkpoint signed", "size": 1200}                                                     (json, one line)

Values come from other machines: line breaks and control characters are escaped in both forms, so that nobody can forge
lines. Bytes are shown as hex. Of libraries that log addresses with their queries, only warnings and errors are logged.

**Figures**: `Metrics`, Prometheus text format 0.0.4, by prometheus-client, in a separate registry. Labels have few
values, all of them ours: routes, words, roles. An issuer, a query or an address is never a label.

It does not ship, rotate or keep logs (the service manager does).
"""

import json
import logging
import re
import sys
import traceback
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final, Literal, NamedTuple, TextIO

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

SAMPLES_AT_ONCE: Final = 64
"""Lines of figures written between two looks at what else waits: some 0.3 ms. A guess."""

Value = str | int | float | bool | bytes | None


class Answered(NamedTuple):
    """How a question about an issuer was answered; nothing else of the question is kept (`node.outcomes.weeks`).

    Attributes:
        verdict: a word of `Verdict`. cause: the code of the reason why a question stayed undecided; else empty.
        category: of the issuer; `several`, `not_stated`, or `not_registered`.
    """

    verdict: str
    cause: str
    category: str


METRICS_CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_FIELDS: Final = "accredit_fields"
_PLAIN: Final = re.compile(r"[\w.:/@+-]+", re.ASCII)
# They log whole addresses at "info": a verifier's question is in its query part.
_TALKATIVE: Final = ("httpx", "httpcore")
# Seconds. From a cached answer to a peer's timeout; 5 ms, 50 ms and 1 s are targets in the design.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def configure_logging(format: Literal["text", "json"], level: str, stream: TextIO | None = None) -> None:
    """Send all log lines of the process to `stream`, standard error by default; replaces what was set before.

    Args:
        format, level: as `log_format` and `log_level` in `config`.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    top = logging.getLogger()
    for old in list(top.handlers):
        top.removeHandler(old)
    top.addHandler(handler)
    top.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def event(log: logging.Logger, level: int, what: str, *, error: BaseException | None = None, **fields: Value) -> None:
    """Log one event.

    Args:
        log: the module's logger.
        level: of `logging`.
        what: a few words, always the same for the same kind of event.
        error: shown with its traceback.
        fields: facts about it; sizes, ids, words. No query contents, no secrets.
    """
    if log.isEnabledFor(level):
        log.log(level, "%s", what, exc_info=error, extra={_FIELDS: fields}, stacklevel=2)


class TextLines(logging.Formatter):
    """One line for people."""

    def format(self, record: logging.LogRecord) -> str:
        parts = [f"{_time(record)} {record.levelname} {record.name}: {_one_line(record.getMessage())}"]
        parts += [f"{name}={_text(value)}" for name, value in _fields(record).items()]
        return " ".join(parts)


class JsonLines(logging.Formatter):
    """One JSON object for programs."""

    def format(self, record: logging.LogRecord) -> str:
        members: dict[str, Value] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        # What an event calls its facts never hides what the line is about.
        facts = {name if name not in members else f"{name}_": value for name, value in _fields(record).items()}
        return json.dumps(
            members | {name: value.hex() if isinstance(value, bytes) else value for name, value in facts.items()},
            default=str,
        )


class AnswerTimes:
    """Durations of requests with the same method, route and status.

    Attributes:
        counts: for each bound in `SECONDS`, requests above the bound before but not above this; last, those above all.
        seconds: sum of all durations.
    """

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0


class _Answers(Collector):
    """Series of answered requests, made only on request: prometheus-client counts no faster than we decide."""

    def __init__(self, times: Mapping[tuple[str, str, int], AnswerTimes]) -> None:
        self._times = times

    def collect(self) -> Iterator[Metric]:
        """See prometheus-client."""
        requests = CounterMetricFamily(
            "accredit_http_requests", "Requests answered", labels=("method", "route", "status")
        )
        took = HistogramMetricFamily("accredit_http_request_seconds", "Time to answer a request", labels=("route",))
        by_route: dict[str, tuple[list[int], float]] = {}
        for (method, route, status), times in self._times.items():
            requests.add_metric((method, route, str(status)), sum(times.counts))
            counts, seconds = by_route.get(route, ([0] * len(times.counts), 0.0))
            by_route[route] = [a + b for a, b in zip(counts, times.counts, strict=True)], seconds + times.seconds
        for route, (counts, seconds) in by_route.items():
            bounds = [*map(floatToGoString, SECONDS), "+Inf"]
            took.add_metric((route,), list(zip(bounds, accumulate(counts), strict=True)), seconds)
        yield requests
        yield took


class _Part(CollectorRegistry):
    """What `generate_latest` takes, with one part of one family."""

    def __init__(self, part: Metric) -> None:
        super().__init__()
        self._part = part

    def collect(self) -> Iterator[Metric]:
        """See prometheus-client."""
        yield self._part


class Metrics:
    """A node's figures. Each attribute is a prometheus-client metric: `.inc()`, `.set()`, `.observe()`, `.labels()`.

    Attributes:
        times: durations of answered requests, by method, route and status, for a worker that passes them on.
    """

    def __init__(self) -> None:
        # Series with the time of creation double the answer's size and say nothing.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the one function without annotations
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        self._tally: Tally[Answered] = Tally()
        self._web()
        self._log()
        self._network()

    def render(self) -> bytes:
        """Return all figures as Prometheus text; its type is `METRICS_CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def render_in_parts(self) -> Iterator[bytes]:
        """Yield the same text in parts of at most `SAMPLES_AT_ONCE` lines each.

        All at once take some 6 ms, because there is a series for each route, during which a node would answer nobody.
        """
        for family in self.registry.collect():
            for start in range(0, max(1, len(family.samples)), SAMPLES_AT_ONCE):
                part = Metric(family.name, family.documentation, family.type, family.unit)
                part.samples = family.samples[start : start + SAMPLES_AT_ONCE]
                text = generate_latest(_Part(part))
                # Each part begins with the two lines that describe its family, which stand once.
                yield text if start == 0 else text.split(b"\n", 2)[2]

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        times = self._times_of(method, route, status)
        times.counts[bisect_left(SECONDS, seconds)] += 1
        times.seconds += seconds

    def answered_alike(self, method: str, route: str, status: int, counts: Sequence[int], seconds: float) -> None:
        """Count answered requests, by bound as in `AnswerTimes`; they took `seconds` together."""
        times = self._times_of(method, route, status)
        times.counts = [a + b for a, b in zip(times.counts, counts, strict=True)]
        times.seconds += seconds

    def _times_of(self, method: str, route: str, status: int) -> AnswerTimes:
        key = method, route, status
        found = self.times.get(key)
        if found is None:
            found = self.times[key] = AnswerTimes()
        return found

    def decided(self, verdict: str, count: int = 1) -> None:
        """Count questions with this decision."""
        found = self._verdicts.get(verdict)
        if found is None:
            found = self._verdicts[verdict] = self.decisions.labels(str(verdict))
        found.inc(count)

    def tally(self, answered: Answered, count: int = 1) -> None:
        """Count questions about issuers with this answer; no series shows them."""
        self._tally[answered] += count

    def take_answers(self) -> dict[Answered, int]:
        """Return the tally since the last call."""
        taken = dict(self._tally)
        self._tally.clear()
        return taken

    def _web(self) -> None:
        self.times: dict[tuple[str, str, int], AnswerTimes] = {}
        self.registry.register(_Answers(self.times))
        self._verdicts: dict[str, Counter] = {}
        self.decisions = self._counter("decisions", "Queries decided", "verdict")
        self.submissions = self._counter("submissions", "Statements submitted, by outcome", "outcome")

    def _log(self) -> None:
        self.log_entries = self._gauge("log_entries", "Statements in this node's log")
        self.checkpoint_entries = self._gauge("checkpoint_entries", "Statements under its newest signed checkpoint")
        self.append_seconds = self._histogram("append_seconds", "Time to append a batch durably")
        self.storage_errors = self._counter("storage_errors", "Writes that failed, by code", "code")
        self.note_age_seconds = self._gauge("state_note_age_seconds", "Age of the newest note with a quorum")
        self.notes_undelivered = self._gauge("state_notes_undelivered", "Cosigned notes that another node did not take")
        self.signers_missing = self._gauge("state_signers_missing", "Signers that are not on the newest note")

    def _network(self) -> None:
        self.peers = self._gauge("peers", "Nodes of the network, as this node hears them", "state")
        self.frames = self._counter("gossip_frames", "Frames", "direction", "type")
        self.frames_refused = self._counter("gossip_frames_refused", "Frames refused, by reason", "reason")
        self.frame_bytes = self._counter("gossip_bytes", "Bytes of frames", "direction")
        self.waiting = self._gauge("statements_waiting", "Statements whose key is not known yet")
        self.conflicts = self._gauge("conflicts", "Node keys proved to have signed contradictory statements")
        self.ready = self._gauge("ready", "Whether its answers can be relied on: 1, or 0 if not (/readyz says why)")
        self.faults = self._counter("faults", "Exchanges given up at an error that nobody foresaw; see the log", "what")
        self.alarms = self._gauge("alarms", "Alarms that an operator should look at; see /v1/status")

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"accredit_{name}", documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"accredit_{name}", documentation, labels, registry=self.registry)

    def _histogram(self, name: str, documentation: str, *labels: str) -> Histogram:
        return Histogram(f"accredit_{name}", documentation, labels, registry=self.registry, buckets=SECONDS)


def _fields(record: logging.LogRecord) -> dict[str, Value]:
    fields: dict[str, Value] = dict(getattr(record, _FIELDS, {}))
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        fields["error"] = f"{type(error).__name__}: {error}"
        fields["trace"] = "".join(traceback.format_exception(error)).strip()
    return fields


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    """Return a text without characters that end a line or move a cursor."""
    return text if text.isprintable() else json.dumps(text)


def _text(value: Value) -> str:
    shown = value.hex() if isinstance(value, bytes) else str(value)
    # JSON's escapes, ASCII only: neither line breaks nor look-alikes nor right-to-left marks get through.
    return shown if _PLAIN.fullmatch(shown) else json.dumps(shown)
