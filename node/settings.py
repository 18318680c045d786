"""A node's settings: one TOML file, every setting also an environment variable `ACCREDIT_<SETTING>`.

    load(path)                   file, then environment over it, then checks
    write_commented(path, ...)   a file that describes every setting; unset ones stay comments
    settings()                   the same facts for the documentation

`NodeConfig` below is the only source: it has name, type, default, bounds and description of each setting once. A number
has its unit in its name. Values in the environment: text as it is, everything else as TOML writes it (`true`, `1000`,
`[{url = "https://...", key = "..."}]`). An unknown key is refused with the nearest known one as a hint; so is an
unknown variable similar to a setting's (other `ACCREDIT_` variables belong to the command line). Relative paths are
relative to the file's folder, wherever a service manager starts the node.

It does not read keys or the genesis, and settings do not change while the node runs.
"""

import difflib
import os
import re
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from accredit.node.clients.outgoing import Outgoing
from accredit.node.files.atomic_files import create_file, read_file
from accredit.node.toml_text import toml_value
from accredit.registry.errors import InputError
from accredit.registry.transparency.witness import Witness

ENVIRONMENT_PREFIX: Final = "ACCREDIT_"
# The command line's: a person's key is not the node's.
_OF_PEOPLE: Final = {"passphrase_file"}
_NEARLY: Final = 0.8  # difflib's ratio from which a name is taken for a mistyped one
_HEX64: Final = r"^([0-9a-f]{64})?$"
_URL: Final = r"^(https?://[^\s/]+(/[^\s]*)?)?$"


def no_ecosystem(named: str, folder: str) -> InputError:
    """The error of a configuration, as `named`, without an ecosystem; `folder` is the node's, as typed."""
    return InputError(
        "no_ecosystem",
        f"{named} does not name an ecosystem.",
        hint=f"Once the charter is signed: `accredit node genesis {folder} genesis.json`. For a running one, "
        "make the node with `accredit node join`.",
    )


