"""`reconciler comment` as a pipeline runs it."""

from __future__ import annotations

import pytest
from builders import LOCKED, desired_state, plan_of, repository
from example_plans import typical_plan
from forges.fake_github import WORKFLOW, FakeGitHub

from reconciler.cli.comment import forge_name
from reconciler.errors import RefusedError
from reconciler.planning.planfile import plan_to_json
from reconciler.render.plan_markdown import render_plan_markdown

TYPICAL = typical_plan()
IN_SYNC = plan_of(desired_state({"match": "**", "deleteEnabled": False}), repository("app", LOCKED))
NONE = dict.fromkeys(("github", "gitlab", "azure_devops"), False)
NO_PIPELINE = {"GITHUB_ACTIONS": "", "GITLAB_CI": "", "TF_BUILD": ""}


@pytest.fixture
def forge():
    """A running fake of GitHub."""
    with FakeGitHub() as started:
        yield started


@pytest.fixture
def comment(reconciler, tmp_path, forge):
    """A function that runs the command in a workflow, about the typical plan or another one."""

    def run(*arguments, token="ghs_workflow", plan=TYPICAL, **environment):
        (tmp_path / "plan.json").write_bytes(plan_to_json(plan))
        return reconciler(
            "comment", "plan.json", *arguments, **{**NO_PIPELINE, **forge.environment(token), **environment}
        )

    return run


def test_a_workflow_has_its_comment_and_its_summary(comment, forge, tmp_path):
    """The answer is one line, and -v tells each request, without the token."""
    (tmp_path / "summary.md").write_text("# Before\n")

    done = comment("--summary", "-v", GITHUB_STEP_SUMMARY="summary.md")

    assert (0, "GitHub contoso/app#7: comment created\n") == (done.code, done.stdout), done.stderr
    assert [render_plan_markdown(TYPICAL)] == forge.texts()
    assert f"# Before\n{forge.texts()[0]}" == (tmp_path / "summary.md").read_text()
    assert "POST /repos/contoso/app/issues/7/comments: 201" in done.stderr
    assert "ghs_workflow" not in done.stderr


def test_nothing_to_tell_is_told_where_there_is_a_comment(comment, forge):
    """And where it is asked for; older comments of ours are told of."""
    none = comment(plan=IN_SYNC)
    forge.add(WORKFLOW, render_plan_markdown(TYPICAL))
    forge.add(WORKFLOW, render_plan_markdown(TYPICAL))
    updated = comment(plan=IN_SYNC)

    assert "GitHub contoso/app#7: no comment, as there is nothing to tell; --always writes one\n" == none.stdout
    assert "GitHub contoso/app#7: comment updated\n" == updated.stdout
    assert "note: 1 older comment of ours is there too, and left alone; two runs at the same time wrote them\n" == (
        updated.stderr
    )
    assert [render_plan_markdown(TYPICAL), render_plan_markdown(IN_SYNC)] == forge.texts()


def test_a_fork_s_token_fails_the_step_unless_it_may(comment, forge):
    """With --if-permitted it is a note."""
    failed = comment(token="ghs_fork")
    passed = comment("--if-permitted", token="ghs_fork")

    said = f"POST {forge.url}/repos/contoso/app/issues/7/comments: 403 Resource not accessible by integration\n"
    assert (1, "") == (failed.code, failed.stdout)
    assert failed.stderr.startswith(f"error: {said}  The job needs `permissions: pull-requests: write`")
    assert (0, "no comment: it is not permitted\n", f"note: {said}") == (passed.code, passed.stdout, passed.stderr)
    assert [] == forge.texts()


def test_a_summary_that_cannot_be_written_is_an_error_before_anything_is_sent(comment, forge):
    """Whoever asks for it relies on it."""
    done = comment("--summary", GITHUB_STEP_SUMMARY=".")

    assert (1, "error: --summary: .: cannot be written: Is a directory\n") == (done.code, done.stderr)
    assert [] == forge.server.requests


@pytest.mark.parametrize(
    ("asked", "environment", "found"),
    [
        ("", {"GITHUB_ACTIONS": "true"}, "github"),
        ("", {"GITLAB_CI": "true"}, "gitlab"),
        ("", {"TF_BUILD": "True"}, "azure_devops"),
        ("github", {"TF_BUILD": "True"}, "github"),
    ],
)
def test_which_forge_it_is(asked, environment, found):
    """The one that is asked for, or in whose pipeline it runs."""
    assert found == forge_name({**NONE, asked: True}, environment)


@pytest.mark.parametrize(
    ("asked", "environment", "said"),
    [
        ({}, {}, "GITHUB_ACTIONS, GITLAB_CI, TF_BUILD are not set\n"),
        ({}, {"GITHUB_ACTIONS": "true", "TF_BUILD": "True"}, "GITHUB_ACTIONS, TF_BUILD are all set\n"),
        ({"github": True, "gitlab": True}, {}, "one of them at most"),
    ],
)
def test_where_the_forge_is_not_told(asked, environment, said):
    """To guess would send a token somewhere."""
    with pytest.raises(RefusedError, match=said):
        forge_name({**NONE, **asked}, environment)
