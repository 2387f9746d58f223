"""What is the same on every forge: one comment, ours, up to date, and a token that goes nowhere else."""

from __future__ import annotations

import pytest
from example_plans import hostile_plan, typical_plan
from forges.fake_azure_devops import BUILD_SERVICE, PERSON, FakeAzureDevOps
from forges.fake_forge import DROPPED
from forges.fake_github import WORKFLOW, FakeGitHub
from forges.fake_gitlab import BOT, FakeGitLab
from servers import SILENCE, html, raw, reply, scripted

from reconciler.errors import ForgeError, NotPermittedError
from reconciler.forges.azure_devops import AzureDevOps, azure_devops_pull
from reconciler.forges.calls import calls_to
from reconciler.forges.comment import Kept, keep_comment
from reconciler.forges.github import GitHub, github_pull
from reconciler.forges.gitlab import GitLab, gitlab_pull
from reconciler.render.plan_markdown import marker, render_plan_markdown

MARKER = marker("contoso.azurecr.io")
TEXT = f"{MARKER}\n\n### Plan: 1 to update\n"
OLD = f"{MARKER}\n\n### Plan: 2 to update\n"
# The fake, what speaks to it, who we are there, somebody else, a token that may not write.
KINDS = {
    "github": (FakeGitHub, github_pull, GitHub, WORKFLOW, "mallory", "ghs_fork"),
    "gitlab": (FakeGitLab, gitlab_pull, GitLab, BOT, "666", "glpat-reader"),
    "azure-devops": (FakeAzureDevOps, azure_devops_pull, AzureDevOps, BUILD_SERVICE, PERSON, "eyJ.reader"),
}


class Case:
    """A running fake, and how to keep a comment there."""

    def __init__(self, forge, kind):
        self.forge = forge
        _, self._pull_of, self._forge_of, self.us, self.stranger, self.reader = kind

    async def keep(self, text=TEXT, *, token=None, limit_s=120, pull=7, **options):
        """What became of the comment."""
        environment = self.forge.environment(*([token] if token else []), pull=pull)
        async with calls_to(self._pull_of(environment, None), limit_s=limit_s) as calls:
            return await keep_comment(self._forge_of(calls), text, pause_s=0, **options)

    async def refusal(self, **options):
        """The error that it ends with."""
        with pytest.raises(ForgeError) as caught:
            await self.keep(**options)
        return caught.value


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def case(request):
    """One forge after the other."""
    with request.param[0]() as forge:
        yield Case(forge, request.param)


async def test_a_comment_is_created_then_left_and_then_updated(case):
    """The same text is read and not written again."""
    case.forge.add(case.stranger, "Looks good to me.")

    first = await case.keep(OLD)
    second = await case.keep(OLD)
    writes = case.forge.writes
    third = await case.keep(TEXT)

    assert (Kept("created"), Kept("unchanged"), Kept("updated")) == (first, second, third)
    assert ["Looks good to me.", TEXT.strip()] == [text.strip() for text in case.forge.texts()]
    assert 1 == writes


async def test_a_stranger_with_our_marker_is_neither_overwritten_nor_in_the_way(case):
    """Anybody can write that line."""
    case.forge.add(case.stranger, OLD)

    kept = await case.keep()
    again = await case.keep()

    assert (Kept("created"), Kept("unchanged")) == (kept, again)
    assert [OLD, TEXT.strip()] == [case.forge.texts()[0], case.forge.texts()[1].strip()]


async def test_of_several_of_ours_the_newest_is_updated(case):
    """Two runs at the same time wrote them; the older one stays."""
    case.forge.add(case.us, OLD)
    case.forge.add(case.us, OLD)

    kept = await case.keep()

    assert Kept("updated", older=1) == kept
    assert [OLD, TEXT.strip()] == [case.forge.texts()[0], case.forge.texts()[1].strip()]


async def test_ours_is_found_behind_250_others(case):
    """A list has pages, and the comment can be on the last one."""
    for number in range(250):
        case.forge.add(case.stranger, f"comment {number}, about {MARKER}")
    case.forge.add(case.us, OLD)

    kept = await case.keep()

    assert Kept("updated") == kept
    assert 251 == len(case.forge.texts())


async def test_another_registry_has_a_comment_of_its_own(case):
    """A pull request may be about several, and others may quote what is in one."""
    other = f"{marker('fabrikam.azurecr.io')}\n\n### Plan\n"
    case.forge.add(case.us, f"It begins with\n{MARKER}")

    await case.keep(other)
    kept = await case.keep()

    assert Kept("created") == kept
    assert 3 == len(case.forge.texts())


