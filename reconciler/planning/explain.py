"""
Why one resource is as it is planned to be, and what can happen to it before and after.

The plan of its repository is the answer to what would become of it; here that answer
is taken apart again: which rules spoke, on whose behalf, and what all the attributes
that matter come to together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, DIGEST, TAG_ATTRIBUTES, Document, is_locked
from reconciler.model.desired import (
    Absent,
    Declaration,
    ExceptionRule,
    Keep,
    ManifestRule,
    RepositoryRule,
    TagRule,
    Target,
)
from reconciler.model.live import LiveManifest, LiveRepository
from reconciler.model.matching import RepositoryRules, absent
from reconciler.planning.closure import Demand, spread
from reconciler.planning.compare_manifests import declare_manifest
from reconciler.planning.effective import Answer, Image, effective
from reconciler.planning.plan import Blocked, Change
from reconciler.planning.repository_plan import RepositoryPlan
from reconciler.planning.retained import DAY_S, Manifests, Retained, age

_Rule: TypeAlias = RepositoryRule | TagRule | ManifestRule


def rules_about(
    address: Address,
    rules: RepositoryRules,
    live: LiveRepository | None = None,
    part: RepositoryPlan | None = None,
) -> tuple[_Rule, ...]:
    """
    The entries that speak of a resource, in file order.

    Args:
        address: Which one.
        rules: Those that speak of its repository.
        live: That repository, as far as it is known; entries that select manifests by what they are need it.
        part: The plan for it, which decides whether a tag will point at a manifest.
    """
    if address.tag:
        return rules.for_tag(address.tag)
    if not address.digest:
        return rules.rules
    if live is None or address.digest not in live.manifests:
        return rules.for_digest(address.digest)
    return Manifests(rules, live, part or RepositoryPlan()).matching(address.digest)


def said_of_the_whole(address: Address, rules: RepositoryRules) -> Iterator[str]:
    """What entries say of a repository that decides about all that is in it."""
    wanted = absent(rules.rules)
    if wanted is not None and (address.tag or address.digest):
        yield f"{'ensure':15}  {_absence(wanted)}: it goes with {address.repository}  {wanted.origin}"


def said_besides(rules: Iterable[_Rule], kept: Iterable[Retained] = ()) -> Iterator[str]:
    """
    What entries say that is no attribute: levels, absence, retention; in this order.

    Args:
        rules: Those that speak of the resource, in file order.
        kept: What each `keep` among them makes of it, as far as the registry was asked.
    """
    rules, of_keep = tuple(rules), {each.keep: each for each in kept}
    for rule in rules:
        if rule.protect is not None:
            yield f"{'protect':15}  {rule.protect.level}  {rule.protect.origin}"
    for rule in rules:
        if rule.ensure is not None:
            yield f"{'ensure':15}  {_absence(rule.ensure)}  {rule.ensure.origin}"
    for rule in rules:
        keep = getattr(rule, "keep", None)
        if keep is not None:
            yield f"{'keep':15}  {' or '.join(_kept(keep))}  {keep.origin}"
            yield from _made_of_it(of_keep[keep]) if keep in of_keep else ()


def _made_of_it(retained: Retained) -> Iterator[str]:
    place = [f"{_ordinal(retained.place)}newest of {retained.count:,}"] if retained.place else []
    yield f"{'':15}  {'; '.join([*place, _old(retained.age_s)])}"
    if not retained.why:
        yield f"{'':15}  goes: not {', not '.join(_kept(retained.keep))}"
    elif retained.goes:
        yield f"{'':15}  goes by another entry; here: {retained.why}"
    else:
        first, *rest = retained.why.split("\n")
        yield f"{'':15}  kept: {first}"
        yield from (f"    {line}" for line in rest)


def _ordinal(place: int) -> str:
    """`12th `; nothing for the first."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if place % 100 in (11, 12, 13) else endings.get(place % 10, "th")
    return "" if place == 1 else f"{place:,}{ending} "


def _old(age_s: int | None) -> str:
    if age_s is None:
        return "when it was last updated is not known"
    return f"{age(age_s - age_s % DAY_S) if age_s >= DAY_S else age(age_s)} old"


def exceptions_about(address: Address, exceptions: Iterable[ExceptionRule]) -> tuple[ExceptionRule, ...]:
    """Those that speak of a resource, in force or ended, in file order."""
    return tuple(each for each in exceptions if any(_means(target, address) for target in each.match))


def _means(target: Target, address: Address) -> bool:
    pairs = ((target.tag, address.tag), (target.digest, address.digest))
    parts = (bool(name) if pattern is None else not pattern.matches(name) for pattern, name in pairs)
    return target.repository.matches(address.repository) and not any(parts)


def demands_on(digest: str, demands: Iterable[Demand], manifests: Mapping[str, LiveManifest]) -> tuple[Demand, ...]:
    """What is demanded of one manifest from above, the one that stands first."""
    parents: dict[str, list[str]] = {}
    for each, manifest in manifests.items():
        for child in manifest.children or ():
            parents.setdefault(child, []).append(each)
    above, waiting = set[str](), [digest]
    while waiting:
        each = waiting.pop()
        if each not in above:
            above.add(each)
            waiting += parents.get(each, [])
    return tuple(sorted((d for d in demands if d.root in above), key=lambda d: d.strictness))


