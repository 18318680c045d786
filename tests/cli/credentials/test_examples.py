"""The credentials under examples/ are those that our own code makes, and each is what the guide says."""

from accredit.cli.credentials.keys import IssuerKeys
from tests.cli.credentials.conftest import Checker, outcome
from tests.strategies.example_credentials import FOLDER, LAKESIDE, made


def test_the_examples_are_as_they_are_made() -> None:
    for name, content in made().items():
        assert (FOLDER / name).read_bytes() == content, "run: python -m tests.strategies.example_credentials"
    assert {path.name for path in FOLDER.iterdir()} == set(made())


def test_one_is_good_in_two_forms_and_one_is_revoked(checked: Checker) -> None:
    given = {
        "keys": {LAKESIDE.id: IssuerKeys(pinned=[LAKESIDE.pinned], asked=True)},
        "lists": {"list": (FOLDER / "status-list.json").read_bytes()},
    }
    for name in ("bachelor.json", "bachelor.svg"):
        [found] = checked((FOLDER / name).read_bytes(), **given)
        assert found.verdict == "accepted", found.cause
    [found] = checked((FOLDER / "revoked.json").read_bytes(), **given)
    assert outcome(found, "status") == ("failed", "revoked")
