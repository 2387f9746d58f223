"""Git as memory: the ref that says which commit was applied."""

from __future__ import annotations

import pytest
from checkouts import ONE, TWO, refusal

from reconciler.errors import DesiredStateError
from reconciler.files.revision import prepare_mark

pytestmark = pytest.mark.usefixtures("git_of_nobody")
REF = "refs/reconciler/prod"


def test_a_mark_is_made_and_moved(checkout):
    """The ref need not be there before; its log says who moved it."""
    first = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()
    second = checkout.commit(prod=TWO)

    mark = prepare_mark(REF, ["prod.yaml"])
    mark.move()

    assert (REF, first, second) == (mark.ref, mark.previous, mark.commit)
    assert second == checkout.git("rev-parse", REF)
    assert 2 == checkout.git("reflog", "show", REF).count("reconciler apply")


def test_preparing_a_mark_moves_nothing(checkout):
    """That waits until all was applied."""
    checkout.commit(prod=ONE)

    mark = prepare_mark(REF, ["prod.yaml"])

    assert mark.previous is None
    assert "" == checkout.git("for-each-ref", "refs/reconciler")


def test_a_mark_that_is_there_already_stays(checkout):
    """Nothing is written, not even in its log."""
    head = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()

    prepare_mark(REF, ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", REF)
    assert 1 == checkout.git("reflog", "show", REF).count("reconciler apply")


def test_of_two_runs_that_marked_at_the_same_time_the_second_is_told(checkout):
    """Where the ref is now, and that the registry is as its report says."""
    checkout.commit(prod=ONE)
    late = prepare_mark(REF, ["prod.yaml"])
    now = checkout.commit(prod=TWO)
    prepare_mark(REF, ["prod.yaml"]).move()

    said = refusal(late.move)

    assert f"{REF}: it is not moved: it was absent when this run began and is {now[:12]} now" == said.splitlines()[0]
    assert now == checkout.git("rev-parse", REF)


def test_a_mark_that_was_there_already_and_moved_away_is_told(checkout):
    """Nothing was to be moved, and yet it does not say what was applied."""
    first = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()
    late = prepare_mark(REF, ["prod.yaml"])
    now = checkout.commit(prod=TWO)
    prepare_mark(REF, ["prod.yaml"]).move()

    said = refusal(late.move)

    assert f"it was {first[:12]} when this run began and is {now[:12]} now" in said


def test_two_runs_that_mark_the_same_commit_agree(checkout):
    """The second finds what it wanted."""
    head = checkout.commit(prod=ONE)
    late = prepare_mark(REF, ["prod.yaml"])
    prepare_mark(REF, ["prod.yaml"]).move()

    late.move()

    assert head == checkout.git("rev-parse", REF)


def test_a_mark_that_was_deleted_meanwhile_is_told(checkout):
    """It is not made anew: somebody did that on purpose."""
    first = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()
    checkout.commit(prod=TWO)
    mark = prepare_mark(REF, ["prod.yaml"])
    checkout.git("update-ref", "-d", REF)

    said = refusal(mark.move)

    assert f"it was {first[:12]} when this run began and is absent now" in said


def test_a_mark_that_git_cannot_write_is_told_as_it_is(checkout):
    """Nobody moved it, so nobody is blamed."""
    checkout.commit(prod=ONE)
    mark = prepare_mark(REF, ["prod.yaml"])
    checkout.git("update-ref", "refs/reconciler/prod/below", "HEAD")

    said = refusal(mark.move)

    assert f"{REF}: it is not moved, and still absent" == said.splitlines()[0]


def test_a_mark_that_could_not_be_moved_is_told_before(checkout):
    """After everything was applied it would be too late."""
    checkout.commit(prod=ONE)
    checkout.git("update-ref", "refs/reconciler", "HEAD")

    said = refusal(prepare_mark, REF, ["prod.yaml"])

    assert f"--mark {REF}: it could not be moved" == said.splitlines()[0]
    assert "'refs/reconciler' exists" in said


@pytest.mark.parametrize(
    ("state", "how"),
    [
        ("modified", "changed since"),
        ("staged", "changed since"),
        ("untracked", "not in it"),
        ("ignored", "not in it"),
        ("hidden-by-index", "changed since"),
        ("deleted", "deleted since"),
    ],
)
def test_what_is_not_committed_is_not_marked(checkout, state, how):
    """The ref would say that something was applied that was not. What Git thinks of the file does not count."""
    (checkout.folder / ".gitignore").write_text("ignored.yaml\n")
    head = checkout.commit(deploy__prod=ONE, deploy__old=ONE)
    name = {"untracked": "new", "ignored": "ignored", "deleted": "old"}.get(state, "prod")
    if state == "hidden-by-index":
        checkout.git("update-index", "--assume-unchanged", "deploy/prod.yaml")
    checkout.write(f"deploy__{name}", None if state == "deleted" else TWO)
    if state == "staged":
        checkout.git("add", "-A")

    said = refusal(prepare_mark, REF, ["deploy"])

    assert f"--mark: deploy/{name}.yaml: not as in HEAD ({head[:12]}): {how}" == said.splitlines()[0]
    assert said.endswith("Commit them first.")


def test_all_that_is_not_committed_is_told(checkout):
    """Up to a number that a person reads."""
    head = checkout.commit(a=ONE)
    for number in range(13):
        checkout.write(f"b{number:02}", TWO)

    said = refusal(prepare_mark, REF, ["."]).splitlines()

    assert f"--mark: b00.yaml: not as in HEAD ({head[:12]}): not in it" == said[0]
    assert ["  b01.yaml: not in it", "  and 2 more"] == [said[1], said[11]]


def test_what_is_not_applied_need_not_be_committed(checkout):
    """Other files of the repository are nobody's business here, nor is what is only staged."""
    head = checkout.commit(prod=ONE, other=ONE)
    checkout.write("other", TWO)
    checkout.write("prod", TWO)
    checkout.git("add", "prod.yaml")
    checkout.write("prod", ONE)

    mark = prepare_mark(REF, ["prod.yaml"])

    assert head == mark.commit


@pytest.mark.parametrize("settings", [{"core.autocrlf": "true"}, {"core.autocrlf": "false"}])
def test_how_lines_end_is_not_compared(checkout, settings):
    """Git may change that at a checkout, and YAML does not care."""
    head = checkout.commit(prod=ONE)
    for name, value in settings.items():
        checkout.git("config", name, value)
    checkout.write("prod", None).write_bytes(ONE.replace("\n", "\r\n").encode())

    mark = prepare_mark(REF, ["prod.yaml"])

    assert head == mark.commit


def test_what_a_filter_makes_of_a_file_is_not_what_is_committed(checkout):
    """The commit has to hold what is loaded; that a filter could make one of the other is not enough."""
    (checkout.folder / ".gitattributes").write_text("*.yaml filter=upper\n")
    checkout.git("config", "filter.upper.clean", "tr a-z A-Z")
    checkout.commit(prod=ONE)

    said = refusal(prepare_mark, REF, ["prod.yaml"])

    assert "--mark: prod.yaml: not as in HEAD" in said


def test_what_cannot_be_loaded_is_told_as_always(checkout):
    """A name that is mistyped is not a matter of Git."""
    checkout.commit(prod=ONE)

    with pytest.raises(DesiredStateError, match=r"prdo\.yaml: no such file or folder"):
        prepare_mark(REF, ["prdo.yaml"])


@pytest.mark.parametrize(
    "ref",
    ["prod", "heads/main", "refs/", "refs/a..b", "--all", "--branch", "HEAD", "", "refs/a b", "refs/a\nb", "refs/\x00"],
)
def test_what_is_no_full_name_of_a_ref_is_refused(checkout, ref):
    """A short one could mean several."""
    checkout.commit(prod=ONE)

    said = refusal(prepare_mark, ref, ["prod.yaml"])

    assert said.splitlines()[0].endswith(": not the full name of a ref")
    assert "such as refs/reconciler/prod" in said


@pytest.mark.parametrize("branch", ["main", "elsewhere"])
def test_a_branch_that_is_checked_out_is_not_moved(checkout, tmp_path, branch):
    """In whatever worktree: its files would not be those of the branch any more."""
    checkout.commit(prod=ONE)
    checkout.git("worktree", "add", "-q", "-b", "elsewhere", str(tmp_path / "second"))

    said = refusal(prepare_mark, f"refs/heads/{branch}", ["prod.yaml"])

    assert f"--mark refs/heads/{branch}: that branch is checked out" == said.splitlines()[0]


def test_a_branch_that_nobody_works_on_can_be_a_mark(checkout):
    """It is a ref like others."""
    head = checkout.commit(prod=ONE)

    prepare_mark("refs/heads/applied", ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", "applied")


def test_a_ref_that_stands_for_another_is_not_moved(checkout):
    """The other may be the branch that somebody works on."""
    checkout.commit(prod=ONE)
    checkout.git("symbolic-ref", REF, "refs/heads/main")

    said = refusal(prepare_mark, REF, ["prod.yaml"])

    assert f"--mark {REF}: it stands for another ref" == said.splitlines()[0]


def test_a_branch_with_the_whole_name_of_the_ref_is_another(checkout):
    """refs/heads/refs/reconciler/prod is not taken for the ref."""
    checkout.commit(prod=ONE)
    checkout.git("branch", REF)

    mark = prepare_mark(REF, ["prod.yaml"])

    assert mark.previous is None


def test_a_detached_head_can_be_marked(checkout):
    """Pipelines check out a commit, not a branch."""
    head = checkout.commit(prod=ONE)
    checkout.git("checkout", "-q", "--detach")

    prepare_mark(REF, ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", REF)


def test_a_mark_needs_no_name_of_a_committer(checkout):
    """Pipelines have none."""
    head = checkout.commit(prod=ONE)
    checkout.git("config", "user.useConfigOnly", "true")

    prepare_mark(REF, ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", REF)


def test_before_the_first_commit_there_is_nothing_to_mark(checkout):
    """Files have to be committed first."""
    checkout.write("prod", ONE)

    said = refusal(prepare_mark, REF, ["prod.yaml"])

    assert "--mark: nothing is committed yet" == said.splitlines()[0]
