"""
Comments on a pull request on GitHub, with the token of a workflow, an app or a person.

A pull request is an issue too, and its conversation is the issue's. Whoever may write to a
repository may edit everybody's comments there, so a marker proves nothing: the author
has to be us. Who that is tells GraphQL's `viewer`; GET /user refuses the tokens of apps,
and a workflow's is one.

Sources: https://docs.github.com/en/rest/issues/comments,
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson

from reconciler.errors import ForgeError, RefusedError
from reconciler.forges.calls import SUCCESS, Calls
from reconciler.forges.forge import Comment, Pull
from reconciler.forges.surroundings import api_at, number_of, token_of, value_of
from reconciler.registry.exchange import Answer

_REPOSITORY = re.compile(r"(?!\.\.?/)[A-Za-z0-9._-]+/(?!\.\.?$)[A-Za-z0-9._-]+")
_REF = re.compile(r"refs/pull/([0-9]+)/(?:merge|head)")
_NEXT = re.compile(r'<([^>]*)>[^<]*?;\s*rel="?next"?')
_MAX_PAGES = 1_000  # of 100 comments
_MAX_EVENT_BYTES = 32 * 2**20  # a webhook has 25 MB at most
_WORKFLOWS = "github-actions[bot]"  # who writes with a workflow's own token
_WORKFLOW = "In a workflow GitHub sets it."
_ADVICE = {
    401: "The token has ended, or is none.",
    403: "The job needs `permissions: pull-requests: write`; on a pull request from a fork its token only reads.\n"
    "  --if-permitted makes that no error, and --summary shows the plan on the page of the run as well.",
    404: "The token may not read that repository, or there is no such pull request.",
}


def github_pull(environment: Mapping[str, str], number: int | None) -> Pull:
    """
    The pull request that a workflow runs for.

    Args:
        environment: Of the process.
        number: Of the pull request; None: the workflow's own.

    Raises:
        RefusedError: it is not told which one, or where.
        NotPermittedError: there is no token.
    """
    location, root = api_at(environment, "GITHUB_API_URL", advice="It is https://api.github.com, or that of a company.")
    repository = value_of(environment, "GITHUB_REPOSITORY", advice=f"It is OWNER/NAME. {_WORKFLOW}")
    if not _REPOSITORY.fullmatch(repository):
        raise RefusedError("GITHUB_REPOSITORY is not OWNER/NAME")
    number = number or _number(environment)
    token = token_of(
        environment, "GITHUB_TOKEN", "GH_TOKEN", advice="The step needs `env: {GITHUB_TOKEN: '${{ github.token }}'}`."
    )
    return Pull(
        forge="GitHub",
        name=f"{repository}#{number}",
        location=location,
        root=root,
        path=f"{root}/repos/{repository}/issues/{number}",
        headers=(
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
            ("authorization", f"Bearer {token}"),
        ),
        token=token,
        advice=_ADVICE,
    )


class GitHub:
    """The comments of a pull request."""

    def __init__(self, calls: Calls) -> None:
        """`calls` are about one of `github_pull`."""
        self._calls = calls
        self._pull = calls.pull

    async def comments(self) -> list[Comment]:
        """All of them, 100 on a page."""
        found: list[Comment] = []
        target = f"{self._pull.path}/comments?per_page=100"
        for _ in range(_MAX_PAGES):
            answer = await self._calls.get(target)
            found += self._calls.understood(answer, lambda page: [_comment(each) for each in page])
            target = self._next(answer)
            if not target:
                return found
        raise ForgeError(f"{self._pull}: the list of comments has no end")

    async def myself(self) -> str:
        """The login; that of a workflow where GitHub does not tell."""
        answer = await self._calls.answer("POST", graphql_at(self._pull.root), {"query": "query { viewer { login } }"})
        if answer.status in (403, 404):
            return _WORKFLOWS
        if answer.status not in SUCCESS:
            self._calls.checked(answer)
        return self._calls.understood(answer, _viewer) or _WORKFLOWS

    async def create(self, text: str) -> None:
        """Write a new one."""
        await self._calls.write("POST", f"{self._pull.path}/comments", {"body": text}, is_repeatable=False)

    async def update(self, comment: Comment, text: str) -> None:
        """Replace the text of one."""
        comments = f"{self._pull.path.rpartition('/')[0]}/comments"
        await self._calls.write("PATCH", f"{comments}/{comment.key[0]}", {"body": text}, is_repeatable=True)

    def _next(self, answer: Answer) -> str:
        """Path and query of the next page; empty after the last one."""
        link = _NEXT.search(answer.headers.get("link", ""))
        if not link:
            return ""
        target = self._pull.location.target_of(urljoin(answer.url, link[1]))
        if not target:  # without that page a comment of ours may be missing, and there would be two
            raise ForgeError(f"GET {answer.url}: the next page is on another host, which does not get the token")
        return target


def graphql_at(root: str) -> str:
    """Path of GraphQL, by that of the REST API it stands beside: /api/graphql where that is /api/v3."""
    return f"{root.removesuffix('/v3')}/graphql"


def _comment(found: Any) -> Comment:
    return Comment((int(found["id"]),), str(found["body"] or ""), str((found["user"] or {}).get("login", "")))


def _viewer(document: Any) -> str:
    login = ((document["data"] or {}).get("viewer") or {}).get("login", "")
    return login if isinstance(login, str) else ""


def _number(environment: Mapping[str, str]) -> int:
    """The number of the pull request that the event is about, or that was checked out."""
    told = _event_number(environment.get("GITHUB_EVENT_PATH", ""))
    ref = _REF.fullmatch(environment.get("GITHUB_REF", ""))
    number = told or (ref[1] if ref else "")
    if not number:
        raise RefusedError(
            "this workflow does not run for a pull request\n  --number N names one; or run this `on: pull_request` only"
        )
    return number_of({"the pull request": number}, "the pull request", None, advice="--number N names one")


def _event_number(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            event = orjson.loads(file.read(_MAX_EVENT_BYTES))
        pull = event.get("pull_request") or event.get("issue") or {}
        is_pull = "pull_request" in event or "pull_request" in pull
        return str(pull["number"]) if is_pull else ""
    except (OSError, AttributeError, KeyError, TypeError, ValueError):
        return ""
