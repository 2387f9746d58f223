"""What is GitLab's and Azure DevOps' own."""

from __future__ import annotations

import pytest
from forges.fake_azure_devops import BUILD_SERVICE, FakeAzureDevOps
from forges.fake_gitlab import BOT, FakeGitLab
from servers import html

from reconciler.errors import ForgeError, NotPermittedError, RefusedError
from reconciler.forges.azure_devops import AzureDevOps, azure_devops_pull
from reconciler.forges.calls import calls_to
from reconciler.forges.comment import Kept, keep_comment
from reconciler.forges.gitlab import GitLab, gitlab_pull

OLD, TEXT = "<!-- m -->\nold", "<!-- m -->\nnew"


@pytest.fixture
def gitlab():
    """A running fake."""
    with FakeGitLab() as started:
        yield started


@pytest.fixture
def azure_devops():
    """A running fake."""
    with FakeAzureDevOps() as started:
        yield started


async def keep(pull, forge_of, text=TEXT):
    """What became of the comment."""
    async with calls_to(pull) as calls:
        return await keep_comment(forge_of(calls), text, pause_s=0)


async def test_the_merge_request_of_a_fork_is_the_target_s(gitlab):
    """CI_PROJECT_ID is the fork there."""
    environment = {**gitlab.environment(), "CI_PROJECT_ID": "4711"}

    assert Kept("created") == await keep(gitlab_pull(environment, None), GitLab)


async def test_what_gitlab_notes_itself_is_no_comment_of_ours(gitlab):
    """It can quote one."""
    gitlab.add(BOT, OLD, is_system=True)

    assert Kept("created") == await keep(gitlab_pull(gitlab.environment(), None), GitLab)


def test_the_token_of_a_job_is_not_enough(gitlab):
    """The message says which one is needed, and that forks do not have it."""
    environment = {**gitlab.environment(""), "CI_JOB_TOKEN": "job-token"}

    with pytest.raises(NotPermittedError, match=r"CI_JOB_TOKEN may not write notes\.\n  .*--if-permitted"):
        gitlab_pull(environment, None)


def test_a_pipeline_of_no_merge_request_is_refused(gitlab):
    """The message says which pipelines are of one."""
    environment = {**gitlab.environment(), "CI_MERGE_REQUEST_IID": ""}

    with pytest.raises(RefusedError, match=r"CI_MERGE_REQUEST_IID is not set\n  .*merge_request_event"):
        gitlab_pull(environment, None)


async def test_a_number_that_was_given_wins(gitlab):
    """As it was asked, whatever the pipeline runs for."""
    gitlab.pulls = {12}

    kept = await keep(gitlab_pull(gitlab.environment(), 12), GitLab)

    assert Kept("created") == kept
    assert [TEXT] == gitlab.texts(12)


async def test_a_thread_holds_no_merge_up(azure_devops):
    """It is closed, as a branch policy may want all comments resolved."""
    kept = await keep(azure_devops_pull(azure_devops.environment(), None), AzureDevOps)

    assert Kept("created") == kept
    assert ["closed"] == [each.status for each in azure_devops.stored]


async def test_the_page_for_signing_in_is_no_list_of_threads(azure_devops):
    """Azure DevOps shows it with 203."""
    azure_devops.add(BUILD_SERVICE, OLD)
    azure_devops.fail("GET", html(203))

    with pytest.raises(ForgeError, match=r": 203\n  The token has ended"):
        await keep(azure_devops_pull(azure_devops.environment(), None), AzureDevOps)

    assert [OLD] == azure_devops.texts()


def test_a_repository_elsewhere_is_not_azure_devops_(azure_devops):
    """Azure Pipelines builds what is on GitHub too; the message says how to comment there."""
    environment = {**azure_devops.environment(), "BUILD_REPOSITORY_PROVIDER": "GitHub"}

    with pytest.raises(RefusedError, match=r"not in Azure Repos\n  .*--github --number N"):
        azure_devops_pull(environment, None)


async def test_a_comment_that_somebody_deleted_stays_so(azure_devops):
    """It is in its thread all the same; a new one is written."""
    azure_devops.add(BUILD_SERVICE, OLD).is_deleted = True

    assert Kept("created") == await keep(azure_devops_pull(azure_devops.environment(), None), AzureDevOps)


def test_names_of_projects_are_spelt_for_a_path(azure_devops):
    """They may hold spaces, and no name reaches beyond its place."""
    environment = {**azure_devops.environment(), "SYSTEM_TEAMPROJECT": "Web/../shop?"}

    path = azure_devops_pull(environment, None).path

    assert path.startswith("/contoso/Web%2F..%2Fshop%3F/_apis/git/repositories/")
