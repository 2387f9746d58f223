"""
Threads on a pull request in Azure Repos.

The comment is the first one of a thread of its own. The thread is closed from the start: a branch
policy that wants all comments resolved would wait for an active one for ever.

Sources: https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads,
https://learn.microsoft.com/azure/devops/pipelines/build/variables
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from reconciler.errors import RefusedError
from reconciler.forges.calls import Calls
from reconciler.forges.forge import Comment, Pull
from reconciler.forges.surroundings import api_at, number_of, token_of, value_of

_VERSION = "api-version=7.1"
_PREVIEW = "api-version=7.1-preview"  # connectionData never left it
_AZURE_REPOS = "TfsGit"
_PIPELINE = "Azure Pipelines sets it in the build of a pull request."
_SIGN_IN = "The token has ended, or is none."
_ADVICE = {
    203: _SIGN_IN,  # how Azure DevOps shows its sign-in page
    401: _SIGN_IN,
    403: "The build service needs the permission Contribute to pull requests on the repository.\n"
    "  --if-permitted makes that no error.",
    404: "The token may not read that repository, or there is no such pull request.",
}


def azure_devops_pull(environment: Mapping[str, str], number: int | None) -> Pull:
    """
    The pull request that a pipeline runs for.

    Args:
        environment: Of the process.
        number: Of the pull request; None: the pipeline's own.

    Raises:
        RefusedError: it is not told which one, or where.
        NotPermittedError: there is no token.
    """
    if environment.get("BUILD_REPOSITORY_PROVIDER", _AZURE_REPOS) != _AZURE_REPOS:
        raise RefusedError(
            "the repository of this pipeline is not in Azure Repos\n"
            "  For one on GitHub: --github --number N, with GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN."
        )
    location, root = api_at(environment, "SYSTEM_COLLECTIONURI", advice="It is such as https://dev.azure.com/contoso/.")
    project = value_of(environment, "SYSTEM_TEAMPROJECT", advice=_PIPELINE)
    repository = value_of(environment, "BUILD_REPOSITORY_ID", advice=_PIPELINE)
    number = number_of(
        environment, "SYSTEM_PULLREQUEST_PULLREQUESTID", number, advice=f"{_PIPELINE}\n  --number N names one."
    )
    token = token_of(
        environment, "SYSTEM_ACCESSTOKEN", advice="The step needs `env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}`."
    )
    git = f"{root}/{quote(project, safe='')}/_apis/git/repositories/{quote(repository, safe='')}"
    return Pull(
        forge="Azure DevOps",
        name=f"{project}!{number}",
        location=location,
        root=root,
        path=f"{git}/pullRequests/{number}",
        # Without the second one a token that has ended gets a redirect to a page for people.
        headers=(("authorization", f"Bearer {token}"), ("x-tfs-fedauthredirect", "Suppress")),
        token=token,
        advice=_ADVICE,
    )


class AzureDevOps:
    """The threads of a pull request."""

    def __init__(self, calls: Calls) -> None:
        """`calls` are about one of `azure_devops_pull`."""
        self._calls = calls
        self._pull = calls.pull

    async def comments(self) -> list[Comment]:
        """All comments of all threads; there are no pages."""
        answer = await self._calls.get(f"{self._pull.path}/threads?{_VERSION}")
        return self._calls.understood(answer, _comments)

    async def myself(self) -> str:
        """The id of the token's identity: that of the build service, mostly."""
        answer = await self._calls.get(f"{self._pull.root}/_apis/connectionData?{_PREVIEW}")
        return self._calls.understood(answer, lambda document: str(document["authenticatedUser"]["id"]))

    async def create(self, text: str) -> None:
        """Write a new thread with it."""
        comment = {"parentCommentId": 0, "content": text, "commentType": "text"}
        thread = {"comments": [comment], "status": "closed"}
        await self._calls.write("POST", f"{self._pull.path}/threads?{_VERSION}", thread, is_repeatable=False)

    async def update(self, comment: Comment, text: str) -> None:
        """Replace the text of one; its thread stays as it is."""
        thread, number = comment.key
        target = f"{self._pull.path}/threads/{thread}/comments/{number}?{_VERSION}"
        await self._calls.write("PATCH", target, {"content": text}, is_repeatable=True)


def _comments(document: Any) -> list[Comment]:
    return [
        _comment(thread, comment)
        for thread in document["value"]
        for comment in thread["comments"]
        if not comment.get("isDeleted")
    ]


def _comment(thread: Any, found: Any) -> Comment:
    key = (int(thread["id"]), int(found["id"]))
    return Comment(key, str(found.get("content") or ""), str((found.get("author") or {}).get("id", "")))
