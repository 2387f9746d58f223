"""
Notes on a merge request on GitLab.

The token of the job itself, CI_JOB_TOKEN, may not write notes: it is a project's access token, in a
masked variable. A maintainer may edit the notes of others, so a marker proves nothing:
the author has to be us. The pipeline of a fork runs in the fork; the merge request is the target's.

Sources: https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/ci/jobs/ci_job_token/,
https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from reconciler.errors import ForgeError
from reconciler.forges.calls import Calls
from reconciler.forges.forge import Comment, Pull
from reconciler.forges.surroundings import api_at, number_of, token_of, value_of
from reconciler.registry.exchange import Answer

_MAX_PAGES = 1_000  # of 100 notes
_PIPELINE = 'GitLab sets it in pipelines of merge requests: `if: $CI_PIPELINE_SOURCE == "merge_request_event"`.'
_ADVICE = {
    401: "The token has ended, or is none. CI_JOB_TOKEN may not write notes.",
    403: "The token needs the scope api and the role Reporter, or a higher one.\n  --if-permitted makes that no error.",
    404: "The token may not see that project, or there is no such merge request.",
}


def gitlab_pull(environment: Mapping[str, str], number: int | None) -> Pull:
    """
    The merge request that a pipeline runs for.

    Args:
        environment: Of the process.
        number: Of the merge request (its IID); None: the pipeline's own.

    Raises:
        RefusedError: it is not told which one, or where.
        NotPermittedError: there is no token.
    """
    location, root = api_at(environment, "CI_API_V4_URL", advice="It is such as https://gitlab.com/api/v4.")
    project = value_of(environment, "CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID", advice=_PIPELINE)
    iid = number_of(environment, "CI_MERGE_REQUEST_IID", number, advice=f"{_PIPELINE}\n  --number N names one.")
    token = token_of(
        environment,
        "GITLAB_TOKEN",
        advice="It is a project's access token with the scope api, in a masked variable;"
        " CI_JOB_TOKEN may not write notes.\n  Pipelines of forks do not get it: --if-permitted makes that no error.",
    )
    return Pull(
        forge="GitLab",
        name=f"{environment.get('CI_MERGE_REQUEST_PROJECT_PATH') or project}!{iid}",
        location=location,
        root=root,
        path=f"{root}/projects/{quote(project, safe='')}/merge_requests/{iid}",
        headers=(("private-token", token),),
        token=token,
        advice=_ADVICE,
    )


class GitLab:
    """The notes of a merge request."""

    def __init__(self, calls: Calls) -> None:
        """`calls` are about one of `gitlab_pull`."""
        self._calls = calls
        self._pull = calls.pull

    async def comments(self) -> list[Comment]:
        """All notes that people or programs wrote, 100 on a page."""
        found: list[Comment] = []
        page = 1
        for _ in range(_MAX_PAGES):
            target = f"{self._pull.path}/notes?per_page=100&order_by=created_at&sort=asc&page={page}"
            answer = await self._calls.get(target)
            found += self._calls.understood(answer, _comments)
            following = _next(answer)
            if following <= page:
                return found
            page = following
        raise ForgeError(f"{self._pull}: the list of notes has no end")

    async def myself(self) -> str:
        """The id of the token's user; a project's token has a user of its own."""
        answer = await self._calls.get(f"{self._pull.root}/user")
        return self._calls.understood(answer, lambda user: str(int(user["id"])))

    async def create(self, text: str) -> None:
        """Write a new one."""
        await self._calls.write("POST", f"{self._pull.path}/notes", {"body": text}, is_repeatable=False)

    async def update(self, comment: Comment, text: str) -> None:
        """Replace the text of one."""
        target = f"{self._pull.path}/notes/{comment.key[0]}"
        await self._calls.write("PUT", target, {"body": text}, is_repeatable=True)


def _next(answer: Answer) -> int:
    """The number of the next page; 0 after the last one. `Link` would name the host as GitLab knows itself."""
    text = answer.headers.get("x-next-page", "").strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _comments(page: Any) -> list[Comment]:
    return [_comment(each) for each in page if not each.get("system")]


def _comment(found: Any) -> Comment:
    return Comment((int(found["id"]),), str(found["body"] or ""), str((found["author"] or {}).get("id", "")))
