"""Wrong inputs as a newcomer makes them, guide by guide: what each says, how it ends, and that its hint works.

Each row is typed against a real little network. Where an error says what to write instead, `then` types just that: it
must go well (or end as `ends` says), so that no hint leads astray.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.town import COUNCIL, Town

ISSUER = "did:web:wrong-inputs.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One wrong input.

    Attributes:
        guide: the page whose command it is.
        typed: the command, in words separated by spaces; `{…}` stands for what the place of the test has.
        says: what the message and its hint hold.
        code: how it ends.
        key: whose key is used.
        then: the command as the hint says; empty where the hint is no command.
        ends: how that ends.
    """

    guide: str
    typed: str
    says: Sequence[str]
    code: int = 3
    key: str | None = None
    then: str = ""
    ends: int = 0


GOVERNANCE = [
    Slip(guide="governance-body", typed="keys new {dir}/a.key --authority council.example",
         says=["--authority", "perhaps it is a name", "accredit authority list"], then="authority list"),
    Slip(guide="governance-body", typed="keys new {dir}/a.key --authority did:wbe:council.example",
         says=["there is no DID method wbe", "Did you mean did:web:council.example?"]),
    Slip(guide="governance-body", typed="keys new {town}/council-1.key --authority did:web:council.example",
         says=["already exists", "another name"]),
    Slip(guide="governance-body", typed="keys export {dir}/none.key -o {dir}/x.toml",
         says=["none.key does not exist", "Check the path"]),
    Slip(guide="governance-body", typed="charter check {dir}/none.toml", says=["There is no file", "Check the path"]),
    Slip(guide="governance-body", typed="charter check {town}/council-1.toml",
         says=["unknown member 'authority'", "Did you mean authorities?"]),
    Slip(guide="governance-body", typed="charter draft --id https://t.example/ --name T -o {dir}/c.toml", code=2,
         says=["Missing option '--authority'", "charter draft --help"], then="charter draft --help"),
    Slip(guide="governance-body", typed="charter draft --id https://t.example/ --name T --authority {council} C public "
         "two --keys {town}/council-1.toml -o {dir}/c.toml", code=2,
         says=["THRESHOLD, the last of its four parts, is a whole number such as 2, not 'two'"]),
    Slip(guide="governance-body", typed="charter draft --id https://t.example/ --name T --authority {council} C public "
         "2 --keys {town}/council-1.key -o {dir}/c.toml",
         says=["council-1.key is a key file with a secret key", "accredit keys export {town}/council-1.key -o"],
         then="keys export {town}/council-1.key -o {dir}/council-1.toml"),
    Slip(guide="governance-body", typed="charter sign {grant} -o {grant}", key="charity", code=6,
         says=["grant.toml already exists: the first founder has signed", "accredit charter sign {grant} --key"]),
    Slip(guide="governance-body", typed="suspend {issuer}", code=2,
         says=["Did you mean accredit accreditation suspend?"], then="accreditation suspend --help"),
    Slip(guide="governance-body", typed="list", code=2, says=["There is no command 'list'. For help"]),
    Slip(guide="governance-body", typed="issuer propose --id Harbour --name Harbour", key="charity",
         says=["'Harbour' is not a DID or URL", "accredit issuer list --name Harbour"],
         then="issuer list --name Harbour"),
    Slip(guide="governance-body", typed="issuer propose --id did:wbe:uni.example --name Uni", key="charity",
         says=["no DID method wbe", "Did you mean did:web:uni.example?"],
         then="issuer propose --id did:web:uni.example --name Uni --dry-run"),
    Slip(guide="governance-body", typed="issuer propose --id did:web:uni.example --name Uni --category bootkamp",
         key="charity", says=["Error: --category: ", "Did you mean bootcamp?"],
         then="issuer propose --id did:web:uni.example --name Uni --category bootcamp --dry-run"),
    Slip(guide="governance-body", typed="issuer propose --id did:web:uni.example --name Uni --jurisdiction US-INDIANA",
         key="charity", says=["not a country, or a part of one", "Did you mean US-IN?"],
         then="issuer propose --id did:web:uni.example --name Uni --jurisdiction US-IN --dry-run"),
    Slip(guide="governance-body", typed="issuer update did:web:uni.example --name Uni", key="charity",
         says=["no file did:web:uni.example", "That is an id", "--help"]),
    Slip(guide="governance-body", typed="issuer propose --id did:web:uni.example", key="charity", code=2,
         says=["at least --id and --name"], then="issuer propose --id did:web:uni.example --name Uni --dry-run"),
    Slip(guide="governance-body", typed="accreditation propose {misspelt} --issuer {issuer}", key="charity",
         says=["scope.achievement_types[0]", "Did you mean BachelorDegree?"],
         then="accreditation propose {grant} --issuer {issuer} --dry-run"),
    Slip(guide="governance-body", typed="accreditation propose {uk} --issuer {issuer}", key="charity",
         says=["'UK' is not a country", "Did you mean GB?"]),
    Slip(guide="governance-body", typed="accreditation propose {silent} --issuer {issuer}", key="charity",
         says=["says nothing about levels", '"*" for all']),
    Slip(guide="governance-body", typed="accreditation propose {field} --issuer {issuer}", key="charity",
         says=["cip has no code 77", "01 to 61"]),
    Slip(guide="governance-body", typed="accreditation propose {level} --issuer {issuer}", key="charity",
         says=["no scheme of levels", "Did you mean EQF?"]),
    Slip(guide="governance-body", typed="accreditation propose {date} --issuer {issuer}", key="charity",
         says=["is not a date", "2015-05-20"]),
    Slip(guide="governance-body", typed="accreditation suspend 12345678 --code fraud", key="council-1",
         says=["No id of an accreditation known to this node begins with 12345678", "whole id"]),
    Slip(guide="governance-body", typed="accreditation suspend {accreditation} --code fruad", key="charity",
         says=["--code", "Did you mean fraud?"],
         then="accreditation suspend {accreditation} --code fraud --dry-run"),
    Slip(guide="governance-body", typed="accreditation suspend {accreditation} --code fraud --from 2026-13-01",
         key="charity", says=["--from", "'2026-13-01' is not a date", "2015-05-20"]),
    Slip(guide="governance-body", typed="accreditation reinstate {accreditation} --void-from 2020-01-01", key="charity",
         says=["--void-from belongs to revoke"]),
    Slip(guide="governance-body", typed="accreditation event {accreditation} supersede", key="charity",
         says=["supersede needs --successor", "Add --successor, the id of the issuer"],
         then="accreditation event {accreditation} supersede --successor {issuer} --dry-run"),
    Slip(guide="governance-body", typed="retract {accreditation}", key="charity",
         says=["cannot be taken back", "accredit annul {accreditation} --code CODE"],
         then="annul {accreditation} --code administrative_error --dry-run"),
    Slip(guide="governance-body", typed="framework import {doubled} --id https://example.org/d --title D --version 1 "
         "--dry-run", key="charity", code=1, says=["items imported 1 of 2", "listed twice"]),
    Slip(guide="governance-body", typed="mapping import {odd_link} --id https://example.org/m --title M "
         "--source https://example.org/a --target https://example.org/b --dry-run", key="charity", code=1,
         says=["links imported 1 of 2", "its relation is not known"]),
    Slip(guide="governance-body", typed="annul {accreditation} --code wrong", key="charity",
         says=["--code", "administrative_error"],
         then="annul {accreditation} --code administrative_error --dry-run"),
    Slip(guide="governance-body", typed="approve deadbeef", key="council-1",
         says=["No id of a proposal known to this node begins with deadbeef"]),
    Slip(guide="governance-body", typed="approve --from {dir}/none.json", key="council-1", says=["There is no file"]),
    Slip(guide="governance-body", typed="approve --from {grant}", key="council-1",
         says=["does not name any statements", "report of an import"]),
    Slip(guide="governance-body", typed="approve", key="council-1", code=2, says=["ids from accredit inbox"],
         then="inbox"),
    Slip(guide="governance-body", typed="inbox --kind accreditaton.",
         says=["no kind of statement", "Did you mean accreditation.?"], then="inbox --kind accreditation."),
    Slip(guide="governance-body", typed="inbox --authority did:web:nobody.example",
         says=["did:web:nobody.example is not an authority of this ecosystem", "accredit authority list"],
         then="authority list"),
    Slip(guide="governance-body", typed="keys retire {dir}/none.toml", key="council-1",
         says=["There is no file", "none.toml", "Check the path"]),
    Slip(guide="governance-body", typed="inbox --by did:web:cuoncil.example",
         says=["--by", "Did you mean did:web:council.example?"], then="inbox --by did:web:council.example"),
    Slip(guide="governance-body", typed="export accreditations --by Council", says=["perhaps it is a name"],
         then="authority list"),
    Slip(guide="governance-body", typed="export accreditations --by did:web:nobody.example",
         says=["is not an authority of this ecosystem", "accredit authority list"], then="authority list"),
    Slip(guide="governance-body", typed="export accreditations --status revokd", says=["Did you mean revoked?"],
         then="export accreditations --status revoked"),
    Slip(guide="governance-body", typed="inbox --issuer Harbour", says=["perhaps it is a name"]),
    Slip(guide="governance-body", typed="show zzzzzzzz", says=["not the id of a statement", "8 to 64"]),
    Slip(guide="governance-body", typed="show {grant}", says=["That is a file", "accredit approve", "--from"]),
    Slip(guide="governance-body", typed="issuer import {grant} --grant {skills}", key="charity",
         says=["skills.csv: not TOML", "--grant takes terms", "accredit accreditation template"],
         then="accreditation template"),
    Slip(guide="governance-body", typed="framework import {grant}", key="charity",
         says=["not a framework in a known format", "CASE packages"]),
    Slip(guide="governance-body", typed="framework import {skills}", key="charity",
         says=["does not say the framework's id and title and version", "--id https://example.org/skills"],
         then="framework import {skills} --id https://example.org/skills --title Skills --version 2026 --dry-run"),
    Slip(guide="governance-body", typed="framework show https://frameworks.example/none",
         says=["is not in this registry", "accredit framework list"], then="framework list"),
    Slip(guide="governance-body", typed="authority delegate {delegation} --keys {town}/council-1.toml", key="council-1",
         says=["no kind of statement has the name issuers.*", "Did you mean issuer.*?"]),
    Slip(guide="governance-body", typed="authority delegate {delegation}", key="council-1",
         says=["lists no key of the delegate", "--keys FILE"]),
    Slip(guide="governance-body", typed="keys rotate {town}/council-1.toml --old {town}/council-1.toml",
         key="council-1", says=["council-1.toml holds the key that it would replace", "accredit keys new"]),
    Slip(guide="governance-body", typed="authority withdraw did:web:nobody.example", key="council-1",
         says=["No delegation in force makes did:web:nobody.example an authority", "accredit authority list"],
         then="authority list"),
    Slip(guide="governance-body", typed="authority show Council", says=["perhaps it is a name", "authority list"],
         then="authority list"),
    Slip(guide="governance-body", typed="issuer import {empty} --dry-run", key="charity", code=1,
         says=["nothing to import"]),
    Slip(guide="governance-body", typed="submit {grant}", says=[]),
]  # fmt: skip