async def test_where_nothing_is_to_be_told_none_is_created_but_one_that_is_there_is_updated(case):
    """People dislike noise, and stale comments more."""
    before = await case.keep(create=False)
    case.forge.add(case.us, OLD)

    after = await case.keep(create=False)

    assert (Kept("not needed"), Kept("updated")) == (before, after)


async def test_a_token_that_may_not_write_is_an_error_of_its_own(case):
    """It says what to do, and not the token."""
    error = await case.refusal(token=case.reader)

    assert isinstance(error, NotPermittedError)
    assert ": 403 " in str(error).partition("\n")[0]
    assert "--if-permitted" in str(error)
    assert case.reader not in str(error)


async def test_a_token_that_nobody_knows_is_an_error(case):
    """The token is not in it."""
    error = await case.refusal(token="unknown-token")

    assert not isinstance(error, NotPermittedError)
    assert ": 401 " in str(error)
    assert "unknown-token" not in str(error)


async def test_a_pull_request_that_is_not_there_is_an_error(case):
    """Nothing is written anywhere."""
    error = await case.refusal(pull=8)

    assert ": 404 " in str(error)
    assert 0 == case.forge.writes


@pytest.mark.parametrize("broken", [reply(502), DROPPED], ids=["502", "dropped"])
async def test_a_comment_that_arrived_though_the_answer_did_not_is_not_written_twice(case, broken):
    """It is looked for before it is sent again."""
    case.forge.fail("POST", broken, after_all=True)

    kept = await case.keep()

    assert Kept("created") == kept
    assert [TEXT.strip()] == [text.strip() for text in case.forge.texts()]


async def test_a_comment_that_did_not_arrive_is_written_again(case):
    """Up to three times."""
    case.forge.fail("POST", reply(500), DROPPED)

    kept = await case.keep()

    assert Kept("created") == kept
    assert 3 == case.forge.writes
    assert 1 == len(case.forge.texts())


async def test_a_comment_that_never_arrives_is_an_error(case):
    """The words of the forge are in it."""
    case.forge.fail("POST", *[reply(500, {"message": "out of order"})] * 3)

    error = await case.refusal()

    assert str(error).endswith(": 500 out of order")
    assert [] == case.forge.texts()


@pytest.mark.parametrize(
    "answer",
    [html(200), reply(200, {"value": 1}), reply(200, [{"id": "x"}]), reply(200, b"[" * 9000), reply(200, 5)],
    ids=["html", "object", "members", "deep", "number"],
)
async def test_an_answer_that_is_none_is_an_error(case, answer):
    """Nothing is written where it is not known what is there."""
    case.forge.fail("GET", answer)

    error = await case.refusal()

    assert "the answer is not what " in str(error)
    assert [] == case.forge.texts()


async def test_a_redirect_is_not_followed(case):
    """The token would go along."""
    with scripted() as elsewhere:
        case.forge.fail("GET", reply(302, location=f"{elsewhere.url}/"))

        error = await case.refusal()

        assert f": 302, a redirect to {elsewhere.url}" in str(error)
        assert [] == elsewhere.requests


async def test_silence_ends(case):
    """All together has a limit, whoever does not answer."""
    case.forge.fail("GET", *[SILENCE] * 9)

    error = await case.refusal(limit_s=0.4)

    assert "no answer in time" in str(error) or "not done within 0.4 s" in str(error)


async def test_what_repeats_the_token_is_masked(case):
    """In the words of the forge too."""
    token = next(iter(case.forge.tokens))
    case.forge.fail("GET", reply(400, {"message": f"no good: {token}"}))

    error = await case.refusal()

    assert str(error).endswith(": 400 no good: ***")


async def test_an_answer_without_end_is_given_up(case):
    """It does not fill the memory."""
    case.forge.fail("GET", raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", *[b" " * 2**20] * 40))

    error = await case.refusal()

    assert "more than 32 MiB" in str(error)


@pytest.mark.parametrize("plan", [typical_plan(), hostile_plan()], ids=["typical", "hostile"])
def test_no_line_of_a_comment_is_a_command(plan):
    """GitLab carries out lines of new notes that begin with a slash, such as /merge."""
    lines = render_plan_markdown(plan).splitlines()

    assert [] == [line for line in lines if line.lstrip().startswith("/")]
