"""
GitLab's API about the notes on merge requests of project 42, contoso/app.

Source: https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/rest/#pagination
"""

from __future__ import annotations

import re
import ssl

from forges.fake_forge import Asked, FakeForge, Stored
from servers import Reply, reply

BOT = "501"  # the user of the project's access token
MOST = 1_000_000
_NOTES = re.compile(r"/api/v4/projects/(?:42|contoso%2Fapp)/merge_requests/([0-9]+)/notes(?:/([0-9]+))?")


class FakeGitLab(FakeForge):
    """A token of the project with the scope api, one with read_api, and one of a person; users are named by ids."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.tokens = {"glpat-project": BOT, "glpat-reader": BOT, "glpat-person": "7"}
        self.read_only = {"glpat-reader"}

    def token_of(self, headers) -> str:
        """In a header of its own; that of a job, JOB-TOKEN, is good for other calls only."""
        return headers.get("private-token", "")

    def environment(self, token: str = "glpat-project", *, pull: int = 7) -> dict[str, str]:
        """The variables of a pipeline of a merge request."""
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_PROJECT_PATH": "contoso/app",
            "CI_MERGE_REQUEST_IID": str(pull),
            "GITLAB_TOKEN": token,
        }

    def answer(self, asked: Asked) -> Reply:
        """One of four calls, or a refusal."""
        if asked.who is None:
            return reply(401, {"message": "401 Unauthorized"})
        if asked.path == "/api/v4/user":
            return reply(200, {"id": int(asked.who), "username": "project_42_bot"})
        found = _NOTES.fullmatch(asked.path)
        if not found or int(found[1]) not in self.pulls:
            return reply(404, {"message": "404 Not found"})
        if asked.method == "GET":
            return self._page(asked, int(found[1]))
        if not asked.is_writer:
            return reply(403, {"error": "insufficient_scope", "error_description": "Needs a higher scope."})
        return self._written(asked, int(found[1]), found[2])

    def _written(self, asked: Asked, pull: int, number: str | None) -> Reply:
        text = (asked.document or {}).get("body")
        if not isinstance(text, str) or len(text) > MOST:
            return reply(400, {"message": {"note": [f"is too long (maximum is {MOST} characters)"]}})
        if asked.method == "POST" and number is None:
            return reply(201, _shown(self.add(asked.who or "", text.strip(), pull=pull)))
        stored = next((each for each in self.stored if str(each.number) == number), None)
        if asked.method != "PUT" or stored is None:
            return reply(404, {"message": "404 Note Not Found"})
        stored.text = text.strip()
        return reply(200, _shown(stored))

    def _page(self, asked: Asked, pull: int) -> Reply:
        size, page = int(asked.query.get("per_page", 20)), int(asked.query.get("page", 1))
        there = [_shown(each) for each in self.stored if each.pull == pull]
        there = there if asked.query.get("sort") == "asc" else there[::-1]
        following = str(page + 1) if len(there) > page * size else ""
        return reply(200, there[(page - 1) * size : page * size], x_next_page=following, x_page=str(page))


def _shown(stored: Stored) -> dict[str, object]:
    return {
        "id": stored.number,
        "body": stored.text,
        "author": {"id": int(stored.author), "username": f"user{stored.author}"},
        "system": stored.is_system,
    }