OPERATOR = [
    Slip(guide="operator", typed="node init {dir}/n --name node.9+ --operator {council} --url http://127.0.0.1:9 "
         "--port 9", says=["Error: --name: ", "without spaces or plus signs"]),
    Slip(guide="operator", typed="node join {url}", code=2,
         says=["Missing option '--ecosystem'", "node.toml of each member", "somebody you trust"]),
    Slip(guide="operator", typed="node init {dir}/n --name n.example --operator {council} --url 127.0.0.1:9 --port 9",
         says=["lacks https:// or http://", "Write http://127.0.0.1:9"]),
    Slip(guide="operator", typed="node init {dir}/n --name n.example --operator {council} --url http://127.0.0.1:9?x=1 "
         "--port 9", says=["has a query or a fragment", "Write http://127.0.0.1:9"],
         then="node init {dir}/n2 --name n.example --operator {council} --url http://127.0.0.1:9 --port 9"),
    Slip(guide="operator", typed="node init {dir}/n --name n.example --operator {council} --url http://127.0.0.1:9 "
         "--port 99999", code=2, says=["not in the range"]),
    Slip(guide="operator", typed="node genesis {dir}/none {dir}/none.json", says=["none"]),
    Slip(guide="operator", typed="node run {dir}/none", says=["There is no node in", "accredit node init"]),
    Slip(guide="operator", typed="node restore {town}/node1 {town}", code=2,
         says=["is a folder", "Give a file, such as {town}/backup.sqlite"]),
    Slip(guide="operator", typed="node restore {town}/node1 {dir}/none", says=["There is no file", "backup file"]),
    Slip(guide="operator", typed="node restore {town}/node1 {grant}", says=["is no backup", "accredit node backup"]),
    Slip(guide="operator", typed="node audit {town}/node1 --node http://127.0.0.1:1", code=1,
         says=["not compared", "no program listens there", "--node URL"]),
    Slip(guide="operator", typed="node genesis {dir} {grant}", says=["no signed charter", "accredit charter sign"]),
    Slip(guide="operator", typed="charter publish {grant}", says=["no signed charter", "accredit charter sign"]),
    Slip(guide="operator", typed="node status --node http://127.0.0.1:1", code=5,
         says=["no program listens there", "--node URL"]),
    Slip(guide="operator", typed="node status --node {url}/v1", says=["base URL: {url}"],
         then="node status --node {url}"),
    Slip(guide="operator", typed="node status --node ftp://x", says=["not the URL of a node"]),
    *(
        Slip(guide="operator", typed=f"node {command} {file}", key="charity",
             says=["is not the public entry of a node", "Give node-entry.toml"])
        for command in ("admit", "replace") for file in ("{town}/node1/node.toml", "{town}/agency.toml")
    ),
    Slip(guide="operator", typed="node admit {town}/node1", key="charity", code=2,
         says=["is a folder. Give the file in it: {town}/node1/node-entry.toml"]),
    Slip(guide="operator", typed="node replace {town}/node1", key="charity",
         says=["Give the file in it: {town}/node1/node-entry.toml"]),
    Slip(guide="operator", typed="node backup {town}/node1 {dir}", code=2,
         says=["is a folder. Give the file to make, such as {dir}/backup.sqlite"],
         then="node backup {town}/node1 {dir}/backup.sqlite"),
    Slip(guide="operator", typed="node join http://127.0.0.1:1 --ecosystem {hash} --folder {dir}/n --name "
         "n.example --operator {council} --url http://127.0.0.1:9 --port 9", code=5,
         says=["no program listens there. Check that the node runs there, or ask another node."]),
    Slip(guide="operator", typed="node sttaus", code=2, says=["Did you mean status?"], then="node status"),
]  # fmt: skip

