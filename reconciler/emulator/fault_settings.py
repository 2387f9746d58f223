"""
The document of all faults: what can be chosen, and what is wrong with a choice.

The same names serve in JSON, on the command line and in Python, so that there is one
table to read. A document is checked as a whole and refused with all its problems, and
a refused one changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import attrs

from reconciler.emulator import fault_checks as must_be
from reconciler.emulator.errors import EmulatorError

Document: TypeAlias = dict[str, Any]
_T = TypeVar("_T", bound=attrs.AttrsInstance)

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class BadFaultsError(EmulatorError):
    """A document of faults that is none; one problem for each line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@attrs.frozen
class Rule:
    """What happens to some requests instead of an answer, or of a whole one."""

    do: Literal["refuse", "drop", "hang"] = attrs.field(validator=must_be.one_of("refuse", "drop", "hang"))
    # Before anything is done; after it was done, with nothing sent; or in the middle of the answer.
    at: Literal["before", "after", "middle"] = attrs.field(
        default="before", validator=must_be.one_of("before", "after", "middle")
    )
    status: int = attrs.field(default=503, validator=must_be.status)
    retry_after_s: int | None = attrs.field(default=None, validator=must_be.optional(must_be.count))
    method: str | None = attrs.field(default=None, validator=must_be.optional(must_be.one_of(*_METHODS)))  # None: any
    path: str = attrs.field(default="/", validator=must_be.path)  # what the path starts with, decoded
    every: int = attrs.field(default=1, validator=must_be.positive)  # of those that match, each nth
    probability: float = attrs.field(default=1.0, validator=must_be.share)  # of those, so many by chance
    # None: until it is removed
    times: int | None = attrs.field(default=None, validator=must_be.optional(must_be.positive))

    def __attrs_post_init__(self) -> None:
        if self.do == "refuse" and self.at == "middle":
            raise ValueError("at: a refusal comes before or after, not in the middle")

    def concerns(self, method: str, path: str) -> bool:
        """It speaks of this request."""
        return self.method in (None, method) and path.startswith(self.path)


def _as_tuple(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_rules(value: object) -> tuple[Rule, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("requests: must be a list")  # noqa: TRY004 - one kind of error for each problem
    rules: list[Rule] = []
    problems: list[str] = []
    for number, item in enumerate(value):
        try:
            rules.append(_make(Rule, item, f"requests[{number}]"))
        except BadFaultsError as error:
            problems += error.problems
    if problems:
        raise ValueError(*problems)
    return tuple(rules)


@attrs.define(eq=False)
class FaultSettings:
    """The faults that stay until they are set otherwise; the defaults are none."""

    latency_ms: float = attrs.field(default=0.0, validator=must_be.number)  # how long each answer is held back
    seed: int = attrs.field(default=0, validator=must_be.count)  # of everything that happens by chance
    firewall: bool = attrs.field(default=False, validator=must_be.flag)  # every call is 403
    # A PATCH is answered with the attributes from before it. Source: Azure/acr#212.
    stale_patch_answers: bool = attrs.field(default=False, validator=must_be.flag)
    # How many reads of a resource miss its PATCH, and how many of a tag its push.
    visible_after_reads: int = attrs.field(default=0, validator=must_be.count)
    pushes_visible_after_reads: int = attrs.field(default=0, validator=must_be.count)
    # The attributes go back to those before a PATCH, by a race of replicas. Source: Azure/acr#592.
    reverts_after_reads: int = attrs.field(default=0, validator=must_be.count)
    reverts_after_s: float = attrs.field(default=0.0, validator=must_be.number)
    # Names that lists leave out, without a word; `last`: so many at the end. Source: Azure/acr#257, #875.
    catalog_without: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple, validator=must_be.repositories)
    catalog_without_last: int = attrs.field(default=0, validator=must_be.count)
    tags_without: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple, validator=must_be.tags)
    tags_without_last: int = attrs.field(default=0, validator=must_be.count)
    # Repositories that are listed, hold nothing and cannot be deleted. Source: Azure/acr#631.
    ghosts: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple, validator=must_be.repositories)
    manifest_count_off: int = attrs.field(default=0, validator=must_be.offset)  # added to what repositories report
    tag_count_off: int = attrs.field(default=0, validator=must_be.offset)
    # Manifests report it. Source: recording of a list of manifests by time.
    quarantine_state: str = attrs.field(default="", validator=must_be.text)
    quarantine_details: str = attrs.field(default="", validator=must_be.text)
    # What no registry does, but a proxy on the way to it might.
    list_order: str = attrs.field(default="sorted", validator=must_be.one_of("sorted", "reversed", "shuffled"))
    links: str = attrs.field(default="onward", validator=must_be.one_of("onward", "repeat", "loop"))
    link_origin: str = attrs.field(default="", validator=must_be.origin)  # the host that Link leads to


@attrs.define(eq=False)
class FaultDocument(FaultSettings):
    """All faults, those included that are used up by time or by requests."""

    throttled_s: dict[str, float] = attrs.field(factory=dict, validator=must_be.seconds)  # by class: 429 for so long
    budgets: dict[str, str] = attrs.field(factory=dict, validator=must_be.rates)  # by class: 429 for more than that
    requests: tuple[Rule, ...] = attrs.field(default=(), converter=_as_rules)


def parse_faults(document: object) -> FaultDocument:
    """
    The faults that a parsed JSON document asks for; what it does not name is off.

    Raises:
        BadFaultsError: it is none; with all its problems.
    """
    return _make(FaultDocument, document)


def merged(document: Document, patch: object) -> Document:
    """`document` after a merge of `patch`, in which null means the default. Source: RFC 7396."""
    if not isinstance(patch, dict):
        raise BadFaultsError(["faults: must be an object"])
    found = {**document, **patch}
    for name in ("throttled_s", "budgets"):
        if isinstance(patch.get(name), dict):
            members = {**document.get(name, {}), **patch[name]}
            found[name] = {member: value for member, value in members.items() if value is not None}
    return {name: value for name, value in found.items() if value is not None}


def _make(kind: type[_T], document: object, where: str = "") -> _T:
    """An object of members that are each checked alone first, so that all problems are told."""
    if not isinstance(document, Mapping):
        raise BadFaultsError([f"{where or 'faults'}: must be an object"])
    known = [field.name for field in attrs.fields(kind)]
    below = f"{where}." if where else ""
    unknown = f"{where}: unknown member" if where else "unknown member"
    problems = [f'{unknown} "{name}"; there are {", ".join(known)}' for name in document if name not in known]
    required: Document = {"do": document.get("do", "drop")} if kind is Rule else {}
    problems += [f"{below}{name}: is missing" for name in required if name not in document]
    for name in (name for name in document if name in known):
        problems += _problems(kind, {**required, name: document[name]}, below)
    problems = list(dict.fromkeys(problems)) or _problems(kind, dict(document), below)
    if problems:
        raise BadFaultsError(problems)
    return kind(**document)


def _problems(kind: type[_T], members: Document, below: str) -> list[str]:
    try:
        kind(**members)
    except ValueError as error:
        return [f"{below}{problem}" for problem in error.args]
    return []