class BootstrapPeer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node to begin with."""

    url: Annotated[str, Meta(pattern=r"^https?://\S+$", description="its public URL")]
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="its public peer key, 64 hex digits")]


class WebhookAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address that is told what changes."""

    url: Annotated[str, Meta(pattern=r"^https?://\S+$", description="where messages are posted")]
    subjects: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(max_length=1_000, description="whom changes must be about; empty for all"),
    ] = ()


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one node, as checked; see each field's description."""

    # ---------------------------------------------------------------------------------------------- identity
    name: Annotated[
        str,
        Meta(
            pattern=r"^[^\s+]{1,255}$",
            description="The node's permanent name: the origin of its log and the name of its keys, such as "
            "node1.example.org. No spaces or plus signs.",
        ),
    ]
    ecosystem: Annotated[
        str,
        Meta(
            pattern=_HEX64,
            description="Id of the ecosystem's genesis statement, 64 hex digits. Empty until the genesis is signed.",
        ),
    ] = ""
    genesis_file: Annotated[
        str,
        Meta(description="Path of the signed genesis statement, for a node named in it. Empty: fetch it from peers."),
    ] = ""

    # ------------------------------------------------------------------------------------------------- files
    data_dir: Annotated[str, Meta(min_length=1, description="Folder of the database, on a local disk.")] = "data"
    heads_dir: Annotated[
        str,
        Meta(
            description="Folder of the last signed sizes and roots. Keep it apart from data_dir and never "
            "restore it from a backup: it stops a restored, older database from signing a second history. "
            "Empty: data_dir with -heads added."
        ),
    ] = ""
    keys_file: Annotated[str, Meta(description="Path of the node's key file. Empty: node-keys.json in data_dir.")] = ""
    keys_passphrase_file: Annotated[
        str, Meta(description="Path of a file with the passphrase of the key file. Empty: the key file is not sealed.")
    ] = ""

    # --------------------------------------------------------------------------------------------------- web
    host: Annotated[
        str,
        Meta(
            min_length=1,
            description="Address to listen on. Any address but loopback needs TLS, here or "
            "in a proxy in front of the node.",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on; 0 picks a free port.")] = 8080
    public_url: Annotated[
        str,
        Meta(
            pattern=_URL,
            description="URL at which others reach this node, such as https://node1.example.org. Needed to "
            "join; empty for a node that only follows the log.",
        ),
    ] = ""
    tls_cert: Annotated[
        str, Meta(description="Path of the TLS certificate chain (PEM). Empty: a proxy handles TLS.")
    ] = ""
    tls_key: Annotated[str, Meta(description="Path of its private key (PEM). Set both or neither.")] = ""
    explorer: Annotated[
        bool, Meta(description="Whether the node serves the explorer: pages for people, at / and under /explore/.")
    ] = True
    outcomes_least: Annotated[
        int,
        Meta(
            ge=2,
            le=10_000,
            description="Smallest number of decisions that the weekly totals of /v1/outcomes show; smaller ones are "
            "withheld, with as many others as it takes to hide them. A change holds from the week that is not over.",
        ),
    ] = 10
    ingest_workers: Annotated[
        int,
        Meta(
            ge=0,
            le=256,
            description="Number of processes that check signatures while a log is read in at the start. 0: one "
            "per core that this process may use; 1: the node's own process checks them.",
        ),
    ] = 0
    query_workers: Annotated[
        int,
        Meta(
            ge=0,
            le=256,
            description="Processes that answer public questions besides the node's own, on the same port. Not with "
            "tls_cert: a proxy does TLS then.",
        ),
    ] = 0
    max_body_bytes: Annotated[
        int,
        Meta(ge=65536, le=64 * 1024 * 1024, description="Largest request body, bytes. A submission is at most 4 MiB."),
    ] = 4 * 1024 * 1024
    max_connections: Annotated[
        int,
        Meta(
            ge=16,
            le=100_000,
            description="Maximum number of connections of each process, in total; every query worker has as many of "
            "its own. When all are in use, the connection that has waited longest for a request is closed. Never more "
            "than the files the process may open, less 64.",
        ),
    ] = 1_000
    max_connections_per_address: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Maximum number of connections of each process from one address (for IPv6, from one /64). When "
            "all are in use, the one that has waited longest is closed; if all are busy, further ones get 503. Trusted "
            "proxies are not counted.",
        ),
    ] = 250
    max_unfinished_bytes: Annotated[
        int,
        Meta(
            ge=1024 * 1024,
            le=4 * 1024 * 1024 * 1024,
            description="Maximum bytes of request bodies that each process holds at a time, in total; one address may "
            "use a quarter. The first 16 KiB of each body are not counted.",
        ),
    ] = 64 * 1024 * 1024
    trusted_proxies: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            max_length=64,
            description="Networks of the reverse proxies in front of this node. It trusts them to report the "
            "client's address, so list only proxies that write proxy_header themselves.",
            examples=[["127.0.0.1/32", "::1/128"]],
        ),
    ] = ()
    proxy_header: Annotated[
        Literal["x-forwarded-for", "forwarded"],
        Meta(description="Header in which trusted proxies report the client's address; forwarded is RFC 7239."),
    ] = "x-forwarded-for"
    submissions_per_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Statements accepted from one address in a minute that are not known to be good and new; "
            "a key may have three times as many new ones logged. Further ones have to wait, but none is refused.",
        ),
    ] = 20_000
    stale_after_seconds: Annotated[
        int,
        Meta(
            ge=60,
            le=86_400,
            description="If no other node has been heard from for this many seconds, answers are refused as "
            "stale (503), because this node may not know of recent revocations.",
        ),
    ] = 900

    # ------------------------------------------------------------------------------------------------- peers
    peers: Annotated[
        tuple[BootstrapPeer, ...],
        Meta(
            max_length=64,
            description="First nodes to contact, until the list of nodes is known: url, and key (the public "
            "peer key, hex).",
            examples=[[BootstrapPeer(url="https://node2.example.org", key="<64 hex digits>")]],
        ),
    ] = ()
    witnesses: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^\S+ https?://\S+$")], ...],
        Meta(
            max_length=16,
            description="Witnesses of this node's log, besides the other nodes. Each is the vkey of its "
            "cosignatures, a space, and its address (C2SP tlog-witness).",
            examples=[["witness.example+1a2b3c4d+BA… https://witness.example"]],
        ),
    ] = ()
    pinned: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            max_length=2,
            description="Names of nodes with which this node always exchanges statements directly, such as one "
            "run by people you know. At most two.",
            examples=[["node2.example.org"]],
        ),
    ] = ()
    outbound_only: Annotated[
        bool,
        Meta(
            description="Whether other nodes cannot reach public_url, for example because of a firewall. If so, "
            "this node keeps a request open at its peers, and statements arrive with the answers.",
        ),
    ] = False
    proxy: Annotated[
        str,
        Meta(
            pattern=_URL,
            description="HTTP proxy for outgoing requests, http://host:port. The usual proxy variables of the "
            "environment are ignored; the command line reads this variable too.",
        ),
    ] = ""
    ca_file: Annotated[
        str,
        Meta(
            description="Path of certificates (PEM) to trust in outgoing requests, besides the public ones, "
            "such as those of your organisation's certificate authority. The command line reads this variable too."
        ),
    ] = ""
    source_address: Annotated[
        str,
        Meta(
            description="Source address of outgoing requests, if this machine has several. It cannot be "
            "combined with a proxy. The command line reads this variable too."
        ),
    ] = ""
    tick_ms: Annotated[
        int,
        Meta(
            ge=10,
            le=60_000,
            description="How often waiting statements are appended to the log, milliseconds. Urgent ones never wait.",
        ),
    ] = 1_000
    heartbeat_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="How often recent statements are announced to peers, milliseconds.")
    ] = 1_000
    reconcile_ms: Annotated[
        int,
        Meta(
            ge=500,
            le=3_600_000,
            description="How often the whole set is compared with one peer, milliseconds, plus or minus a half.",
        ),
    ] = 10_000
    request_timeout_ms: Annotated[
        int,
        Meta(
            ge=100,
            le=30_000,
            description="How long a peer may take to answer, milliseconds, not counting an open request of "
            "`outbound_only`.",
        ),
    ] = 10_000

    webhooks: Annotated[
        tuple[WebhookAddress, ...],
        Meta(
            max_length=64,
            description="Addresses that are told what changes, in signed messages (Standard Webhooks): url, and "
            "subjects, the ids that changes must be about, or none for all.",
            examples=[[WebhookAddress(url="https://hooks.example/accredit", subjects=("did:web:college.example",))]],
        ),
    ] = ()

    publish_to: Annotated[
        str,
        Meta(
            description="Where the node publishes what proves itself as files: a folder, or an object store such as "
            "s3://bucket/folder. Empty: nowhere.",
        ),
    ] = ""
    publish_seconds: Annotated[
        int,
        Meta(
            ge=5,
            le=86_400,
            description="Seconds between two publications. Keep it well below the maximum age in verifiers' trust "
            "policies, which is five minutes unless they chose another.",
        ),
    ] = 60
    publish_keep_seconds: Annotated[
        int,
        Meta(
            ge=60,
            le=90 * 86_400,
            description="How long the files of a state stay after another has followed it, seconds.",
        ),
    ] = 3_600

    # ---------------------------------------------------------------------------------------------- operation
    log_format: Annotated[
        Literal["text", "json"], Meta(description="Format of log lines: for people (text) or for programs (json).")
    ] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Lowest level of events to log.")
    ] = "info"
    clock_offset_ms: Annotated[
        int,
        Meta(
            ge=-86_400_000,
            le=86_400_000,
            description="For drills only: error added to this node's clock, milliseconds. 0 in real use.",
        ),
    ] = 0

    def __post_init__(self) -> None:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key belong together: set both or neither")
        if self.proxy_header != "x-forwarded-for" and not self.trusted_proxies:
            raise ValueError("proxy_header has no effect without trusted_proxies: set those, or leave it out")
        if self.name in self.pinned:
            raise ValueError("pinned names this node itself, which has no effect: name others, or leave it out")
        for line in self.witnesses:
            try:
                Witness.decode(line)
            except InputError as error:
                raise ValueError(f"witnesses: {error}") from error
        for webhook in self.webhooks:
            if "@" in webhook.url.partition("://")[2].partition("/")[0]:
                raise ValueError("webhooks: a user or password in a URL is not sent: put a token into the path instead")
        for network in self.trusted_proxies:
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"trusted_proxies: {error}; write it like 192.0.2.0/24") from error

    @property
    def outgoing(self) -> Outgoing:
        """How requests to others leave this machine.

        Raises:
            InputError: proxy and source_address are both set, or the proxy is none.
        """
        return Outgoing(ca_file=self.ca_file, proxy=self.proxy, source_address=self.source_address)

    @property
    def ecosystem_id(self) -> bytes:
        """The genesis statement's id, 32 bytes.

        Raises:
            InputError: `no_ecosystem`: not set yet.
        """
        if not self.ecosystem:
            raise no_ecosystem("The configuration", "FOLDER")
        return bytes.fromhex(self.ecosystem)

    @property
    def database(self) -> Path:
        """The node's database file."""
        return Path(self.data_dir) / "node.sqlite"

    @property
    def heads(self) -> Path:
        """Folder of the last signed heads; created with 0700 when first written."""
        return Path(self.heads_dir or self.data_dir.rstrip("/") + "-heads")

    @property
    def signed_head(self) -> Path:
        """Where the last signed head of the node's log is kept."""
        return self.heads / "log.json"

    @property
    def signed_state(self) -> Path:
        """Where the state that the node cosigned last is kept."""
        return self.heads / "state.json"

    @property
    def witnessed(self) -> Path:
        """Where the node keeps what it has cosigned as a witness."""
        return self.heads / "witness.sqlite"

    @property
    def keys(self) -> Path:
        """The node's key file."""
        return Path(self.keys_file) if self.keys_file else Path(self.data_dir) / "node-keys.json"


