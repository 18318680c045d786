"""Settings: a mistake is named with its place, and nothing is silently ignored."""

import tomllib
from pathlib import Path

import pytest

from accredit.node.app import gossip_of
from accredit.node.settings import BootstrapPeer, NodeConfig, load, settings, write_commented
from accredit.registry.errors import InputError

HEX = "ab" * 32


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(text)
    return path


def test_the_smallest_file_is_a_name_and_everything_else_is_safe(tmp_path: Path) -> None:
    config = load(written(tmp_path, 'name = "node1.example.org"'), {})
    assert (config.host, config.port, config.tick_ms, config.peers) == ("127.0.0.1", 8080, 1000, ())
    assert config.database == tmp_path / "data" / "node.sqlite"
    assert config.heads == tmp_path / "data-heads"
    assert config.keys == tmp_path / "data" / "node-keys.json"
    with pytest.raises(InputError) as refused:
        _ = config.ecosystem_id
    assert refused.value.code == "no_ecosystem"


def test_relative_paths_count_from_the_file_wherever_the_node_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'name = "n"\ndata_dir = "../d/"\nheads_dir = "/var/heads"\nkeys_file = "k.json"\n'
    folder = tmp_path / "etc"
    folder.mkdir()
    path = written(folder, text + f'ecosystem = "{HEX}"\n')
    monkeypatch.chdir(tmp_path)
    config = load(Path("etc/node.toml"), {"ACCREDIT_TLS_CERT": "c.pem", "ACCREDIT_TLS_KEY": "k.pem"})
    assert config.database.resolve() == tmp_path / "d" / "node.sqlite"
    assert config.heads == Path("/var/heads")
    assert config.keys == folder / "k.json"
    assert config.tls_cert == str(folder / "c.pem")
    assert config.ecosystem_id == bytes.fromhex(HEX)
    assert load(path, {}).heads == Path("/var/heads")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, 'name = "n"\nport = 1\nlog_format = "text"')
    config = load(
        path,
        {
            "ACCREDIT_PORT": "9090",
            "ACCREDIT_NAME": "007",
            "ACCREDIT_LOG_FORMAT": "json",
            "ACCREDIT_PEERS": f'[{{url = "https://node2.example.org", key = "{HEX}"}}]',
            "ACCREDIT_CLOCK_OFFSET_MS": "-500",
            "ACCREDIT_NODE": "the command line's own",
            "ACCREDIT_PASSPHRASE_FILE": "of a person's key",
            "PATH": "/bin",
        },
    )
    assert (config.port, config.name, config.log_format, config.clock_offset_ms) == (9090, "007", "json", -500)
    assert config.keys_passphrase_file == ""
    assert config.peers == (BootstrapPeer(url="https://node2.example.org", key=HEX),)


def test_the_processes_own_environment_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCREDIT_TICK_MS", "50")
    assert load(written(tmp_path, 'name = "n"')).tick_ms == 50


