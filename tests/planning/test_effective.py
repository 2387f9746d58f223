"""What can really happen to a resource: every attribute that decides it, one at a time."""

from __future__ import annotations

import pytest
from builders import OPEN, digest, tag

from reconciler.model.address import Address
from reconciler.planning.effective import Image, effective

A, B = digest("a"), digest("b")
V1, APP, IMAGE, CHILD = Address("app", tag="v1"), Address("app"), Address("app", digest=A), Address("app", digest=B)


def _verdicts(address=V1, *, repository=None, of_tag=None, of_manifest=None, child=None):
    image = Image(
        {**OPEN, **(repository or {})},
        tag("a", **(of_tag or {})),
        (IMAGE, {**OPEN, **(of_manifest or {})}),
        {CHILD: {**OPEN, **(child or {})}},
    )
    return {answer.question: (answer.verdict, answer.stop, answer.where) for answer in effective(address, image)}


def test_everything_can_happen_to_an_open_tag_and_each_answer_names_what_would_stop_it():
    """One attribute each, and whose it is."""
    assert {
        "overwritten": ("yes", "writeEnabled", V1),
        "deleted": ("yes", "deleteEnabled", V1),
        "lost with its manifest": ("yes", "deleteEnabled", IMAGE),
        "lost in part, with a child": ("yes", "deleteEnabled", CHILD),
        "lost with its repository": ("yes", "deleteEnabled", APP),
        "pulled": ("yes", "readEnabled", V1),
        "listed": ("yes", "listEnabled", V1),
    } == _verdicts()


OFF = {"deleteEnabled": False}
READ_ONLY = {"writeEnabled": False}


@pytest.mark.parametrize(
    ("locked", "expected"),
    [
        ({"of_tag": OFF}, {"deleted": "no", "lost with its manifest": "perhaps", "lost with its repository": "no"}),
        (
            {"of_tag": READ_ONLY},
            {
                "overwritten": "no",
                "deleted": "no",
                "lost with its manifest": "perhaps",
                "lost with its repository": "no",
            },
        ),
        ({"of_manifest": OFF}, {"lost with its manifest": "no", "lost with its repository": "no"}),
        ({"child": OFF}, {"lost in part, with a child": "no", "lost with its repository": "no"}),
        ({"repository": OFF}, {"lost with its repository": "no"}),
        (
            {"repository": READ_ONLY},
            {
                "overwritten": "no",
                "deleted": "no",
                "lost with its manifest": "no",
                "lost in part, with a child": "no",
                "lost with its repository": "no",
            },
        ),
        ({"child": {"readEnabled": False}}, {"pulled": "no"}),
        ({"repository": {"readEnabled": False}}, {"pulled": "no"}),
        ({"of_tag": {"listEnabled": False}}, {"listed": "no"}),
    ],
)
def test_each_attribute_stops_what_it_stops_and_nothing_else(locked, expected):
    """What a lab saw and nobody documents is a perhaps."""
    everything = {question: verdict for question, (verdict, _, _) in _verdicts().items()}

    assert {**everything, **expected} == {
        question: verdict for question, (verdict, _, _) in _verdicts(**locked).items()
    }


@pytest.mark.parametrize(
    ("locked", "question", "expected"),
    [
        ({"repository": READ_ONLY}, "overwritten", ("no", "writeEnabled", APP)),
        ({"repository": READ_ONLY}, "deleted", ("no", "writeEnabled", APP)),
        ({"repository": READ_ONLY}, "lost in part, with a child", ("no", "writeEnabled", APP)),
        ({"of_manifest": OFF}, "lost with its manifest", ("no", "deleteEnabled", IMAGE)),
        ({"child": {"readEnabled": False}}, "pulled", ("no", "readEnabled", CHILD)),
        ({"of_tag": READ_ONLY}, "overwritten", ("no", "writeEnabled", V1)),
        ({"of_tag": READ_ONLY, "repository": READ_ONLY}, "overwritten", ("no", "", None)),
        ({"of_tag": OFF}, "lost with its repository", ("no", "", None)),
        ({"of_tag": OFF, "repository": OFF}, "lost with its repository", ("no", "", None)),
        ({"repository": OFF}, "lost with its repository", ("no", "deleteEnabled", APP)),
    ],
)
def test_a_no_names_what_alone_makes_it_one(locked, question, expected):
    """Where several do, or only a rule of the registry does, none of them is the one."""
    assert expected == _verdicts(**locked)[question]


def test_where_each_child_is_locked_by_itself_none_is_the_one():
    """Opening one of them does not make the other one lost."""
    children = {CHILD: {**OPEN, **OFF}, SUBJECT: {**OPEN, **OFF}}

    answers = {each.question: each for each in effective(V1, Image(OPEN, tag("a"), (IMAGE, OPEN), children))}

    assert ("no", "") == (answers["lost in part, with a child"].verdict, answers["lost in part, with a child"].stop)


def test_what_is_not_known_is_not_promised():
    """A child that could not be read may be lost, or not."""
    image = Image(OPEN, tag("a", **OFF, **READ_ONLY), (IMAGE, {**OPEN, **OFF}), {CHILD: None})

    answers = {answer.question: answer.verdict for answer in effective(V1, image)}

    assert ("unknown", "unknown") == (answers["lost in part, with a child"], answers["pulled"])


@pytest.mark.parametrize(("address", "first"), [(APP, "pushed to"), (IMAGE, "deleted")])
def test_repositories_and_manifests_have_answers_of_their_own(address, first):
    """A manifest is deleted by its digest, a repository as a whole."""
    assert first == next(iter(_verdicts(address)))


SUBJECT = Address("app", digest=digest("c"))


@pytest.mark.parametrize("of_child", [{}, {"deleteEnabled": False}])
@pytest.mark.parametrize("held", [set(), {CHILD}])
def test_a_manifest_has_the_same_verdict_asked_by_itself_and_as_a_child(of_child, held):
    """A locked tag at it may keep it, whoever asks."""
    child = {**OPEN, **of_child}
    below = Image(OPEN, None, (IMAGE, OPEN), {CHILD: child}, held=held)
    itself = Image(OPEN, None, (CHILD, child), {}, held=held)

    asked = [{a.question: a.verdict for a in effective(*each)} for each in ((IMAGE, below), (CHILD, itself))]

    assert asked[0]["lost in part, with a child"] == asked[1]["deleted"]


@pytest.mark.parametrize(
    ("of_signature", "of_subject", "held", "expected"),
    [
        ({}, {}, (), "yes"),
        (OFF, {}, (), "perhaps"),
        ({}, {}, (SUBJECT,), "perhaps"),
        (OFF, OFF, (), "no"),
        ({}, OFF, (), "no"),
    ],
)
def test_a_signature_goes_along_with_what_it_is_about(of_signature, of_subject, held, expected):
    """That a lock on it stops that is not documented."""
    image = Image(
        OPEN, None, (IMAGE, {**OPEN, **of_signature}), {}, subjects={SUBJECT: {**OPEN, **of_subject}}, held=held
    )

    [answer] = [each for each in effective(IMAGE, image) if each.question == "lost with what it is about"]

    assert expected == answer.verdict


def test_where_it_is_not_known_what_a_manifest_is_about_that_is_not_promised():
    """It may be about nothing, or about what can go."""
    answers = {each.question: each.verdict for each in effective(IMAGE, Image(OPEN, None, (IMAGE, OPEN), {}, None))}

    assert "unknown" == answers["lost with what it is about"]