VERIFIER = [
    Slip(guide="verifier", typed="issuer list --category bootcmp", says=["Did you mean bootcamp?"],
         then="issuer list --category bootcamp"),
    Slip(guide="verifier", typed="issuer list --status suspend", says=["Did you mean suspended?"],
         then="issuer list --status suspended"),
    Slip(guide="verifier", typed="issuer list --jurisdiction UK", says=["Did you mean GB?"],
         then="issuer list --jurisdiction GB"),
    Slip(guide="verifier", typed="issuer list --limit 0", code=2, says=["not in the range"]),
    Slip(guide="verifier", typed="issuer show Harbour", says=["perhaps it is a name", "issuer list --name Harbour"],
         then="issuer list --name Harbour"),
    Slip(guide="verifier", typed="issuer show did:web:wrong-input.example",
         says=["Did you mean did:web:wrong-inputs.example?"], then="issuer show did:web:wrong-inputs.example"),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --node nohost",
         says=["neither a folder on this machine nor the URL of a node", "Write https://nohost"]),
    Slip(guide="verifier", typed="query Harbour --for BachelorDegree", says=["perhaps it is a name"],
         then="issuer list --name Harbour"),
    Slip(guide="verifier", typed="query did:web:wrong-input.example --for BachelorDegree", code=1,
         says=["Did you mean did:web:wrong-inputs.example?"], then="query {issuer} --for BachelorDegree"),
    Slip(guide="verifier", typed="query {issuer} --for BachelorsDegree", says=["Did you mean BachelorDegree?"],
         then="query {issuer} --for BachelorDegree"),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --on 1990",
         says=["--on", "'1990' is not a date", "Add the month and the day, as in 1990-06-30."],
         then="query {issuer} --for BachelorDegree --on 1990-06-30", ends=1),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --on 1990-02", says=["as in 1990-02-15."]),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --on 31/12/2020",
         says=["--on", "is not a date", "2015-05-20"]),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --jurisdiction UK", says=["Did you mean GB?"],
         then="query {issuer} --for BachelorDegree --jurisdiction GB", ends=1),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --level EQF6", says=["Write it like EQF:6"],
         then="query {issuer} --for BachelorDegree --level EQF:6"),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --level EFQ:6", says=["Did you mean EQF?"]),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --field cip:77", says=["cip has no code 77"]),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --action isue", says=["Did you mean issue?"],
         then="query {issuer} --for BachelorDegree --action issue"),
    Slip(guide="verifier", typed="query {issuer} --authority did:web:cuoncil.example",
         says=["does not answer for did:web:cuoncil.example", "accredit authority list"], then="authority list"),
    Slip(guide="verifier", typed="query {issuer} --competency joins", says=["--competency", "perhaps it is a name"]),
    Slip(guide="verifier", typed="competency show welding", says=["URI", "perhaps it is a name", "in its framework"]),
    Slip(guide="verifier", typed="competency issuers welding", says=["URI", "perhaps it is a name"]),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --policy {dir}/none.txt",
         says=["There is no trust policy", "accredit trust export"]),
    Slip(guide="verifier", typed="query {issuer} --for BachelorDegree --policy {grant}",
         says=["This is no trust policy"]),
    Slip(guide="verifier", typed="evidence check {grant} --policy {policy}", says=["is not an evidence file"]),
    Slip(guide="verifier", typed="evidence check {dir}/none --policy {policy}", says=["There is no file"]),
    Slip(guide="verifier", typed="snapshot query {grant} {issuer} --for BachelorDegree --policy {policy}",
         says=["grant.toml", "This is not a snapshot", "accredit snapshot sync"]),
    Slip(guide="verifier", typed="snapshot query {grant} {issuer} --for BachelorDegree --policy {policy} --max-age 7",
         says=["'7' is not a duration", "90d"]),
    Slip(guide="verifier", typed="log verify {url}/log", says=["is a route, not the base URL", "{url}"],
         then="log verify {url}"),
    Slip(guide="verifier", typed="log prove zz -o {dir}/p", says=["8 to 64 hexadecimal digits"]),
    Slip(guide="verifier", typed="log verify {dir}/none.tlog --log-key x", says=["There is no file"]),
    Slip(guide="verifier", typed="log verify {grant}", says=["{grant} is no proof", "accredit log prove"]),
    Slip(guide="verifier", typed="log verify {url} --log-key abc", says=["--log-key: ", "accredit log show"],
         then="log show"),
    Slip(guide="verifier", typed="querry {issuer}", code=2, says=["Did you mean query?"],
         then="query {issuer} --for BachelorDegree"),
]  # fmt: skip

