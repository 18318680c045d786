"""The credential inside a baked badge: a PNG or an SVG file that carries one (Open Badges 3.0 §5.3). Nothing is drawn.

    credential_in(raw)   ->  the bytes of its JSON or JWT; of a file that is no picture the file's own bytes

A PNG file has it in a chunk iTXt (or, by older programs, tEXt or zTXt) with the keyword `openbadgecredential`; an SVG
file in the element `credential` of the namespace of Open Badges, as its content or as the attribute `verify`.
"""

import re
import zlib
from html import unescape
from typing import Final

from accredit.registry.errors import DecodeError, RefusedError

TEXT_BYTES_MAX: Final = 4 * 2**20
"""Of one credential; the largest published transcripts have some hundred thousand."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_KEYWORD: Final = b"openbadgecredential"
_KEYWORD_OF_2: Final = b"openbadges"
_DECLARED: Final = re.compile(r"xmlns:([\w-]{1,40})\s*=\s*[\"']https://purl\.imsglobal\.org/ob/v3p0[\"']")
_DECLARED_OF_2: Final = re.compile(r"xmlns:[\w-]{1,40}\s*=\s*[\"']https?://openbadges\.org[\"']")
_VERIFY: Final = re.compile(r"\sverify\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CDATA: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def credential_in(raw: bytes) -> bytes:
    """Return the credential in a file.

    Raises:
        DecodeError: a picture without one, or one that is damaged.
        RefusedError: it unpacks to more than a credential may have.
    """
    if raw.startswith(_PNG):
        return _in_png(raw)
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return _in_svg(raw)
    return raw


def _nothing(kind: str) -> DecodeError:
    return DecodeError(
        "no_credential",
        f"There is no credential in this {kind} file.",
        hint="Ask for the baked badge, or for the credential itself as JSON; copies made by other programs lose it.",
    )


def _several(kind: str) -> DecodeError:
    """What to raise where different programs could read different credentials; one in a comment counts too."""
    return DecodeError(
        "several_credentials",
        f"There is more than one credential in this {kind} file, and programs could differ about which one counts.",
        hint="Ask the holder for the picture as the issuer baked it.",
    )


def open_badges_2() -> DecodeError:
    """Return what to raise for a badge of the version before, which is no verifiable credential."""
    return DecodeError(
        "open_badges_2",
        "This is an Open Badges 2.0 badge: it carries no signature of the kinds that can be checked here.",
        hint="Ask the issuer for the same badge as Open Badges 3.0. About its issuer alone, ask: accredit query ID",
    )


# ------------------------------------------------------------------------------------------------ PNG


def _in_png(raw: bytes) -> bytes:
    """Chunks are: length, type, data, checksum. One that goes beyond the end is the end of the search."""
    at = len(_PNG)
    is_older = False
    found: list[bytes] = []
    while at + 12 <= len(raw):
        length, kind = int.from_bytes(raw[at : at + 4]), raw[at + 4 : at + 8]
        data = raw[at + 8 : at + 8 + length]
        if kind == b"IEND" or len(data) < length:
            break
        keyword, _, rest = data.partition(b"\0")
        if kind in (b"iTXt", b"tEXt", b"zTXt"):
            is_older = is_older or keyword == _KEYWORD_OF_2
            if keyword == _KEYWORD:
                found.append(_text_of(kind, rest))
                if len(found) > 1:
                    raise _several("PNG")
        at += 12 + length
    if found:
        return found[0]
    raise open_badges_2() if is_older else _nothing("PNG")


def _text_of(kind: bytes, rest: bytes) -> bytes:
    """What stands behind the keyword: iTXt says whether it is compressed, how, the language and a translation."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflated(rest[1:])
    is_compressed = rest[:1] == b"\x01"
    _, _, translated = rest[2:].partition(b"\0")
    text = translated.partition(b"\0")[2]
    return _inflated(text) if is_compressed else text


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, TEXT_BYTES_MAX + 1)
    except zlib.error as error:
        raise DecodeError("damaged_picture", f"The credential in this PNG file is damaged: {error}.") from None
    if len(text) > TEXT_BYTES_MAX:
        raise RefusedError(
            "too_large", f"The credential in this PNG file unpacks to more than {TEXT_BYTES_MAX // 2**20} MiB."
        )
    if not unpacker.eof:
        raise DecodeError("damaged_picture", "The credential in this PNG file is cut off.", hint="Download it again.")
    return text


# ------------------------------------------------------------------------------------------------ SVG


def _in_svg(raw: bytes) -> bytes:
    """Looked for in the text: a parser of XML would follow entities that a stranger defined."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DecodeError("not_text", f"This SVG file is not UTF-8 text (byte {error.start}).") from None
    declared = _DECLARED.search(text)
    start = text.find(f"<{declared[1]}:credential") if declared else -1
    end = text.find(">", start)
    if declared is not None and text.count(f"<{declared[1]}:credential") > 1:
        raise _several("SVG")
    if declared is None or start < 0 or end < 0:
        raise open_badges_2() if _DECLARED_OF_2.search(text) else _nothing("SVG")
    tag = text[start:end]
    signed = _VERIFY.search(tag)
    if signed is not None and (token := (signed[1] or signed[2] or "").strip()):
        return token.encode()
    close = text.find(f"</{declared[1]}:credential", end)
    content = "" if tag.endswith("/") or close < 0 else text[end + 1 : close].strip()
    if not content:
        raise _nothing("SVG")
    quoted = _CDATA.findall(content)
    return "".join(quoted).strip().encode() if quoted else unescape(content).encode()
