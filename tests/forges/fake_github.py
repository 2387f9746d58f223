"""
GitHub's API about the comments on pull requests of contoso/app.

Source: https://docs.github.com/en/rest/issues/comments, and .../using-the-rest-api/using-pagination-in-the-rest-api
"""

from __future__ import annotations

import re
import ssl

from forges.fake_forge import Asked, FakeForge, Stored
from servers import Reply, reply

WORKFLOW = "github-actions[bot]"
MOST = 65_536
_COMMENTS = re.compile(r"/(?:repos/contoso/app|repositories/1296269)/issues/([0-9]+)/comments")
_COMMENT = re.compile(r"/repos/contoso/app/issues/comments/([0-9]+)")
_PER_PAGE = 30  # where nothing is said


class FakeGitHub(FakeForge):
    """Tokens are those of a workflow, of the same for a pull request from a fork, and of a person."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.tokens = {"ghs_workflow": WORKFLOW, "ghs_fork": WORKFLOW, "ghp_octocat": "octocat"}
        self.read_only = {"ghs_fork"}
        self.knows_viewer = True

    def environment(self, token: str = "ghs_workflow", *, pull: int = 7) -> dict[str, str]:
        """The variables of a workflow."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": "contoso/app",
            "GITHUB_REF": f"refs/pull/{pull}/merge",
            "GITHUB_TOKEN": token,
        }

    def answer(self, asked: Asked) -> Reply:
        """One of four calls, or a refusal."""
        if "user-agent" not in asked.headers:
            return _said(403, "Request forbidden by administrative rules.")
        if asked.who is None:
            return _said(401, "Bad credentials")
        if asked.path == "/graphql":
            return self._viewer(asked)
        listed, single = _COMMENTS.fullmatch(asked.path), _COMMENT.fullmatch(asked.path)
        if asked.method == "GET" and listed and int(listed[1]) in self.pulls:
            return self._page(asked, int(listed[1]))
        stored = next((each for each in self.stored if single and each.number == int(single[1])), None)
        is_new = asked.method == "POST" and listed and int(listed[1]) in self.pulls
        if not is_new and not (asked.method == "PATCH" and stored):
            return _said(404, "Not Found")
        return self._written(asked, stored, int(listed[1]) if listed else 0)

    def _written(self, asked: Asked, stored: Stored | None, pull: int) -> Reply:
        text = (asked.document or {}).get("body")
        if not asked.is_writer:
            return _said(403, "Resource not accessible by integration")
        if not isinstance(text, str) or len(text) > MOST:
            error = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
            error["message"] = f"Body is too long (maximum is {MOST} characters)"
            return reply(422, {"message": "Validation Failed", "errors": [error]})
        if stored is None:
            return reply(201, _shown(self.add(asked.who or "", text, pull=pull)))
        stored.text = text  # whoever may write may edit everybody's
        return reply(200, _shown(stored))

    def _viewer(self, asked: Asked) -> Reply:
        if not self.knows_viewer:
            return _said(403, "Resource not accessible by integration")
        return reply(200, {"data": {"viewer": {"login": asked.who}}})

    def _page(self, asked: Asked, pull: int) -> Reply:
        size, page = int(asked.query.get("per_page", _PER_PAGE)), int(asked.query.get("page", 1))
        there = [_shown(each) for each in self.stored if each.pull == pull]
        shown = there[(page - 1) * size : page * size]
        url = f"{self.url}/repositories/1296269/issues/{pull}/comments?per_page={size}"
        links = [f'<{url}&page={page - 1}>; rel="prev"'] if page > 1 else []
        links += [f'<{url}&page={page + 1}>; rel="next"'] if len(there) > page * size else []
        return reply(200, shown, **({"link": ", ".join(links)} if links else {}))


def _shown(stored: Stored) -> dict[str, object]:
    is_app = stored.author.endswith("[bot]")
    user = {"login": stored.author, "id": 1, "type": "Bot" if is_app else "User"}
    return {"id": stored.number, "body": stored.text, "user": user if stored.author else None}


def _said(status: int, message: str) -> Reply:
    return reply(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})