def standing_lock(
    address: Address, rules: RepositoryRules, live: LiveRepository, part: RepositoryPlan
) -> Declaration | None:
    """What decides `deleteEnabled` of a manifest, once its rules and all demands had their say; None: nothing."""
    if address.digest not in live.manifests:
        return None
    matching = Manifests(rules, live, part).matching(address.digest)
    demanded = spread(part.demands, live.manifests).get(address.digest)
    return declare_manifest(matching, demanded).get(DELETE)


@attrs.frozen(eq=False)
class Prospects:
    """A resource before and after apply, and what can happen to it at both times."""

    live: Document | None  # None where the registry does not hold it
    after: Document | None  # what apply would leave; None: nothing
    goes_with: Address | None  # the repository that is deleted with all that is in it
    blocked: Sequence[str]  # what of it cannot be done, and why
    now: tuple[Answer, ...]
    then: tuple[Answer, ...]  # none where it is gone


def prospects(
    address: Address, live: LiveRepository, part: RepositoryPlan, paid: LiveRepository | None = None
) -> Prospects:
    """
    What would become of a resource.

    Args:
        address: Which one.
        live: Its repository, with the manifests below it.
        part: The plan for that repository.
        paid: The repository with the locks on that are owed, which the plan was made for; None: nothing is owed.
    """
    whole, changes = Address(live.name), {change.address: change for change in part.changes}
    now, then = _State(live, {}), _State(paid or live, changes)
    return Prospects(
        live=now.document(address),
        after=then.document(address),
        goes_with=whole if then.is_gone and address != whole else None,
        blocked=tuple(_why(each, address) for each in part.blocked if _is_about(each, address)),
        now=now.answers(address),
        then=then.answers(address),
    )


def _is_about(blocked: Blocked, address: Address) -> bool:
    """Whatever keeps a repository from being deleted keeps all that is in it."""
    is_whole = blocked.reason_code == "locked" and blocked.address == Address(address.repository)
    return is_whole or blocked.address == address


def _why(blocked: Blocked, address: Address) -> str:
    whose = "" if blocked.address == address else f"{blocked.address}: "
    return f"{whose}{blocked.reason_code}: {blocked.message}"


class _State:
    """A repository, with changes made to it."""

    def __init__(self, live: LiveRepository, changes: Mapping[Address, Change]) -> None:
        self._live = live
        self._changes = changes
        self.is_gone = any(change.action == "delete" for change in changes.values() if change.address == self._here)

    @property
    def _here(self) -> Address:
        return Address(self._live.name)

    def document(self, address: Address) -> Document | None:
        before, change = self._before(address), self._changes.get(address)
        if self.is_gone or (change is not None and not change.after):
            return None
        if change is None:
            return before
        return {**(before or dict.fromkeys(TAG_ATTRIBUTES, True)), **change.after}

    def answers(self, address: Address) -> tuple[Answer, ...]:
        document = self.document(address)
        if document is None:
            return ()
        digest = address.digest or str(document.get(DIGEST, ""))
        manifest = Address(address.repository, digest=digest) if digest else None
        children = self._documents(self._below(digest) if digest else ())
        subjects = self._documents(self._about(address.digest)) if self._is_subject_known(address.digest) else None
        below = {*([manifest] if manifest else []), *children, *(subjects or {})}
        image = Image(
            repository=self.document(self._here),
            tag=document if address.tag else None,
            manifest=(manifest, self.document(manifest)) if manifest else None,
            children=children,
            subjects=subjects,
            held={each for each in below if each.digest in self._held},
        )
        return effective(address, image)

    def _documents(self, digests: Iterable[str]) -> dict[Address, Document | None]:
        addresses = (Address(self._live.name, digest=each) for each in sorted(digests))
        return {each: self.document(each) for each in addresses}

    def _before(self, address: Address) -> Document | None:
        if address.tag:
            return self._live.tags.get(address.tag)
        if address.digest:
            known = self._live.manifests.get(address.digest)
            return None if known is None else known.document
        return self._live.document

    def _below(self, digest: str) -> set[str]:
        seen, waiting = set[str](), [digest]
        while waiting:
            known = self._live.manifests.get(waiting.pop())
            for child in (known.children or ()) if known else ():
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
        return seen - {digest}

    def _is_subject_known(self, digest: str) -> bool:
        known = self._live.manifests.get(digest)
        return known is None or known.subject is not None

    def _about(self, digest: str) -> set[str]:
        """What a manifest is about, what that is about, and so on."""
        seen, subject = {digest}, digest
        while (known := self._live.manifests.get(subject)) and known.subject and known.subject not in seen:
            subject = known.subject
            seen.add(subject)
        return seen - {digest}

    @cached_property
    def _held(self) -> set[str]:
        """The manifests that a locked tag points at."""
        names = {*self._live.tags, *(address.tag for address in self._changes if address.tag)}
        tags = (self.document(Address(self._live.name, tag=name)) for name in names)
        return {str(tag.get(DIGEST, "")) for tag in tags if tag is not None and is_locked(tag)}


def _absence(absent: Absent) -> str:
    return "absent, also where it is locked" if absent.unlock else "absent"


def _kept(keep: Keep) -> list[str]:
    """What an entry keeps; either is enough."""
    parts = [] if keep.last is None else [f"among the last {keep.last:,}"]
    return parts if keep.newer_than_s is None else [*parts, f"younger than {age(keep.newer_than_s)}"]
