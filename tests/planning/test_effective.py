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


def test_what_is_not_known_is_not_promised():
    """A child that could not be read may be lost, or not."""
    image = Image(OPEN, tag("a", **OFF, **READ_ONLY), (IMAGE, {**OPEN, **OFF}), {CHILD: None})

    answers = {answer.question: answer.verdict for answer in effective(V1, image)}

    assert ("unknown", "unknown") == (answers["lost in part, with a child"], answers["pulled"])


@pytest.mark.parametrize(("address", "first"), [(APP, "pushed to"), (IMAGE, "deleted")])
def test_repositories_and_manifests_have_answers_of_their_own(address, first):
    """A manifest is deleted by its digest, a repository as a whole."""
    assert first == next(iter(_verdicts(address)))