@pytest.mark.parametrize(
    ("text", "environment", "names"),
    [
        ("", {}, ["node.toml", "'name' is missing", "origin of its log"]),
        ('name = "a b"', {}, ["node.toml: name", "No spaces"]),
        ('name = "n"\nprot = 1', {}, ["node.toml", "'prot'", "'port'"]),
        ('name = "n"\nxyzzy = 1', {}, ["'xyzzy'", "node init"]),
        ('name = "n"\nport = "80"', {}, ["node.toml: port", "a whole number from 0 to 65535"]),
        ('name = "n"\nport = 70000', {}, ["node.toml: port", "65535"]),
        ('name = "n"\ntick_ms = 1.5', {}, ["node.toml: tick_ms", "a whole number"]),
        ('name = "n"\nlog_format = "xml"', {}, ["node.toml: log_format", '"text", "json"']),
        ('name = "n"\necosystem = "abc"', {}, ["node.toml: ecosystem", "64 hex digits"]),
        ('name = "n"\ndata_dir = 5', {}, ["node.toml: data_dir", "expected text"]),
        ('name = "n"\npublic_url = "node1"', {}, ["public_url", "a URL"]),
        (f'name = "n"\npeers = [{{url = "x", key = "{HEX}"}}]', {}, ["node.toml: peers", "[0].url"]),
        ('name = "n"\npeers = [{url = "http://x"}]', {}, ["node.toml: peers", "[0]", "key"]),
        ('name = "n"\noutbound_only = 1', {}, ["node.toml: outbound_only", "true or false"]),
        (
            'name = "n"',
            {"ACCREDIT_OUTBOUND_ONLY": "yes"},
            ["ACCREDIT_OUTBOUND_ONLY", "true or false", "Example: false"],
        ),
        ('name = "n"\npinned = ["a", "b", "c"]', {}, ["node.toml: pinned", 'a list such as ["node2.example.org"]']),
        ('name = "n"\npinned = [""]', {}, ["node.toml: pinned"]),
        ('name = "n"\ntls_cert = "c"', {}, ["node.toml", "tls_cert and tls_key"]),
        ('name = "n"\nproxy_header = "forwarded"', {}, ["no effect", "trusted_proxies"]),
        ('name = "n"\npinned = ["m", "n"]', {}, ["no effect", "pinned"]),
        ("name = n", {}, ["node.toml", "not TOML", "line 1"]),
        ('name = "n"', {"ACCREDIT_PORT": "eighty"}, ["ACCREDIT_PORT", "'eighty'", "Example: 8080"]),
        ('name = "n"', {"ACCREDIT_PORT": "-1"}, ["ACCREDIT_PORT", "from 0 to 65535"]),
        ('name = "n"', {"ACCREDIT_TICK_SM": "5"}, ["ACCREDIT_TICK_SM", "'tick_ms'"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_was_expected(
    tmp_path: Path, text: str, environment: dict[str, str], names: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        load(written(tmp_path, text), environment)
    assert refused.value.code == "bad_config"
    assert not [name for name in names if name not in str(refused.value)], str(refused.value)


def test_who_a_node_talks_to_and_how_reaches_its_gossip(tmp_path: Path) -> None:
    path = written(tmp_path, 'name = "n"\npinned = ["a.example", "b.example"]\nrequest_timeout_ms = 700')
    config = load(path, {"ACCREDIT_OUTBOUND_ONLY": "true"})
    gossip = gossip_of(config)
    assert (gossip.pinned, gossip.outbound_only, gossip.answer) == (("a.example", "b.example"), True, 700)
    assert (gossip.heartbeat, gossip.root_interval) == (config.heartbeat_ms, config.reconcile_ms)
    assert not gossip_of(load(path, {})).outbound_only
    made = write_commented(tmp_path / "new.toml", name="n", outbound_only=True, pinned=("a.example",))
    assert gossip_of(load(tmp_path / "new.toml", {})) == gossip_of(made)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as missing:
        load(tmp_path / "node.toml", {})
    assert missing.value.code == "no_such_file"
    (tmp_path / "node.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError) as refused:
        load(tmp_path / "node.toml", {})
    assert refused.value.code == "bad_config"


def test_a_written_file_explains_every_setting_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "node.toml"
    values = {
        "name": 'node "1"\x7f\\é',
        "port": 9000,
        "ecosystem": HEX,
        "peers": (BootstrapPeer(url="https://node2.example.org", key=HEX),),
    }
    with pytest.raises(InputError, match="name"):
        write_commented(path, **values)
    values["name"] = 'node"1"\x7f\\é'
    made = write_commented(path, **values)
    again = load(path, {})
    assert (again.name, again.port, again.ecosystem, again.peers) == (made.name, 9000, HEX, values["peers"])
    text = path.read_text()
    for setting in settings():
        assert setting.variable in text
        assert f"\n{setting.name} = " in text or f"\n# {setting.name} = {setting.default}\n" in text
        assert setting.description
        assert setting.description.split(".")[0] in " ".join(text.replace("\n# ", " ").split())
    with pytest.raises(InputError) as refused:
        write_commented(path, name="other")
    assert refused.value.code == "file_exists"
    assert path.read_text() == text


def test_every_default_that_is_shown_is_the_default_that_is_used(tmp_path: Path) -> None:
    shown = "\n".join(f"{setting.name} = {setting.default}" for setting in settings() if setting.default)
    spelled_out = load(written(tmp_path, 'name = "n"\n' + shown), {})
    assert spelled_out == load(written(tmp_path, 'name = "n"'), {})
    assert NodeConfig(name="n").port == tomllib.loads(shown)["port"]


def test_a_number_without_its_unit_in_the_name_is_a_count_or_a_port() -> None:
    units = ("_ms", "_seconds", "_bytes", "_per_minute")
    counts = {
        "port",
        "query_workers",
        "ingest_workers",
        "max_connections",
        "max_connections_per_address",
        "outcomes_least",
    }
    numbers = {setting.name for setting in settings() if setting.type.startswith("a whole number")}
    assert {name for name in numbers if not name.endswith(units)} == counts


VKEY = "witness.example+2f6d70a4+BDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"


def test_outside_witnesses_are_a_key_and_an_address_each(tmp_path: Path) -> None:
    line = f"{VKEY} https://witness.example/w1"
    config = write_commented(tmp_path / "node.toml", name="n", witnesses=(line,))
    assert config.witnesses == (line,)
    assert load(tmp_path / "node.toml", {}) == load(tmp_path / "node.toml", {"ACCREDIT_WITNESSES": f'["{line}"]'})
    assert load(tmp_path / "node.toml", {}).witnesses == (line,)
    (shown,) = [setting for setting in settings() if setting.name == "witnesses"]
    assert "witness.example" in shown.type
    for bad, says in (
        (VKEY, "a list such as"),
        (f"{VKEY} witness.example", "a list such as"),
        (VKEY.replace("2f", "3f") + " https://witness.example", "does not match the key"),
    ):
        with pytest.raises(InputError) as refused:
            load(written(tmp_path, f'name = "n"\nwitnesses = ["{bad}"]'), {})
        assert refused.value.code == "bad_config"
        assert says in str(refused.value)
        assert "witnesses" in str(refused.value)


def test_a_password_in_the_address_of_a_webhook_is_refused_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text('name = "node1"\nwebhooks = [{url = "https://me:s3cret@hooks.example/"}]\n')
    with pytest.raises(InputError) as refused:
        load(path, {})
    assert refused.value.code == "bad_config"
    assert "s3cret" not in f"{refused.value.message} {refused.value.hint}"
