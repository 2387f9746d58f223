"""
Everything that can go wrong and is expected to, as one tree.

A command catches `ReconcilerError` in one place, prints it and exits with 1;
whatever else escapes is a bug. A message says where, what and what now: the
first line is complete in itself, further lines are indented advice. No message
ever holds a credential or a whole body.

    ReconcilerError
    ├── AddressError            not the address of a repository, tag or manifest
    ├── PatternError            a pattern that cannot match as it is meant
    ├── DesiredStateError       problems in desired-state files, all of them
    ├── PlanFileError           a saved plan that cannot be trusted
    ├── RefusedError            a plan that may not be applied as it is
    ├── AlertError              a sink that did not take what it was told
    ├── ForgeError              a forge that did not take a comment
    │   └── NotPermittedError       there is no token, or it may not do that
    ├── RevisionError           desired state at a Git revision, or a ref to move
    ├── BackendError            the place of what was last applied cannot be read or written
    │   ├── ConflictError           somebody else wrote there first
    │   ├── StateError              what is kept there cannot be trusted
    │   └── LockedError             somebody else is applying
    └── RegistryError           the registry, or the way to it
        ├── UnreachableError    no answer: connection, TLS, time
        ├── TooLateError        not sent: what it goes by was read too long ago
        ├── ProtocolError       an answer that is not what ACR says
        └── ApiError            ACR said no, with status, code and message
            ├── NotFoundError       404
            ├── UnauthorizedError   401 and 403
            ├── DisallowedError     405: a lock, quarantine or quota
            └── ThrottledError      429, after all patience
"""

from __future__ import annotations

from typing import Self

import attrs


class ReconcilerError(Exception):
    """An expected failure; its text is for the person who runs the command."""


class AddressError(ReconcilerError):
    """A text that is not the address of a repository, a tag or a manifest."""


class PatternError(ReconcilerError):
    """A pattern that cannot match as it is meant; the text says why."""


@attrs.frozen(order=True)
class Problem:
    """One thing that is wrong in a desired-state file."""

    file: str
    line: int  # from 1; 0 where the problem is the file itself
    column: int  # from 1; 0 where the problem is the file itself
    path: str  # the path in the file, such as repositories[0].tags[1].match; may be empty
    message: str
    hint: str = ""  # what is allowed, or what to do; may be empty

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        text = ": ".join(part for part in (place, self.path, self.message) if part)
        return f"{text}\n  {self.hint}" if self.hint else text


class DesiredStateError(ReconcilerError):
    """All problems of all files at once, in the order of files and lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class PlanFileError(ReconcilerError):
    """A saved plan that cannot be read, or is not what it claims to be."""


class RefusedError(ReconcilerError):
    """Something that this tool will not do as it was asked; nothing was changed."""


class RevisionError(ReconcilerError):
    """Git does not have what was asked for, or may not be changed as it was asked for."""


class AlertError(ReconcilerError):
    """Somebody could not be told about drift; the drift is told all the same."""


class ForgeError(ReconcilerError):
    """A forge does not take a comment on a pull request, or does not answer."""

    def __init__(self, message: str, *, may_have_arrived: bool = False) -> None:
        self.may_have_arrived = may_have_arrived  # what was sent may have been carried out all the same
        super().__init__(message)


class NotPermittedError(ForgeError):
    """There is no token, or one that may not do that, as for a pull request from a fork."""


class BackendError(ReconcilerError):
    """Where the memory is kept cannot be reached, read or written; what stands there is untouched."""


class ConflictError(BackendError):
    """What was to be replaced is not there any more as it was read: somebody else wrote first."""


class StateError(BackendError):
    """What is kept as last applied is damaged, of another registry, or of a later version."""


class LockedError(BackendError):
    """Somebody else holds the run lock, or it was taken away."""


class RegistryError(ReconcilerError):
    """The registry, or the way to it, failed."""


class UnreachableError(RegistryError):
    """No answer came: nobody listens, the certificate does not verify, time ran out."""

    def __init__(self, message: str, *, method: str = "GET", was_sent: bool = False) -> None:
        self.method = method
        self.was_sent = was_sent  # the registry may have received the request, and carried it out
        super().__init__(message)


class TooLateError(RegistryError):
    """It was not sent: its turn came when what it goes by had been read too long ago. Look again, and send it then."""


class ProtocolError(RegistryError):
    """An answer came that is not what Azure Container Registry says."""


class ApiError(RegistryError):
    """The registry refused a call, in its own words."""

    def __init__(
        self,
        *,
        method: str,
        url: str,
        status: int,
        code: str,
        message: str,
        advice: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.status = status
        self.code = code
        self.message = message
        self.advice = advice
        self.retry_after_s = retry_after_s  # what the registry asked for, if it did
        text = f"{method} {url}: {status} {code}: {message}" if code else f"{method} {url}: {status} {message}"
        super().__init__(f"{text}\n  {advice}" if advice else text)

    def advised(self, *more: str) -> Self:
        """The same refusal with further lines of advice."""
        return type(self)(
            method=self.method,
            url=self.url,
            status=self.status,
            code=self.code,
            message=self.message,
            advice="\n  ".join(line for line in (self.advice, *more) if line),
            retry_after_s=self.retry_after_s,
        )


class NotFoundError(ApiError):
    """404: the registry does not hold it, or somebody on the way knows nothing of it."""

    @property
    def is_certain(self) -> bool:
        """The registry says so in its own words; a proxy's 404 is no proof."""
        return self.code in ("NAME_UNKNOWN", "TAG_UNKNOWN", "MANIFEST_UNKNOWN")


class UnauthorizedError(ApiError):
    """401 or 403: not signed in, not permitted, or behind a firewall."""


class DisallowedError(ApiError):
    """405: a lock on the object or its repository, quarantine, or a full quota."""


class ThrottledError(ApiError):
    """429 that lasted longer than our patience."""


def first_of(failures: BaseExceptionGroup[ReconcilerError]) -> ReconcilerError:
    """One failure out of the many that the same cause gave to all workers."""
    first = failures.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first
