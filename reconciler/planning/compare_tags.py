"""
Compare the tags of one repository with what the rules declare about them.

Tags by the hundred match the same few rules, so what these declare is worked out once
for each combination. A tag may have to be as declared, point somewhere, or go; and
what it points at, then, has demands on it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, UPDATED, WRITE, Document, is_locked
from reconciler.model.desired import Absent, Declaration, Keep, TagRule
from reconciler.model.last_applied import Remembered
from reconciler.model.live import ABOUT, LiveRepository, tags_about
from reconciler.model.matching import RepositoryRules, absent
from reconciler.model.retention import is_locked_for_good, let_go
from reconciler.planning import changes
from reconciler.planning.closure import Demand
from reconciler.planning.found import DECLARE_IT, Found
from reconciler.planning.plan import Drift
from reconciler.planning.remember import Alike, Pending
from reconciler.planning.rules import Declared, declare, demand, is_lock, protection, values


class _Expected:
    """What the same rules declare about all tags that match them, and which of these are so."""

    def __init__(self, rules: tuple[TagRule, ...]) -> None:
        self.declared = declare(rules)
        self.wanted = values(self.declared)
        self.absent = absent(rules)
        self.demand = demand(rules, self.declared)
        level = protection(rules)
        self.is_immutable = level is not None and level.level == "immutable"
        self.stays = self.wanted.get(WRITE) is False  # nobody can move such a tag without unlocking it first
        self.rules = rules
        self.lasting = declare(rule for rule in rules if not rule.is_exception)
        self.names: list[str] = []
        self.digests: list[str] = []

    @property
    def flags(self) -> Document:
        """What is declared but for where the tag points, which is remembered beside it."""
        return {name: value for name, value in self.wanted.items() if name != DIGEST}

    @property
    def takes_place(self) -> bool:
        """Retention counts it: no rule decides otherwise whether it stays."""
        return self.absent is None and not self.is_kept

    @property
    def is_kept(self) -> bool:
        """No retention lets it go: something locks it, or says where it points."""
        return DIGEST in self.declared or any(map(is_lock, (*self.declared.values(), *self.lasting.values())))


class _ByRules:
    """What is expected of a tag, by the rules that match it; None where these declare nothing."""

    def __init__(self, rules: RepositoryRules) -> None:
        self.matching: Callable[[str], tuple[TagRule, ...]] = rules.for_tag
        self._known: dict[tuple[TagRule, ...], _Expected | None] = {(): None}

    def __call__(self, name: str) -> _Expected | None:
        matching = self.matching(name)
        try:
            return self._known[matching]
        except KeyError:
            expected = self._known[matching] = _Expected(matching)
            return expected

    @property
    def all(self) -> Iterable[_Expected]:
        return (expected for expected in self._known.values() if expected is not None)


def compare_tags(rules: RepositoryRules, found: Found) -> None:
    """Find what is to be done about the tags; what they will point at is then known to `found`."""
    live, expected_of = found.live, _ByRules(rules)
    going = _outdated(expected_of, found) if rules.needs_times else {}
    is_part = not found.selection.is_everything
    for name, document in live.tags.items():
        expected = expected_of(name)
        if expected is None or not (expected.declared or expected.absent or expected.demand or name in going):
            found.unmanaged += 1
            found.held.add(str(document.get(DIGEST, "")))
        elif is_part and not found.selects(Address(live.name, tag=name)):
            _leave(name, document, expected, found, goes=expected.absent is not None or name in going)
        elif expected.absent:
            _compare_going(name, document, expected.absent, {}, found)
        elif name in going:  # what was pushed again meanwhile is new
            newest = {UPDATED: live.tag_times[name].text}
            let_go = Absent(unlock=False, origin=going[name].origin, is_retention=True)
            _compare_going(name, document, let_go, newest, found)
        else:
            _compare_staying(name, document, expected, found)
    found.spoken.update(rule for each in expected_of.all for rule in each.rules)
    for name in live.missing_tags:
        expected = expected_of(name)
        if expected is not None and expected.absent:
            found.note_absent(Address(live.name, tag=name))
    if found.gone & going.keys():
        found.count_again(rules.tag_rules)
    _create(live, expected_of, found)
    _look_for_deleted(live.gone_tags, rules, found)
    found.alike += [Alike(each.flags, each.names, each.digests) for each in expected_of.all if each.names]


def _leave(name: str, document: Document, expected: _Expected, found: Found, *, goes: bool) -> None:
    """Nobody asked for this tag in this run: it stays where it is, and so does what it needs, then and now."""
    now_and_then = {str(each[DIGEST]) for each in (document, expected.wanted) if DIGEST in each}
    found.unselected += 1
    found.held |= now_and_then
    if expected.demand is not None and not goes:
        said = expected.demand
        found.demands += [Demand(said.value is True, name, each, said.origin) for each in sorted(now_and_then)]


def _compare_staying(name: str, document: Document, expected: _Expected, found: Found) -> None:
    points_at, is_pinned = str(document.get(DIGEST, "")), DIGEST in expected.declared
    if expected.wanted.items() <= document.items():
        found.managed += 1
        expected.names.append(name)
        expected.digests.append(points_at)
    else:
        address = Address(found.live.name, tag=name)
        declared = _with_possible_pin(address, document, expected.declared, found)
        found.compare(address, document, declared)
        points_at, is_pinned = (str(declared[DIGEST].value), True) if DIGEST in declared else (points_at, False)
    found.held.add(points_at)
    if expected.demand is not None:
        _note_demand(name, points_at, expected, expected.demand, found)
    if expected.stays and not is_pinned:
        was = found.base.remembered.tags.get(name)
        if was is not None:
            _look_for_moved(Address(found.live.name, tag=name), document, was, expected.declared, found)


def _compare_going(name: str, document: Document, wanted: Absent, also: Document, found: Found) -> None:
    if found.delete(Address(found.live.name, tag=name), document, wanted, also):
        found.gone.add(name)
    else:
        found.held.add(str(document.get(DIGEST, "")))


def _outdated(expected_of: _ByRules, found: Found) -> dict[str, Keep]:
    """
    Tags that retention lets go, each with what of an entry does.

    What a rule points somewhere stays, and takes the place of no other: a tag that we
    move or make becomes the newest, and must not push out another one by that. Nor does
    what a rule locks, or wants absent.
    """
    live, expected = found.live, {name: expected_of(name) for name in found.live.tags}
    counted = (name for name, each in expected.items() if each is not None and each.takes_place)
    times = ((name, live.tag_times[name].ns if name in live.tag_times else None) for name in counted)
    going = let_go(times, lambda name: _keeps(expected[name]), found.now_ns)
    # What is locked is told as that. In a repository that is closed for good nothing else goes.
    may_go = {
        name: keep
        for name, keep in going.items()
        if _may_go(expected[name], live.tags[name]) and (not found.is_closed or is_locked(live.tags[name]))
    }
    return _without_signatures(may_go, expected_of, found)


def _keeps(expected: _Expected | None) -> list[Keep]:
    return [rule.keep for rule in expected.rules if rule.keep is not None] if expected else []


def _without_signatures(going: dict[str, Keep], expected_of: _ByRules, found: Found) -> dict[str, Keep]:
    """A tag that is about a manifest by its name stays while a tag at that manifest does, one like itself included."""
    if not any(name.startswith(ABOUT) for name in going):
        return going
    live, left, seen = found.live.tags, dict(going), set[str]()
    names = dict.fromkeys((*live, *found.live.missing_tags, *found.live.gone_tags))
    waiting = [digest for name in names for digest in _will_point_at(name, going, expected_of(name), found)]
    while waiting:
        digest = waiting.pop()
        if digest not in seen:
            seen.add(digest)
            kept = [name for name in tags_about(digest) if left.pop(name, None) is not None]
            waiting += [str(live[name].get(DIGEST, "")) for name in kept]
    return left


def _will_point_at(name: str, going: Container[str], expected: _Expected | None, found: Found) -> Iterable[str]:
    """The digests that a tag will point at; none where it goes, two where that is not decided in this run."""
    document = found.live.tags.get(name, {})
    points_at = [str(document[DIGEST])] if document else []
    if expected is None:
        return points_at
    is_selected = found.selects(Address(found.live.name, tag=name))
    if is_selected and name in going and not is_locked(document):
        return ()
    if is_selected and expected.absent and not found.lock_in_the_way(document, expected.absent):
        return ()
    pin = expected.declared.get(DIGEST)
    if pin is None:
        return points_at
    if not is_selected:
        return [*points_at, str(pin.value)]
    is_possible = pin.value in points_at or _why_no_move(str(pin.value), found, document, expected.declared) is None
    return [str(pin.value)] if is_possible else points_at


def _may_go(expected: _Expected | None, document: Document) -> bool:
    return expected is not None and not expected.is_kept and not is_locked_for_good(document, expected.rules)


def _with_possible_pin(address: Address, live: Document, declared: Declared, found: Found) -> Declared:
    """`declared`, without where the tag must point if it cannot be pointed there."""
    pin = declared.get(DIGEST)
    if pin is None or pin.value == live.get(DIGEST):
        return declared
    why = _why_no_move(str(pin.value), found, live, declared)
    if why is None:
        if live.get(WRITE) is False and declared[WRITE].value is False:
            found.unlocks.append(changes.unlock(address, {WRITE: False}, (pin.origin,)))
        return declared
    found.block(address, why[0], f"{pin.origin} wants it to point at {pin.value}, and {why[1]}")
    return {name: said for name, said in declared.items() if name != DIGEST}


def _why_no_move(digest: str, found: Found, live: Document, declared: Declared) -> tuple[str, str] | None:
    """Why a tag cannot be pointed at `digest`, as a code and in words; None: it can."""
    if digest in found.live.unread_manifests:
        return "unread", f"whether the repository holds that could not be read: {found.live.unread_manifests[digest]}"
    if digest not in found.live.manifests:
        return "unknown-digest", "the repository does not hold that. Push it there first, then apply again."
    if found.repository_lock == "foreign":
        return "locked", found.foreign_lock
    if live.get(WRITE) is False and WRITE not in declared:
        return "locked", f"it is locked: writeEnabled is false, which no rule declares. {DECLARE_IT}"
    return None


def _create(live: LiveRepository, expected_of: _ByRules, found: Found) -> None:
    """Tags that are not there and that some rule points somewhere."""
    for name in dict.fromkeys((*live.missing_tags, *live.gone_tags)):
        expected, address = expected_of(name), Address(live.name, tag=name)
        if expected is None or expected.absent or DIGEST not in expected.declared:
            continue
        if not found.selects(address):
            _leave(name, {}, expected, found, goes=False)
            continue
        found.managed += 1
        found.pinned.add(name)
        found.spoken.update(expected.rules)
        declared = _with_possible_pin(address, {}, expected.declared, found)
        if DIGEST not in declared:
            continue
        found.created.add(name)
        digest = str(declared[DIGEST].value)
        found.held.add(digest)
        found.changes.append(changes.create(address, declared, found.base))
        found.pending[address] = Pending({}, "", (), all_or_nothing=True)
        if expected.demand is not None:
            _note_demand(name, digest, expected, expected.demand, found)


def _note_demand(name: str, digest: str, expected: _Expected, said: Declaration, found: Found) -> None:
    found.demands.append(Demand(said.value is True, name, digest, said.origin))
    found.has_immutable = found.has_immutable or expected.is_immutable


def _look_for_moved(address: Address, live: Document, was: Remembered, declared: Declared, found: Found) -> None:
    """A tag that nobody could write to, and that points elsewhere all the same."""
    if was.attributes.get(WRITE) is False and was.digest not in ("", live.get(DIGEST)):
        before, after = {DIGEST: was.digest}, {DIGEST: live[DIGEST]}
        found.drift.append(Drift(address, before, after, changes.origins(declared, (WRITE,))))


def _look_for_deleted(names: Iterable[str], rules: RepositoryRules, found: Found) -> None:
    """Tags that nobody could delete, and that are gone all the same."""
    remembered: Mapping[str, Remembered] = found.base.remembered.tags
    for name in names:
        if name not in found.created:
            note_deleted(Address(found.live.name, tag=name), remembered[name], declare(rules.for_tag(name)), found)


def note_deleted(address: Address, was: Remembered, declared: Declared, found: Found) -> None:
    """Note something that was locked, is declared locked, and is gone."""
    locks = tuple(name for name, said in declared.items() if is_lock(said))
    if was.was_locked and locks and found.selects(address):
        before = {**was.attributes, DIGEST: was.digest} if was.digest else was.attributes
        found.drift.append(Drift(address, before, None, changes.origins(declared, locks)))
