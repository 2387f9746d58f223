"""From two documents to a patch, from a patch to a request, and what must still hold before it is sent."""

import pytest
from builders import OPEN, digest, tag

from reconciler.planning.patch import apply_patch, failed_tests, make_patch, request_body


def test_a_patch_tests_what_it_replaces_and_the_digest_of_a_tag():
    """Tests come first, both parts are sorted by path, and nothing that stays is mentioned but the digest."""
    patch = make_patch(tag(), tag(writeEnabled=False, deleteEnabled=False))

    assert (
        {"op": "test", "path": "/deleteEnabled", "value": True},
        {"op": "test", "path": "/digest", "value": digest("a")},
        {"op": "test", "path": "/writeEnabled", "value": True},
        {"op": "replace", "path": "/deleteEnabled", "value": False},
        {"op": "replace", "path": "/writeEnabled", "value": False},
    ) == patch


def test_the_patch_of_a_repository_has_no_digest_to_test():
    """A repository has no digest; what is replaced is tested."""
    patch = make_patch(OPEN, {**OPEN, "listEnabled": False})

    assert (
        {"op": "test", "path": "/listEnabled", "value": True},
        {"op": "replace", "path": "/listEnabled", "value": False},
    ) == patch


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"deleteEnabled": True}, {"writeEnabled": True}),
        ({"deleteEnabled": True, "writeEnabled": True}, {"deleteEnabled": False}),
    ],
)
def test_an_attribute_cannot_appear_or_disappear(before, after):
    """ACR merges what it is sent, so a patch that adds or removes an attribute has no meaning and is not made."""
    with pytest.raises(ValueError, match="ACR cannot do this to an attribute"):
        make_patch(before, after)


def test_a_resource_that_comes_is_all_add_and_one_that_goes_all_remove():
    """An empty document stands for what is not there, and what goes is tested before."""
    document = {"digest": digest("a"), "deleteEnabled": False}

    assert ["add", "add"] == [operation["op"] for operation in make_patch({}, document)]
    assert ["test", "test", "remove", "remove"] == [operation["op"] for operation in make_patch(document, {})]
    assert {} == apply_patch(make_patch(document, {}), document)


def test_a_digest_is_not_sent_as_an_attribute():
    """A tag moves by a push, so the body of a PATCH holds its flags alone."""
    moved = make_patch(tag("a"), tag("b", deleteEnabled=False))

    assert {"deleteEnabled": False} == request_body(moved)
    assert {"writeEnabled": False} == request_body(make_patch({}, {"digest": digest("a"), "writeEnabled": False}))


def test_the_request_holds_what_differs_and_no_other_member():
    """A member too many once made repositories unreadable."""
    patch = make_patch(tag(), tag(writeEnabled=False))

    assert {"writeEnabled": False} == request_body(patch)


def test_a_patch_turns_before_into_after_and_changes_neither():
    """The documents are values: applying a patch to one makes another."""
    before, after = tag(), tag(listEnabled=False, readEnabled=False)

    applied = apply_patch(make_patch(before, after), before)

    assert (after, tag()) == (applied, before)


@pytest.mark.parametrize(
    "live",
    [
        tag("b"),
        tag(writeEnabled=False),
        {"digest": digest("a")},
        {},
    ],
)
def test_a_patch_does_not_apply_where_a_test_fails(live):
    """Whatever is not as it was is a ValueError, and never an AssertionError out of a library."""
    patch = make_patch(tag(), tag(writeEnabled=False))

    with pytest.raises(ValueError, match="the patch does not apply"):
        apply_patch(patch, live)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (tag(), []),
        (tag(listEnabled=False), []),
        (tag("b"), ["digest was sha256:aaaaaa…, is now sha256:bbbbbb…"]),
        (tag(writeEnabled=False), ["writeEnabled was true, is now false"]),
        ({"digest": digest("a")}, ["writeEnabled was true, is now absent"]),
        ({"writeEnabled": True}, ["digest was sha256:aaaaaa…, is now absent"]),
        ({}, ["digest was sha256:aaaaaa…, is now absent", "writeEnabled was true, is now absent"]),
    ],
)
def test_what_does_not_hold_any_more_is_told_in_the_order_of_the_patch(live, expected):
    """Each failed test says what was expected and what is there."""
    patch = make_patch(tag(), tag(writeEnabled=False))

    assert expected == [str(mismatch) for mismatch in failed_tests(patch, live)]


@pytest.mark.parametrize("almost", [1, "true", 1.0])
def test_only_true_is_true(almost):
    """Python takes 1 for True; a test does not."""
    patch = make_patch(tag(), tag(writeEnabled=False))

    failed = failed_tests(patch, {"digest": digest("a"), "writeEnabled": almost})

    assert ["writeEnabled"] == [mismatch.attribute for mismatch in failed]


def test_what_is_equal_in_python_and_not_in_json_stays_apart():
    """1 and true are equal in Python, and a patch made of the one before must not answer for the other."""
    patches = [make_patch({"tagCount": value}, {}) for value in (True, 1)]

    assert ["True", "1"] == [repr(tested["value"]) for tested, _ in patches]
