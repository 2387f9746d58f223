"""What is GitHub's own: links between pages, limits that look like refusals, and who a token is."""

from __future__ import annotations

import json
import ssl

import httpx
import pytest
import trustme
from forges.fake_github import MOST, WORKFLOW, FakeGitHub
from servers import reply

from reconciler.errors import ForgeError, NotPermittedError, RefusedError
from reconciler.forges.calls import calls_to, limited_s
from reconciler.forges.comment import Kept, keep_comment
from reconciler.forges.github import GitHub, github_pull, graphql_at
from reconciler.registry.exchange import Answer

OLD, TEXT = "<!-- m -->\nold", "<!-- m -->\nnew"
NOTHING = {"GITHUB_API_URL": "https://api.github.com", "GITHUB_REPOSITORY": "contoso/app", "GH_TOKEN": "ghp_x"}


@pytest.fixture
def forge():
    """A running fake."""
    with FakeGitHub() as started:
        yield started


async def keep(forge, text=TEXT, token="ghs_workflow", **options):
    """What became of the comment."""
    async with calls_to(github_pull(forge.environment(token), None), **options) as calls:
        return await keep_comment(GitHub(calls), text, pause_s=0)


async def test_a_link_to_another_host_is_an_error(forge):
    """The token stays where it belongs, and half a list proves nothing."""
    forge.fail("GET", reply(200, [], link='<https://evil.example/comments?page=2>; rel="next"'))

    with pytest.raises(ForgeError, match="the next page is on another host"):
        await keep(forge)

    assert 1 == len(forge.server.requests)


async def test_a_limit_that_looks_like_a_refusal_is_waited_for(forge):
    """GitHub answers 403 with Retry-After where too much is written at a time."""
    pauses = []
    said = {"message": "You have exceeded a secondary rate limit."}
    forge.fail("POST", reply(403, said, retry_after="0"), reply(429, said, retry_after="0"))

    kept = await keep(forge, on_pause=pauses.append)

    assert Kept("created") == kept
    assert 1 == len(forge.texts())
    assert 2 == len(pauses)


async def test_a_pause_beyond_all_patience_is_an_error(forge):
    """It is no want of permission, so --if-permitted does not hide it."""
    forge.fail("POST", reply(403, {"message": "secondary rate limit"}, retry_after="3600"))

    with pytest.raises(ForgeError, match="asks for a pause of 3,600 s") as caught:
        await keep(forge)

    assert not isinstance(caught.value, NotPermittedError)


async def test_a_company_s_own_authority_is_believed_where_it_is_named(tmp_path):
    """The error tells how."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    with FakeGitHub(tls) as forge:
        with pytest.raises(ForgeError, match=r"the certificate does not verify: .*\n  --ca-bundle names a file"):
            await keep(forge)
        kept = await keep(forge, ca_bundle=str(tmp_path / "ca.pem"))

    assert Kept("created") == kept
    assert 2 == len(forge.server.requests)


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (403, {}, b'{"message": "Resource not accessible by integration"}', None),
        (403, {"retry-after": "30"}, b"{}", 30.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1090"}, b"{}", 90.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, b"{}", 1.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, b"{}", 60.0),
        (403, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1090"}, b"{}", None),
        (403, {}, b'{"message": "You have exceeded a secondary rate limit"}', 60.0),
        (404, {"retry-after": "30"}, b"{}", None),
    ],
)
def test_what_a_403_means(status, headers, body, seconds):
    """Too much, with a time or without, or not permitted."""
    assert seconds == limited_s(Answer("GET", "https://x/", status, httpx.Headers(headers), body), 1000.0)


async def test_a_comment_that_is_too_long_is_an_error_in_github_s_words(forge):
    """What the plan's Markdown never is."""
    with pytest.raises(ForgeError, match=r"422 Validation Failed: .*Body is too long \(maximum is 65536 characters\)"):
        await keep(forge, "x" * (MOST + 1))


