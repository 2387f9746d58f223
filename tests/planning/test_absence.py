"""What must not be there, what is pinned, and what keeps a thing from going."""

from __future__ import annotations

import pytest
from builders import INDEX, LOCKED, OPEN, desired_state, digest, manifest, plan_of, repository, tag

from reconciler.model.address import Address
from reconciler.model.live import Moment

A, B, C, D = map(digest, "abcd")
COUNTS = {"tag_count": 2, "manifest_count": 1}
DAY = 24 * 3600
NOW_NS = 100 * DAY * 10**9


def _days_ago(days):
    return Moment(f"day {100 - days}", NOW_NS - days * DAY * 10**9)


def _deeds(plan):
    return {str(change.address): change.action for change in plan.changes}


def _codes(plan):
    return {str(blocked.address): blocked.reason_code for blocked in plan.blocked}


def _tags(*entries, **live):
    return plan_of(desired_state({"match": "app", "tags": list(entries)}), live.pop("live"), now_ns=NOW_NS)


def test_a_tag_that_must_be_absent_is_deleted():
    """The change tests all that the decision rests on, and turns the document into nothing."""
    live = repository("app", OPEN, {"pr-1": tag("a"), "v1": tag("b")})

    (change,) = _tags({"match": "pr-*", "ensure": "absent"}, live=live).changes

    assert ("app:pr-1", "delete", 4, {}) == (str(change.address), change.action, change.stage, change.after)
    assert ["/deleteEnabled", "/digest", "/writeEnabled"] == [
        operation["path"] for operation in change.patch if operation["op"] == "test"
    ]


@pytest.mark.parametrize("lock", ["deleteEnabled", "writeEnabled"])
def test_a_locked_tag_is_blocked_unless_its_entry_unlocks_it(lock):
    """Either lock forbids to delete it; an unlock is announced as just that lock."""
    live = repository("app", OPEN, {"pr-1": tag("a", **{lock: False})})

    blocked = _tags({"match": "pr-*", "ensure": "absent"}, live=live)
    unlocking = _tags({"match": "pr-*", "ensure": "absent", "unlock": True}, live=live)

    assert ({}, {"app:pr-1": "locked"}) == (_deeds(blocked), _codes(blocked))
    assert ({"app:pr-1": "delete"}, {}) == (_deeds(unlocking), _codes(unlocking))
    assert [(Address("app", tag="pr-1"), {lock: False}, {lock: True})] == [
        (unlock.address, unlock.before, unlock.after) for unlock in unlocking.unlocks
    ]


@pytest.mark.parametrize(
    "later",
    [
        {"match": "pr-1", "protect": "immutable"},
        {"match": "pr-1", "deleteEnabled": False},
        {"match": "pr-1", "writeEnabled": False},
        {"match": "pr-1", "digest": A},
    ],
)
def test_a_later_entry_that_locks_or_pins_a_tag_keeps_it(later):
    """And an earlier one does not: the last word stands."""
    live = repository("app", OPEN, {"pr-1": tag("a")}, manifests={A: manifest()})
    absent = {"match": "pr-*", "ensure": "absent"}

    assert "delete" not in _deeds(_tags(absent, later, live=live)).values()
    assert "delete" == _deeds(_tags(later, absent, live=live))["app:pr-1"]


def test_a_tag_in_a_repository_that_somebody_else_locked_is_blocked():
    """A lock that no rule declares is never taken off."""
    live = repository("app", {**OPEN, "writeEnabled": False}, {"pr-1": tag("a")})

    plan = _tags({"match": "pr-*", "ensure": "absent", "unlock": True}, live=live)

    assert ({}, {"app:pr-1": "locked"}, ()) == (_deeds(plan), _codes(plan), plan.unlocks)


def test_a_frozen_repository_is_opened_for_a_moment_and_says_so():
    """Our own lock of the repository is announced once, whatever number of changes needs it off."""
    desired = desired_state({"match": "app", "protect": "frozen", "tags": [{"match": "v*", "deleteEnabled": False}]})
    live = repository("app", LOCKED, {"v1": tag("a"), "v2": tag("b")})

    plan = plan_of(desired, live)

    assert {"app:v1": "update", "app:v2": "update"} == _deeds(plan)
    assert [("app", {"writeEnabled": False})] == [(str(unlock.address), unlock.before) for unlock in plan.unlocks]


