"""Logs and figures: one line an event whatever a stranger sends, no questions in them, no label without bound."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from accredit.node.telemetry import METRICS_CONTENT_TYPE, SAMPLES_AT_ONCE, Metrics, configure_logging, event

LOG = logging.getLogger("node.test")


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    top = logging.getLogger()
    before, level = list(top.handlers), top.level
    yield
    top.handlers[:] = before
    top.setLevel(level)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(format: Literal["text", "json"], level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(format, level, stream)
    return stream


def test_a_text_line_is_for_people() -> None:
    stream = lines("text")
    event(LOG, logging.INFO, "checkpoint signed", size=1200, root=b"\xab", peer="node 2", first=True, last=None)
    text = stream.getvalue()
    assert text.endswith('Z INFO node.test: checkpoint signed size=1200 root=ab peer="node 2" first=True last=None\n')
    assert text[10] == "T"


def test_a_json_line_is_for_programs_and_facts_do_not_hide_what_it_is_about() -> None:
    stream = lines("json")
    event(LOG, logging.WARNING, "frame refused", reason="time", level_=1, event_="x", root=b"\xab")
    event(LOG, logging.INFO, "b", time="mine", logger="mine")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["level"], first["logger"], first["event"]) == ("warning", "node.test", "frame refused")
    assert (first["reason"], first["root"]) == ("time", "ab")
    assert (second["logger"], second["logger_"], second["time_"]) == ("node.test", "mine", "mine")


@pytest.mark.parametrize("format", ["text", "json"])
@given(text=st.text(), raw=st.binary(max_size=8))
def test_nobody_can_write_a_log_line_of_his_own(format: Literal["text", "json"], text: str, raw: bytes) -> None:
    stream = lines(format)
    event(LOG, logging.INFO, "peer said", text=text, raw=raw)
    LOG.info("%s", text)
    written = stream.getvalue()
    assert written.count("\n") == 2
    assert len(written.splitlines()) == 2
    assert all(line.isprintable() for line in written.splitlines())


@pytest.mark.parametrize("format", ["text", "json"])
def test_an_error_is_one_line_with_its_trace(format: Literal["text", "json"]) -> None:
    stream = lines(format)
    try:
        raise ValueError("first line\nsecond line")
    except ValueError as error:
        event(LOG, logging.ERROR, "peer failed", error=error)
    text = stream.getvalue()
    assert len(text.splitlines()) == 1
    assert "ValueError" in text
    assert "test_telemetry.py" in text


def test_what_is_below_the_level_is_not_even_put_together() -> None:
    stream = lines("text", "warning")
    event(LOG, logging.INFO, "quiet")
    LOG.info("quiet too")
    assert stream.getvalue() == ""


def test_libraries_that_log_addresses_do_not_tell_whom_a_verifier_asked_about() -> None:
    stream = lines("json", "debug")
    for name in ("httpx", "httpcore.http11"):
        logging.getLogger(name).info("GET /v1/issuer?id=did:web:university.example 200")
    assert stream.getvalue() == ""
    logging.getLogger("httpx").warning("broken pool")
    assert "broken pool" in stream.getvalue()


def test_setting_it_up_twice_does_not_write_every_line_twice() -> None:
    lines("text")
    stream = lines("text")
    event(LOG, logging.INFO, "once")
    assert stream.getvalue().count("once") == 1


def test_figures_are_in_the_text_prometheus_reads_and_of_this_node_only() -> None:
    here, elsewhere = Metrics(), Metrics()
    here.answered("GET", "/v1/issuer", 200, 0.004)
    here.log_entries.set(12)
    found = {family.name: family for family in text_string_to_metric_families(here.render().decode())}
    assert found["accredit_log_entries"].samples[0].value == 12
    assert found["accredit_http_requests"].samples[0].labels["route"] == "/v1/issuer"
    assert "process_resident_memory_bytes" in found
    assert not [name for name in found if name.endswith("_created")]
    other = elsewhere.render().decode()
    assert "accredit_log_entries 0.0" in other
    assert "/v1/issuer" not in other
    assert METRICS_CONTENT_TYPE.startswith("text/plain; version=0.0.4")


def test_every_figure_says_what_it_is_and_times_are_in_seconds() -> None:
    for family in Metrics().registry.collect():
        assert family.documentation
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_figures_are_written_in_small_parts_that_make_up_the_same_text() -> None:
    """With a series for each route they were one turn of 6 ms, at each scrape, in which the node answered nobody."""
    figures = Metrics()
    for number in range(100):
        figures.answered("GET", f"/v1/route/{number}", 200, number / 100)
    figures.alarms.set(3)

    def own(text: bytes) -> list[bytes]:  # those of the process change from one look to the next
        return [line for line in text.splitlines() if b"process_" not in line]

    parts = [*figures.render_in_parts()]
    assert own(b"".join(parts)) == own(figures.render())
    assert max(part.count(b"\n") for part in parts) <= SAMPLES_AT_ONCE + 2
    assert len(parts) > 20
