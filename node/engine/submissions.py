"""Keeps the submitters that wait for statements to be logged; each gets one reply, once all of its are logged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from .events import SubmissionReply, SubmissionResult

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class _Submission:
    """A submitter who waits: results so far, and how many are to come."""

    token: int
    results: list[SubmissionResult | None]
    missing: int = 0

    def reply(self) -> list[SubmissionReply]:
        """The reply, once nothing is missing."""
        if self.missing:
            return []
        results = tuple(each for each in self.results if each is not None)
        assert len(results) == len(self.results)
        return [SubmissionReply(token=self.token, results=results)]


class Submissions:
    """See the module."""

    def __init__(self) -> None:
        self._awaited: dict[bytes, list[tuple[_Submission, int]]] = {}

    def open(
        self, token: int, submitted: Sequence[T], judge: Callable[[T], SubmissionResult | bytes]
    ) -> list[SubmissionReply]:
        """Take a submission in; return its reply if it need not wait.

        Args:
            judge: gives the result of one statement, or its id while the result is to come.
        """
        submission = _Submission(token=token, results=[None] * len(submitted))
        for position, each in enumerate(submitted):
            verdict = judge(each)
            if isinstance(verdict, SubmissionResult):
                submission.results[position] = verdict
            else:
                submission.missing += 1
                self._awaited.setdefault(verdict, []).append((submission, position))
        return submission.reply()

    def resolve(self, id: bytes, result: SubmissionResult) -> list[SubmissionReply]:
        """Give the result to all that wait for this statement; return replies to those that wait for no other.

        One of them has it logged: to the others, who sent it too, it is known.
        """
        replies: list[SubmissionReply] = []
        for number, (submission, position) in enumerate(self._awaited.pop(id, ())):
            is_again = number > 0 and result.status == "logged"
            submission.results[position] = replace(result, status="known") if is_again else result
            submission.missing -= 1
            replies += submission.reply()
        return replies