def test_a_pinned_tag_is_moved_and_a_missing_one_created():
    """Both when the repository holds what they shall point at."""
    live = repository("app", OPEN, {"stable": tag("a")}, missing_tags=("next",), manifests={B: manifest()})

    plan = _tags({"match": "stable", "digest": B}, {"match": "next", "digest": B, "writeEnabled": False}, live=live)

    assert {"app:next": "create", "app:stable": "move"} == _deeds(plan)
    assert [{"digest": B, "writeEnabled": False}, {"digest": B}] == [change.after for change in plan.changes]
    assert [2, 2] == [change.stage for change in plan.changes]
    assert () == plan.missing


def test_a_digest_that_the_repository_does_not_hold_is_blocked():
    """The rest of the entry is done all the same, and a tag that cannot be created is told once."""
    live = repository("app", OPEN, {"stable": tag("a")}, missing_tags=("next",), missing_manifests=(B,))

    plan = _tags({"match": ["stable", "next"], "digest": B, "deleteEnabled": False}, live=live)

    assert {"app:stable": "update"} == _deeds(plan)
    assert {"app:next": "unknown-digest", "app:stable": "unknown-digest"} == _codes(plan)
    assert () == plan.missing


@pytest.mark.parametrize(
    ("declared", "deeds", "codes", "unlocks"),
    [
        ({}, {}, {"app:stable": "locked"}, []),
        ({"writeEnabled": False}, {"app:stable": "move"}, {}, ["app:stable"]),
        ({"writeEnabled": True}, {"app:stable": "move"}, {}, []),
    ],
)
def test_a_locked_tag_is_moved_only_where_the_files_own_its_lock(declared, deeds, codes, unlocks):
    """What the files keep locked is unlocked for a moment; what they open stays open."""
    live = repository("app", OPEN, {"stable": tag("a", writeEnabled=False)}, manifests={B: manifest()})

    plan = _tags({"match": "stable", "digest": B, **declared}, live=live)

    assert (deeds, codes, unlocks) == (_deeds(plan), _codes(plan), [str(unlock.address) for unlock in plan.unlocks])


