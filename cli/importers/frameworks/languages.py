"""Chooses one of several texts if a source has a text in several languages. The others are findings.

In this order: the language asked for, another form of it (`es-MX` for `es`), text without a language, else the first by
its tag.
"""

from collections.abc import Sequence

from .frameworks import ImportFindings


def text_in(
    language: str,
    said: Sequence[tuple[str, str]],
    notes: ImportFindings,
    *,
    member: str,
    of: str,
    joined: bool = False,
) -> str:
    """Return one text of a member, in the language taken; empty if there is none.

    Args:
        language: tag in lower case.
        said: language in lower case, empty if none is stated, and text.
        of: id of the member's owner, for findings.
        joined: whether several texts in that language belong together, one below the other.
    """
    tags = list(dict.fromkeys(tag for tag, _ in said))
    chosen = _chosen(language, tags)
    if chosen is None:
        return ""
    if chosen not in ("", language) and chosen.split("-")[0] != language.split("-")[0]:
        notes.count("other_language", f"Not available in {language}; imported in {chosen}")
    for tag in sorted(tags):
        if tag != chosen:
            named = tag or "no language"
            notes.count(
                "language_left_out",
                f"Also available in {named}; not imported",
                "--language chooses another language.",
            )
    mine = list(dict.fromkeys(text for tag, text in said if tag == chosen))
    if len(mine) > 1 and joined:
        notes.add("several_texts", f"{of} has {len(mine)} texts in {member}; they were joined, one per line.")
        return "\n".join(mine)
    for text in mine[1:]:
        notes.add("not_taken", f"Not imported from {of}: another {member}, {text[:60]!r}.")
    return mine[0]


def _chosen(wanted: str, tags: Sequence[str]) -> str | None:
    kin = (tag for tag in tags if tag and tag.split("-")[0] == wanted.split("-")[0])
    return next(
        (tag for tag in (wanted, next(kin, None), "") if tag in tags and tag is not None),
        sorted(tags)[0] if tags else None,
    )
