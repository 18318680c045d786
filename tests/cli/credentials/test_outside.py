"""Programs of others agree: what they accept is accepted here, and what we sign they accept."""

import json

from tests.cli.credentials.conftest import Checker
from tests.strategies.credentials import Issuer, open_badge
from tests.strategies.node_js import node as run_node
from tests.strategies.node_js import packages

SCHOOL = Issuer.of("school")


def test_an_independent_verifier_and_ours_agree_about_a_badge_and_about_changed_ones(checked: Checker) -> None:
    good = SCHOOL.signed(open_badge(SCHOOL), "eddsa-jcs-2022")
    files = [good, {**good, "name": "Doctor"}, {**good, "validFrom": "2020-01-01T00:00:00Z"}]
    lines = "".join(json.dumps(each) + "\n" for each in files)
    printed = run_node(str(packages("data_integrity") / "verify.mjs"), stdin=lines)
    said = [json.loads(line)["verified"] for line in printed.splitlines()]
    assert said == [checked(each)[0].verdict == "accepted" for each in files] == [True, False, False]