_PATHS: Final = (
    "genesis_file",
    "data_dir",
    "heads_dir",
    "keys_file",
    "keys_passphrase_file",
    "tls_cert",
    "tls_key",
    "ca_file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting, as the documentation shows it.

    Attributes:
        name: key in the file.
        variable: name in the environment.
        type: what is expected, in words.
        default: as TOML; empty where it must be set.
        description: one or more sentences.
    """

    name: str
    variable: str
    type: str
    default: str
    description: str


def settings() -> list[Setting]:
    """Every setting, in the order of the file."""
    hints = get_type_hints(NodeConfig, include_extras=True)
    found = []
    for field in msgspec.structs.fields(NodeConfig):
        kind, meta = get_args(hints[field.name])[:2]
        found.append(
            Setting(
                name=field.name,
                variable=ENVIRONMENT_PREFIX + field.name.upper(),
                type=_expected(kind, meta),
                default="" if field.required else _toml(field.default),
                description=meta.description or "",
            )
        )
    return found


def load(path: Path, environment: Mapping[str, str] | None = None) -> NodeConfig:
    """Read the settings of one node.

    Args:
        path: the TOML file.
        environment: of the process, by default.

    Raises:
        InputError: `no_such_file`; `bad_config` names file, key or variable, and what was expected there.
    """
    try:
        members = tomllib.loads(read_file(path, "the configuration").decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(str(path), f"this is not TOML: {error}.", "Correct that line; put text in double quotes.") from error
    known = {setting.name: setting for setting in settings()}
    for name in members:
        if name not in known:
            raise _bad(str(path), f"unknown setting {name!r}.", _did_you_mean(name, list(known)))
    where = {name: f"{path}: {name}" for name in known}
    for name, value in _from_environment(os.environ if environment is None else environment, known).items():
        members[name] = value
        where[name] = known[name].variable
    for name in _PATHS:
        if isinstance(members.get(name), str) and members[name]:
            members[name] = str(path.absolute().parent / Path(members[name]).expanduser())
    if isinstance(target := members.get("publish_to"), str) and target and "://" not in target:
        members["publish_to"] = str(path.absolute().parent / Path(target).expanduser())
    # `data_dir` has a default, and that is relative too.
    members.setdefault("data_dir", str(path.absolute().parent / "data"))
    return _convert(members, where, known, path)


def write_commented(path: Path, **values: object) -> NodeConfig:
    """Write a new configuration: `values` set, everything else a comment with its default.

    Raises:
        InputError: `file_exists`; `bad_config`: a value is not what its setting expects.
        StorageError: it cannot be written.
    """
    known = {setting.name: setting for setting in settings()}
    assert values.keys() <= known.keys()
    config = _convert(msgspec.to_builtins(values), {name: name for name in known}, known, path)
    lines = [
        "# Settings of one accredit node. An environment variable overrides a setting in this file.",
        "# Relative paths start from the folder of this file.",
    ]
    for setting in known.values():
        lines += ["", *textwrap.wrap(setting.description, 110, initial_indent="# ", subsequent_indent="# ")]
        lines.append(f"# {setting.type}; {setting.variable}")
        if setting.name in values:
            lines.append(f"{setting.name} = {_toml(getattr(config, setting.name))}")
        else:
            lines.append(f"# {setting.name} = {setting.default}")
    create_file(path, ("\n".join(lines) + "\n").encode())
    return config


def _from_environment(environment: Mapping[str, str], known: Mapping[str, Setting]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable in sorted(environment):
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if name in known:
            found[name] = _from_text(variable, environment[variable], known[name])
        elif name not in _OF_PEOPLE and difflib.get_close_matches(name, known, 1, _NEARLY):
            raise _bad("the environment", f"unknown setting {variable}.", _did_you_mean(name, list(known)))
    return found


def _from_text(variable: str, text: str, setting: Setting) -> Any:
    if setting.default.startswith('"') or not setting.default:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise _bad(variable, f"{text!r} is not {setting.type}.", f"Example: {setting.default}.") from error


def _convert(
    members: Mapping[str, Any], where: Mapping[str, str], known: Mapping[str, Setting], path: Path
) -> NodeConfig:
    try:
        return msgspec.convert(members, NodeConfig)
    except msgspec.ValidationError as error:
        # msgspec names the place last: "Expected `int`, got `str` - at `$.port`".
        text, _, place = str(error).partition(" - at `")
        match = re.match(r"\$\.(\w+)", place)
        name = match[1] if match else (re.search(r"required field `(\w+)`", text) or ["", ""])[1]
        if name not in known:
            raise _bad(str(path), f"{text}.", "Correct the file.") from error
        if match is None:
            raise _bad(str(path), f"the setting {name!r} is missing.", f"{known[name].description}") from error
        inner = place.removeprefix(f"$.{name}").rstrip("`")
        message = f"expected {known[name].type}{f' (at {inner})' if inner else ''}; {text[:1].lower()}{text[1:]}."
        raise _bad(where[name], message, known[name].description) from error


def _expected(kind: Any, meta: Meta) -> str:
    """A setting's type in words."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(_toml(value) for value in get_args(kind))
    if kind is bool:
        return "true or false"
    if kind is int:
        return f"a whole number from {meta.ge} to {meta.le}"
    if kind is str:
        return {_HEX64: "64 hex digits", _URL: "a URL"}.get(meta.pattern or "", "text")
    assert meta.examples, "a list is explained by an example"
    return f"a list such as {_toml(meta.examples[0])}"


def _toml(value: Any) -> str:
    """A setting's value as TOML."""
    return toml_value(msgspec.to_builtins(value))


def _did_you_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]!r}?" if near else "`accredit node init` writes a file that explains every setting."


def _bad(where: str, message: str, hint: str) -> InputError:
    return InputError("bad_config", f"{where}: {message}", hint=hint)