SIMULATIONS = [
    Slip(guide="simulations", typed="simulate sweep lossy --seeds 5-1", code=2, says=["write the lower one first"]),
    Slip(guide="simulations", typed="simulate run partitoin", says=["Did you mean partition?"]),
    Slip(guide="simulations", typed="simulate run partition --nodes 0", says=["it may be 2 to 20000"]),
]  # fmt: skip

SLIPS = [*GOVERNANCE, *OPERATOR, *VERIFIER, *SIMULATIONS]


@pytest.fixture(scope="module")
def places(town: Town, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What `{…}` stands for: an issuer with an accreditation, and files with one mistake each."""
    folder = tmp_path_factory.mktemp("slips")
    good = town.run("accreditation", "template").stdout

    def file(name: str, right: str = "", wrong: str = "") -> Path:
        assert right in good
        path = folder / name
        path.write_text(good.replace(right, wrong) if right else good)
        return path

    grant = file("grant.toml")
    town.run("issuer", "propose", "--id", ISSUER, "--name", "Wrong Inputs", key="charity", nodes=town.urls[:1])
    words = ("accreditation", "propose", grant, "--issuer", ISSUER)
    said = town.json(*words, key="charity", nodes=town.urls[:1])["statements"][0]
    town.settle(said["id"])
    town.noted()
    (folder / "skills.csv").write_text("RSD Name,Skill Statement\nWrite SQL,Writes queries.\n")
    (folder / "empty.csv").write_text("id,name\n")
    item = "https://example.org/d/1,Welding"
    (folder / "doubled.csv").write_text(f"id,label,statement\n{item},Joins metal\n{item},Joins metals\n")
    link = "https://example.org/a/1,{},https://example.org/b/1"
    odd = "\n".join(["source,relation,target", link.format("exact_match"), link.format("exactly"), ""])
    (folder / "odd_link.csv").write_text(odd)
    (folder / "delegation.toml").write_text(
        f'delegate = "{COUNCIL}"\nname = "Agency"\nconstituency = "public"\nthreshold = 1\nactions = ["issuers.*"]\n'
        "valid_from = 2026-01-01\n[limits]\n"
    )
    levels = next(line for line in good.splitlines() if line.startswith("levels"))
    fields = next(line for line in good.splitlines() if line.startswith("fields_of_study"))
    return {
        "dir": folder,
        "town": town.folder,
        "url": town.urls[0],
        "council": COUNCIL,
        "issuer": ISSUER,
        "hash": "ab" * 32,
        "accreditation": said["id"][:12],
        "policy": town.policy(folder / "policy.txt"),
        "grant": grant,
        "misspelt": file("misspelt.toml", "BachelorDegree", "BachelorsDegree"),
        "uk": file("uk.toml", '"US-IN"', '"UK"'),
        "silent": file("silent.toml", levels, ""),
        "field": file("field.toml", fields, 'fields_of_study = [{ scheme = "cip", code = "77" }]'),
        "level": file("level.toml", levels, 'levels = [{ scheme = "EFQ", min = 5, max = 6 }]'),
        "date": file("date.toml", "2026-01-01", '"01.02.2026"'),
        "delegation": folder / "delegation.toml",
        "skills": folder / "skills.csv",
        "empty": folder / "empty.csv",
        "doubled": folder / "doubled.csv",
        "odd_link": folder / "odd_link.csv",
    }


def typed(line: str, places: dict[str, object]) -> list[str]:
    return [word.format(**places) for word in line.split()]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: re.sub(r"[{}]", "", slip.typed)[:70])
def test_a_wrong_input_says_what_is_wrong_and_its_hint_works(town: Town, places: dict[str, object], slip: Slip) -> None:
    one = town.urls[:1]
    result = town.run(*typed(slip.typed, places), key=slip.key, code=slip.code, nodes=one)
    told = " ".join((result.stdout + result.stderr).split())
    for words in slip.says:
        assert words.format(**places) in told
    assert "Traceback" not in told
    assert "a bug in accredit" not in told
    if slip.then:
        town.run(*typed(slip.then, places), key=slip.key, code=slip.ends, nodes=one)


def test_every_guide_is_walked_and_nothing_that_was_wrong_was_signed(town: Town, places: dict[str, object]) -> None:
    assert len(SLIPS) >= 40
    assert {slip.guide for slip in SLIPS} == {"governance-body", "operator", "verifier", "simulations"}
    assert places["issuer"] == ISSUER
    for id_ in ("did:wbe:uni.example", "did:web:uni.example"):
        town.run("issuer", "show", id_, nodes=town.urls[:1], code=3)