@pytest.mark.parametrize(
    ("token", "knows_viewer", "author", "what"),
    [
        ("ghp_octocat", True, "octocat", "updated"),
        ("ghp_octocat", True, WORKFLOW, "created"),
        ("ghs_workflow", True, "octocat", "created"),
        ("ghs_workflow", False, WORKFLOW, "updated"),
        ("ghs_workflow", True, "", "created"),
    ],
)
async def test_ours_is_what_the_token_s_own_login_wrote(forge, token, knows_viewer, author, what):
    """A workflow's where GitHub does not tell; an author who is gone is nobody."""
    forge.knows_viewer = knows_viewer
    forge.add(author, OLD)

    assert Kept(what) == await keep(forge, token=token)


async def test_a_login_that_cannot_be_asked_for_is_an_error(forge):
    """To guess would write a new comment each time."""
    forge.add(WORKFLOW, OLD)
    forge.fail("POST", *[reply(502)] * 5)

    with pytest.raises(ForgeError, match="/graphql: 502"):
        await keep(forge, limit_s=0.3)

    assert [OLD] == forge.texts()


@pytest.mark.parametrize(
    ("event", "ref", "given", "number"),
    [
        ({"pull_request": {"number": 12}}, "refs/pull/7/merge", None, 12),
        ({"issue": {"number": 13, "pull_request": {"url": "…"}}}, "refs/heads/main", None, 13),
        ({"issue": {"number": 13}}, "refs/heads/main", None, None),
        ({}, "refs/pull/7/merge", None, 7),
        ({}, "refs/pull/7/merge", 9, 9),
        ({}, "refs/heads/pull/7/merge", None, None),
        ([], "refs/heads/main", None, None),
        ({"pull_request": {"number": "7/../8"}}, "refs/heads/main", None, None),
        ({"pull_request": 3}, "refs/heads/main", None, None),
    ],
)
def test_which_pull_request_a_workflow_runs_for(tmp_path, event, ref, given, number):
    """As the event says, or the ref, or the command line before both."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    environment = {**NOTHING, "GITHUB_EVENT_PATH": str(path), "GITHUB_REF": ref}

    if number is None:
        with pytest.raises(RefusedError, match="--number N"):
            github_pull(environment, given)
    else:
        assert f"GitHub contoso/app#{number}" == str(github_pull(environment, given))


def test_the_api_of_a_company_s_own_server_has_a_path():
    """GraphQL stands beside it."""
    pull = github_pull({**NOTHING, "GITHUB_API_URL": "https://github.contoso.com/api/v3"}, 7)

    assert "/api/v3/repos/contoso/app/issues/7" == pull.path
    assert "/api/graphql" == graphql_at(pull.root)
    assert "ghp_x" not in repr(pull)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"GITHUB_API_URL": ""}, "GITHUB_API_URL is not set"),
        ({"GITHUB_API_URL": "http://api.github.com"}, "is not encrypted"),
        ({"GITHUB_API_URL": "https://user:hunter2@api.github.com"}, "GITHUB_API_URL is not the URL of an API"),
        ({"GITHUB_API_URL": "https://api.github.com?x"}, "GITHUB_API_URL is not the URL of an API"),
        ({"GITHUB_API_URL": "https://api.github.com/../x"}, "GITHUB_API_URL is not the URL of an API"),
        ({"GITHUB_REPOSITORY": "contoso/app/../../user"}, "GITHUB_REPOSITORY is not OWNER/NAME"),
        ({"GITHUB_REPOSITORY": "contoso/.."}, "GITHUB_REPOSITORY is not OWNER/NAME"),
        ({"GH_TOKEN": " \n"}, "GITHUB_TOKEN or GH_TOKEN is not set"),
        ({"GH_TOKEN": "hunter2\r\nhost: evil"}, "GH_TOKEN holds no token"),
    ],
)
def test_surroundings_that_cannot_be_used(variables, said):
    """Nothing is sent, and no secret is told."""
    with pytest.raises((RefusedError, NotPermittedError), match=said) as caught:
        github_pull({**NOTHING, **variables}, 7)

    assert "hunter2" not in str(caught.value)
