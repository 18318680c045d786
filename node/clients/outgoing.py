"""How this machine reaches others: a private certificate authority, a proxy, a source address.

One set of three, for the command line and for nodes alike, because who sits behind such a network sits there with both:

    ACCREDIT_CA_FILE          setting ca_file          certificates (PEM) to trust besides the public ones
    ACCREDIT_PROXY            setting proxy            http://host:port, with user:password@ where it asks for them
    ACCREDIT_SOURCE_ADDRESS   setting source_address   address of this machine to call from

The usual variables (HTTPS_PROXY, SSL_CERT_FILE, …) are ignored on purpose: what a registry is asked through should be
what somebody decided for it.
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from accredit.registry.errors import InputError

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What was decided about requests to others; empty where nothing was.

    Attributes:
        ca_file: path of certificates in PEM.
        proxy: URL of an HTTP proxy; may carry a password, and is never shown.
        source_address: an address of this machine.
    """

    ca_file: str = ""
    proxy: str = field(default="", repr=False)
    source_address: str = ""

    def __post_init__(self) -> None:
        if self.proxy and self.source_address:
            raise InputError(
                "proxy_and_source",
                "A proxy and a source address are both set, but only one of them can be used.",
                hint="Unset proxy (ACCREDIT_PROXY) or source_address (ACCREDIT_SOURCE_ADDRESS).",
            )
        if self.proxy:
            self.proxy_place()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Outgoing":
        """Return what the environment says, for programs that have no settings file."""
        found = os.environ if environment is None else environment
        return cls(
            ca_file=found.get("ACCREDIT_CA_FILE", ""),
            proxy=found.get("ACCREDIT_PROXY", ""),
            source_address=found.get("ACCREDIT_SOURCE_ADDRESS", ""),
        )

    def proxy_place(self) -> tuple[str, int, dict[str, str]]:
        """Return host, port and headers of the proxy.

        Raises:
            InputError: `bad_proxy`; quotes nothing of it.
        """
        try:
            parts = urlsplit(self.proxy)
            host, port = parts.hostname, parts.port or 8080
        except ValueError:
            host, port = None, 0
        if not host or parts.scheme != "http":
            raise InputError(
                "bad_proxy",
                "The setting proxy is not the URL of a proxy.",
                hint="It looks like http://proxy.example:3128.",
            )
        if parts.username is None:
            return host, port, {}
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return host, port, {"Proxy-Authorization": "Basic " + b64encode(secret.encode()).decode()}

    def trusted(self) -> "ssl.SSLContext":
        """Return the certificates to trust: the public ones, and those of `ca_file`.

        Held to RFC 5280, and a certificate in between is trusted where `ca_file` names it, on every Python: from 3.13
        on this is what Python does by itself, and an update of Python must not cut a node off from its peers.

        Raises:
            InputError: `bad_ca_file`.
        """
        import ssl

        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        if self.ca_file:
            try:
                context.load_verify_locations(cafile=str(Path(self.ca_file).expanduser()))
            except (OSError, ssl.SSLError) as error:
                missing = isinstance(error, FileNotFoundError)
                raise InputError(
                    "bad_ca_file",
                    f"{self.ca_file} {'does not exist' if missing else 'holds no certificate in PEM'}.",
                    hint="ca_file (ACCREDIT_CA_FILE) names a file that begins with -----BEGIN CERTIFICATE-----.",
                ) from None
        return context


NOTHING_SET: Final = Outgoing()
