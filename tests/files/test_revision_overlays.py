"""Overlays, as they stood at a commit."""

from __future__ import annotations

import pytest
from checkouts import ONE, TWO, matches, refusal

from reconciler.errors import DesiredStateError
from reconciler.files.revision import load_desired_at, prepare_mark

pytestmark = pytest.mark.usefixtures("git_of_nobody")
REF = "refs/reconciler/prod"
ADD_TWO = "- {op: add, path: /repositories/-, value: {match: two, protect: open}}\n"
ADD_THREE = "- {op: add, path: /repositories/-, value: {match: three, protect: open}}\n"


def test_overlays_are_read_at_the_revision_too(checkout):
    """In the order given, whatever they say now."""
    then = checkout.commit(base=ONE, prod=ADD_TWO, eu=ADD_THREE)
    checkout.commit(base=TWO, prod="[]", eu="broken: [")

    read = load_desired_at(then, ["base.yaml"], ["eu.yaml", "prod.yaml"])

    assert ["one", "three", "two"] == matches(read)
    assert f"{then}:prod.yaml" == read.desired.repositories[2].origin.file


def test_an_overlay_that_did_not_exist_changed_nothing(checkout):
    """Nor did one of a file that did not exist."""
    then = checkout.commit(base=ONE, eu=ADD_THREE)
    checkout.commit(prod=ADD_TWO)

    read = [load_desired_at(then, [base], ["prod.yaml", "eu.yaml"]) for base in ("base.yaml", "new.yaml")]

    assert [["one", "three"], []] == [matches(each) for each in read]


def test_a_problem_of_an_overlay_of_then_names_the_revision(checkout):
    """A path that was not there, with its place in the overlay."""
    checkout.commit(base=ONE, prod="- {op: remove, path: /registry}\n")

    said = refusal(load_desired_at, "HEAD", ["base.yaml"], ["prod.yaml"])

    assert 'HEAD:prod.yaml:1:22: [0].path: "/registry" is not there' == said.splitlines()[0]


def test_overlays_were_for_one_file_then_too(checkout):
    """A folder may have held more."""
    then = checkout.commit(deploy__a=ONE, deploy__b=TWO, prod="[]")

    said = refusal(load_desired_at, then, ["deploy"], ["prod.yaml"])

    assert f"{then}:prod.yaml: an overlay is for one file, and 2 are named" == said.splitlines()[0]


@pytest.mark.parametrize(
    ("named", "what"), [("over", "a folder; an overlay is one file"), ("link.yaml", "a link, which")]
)
def test_an_overlay_of_then_was_a_file(checkout, named, what):
    """No folder, and no link."""
    (checkout.folder / "link.yaml").symlink_to("over/prod.yaml")
    then = checkout.commit(base=ONE, over__prod=ADD_TWO)

    said = refusal(load_desired_at, then, ["base.yaml"], [named])

    assert said.startswith(f"{named}: {what}")


@pytest.mark.parametrize(("state", "how"), [(ADD_THREE, "changed since"), (None, "not in it")])
def test_an_overlay_that_is_not_committed_is_not_marked(checkout, state, how):
    """It is part of what is applied."""
    files = {} if state is None else {"prod": ADD_TWO}
    head = checkout.commit(base=ONE, **files)
    checkout.write("prod", state or ADD_TWO)

    said = refusal(prepare_mark, REF, ["base.yaml"], ["prod.yaml"])

    assert f"--mark: prod.yaml: not as in HEAD ({head[:12]}): {how}" == said.splitlines()[0]


def test_a_commit_that_holds_the_file_and_its_overlays_is_marked(checkout):
    """Overlays that are not used need not be committed."""
    head = checkout.commit(base=ONE, prod=ADD_TWO)
    checkout.write("eu", ADD_THREE)

    mark = prepare_mark(REF, ["base.yaml"], ["prod.yaml"])

    assert head == mark.commit


def test_an_overlay_that_cannot_be_found_is_told_as_always(checkout):
    """Likewise a name that is mistyped."""
    checkout.commit(base=ONE)

    with pytest.raises(DesiredStateError, match=r"prdo\.yaml: no such file or folder"):
        prepare_mark(REF, ["base.yaml"], ["prdo.yaml"])
