"""Settings for requests to other machines: a private certificate authority, a proxy, a source address.

The command line and nodes share these three settings, because an institution's network applies to both:

    ACCREDIT_CA_FILE          setting ca_file          certificates (PEM) to trust besides the public ones
    ACCREDIT_PROXY            setting proxy            http://host:port, with user:password@ where it asks for them
    ACCREDIT_SOURCE_ADDRESS   setting source_address   address of this machine to call from

The usual variables (HTTPS_PROXY, SSL_CERT_FILE, …) are ignored on purpose: somebody should decide for the registry
explicitly how it is reached.
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
    """The settings for requests to others; empty if not set.

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
        """Return the settings in the environment, for programs without a settings file."""
        found = os.environ if environment is None else environment
        return cls(
            ca_file=found.get("ACCREDIT_CA_FILE", ""),
            proxy=found.get("ACCREDIT_PROXY", ""),
            source_address=found.get("ACCREDIT_SOURCE_ADDRESS", ""),
        )

    def proxy_place(self) -> tuple[str, int, dict[str, str]]:
        """Return host, port and headers of the proxy.

        Raises:
            InputError: `bad_proxy`; the text quotes no part of it.
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

        On every Python, certificates must conform to RFC 5280, and an intermediate certificate is trusted if `ca_file`
        names it. Python does this by itself from 3.13 on, and an update of Python must not cut a node off from its
        peers.

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
