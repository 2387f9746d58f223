"""A registry may repeat what it was told, anywhere and however spelt; nobody gets to see it."""

from __future__ import annotations

import base64

import pytest
from servers import FLAGS, access_token, challenge, refusal, reply

from reconciler.errors import RegistryError
from reconciler.model.address import Address
from reconciler.registry.exchange import Request, Secrets

PASSWORD = """hunter<2>&"x'/ y=%Z"""
APP = "/acr/v1/team%2Fapp"
BASIC = base64.b64encode(f"ci:{PASSWORD}".encode()).decode()
GO = PASSWORD.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace('"', '\\"')


def _said(text: str) -> bytes:
    return f'{{"errors":[{{"code":"U","message":"bad {text}"}}]}}'.encode()


async def _error(registry, connect) -> str:
    async with connect(password=PASSWORD) as client:
        with pytest.raises(RegistryError) as raised:
            await client.read(Address("team/app"))
    return f"{raised.value}{raised.value!r}"


@pytest.mark.parametrize("spelled", [GO, GO.replace("/", "\\/"), "hunter&lt;2&gt;&amp;&quot;x&#x27;/ y=%Z"])
async def test_a_password_in_a_refusal_is_masked_however_it_is_spelt(registry, connect, spelled):
    """As Go's JSON writes it, with slashes escaped, in HTML."""
    registry.on("*", challenge(f"{registry.url}/oauth2/token", "s"))
    registry.on("/oauth2/token", reply(401, _said(spelled)))

    told = await _error(registry, connect)

    assert "bad ***" in told
    assert "hunter" not in told


async def test_a_password_is_masked_in_answers_to_later_calls_too(registry, connect):
    """It went to the token endpoint, and comes back from elsewhere."""
    registry.on("*", challenge(f"{registry.url}/oauth2/token", "s"), reply(403, _said(GO)))
    registry.on("/oauth2/token", reply(200, {"access_token": access_token("one")}))

    assert "hunter" not in await _error(registry, connect)


async def test_a_password_sent_with_basic_is_masked(registry, connect):
    """Itself, and the pair that it went in."""
    basic = refusal(401, "UNAUTHORIZED", www_authenticate='Basic realm="r"')
    registry.on("*", basic, reply(403, _said(f"{GO} {BASIC}")))

    told = await _error(registry, connect)

    assert "hunter" not in told
    assert BASIC not in told


async def test_a_credential_in_an_answer_that_is_misread_is_masked(registry, connect):
    """A count that is none is shown, but for that."""
    basic = refusal(401, "UNAUTHORIZED", www_authenticate='Basic realm="r"')
    document = {"imageName": "team/app", "tagCount": BASIC, "changeableAttributes": FLAGS}
    registry.on("*", basic, reply(200, document))

    told = await _error(registry, connect)

    assert "tagCount is '***', not a number" in told
    assert BASIC not in told


def test_what_is_sent_is_not_in_a_repr():
    """A request travels through many hands."""
    request = Request("POST", "/oauth2/token", "sign-in", (("authorization", "Bearer s3cret-token"),), b"s3cret-word")

    assert "s3cret" not in repr(request)


def test_what_is_very_short_is_not_masked():
    """Every other word would have stars in it, and tell what it is."""
    secrets = Secrets()
    secrets.add("a", "")

    assert "a repository" == secrets.masked("a repository")
