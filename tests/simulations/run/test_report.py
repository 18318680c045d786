"""Reports: well-formed, complete, and nothing in them that a name could inject."""

import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from accredit.simulations.checkers import Bounds
from accredit.simulations.run.report import compared_rows, write_run, write_sweep
from accredit.simulations.run.run import RunOutcome, find, run
from accredit.simulations.run.svg_plots import Line, Mark, line_chart
from accredit.simulations.scenarios import Scenario
from accredit.simulations.sweep import jobs_of, sweep
from accredit.simulations.virtual.metrics import percentile
from accredit.simulations.virtual.world import World

SVG = "{http://www.w3.org/2000/svg}"


class Checked(HTMLParser):
    """Notes tags left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        assert not any(name in ("src", "href") for name, _ in attrs), "the page needs nothing but itself"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def is_well_formed(page: str) -> bool:
    checked = Checked()
    checked.feed(page)
    return not checked.open


@pytest.fixture(scope="module")
def outcome() -> RunOutcome:
    return run(find("baseline"), {"nodes": 5, "seconds": 8})


def test_a_run_leaves_figures_a_plot_and_a_page(outcome: RunOutcome, tmp_path: Path) -> None:
    names = [path.name for path in write_run(outcome, tmp_path / "out")]
    assert names == ["report.json", "index.html", "coverage.svg"]
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    assert data["format"] == "accredit-simulation-report/1"
    assert data["runs"][0]["digest"] == outcome.digest
    assert data["runs"][0]["figures"]["urgent"]["missing"] == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert is_well_formed(page)
    assert outcome.replay in page
    assert "Everything held." in page
    chart = ElementTree.fromstring((tmp_path / "out" / "coverage.svg").read_text())
    assert len(chart.findall(f"{SVG}polyline")) == 2


def test_a_curve_rises_to_everybody(outcome: RunOutcome) -> None:
    points = outcome.curves["urgent"]
    shares = [share for _, share in points]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [time for time, _ in points] == sorted({time for time, _ in points})


def test_the_plain_way_rides_along_and_changes_nothing(outcome: RunOutcome) -> None:
    compared = run(find("baseline"), {"nodes": 5, "seconds": 8}, compare=True)
    assert compared.digest == outcome.digest
    assert outcome.comparison is None
    assert compared.comparison is not None
    assert compared.comparison.missing == (0, 0)
    assert compared.curves["urgent"] == outcome.curves["urgent"]
    assert compared.curves["urgent, plain push"][-1][1] == 1.0


def test_the_plain_way_never_heals_and_the_report_says_so(tmp_path: Path) -> None:
    cut = run(find("partition"), {"nodes": 8, "seconds": 20, "normal": 2, "urgent": 4}, compare=True)
    assert cut.comparison is not None
    assert cut.comparison.missing[0] == 0
    assert cut.comparison.missing[1] > 10
    assert cut.comparison.healed[0] is not None
    assert cut.comparison.healed[1] is None
    write_run(cut, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert is_well_formed(page)
    assert "Beside plain push" in page
    assert "never" in page
    (first, second) = [each for each in page.split("<polyline") if 'stroke-dasharray="3 5"' in each][:2]
    assert first.split("stroke=")[1][:9] != second.split("stroke=")[1][:9]


def test_the_plain_way_finds_no_contradiction_that_it_did_not_bring_to_all() -> None:
    story = {"nodes": 8, "seconds": 8.0}
    compared = run(find("equivocating_authority"), story, compare=True).comparison
    assert compared is not None
    assert compared.exposed[0] is not None
    assert compared.exposed[1] is not None
    assert len(compared_rows(compared)) == 5
    cut = run(find("alike_statements"), {"nodes": 8}, compare=True).comparison
    assert cut is not None
    assert cut.exposed[1] is None
    assert cut.as_dict()["missing"] == cut.missing


def test_what_verifiers_saw_has_a_plot_of_its_own(tmp_path: Path) -> None:
    seen = run(find("verifiers"), {"nodes": 5, "seconds": 15})
    assert "staleness.svg" in [path.name for path in write_run(seen, tmp_path)]
    assert seen.curves["staleness"][-1][1] == 1.0
    assert is_well_formed((tmp_path / "index.html").read_text())


def test_a_failure_stands_in_the_report_escaped_with_the_last_events(tmp_path: Path) -> None:
    def plan(world: World) -> None:
        def fail() -> None:
            raise ValueError("<script>alert(1)</script>")

        world.at(1, fail)

    usual = find("baseline").settings
    outcome = run(Scenario(name="bad", summary="<b>", plan=plan, settings=usual, bounds=Bounds()), {"nodes": 3})
    write_run(outcome, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert is_well_formed(page)
    assert "&lt;script&gt;" in page
    assert "The last events" in page
    assert outcome.tail[-1].split()[-1] in page


def test_a_sweep_runs_every_seed_with_every_setting_and_reports_them_in_order(tmp_path: Path) -> None:
    jobs = jobs_of(["lossy"], [1, 2], {"links.loss": [0.0, 0.1]}, {"nodes": 4, "seconds": 5})
    assert [(job["links.loss"], job["seed"]) for _, job in jobs] == [(0.0, 1), (0.0, 2), (0.1, 1), (0.1, 2)]
    ended: list[int] = []
    outcomes = list(sweep(jobs, processes=2, done=ended.append))
    assert [(each.changes["links.loss"], each.seed) for each in outcomes] == [(0.0, 1), (0.0, 2), (0.1, 1), (0.1, 2)]
    assert ended == [1, 1, 1, 1]
    assert len({each.digest for each in outcomes}) == 4
    assert outcomes[0].digest == run(find("lossy"), jobs[0][1]).digest
    write_sweep(outcomes, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert is_well_formed(page)
    assert page.count("<tr>") == 5
    assert len(json.loads((tmp_path / "report.json").read_text())["runs"]) == 4


def test_a_chart_has_round_axes_from_zero() -> None:
    chart = ElementTree.fromstring(
        line_chart([Line("a & b", [(0, 0), (97, 0.5)])], title="<t>", x="ms", y="share", marks=[Mark("bound", 50)])
    )
    texts = [element.text for element in chart.iter(f"{SVG}text")]
    assert {"0", "25", "50", "75", "100"} <= set(texts)
    assert "a & b" in texts
    assert "<t>" in texts


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    chart = ElementTree.fromstring(line_chart([], title="empty", x="ms", y="share"))
    assert chart.findall(f"{SVG}polyline") == []


def test_percentiles_are_values_that_occurred() -> None:
    values = list(range(1, 101))
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7], 0.5) == 7
    assert percentile([], 0.5) is None