def test_a_whole_repository_goes_with_the_number_of_what_is_in_it():
    """Whoever pushes meanwhile makes the plan stale."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest()}, tag_count=1, manifest_count=1)

    (change,) = plan_of(desired_state({"match": "app", "ensure": "absent"}), live).changes

    assert ("delete", 4) == (change.action, change.stage)
    assert {"deleteEnabled": True, "writeEnabled": True, "tagCount": 1, "manifestCount": 1} == change.before


def test_locked_contents_are_in_the_way_of_deleting_a_repository():
    """With unlock they are announced one by one, for each of them comes off."""
    live = repository(
        "app",
        {**OPEN, "deleteEnabled": False},
        {"v1": tag("a", writeEnabled=False)},
        manifests={A: manifest(deleteEnabled=False)},
        tag_count=1,
        manifest_count=1,
    )

    blocked = plan_of(desired_state({"match": "app", "ensure": "absent"}), live)
    unlocking = plan_of(desired_state({"match": "app", "ensure": "absent", "unlock": True}), live)

    assert ({}, {"app": "locked"}) == (_deeds(blocked), _codes(blocked))
    assert {"app": "delete"} == _deeds(unlocking)
    assert ["app", "app:v1", f"app@{A}"] == [str(unlock.address) for unlock in unlocking.unlocks]


def test_a_repository_that_is_absent_already_is_in_sync():
    """It is not missing, for nobody misses it."""
    plan = plan_of(desired_state({"match": "app", "ensure": "absent"}), repository("app", missing=True))

    assert ({}, (), True) == (_deeds(plan), plan.missing, plan.complete)


@pytest.mark.parametrize(
    ("later", "blocked"),
    [
        ({"tags": [{"match": "v*", "protect": "undeletable"}]}, True),
        ({"tags": [{"match": "next", "digest": A}]}, True),
        ({"manifests": [{"tagged": True, "deleteEnabled": False}]}, True),
        ({"manifests": [{"tagged": False, "deleteEnabled": False}]}, False),
        ({"tags": [{"match": "x*", "protect": "undeletable"}]}, False),
        ({"tags": [{"match": "v*", "protect": "open"}]}, False),
    ],
)
def test_a_repository_stays_where_a_later_rule_wants_what_is_in_it(later, blocked):
    """The last word stands, and an earlier one does not."""
    live = repository(
        "app", OPEN, {"v1": tag("a")}, manifests={A: manifest(tags=("v1",))}, tag_count=1, manifest_count=1
    )
    absent, later = {"match": "app", "ensure": "absent", "unlock": True}, {"match": "app", **later}

    plan = plan_of(desired_state(absent, later), live)

    assert ({}, {"app": "needed"}) == (_deeds(plan), _codes(plan)) if blocked else {"app": "delete"} == _deeds(plan)
    assert {"app": "delete"} == _deeds(plan_of(desired_state(later, absent), live))


def test_a_repository_of_which_not_everything_was_seen_stays():
    """A rule, or a lock, may speak of what was not."""
    live = repository("app", OPEN, incomplete="of its tags 1 was found and the registry counts 2", **COUNTS)

    plan = plan_of(desired_state({"match": "app", "ensure": "absent"}), live)

    assert ({}, {"app": "unread"}) == (_deeds(plan), _codes(plan))


def test_a_repository_of_which_nobody_counts_the_contents_stays():
    """What is pushed meanwhile would go unnoticed."""
    plan = plan_of(desired_state({"match": "app", "ensure": "absent"}), repository("app", OPEN))

    assert ({}, {"app": "uncounted"}) == (_deeds(plan), _codes(plan))


def test_what_is_absent_already_is_in_sync():
    """A tag, a manifest and a repository that are named, must not be there, and are not."""
    rule = {
        "match": "app",
        "tags": [{"match": "v1", "ensure": "absent"}, {"match": "v2", "deleteEnabled": False}],
        "manifests": [{"match": A, "ensure": "absent"}, {"match": B, "deleteEnabled": False}],
    }
    live = repository("app", OPEN, missing_tags=("v1", "v2"), missing_manifests=(A, B))

    plan = plan_of(desired_state(rule, {"match": "old", "ensure": "absent"}), live, repository("old", missing=True))

    assert (3, ["app:v2", f"app@{B}"]) == (plan.summary.managed, [str(each) for each in plan.missing])


def test_an_index_that_goes_demands_nothing():
    """Its child would be opened by this plan, and deleted by the next."""
    manifests = {
        A: manifest(B, updated=_days_ago(9)),
        B: manifest(deleteEnabled=False, updated=_days_ago(9)),
        C: manifest(updated=_days_ago(1)),
    }
    opening = {"mediaType": "application/vnd.oci.image.index.*", "protect": "open"}

    plan = _manifests(opening, {"tagged": False, "keep": {"last": 1}}, manifests=manifests)

    assert {f"app@{A}": "delete"} == _deeds(plan)


def test_an_index_that_goes_protects_no_child():
    """Both go at once; otherwise the child would be locked, and go in the next run."""
    plan = _manifests(
        {"match": "**", "protect": "immutable"},
        {"match": "**", "ensure": "absent", "unlock": True},
        manifests={A: manifest(B), B: manifest()},
    )

    assert {f"app@{A}": "delete", f"app@{B}": "delete"} == _deeds(plan)


def test_the_last_word_on_a_manifest_stands():
    """A rule that protects it, and a later one that wants it absent."""
    plan = _manifests(
        {"match": A, "protect": "undeletable"}, {"match": A, "ensure": "absent"}, manifests={A: manifest()}
    )

    assert {f"app@{A}": "delete"} == _deeds(plan)


def _manifests(*entries, tags=(), **live):
    desired = desired_state({"match": "app", "tags": list(tags), "manifests": list(entries)})
    return plan_of(desired, repository("app", OPEN, live.pop("named", {}), **live), now_ns=NOW_NS)


UNTAGGED = {"tagged": False, "ensure": "absent"}


def test_untagged_manifests_go_but_for_what_others_need():
    """Children of an index that stays, what a signature is about, and the signature of what stays."""
    tagged, child, signature, lonely = A, B, C, D
    manifests = {
        tagged: manifest(child, referrers=(signature,)),
        child: manifest(),
        signature: manifest(subject=tagged),
        lonely: manifest(),
    }

    plan = _manifests(UNTAGGED, named={"v1": tag("a")}, manifests=manifests)

    assert {f"app@{lonely}": "delete"} == _deeds(plan)
    assert {"deleteEnabled": True, "writeEnabled": True, "tagged": False} == plan.changes[0].before


def test_a_manifest_goes_after_its_last_tag():
    """What a tag points at is decided by where it will point: a deleted tag holds nothing."""
    plan = _manifests(
        UNTAGGED, tags=[{"match": "pr-*", "ensure": "absent"}], named={"pr-1": tag("a")}, manifests={A: manifest()}
    )

    assert {"app:pr-1": (4, 0), f"app@{A}": (4, 1)} == {
        str(change.address): (change.stage, change.rank) for change in plan.changes
    }


@pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom"])
def test_a_tag_that_is_about_a_manifest_by_its_name_keeps_it(suffix):
    """That is how cosign names signatures; nothing in the manifests tells what they are about."""
    name = f"sha256-{'a' * 64}{suffix}"
    manifests = {A: manifest(), B: manifest(), C: manifest()}

    kept = _manifests(UNTAGGED, named={name: tag("b")}, manifests=manifests)
    gone = _manifests(UNTAGGED, tags=[{"match": name, "ensure": "absent"}], named={name: tag("b")}, manifests=manifests)

    assert {f"app@{C}"} == _deeds(kept).keys()
    assert {f"app@{A}", f"app@{B}", f"app@{C}", f"app:{name}"} == _deeds(gone).keys()


def test_a_referrer_goes_before_what_it_is_about():
    """The registry would take it along, also where it stays in the end."""
    plan = _manifests(UNTAGGED, manifests={A: manifest(referrers=(B,)), B: manifest(subject=A)})

    assert {f"app@{A}": 2, f"app@{B}": 1} == {str(change.address): change.rank for change in plan.changes}


def test_a_manifest_is_opened_after_the_tags_that_leave_it():
    """And only if it has none then."""
    plan = _manifests(
        {"tagged": False, "protect": "open"},
        tags=[{"match": "pr-*", "ensure": "absent"}],
        named={"pr-1": tag("a")},
        manifests={A: manifest(deleteEnabled=False)},
    )

    assert {"app:pr-1": (4, 0), f"app@{A}": (4, 1)} == {
        str(change.address): (change.stage, change.rank) for change in plan.changes
    }
    assert {"deleteEnabled": False, "tagged": False} == plan.changes[1].before
    assert ["/deleteEnabled", "/tagged"] == [each["path"] for each in plan.changes[1].patch if each["op"] == "test"]


def test_changes_in_a_repository_that_somebody_else_locked_are_told_of():
    """The registry may refuse them."""
    live = repository("app", {**OPEN, "writeEnabled": False}, {"v1": tag("a")})

    plan = _tags({"match": "v*", "deleteEnabled": False}, live=live)

    assert ["locked-repository"] == [finding.code for finding in plan.findings]


def test_an_index_goes_before_its_children():
    """A broken image is worse than one that is gone."""
    plan = _manifests(UNTAGGED, manifests={A: manifest(), B: manifest(A, C), C: manifest(A)})

    assert {f"app@{A}": 3, f"app@{B}": 1, f"app@{C}": 2} == {str(c.address): c.rank for c in plan.changes}


@pytest.mark.parametrize(
    "others",
    [
        {"incomplete_manifests": "of its manifests 3 were found and the registry counts 4"},
        {"incomplete": "of its tags 3 were found and the registry counts 4"},
    ],
)
def test_nothing_is_deleted_where_something_was_not_seen(others):
    """What was not seen may be an index, or a tag."""
    plan = _manifests(UNTAGGED, manifests={A: manifest()}, **others)

    assert ({}, False) == (_deeds(plan), plan.complete)


@pytest.mark.parametrize(
    "manifests",
    [
        {A: manifest(subject=None)},
        {A: manifest(referrers=None)},
        {A: manifest(), B: manifest(C, children=None, tags=("hidden",))},
        {A: manifest(tags=("hidden",))},
        {A: manifest(deleteEnabled=False)},
    ],
)
def test_what_is_not_known_keeps_a_manifest(manifests):
    """Its subject, its referrers, the children of an index, a tag that no list shows, a lock."""
    assert {} == _deeds(_manifests(UNTAGGED, manifests=manifests))


@pytest.mark.parametrize(
    "entries",
    [
        [UNTAGGED],
        [{"match": A, "ensure": "absent"}],
        [{"match": "**", "deleteEnabled": True}, UNTAGGED],
        [UNTAGGED, {"match": "**", "protect": "open"}],
    ],
)
def test_a_locked_manifest_that_must_be_absent_is_blocked_and_not_opened(entries):
    """What it is about need not have been read: nothing of it was asked, because it is locked."""
    manifests = {A: manifest(deleteEnabled=False, subject=None, referrers=None)}

    plan = _manifests(*entries, manifests=manifests)

    assert ({}, {f"app@{A}": "locked"}) == (_deeds(plan), _codes(plan))


def test_what_stays_for_the_sake_of_a_lock_alone_opens_nothing():
    """The image stays because its signature is locked, and that is no reason to open the signature."""
    manifests = {A: manifest(referrers=(B,)), B: manifest(subject=A, deleteEnabled=False)}

    plan = _manifests({"protect": "open"}, {"ensure": "absent"}, manifests=manifests)

    assert ({}, {f"app@{B}": "locked"}) == (_deeds(plan), _codes(plan))


def test_what_stays_because_something_is_not_known_is_not_opened():
    """As soon as it is known it would go."""
    manifests = {A: manifest(deleteEnabled=False), B: manifest(C, children=None, media_type=INDEX, tags=("hidden",))}

    plan = _manifests({"match": A, "protect": "open"}, UNTAGGED, manifests=manifests)

    assert ({}, {f"app@{A}": "locked"}) == (_deeds(plan), _codes(plan))


def test_a_locked_child_of_an_index_that_stays_is_no_news():
    """Of a protected image every part is locked and has no tag, and nobody wants that told."""
    manifests = {A: manifest(B, deleteEnabled=False), B: manifest(deleteEnabled=False, subject=None, referrers=None)}

    plan = _manifests(UNTAGGED, named={"v1": tag("a")}, manifests=manifests)

    assert ({}, {}) == (_deeds(plan), _codes(plan))


def test_a_manifest_that_is_named_and_needed_is_blocked_and_says_why():
    """A pattern leaves it alone quietly; a name deserves an answer."""
    named = _manifests({"match": A, "ensure": "absent"}, named={"v1": tag("a")}, manifests={A: manifest()})
    matched = _manifests({"match": "sha256:a*", "ensure": "absent"}, named={"v1": tag("a")}, manifests={A: manifest()})

    assert ({f"app@{A}": "needed"}, {}) == (_codes(named), _codes(matched))
    assert ({}, {}) == (_deeds(named), _deeds(matched))


def test_rules_select_manifests_by_media_type():
    """Only indexes here."""
    plan = _manifests(
        {"mediaType": "application/vnd.oci.image.index.*", "deleteEnabled": False},
        manifests={A: manifest(B), B: manifest()},
    )

    assert {f"app@{A}": "update"} == _deeds(plan)


def test_a_locked_manifest_that_must_go_is_not_opened_by_another_rule():
    """Otherwise the second apply would delete what the first one was not permitted to."""
    opening, absent = {"protect": "open"}, {"ensure": "absent"}

    plan = _manifests(opening, absent, manifests={A: manifest(deleteEnabled=False)})

    assert ({}, {f"app@{A}": "locked"}) == (_deeds(plan), _codes(plan))
