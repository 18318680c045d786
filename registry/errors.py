"""Every error the core raises, sorted by who is at fault.

A caller reads three things: the class (whose fault), `code` (stable, for machines and documentation) and the text
(for people: what is wrong, then what to do). Decoders given arbitrary bytes raise nothing but these.

    AccreditError
    ├── InputError       what we were given is wrong; the same input will always be refused
    │   ├── DecodeError  it is not a well-formed thing of its kind
    │   └── RefusedError it is well-formed and breaks a rule (signature, ecosystem, budget, a limit)
    ├── NotYetError      it cannot be judged yet: something earlier is missing here; nobody is at fault
    ├── BusyError        this node has no room or no time for it now; send the same again later
    ├── RemoteError      another machine could not be reached or misbehaved
    └── StorageError     this machine's own files do not fit together, or cannot be written
"""


class AccreditError(Exception):
    """The common base; only its subclasses are raised.

    Args:
        code: stable snake_case word, the same in problem details, reports and documentation.
        message: one sentence that names what is wrong and where.
        hint: one sentence that says what to do next; may be empty where the message already does.
    """

    code: str
    message: str
    hint: str

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message if not hint else f"{message} {hint}")
        self.code = code
        self.message = message
        self.hint = hint


class InputError(AccreditError):
    """What we were given is wrong."""


class DecodeError(InputError):
    """Not a well-formed thing of its kind: bytes, text, a member or its type.

    Args:
        where: path to the member at fault, as in `body.scope.levels[2].min`; empty for the whole.
    """

    where: str

    def __init__(self, code: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(code, f"{where}: {message}" if where else message, hint=hint)
        self.where = where


class RefusedError(InputError):
    """Well-formed, and against a rule."""


class NotYetError(AccreditError):
    """Cannot be judged before something else is known; it may be we who are behind."""


class BusyError(AccreditError):
    """This node has no room or no time for it now; the same may be sent again, or to another node."""


class RemoteError(AccreditError):
    """Another machine could not be reached, or what it answered is not what it may answer."""


class StorageError(AccreditError):
    """This machine's own files do not fit together, or cannot be written."""
