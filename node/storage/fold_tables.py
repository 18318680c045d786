"""The tables for a node's fold (`fold_store`), and the table of each fact.

    fold_mark                 one row: the part of the log that all this covers, and the version of the fold
    fold_statement            facts about statements, by number in the log        fold_statement_open       those open
    fold_id                   about ids, held or not                              fold_id_annulments        annulled
    fold_id_waiting           which statements name one that is not held
    fold_key                  about keys                                          fold_key_forked           forked ones
    fold_subject              about records, by `type NUL id`
    fold_kind                 about kinds of statement
    fold_by_number            what keys signed: key's id, then the number in 8 bytes

Facts are a MessagePack map, by name. Only the node itself reads them, and they are never hashed, so they need no
deterministic encoding, which takes thirty times as long. Each row has the beginning of a checksum, so that the fold
never builds on decayed data. An audit checks that the facts are right, by computing all of them again from the log.
"""

from typing import Final

from accredit.governance.index.holdings import About, Fact

HELD: Final = Fact(about=About.STATEMENT, name="held")
"""Marks a statement of the set; other statements have no facts."""

SAID: Final = Fact(about=About.KEY, name="said")
"""The number of different statement numbers that a key has used."""

BY_NUMBER: Final = "by_number"
ANNULMENTS: Final = "id_annulments"
WAITING: Final = "id_waiting"

_KEYS: Final = {
    "statement": "INTEGER",
    "statement_open": "INTEGER",
    "id": "BLOB",
    ANNULMENTS: "BLOB",
    WAITING: "BLOB",
    "key": "BLOB",
    "key_forked": "BLOB",
    "subject": "TEXT",
    "kind": "TEXT",
    BY_NUMBER: "BLOB",
}

TABLES: Final = tuple(_KEYS)
"""Tables of facts, without the `fold_` before each."""


BY_PLACE: Final = tuple(name for name, key in _KEYS.items() if key == "INTEGER")
"""Tables whose keys are numbers in the log."""


def table_of(fact: Fact) -> str:
    """Return the name of a fact's table, without `fold_`."""
    return f"{fact.about}_{fact.name}" if fact.is_listed else str(fact.about)


def tables() -> tuple[str, ...]:
    """Return the SQL that creates the tables of a fold."""
    return (
        "CREATE TABLE fold_mark (one INTEGER PRIMARY KEY CHECK (one = 1), mark BLOB NOT NULL, digest BLOB NOT NULL)",
        # Row numbers only where they are the key: new rows lie at the end there, and next to their like elsewhere.
        *(
            f"CREATE TABLE fold_{name} (key {key} PRIMARY KEY, facts BLOB NOT NULL, digest BLOB NOT NULL)"
            + ("" if key == "INTEGER" else " WITHOUT ROWID")
            for name, key in _KEYS.items()
        ),
    )
