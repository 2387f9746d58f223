"""
Azure DevOps' API about the threads on pull requests of one repository in the project "Web shop" of contoso.

Source: https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads, .../pull-request-thread-comments
"""

from __future__ import annotations

import re
import ssl

from forges.fake_forge import Asked, FakeForge, Stored
from servers import Reply, html, reply

BUILD_SERVICE = "6b9f1c8e-0000-4000-8000-000000000001"
PERSON = "6b9f1c8e-0000-4000-8000-000000000002"
REPOSITORY = "2f3d611a-f012-4b39-b157-8db63f380226"
MOST = 150_000
_THREADS = re.compile(
    rf"/contoso/Web%20shop/_apis/git/repositories/{REPOSITORY}/pullRequests/([0-9]+)/threads(?:/([0-9]+)/comments/1)?"
)


class FakeAzureDevOps(FakeForge):
    """Tokens are those of the build service, with the permission to contribute to pull requests and without."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.tokens = {"eyJ.build": BUILD_SERVICE, "eyJ.reader": BUILD_SERVICE, "eyJ.person": PERSON}
        self.read_only = {"eyJ.reader"}

    def environment(self, token: str = "eyJ.build", *, pull: int = 7) -> dict[str, str]:
        """The variables of the build of a pull request."""
        return {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": f"{self.url}/contoso/",
            "SYSTEM_TEAMPROJECT": "Web shop",
            "BUILD_REPOSITORY_ID": REPOSITORY,
            "BUILD_REPOSITORY_PROVIDER": "TfsGit",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": str(pull),
            "SYSTEM_ACCESSTOKEN": token,
        }

    def answer(self, asked: Asked) -> Reply:
        """One of four calls, or a refusal."""
        if asked.who is None:
            return _said(401, "TF400813: not authorized") if "x-tfs-fedauthredirect" in asked.headers else html(203)
        if not asked.query.get("api-version", "").startswith("7.1"):
            return _said(400, "No api-version was supplied for the request.")
        if asked.path == "/contoso/_apis/connectionData":
            return reply(200, {"authenticatedUser": {"id": asked.who}})
        found = _THREADS.fullmatch(asked.path)
        if not found or int(found[1]) not in self.pulls:
            return _said(404, "TF401180: The requested pull request was not found.")
        return self._about_threads(asked, int(found[1]), found[2])

    def _about_threads(self, asked: Asked, pull: int, number: str | None) -> Reply:
        if asked.method == "GET":
            threads = [_thread(each) for each in self.stored if each.pull == pull]
            return reply(200, {"value": threads, "count": len(threads)})
        if not asked.is_writer:
            return _said(403, "TF401027: You need the Git 'PullRequestContribute' permission to perform this action.")
        return self._updated(asked, number) if number else self._created(asked, pull)

    def _created(self, asked: Asked, pull: int) -> Reply:
        text = asked.document["comments"][0]["content"]
        if asked.method != "POST" or len(text) > MOST:
            return _said(400, f"The comment is longer than {MOST} characters.")
        stored = self.add(asked.who or "", text, pull=pull)
        stored.status = asked.document["status"]
        return reply(200, _thread(stored))

    def _updated(self, asked: Asked, number: str) -> Reply:
        stored = next(each for each in self.stored if str(each.number) == number)
        if asked.method != "PATCH" or stored.author != asked.who:
            return _said(403, "TF401027: Only its author edits a comment.")
        stored.text = asked.document["content"]
        return reply(200, _comment(stored))


def _thread(stored: Stored) -> dict[str, object]:
    return {"id": stored.number, "status": stored.status, "comments": [_comment(stored)]}


def _comment(stored: Stored) -> dict[str, object]:
    kind = "system" if stored.is_system else "text"
    return {
        "id": 1,
        "author": {"id": stored.author},
        "content": stored.text,
        "commentType": kind,
        "isDeleted": stored.is_deleted,
    }


def _said(status: int, message: str) -> Reply:
    return reply(status, {"$id": "1", "message": message, "typeKey": "GitException", "errorCode": 0})
