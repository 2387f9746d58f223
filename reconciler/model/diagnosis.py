"""What stands between a machine and a registry, as values: checks, and what may be done with each repository."""

from __future__ import annotations

from typing import Literal

import attrs

Verdict = Literal["yes", "no", "unknown"]


@attrs.frozen
class Check:
    """One question about the registry as a whole, and its answer."""

    name: str
    verdict: Verdict
    message: str
    is_needed: bool = True  # `no` is an error


@attrs.frozen
class Grant:
    """Whether one action on one repository is permitted."""

    action: str
    verdict: Verdict
    is_needed: bool  # by what the files declare
    message: str = ""  # what would grant it, or why it is not known

    @property
    def is_missing(self) -> bool:
        """The files need it, and it is not permitted."""
        return self.is_needed and self.verdict == "no"


@attrs.frozen
class Examined:
    """What may be done with one repository."""

    name: str
    grants: tuple[Grant, ...]
    is_there: bool = True


@attrs.frozen
class Diagnosis:
    """All that was found out."""

    checks: tuple[Check, ...]
    repositories: tuple[Examined, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Nothing that is needed is missing."""
        is_missing = any(grant.is_missing for examined in self.repositories for grant in examined.grants)
        return not is_missing and not any(check.is_needed and check.verdict == "no" for check in self.checks)
