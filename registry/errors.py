"""The errors of the core, sorted by who is at fault.

A caller reads the class (who is at fault), the `code` (stable, for machines and documentation) and the text (for
people: what is wrong, then what to do). Decoders raise only these errors, whatever bytes they are given.
Whoever keeps an error as a value keeps it `without_frames`.

    AccreditError
    ├── InputError       the input is wrong; the same input will always be refused
    │   ├── DecodeError  it is not well-formed
    │   └── RefusedError it is well-formed and breaks a rule (signature, ecosystem, budget, a limit)
    ├── NotYetError      it cannot be judged yet, because something earlier is missing here; nobody is at fault
    ├── BusyError        this node has no room or time for it now; send the same again later
    ├── RemoteError      another machine could not be reached or misbehaved
    └── StorageError     this machine's own files do not fit together, or cannot be written
"""

from typing import TypeVar

E = TypeVar("E", bound=BaseException)


class AccreditError(Exception):
    """The common base class; only its subclasses are raised.

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
    """The input is wrong."""


class DecodeError(InputError):
    """The input is not well-formed: its bytes, its text, a member or the type of one.

    Args:
        where: path to the member at fault, as in `body.scope.levels[2].min`; empty for the whole.
    """

    where: str

    def __init__(self, code: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(code, f"{where}: {message}" if where else message, hint=hint)
        self.where = where


class RefusedError(InputError):
    """The input is well-formed, but breaks a rule."""


class NotYetError(AccreditError):
    """The input cannot be judged before something else is known; this node may be the one that is behind."""


class BusyError(AccreditError):
    """This node has no room or time for it now; send the same again, or to another node."""


class RemoteError(AccreditError):
    """Another machine could not be reached, or gave an answer that it may not give."""


class UnansweredError(RemoteError):
    """Another machine took a request, and its answer did not come in time; it may still carry the request out."""


class StorageError(AccreditError):
    """This machine's own files do not fit together, or cannot be written."""


def without_frames(error: E) -> E:
    """Let go of the calls in which an error and its causes were raised; return the error.

    A raised error refers to its calls, with all that they hold, and these to their callers. Where one of them holds the
    error itself, as a result or to raise it again, none of this is freed before Python looks for reference cycles: a
    thousand forged statements stayed so, with the request that brought them.
    """
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__context__
    return error
