"""What the adapter makes of answers that are wrong, or that lead elsewhere."""

from __future__ import annotations

import base64

import pytest
from hostile import ELSEWHERE, INCOMPLETE, SIGN_IN, WRONG_ANSWER

from reconciler.errors import RegistryError
from reconciler.model.desired import Declaration, DesiredState, Origin, RepositoryRule, TagRule
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import compile_pattern
from reconciler.planning.base import NoBase
from reconciler.registry.reader import refresh

FATAL = {**WRONG_ANSWER, **ELSEWHERE, **SIGN_IN}
PASSWORD = "correct-horse-battery-staple"
HERE = Origin("registry.yaml", 1, 1)
DECLARED = (Declaration("deleteEnabled", False, HERE),)
EVERYTHING = DesiredState(
    None,
    (
        RepositoryRule(
            match=(compile_pattern("**"),),
            exclude=(),
            attributes=DECLARED,
            tags=(TagRule((compile_pattern("v*"),), (), DECLARED, HERE),),
            origin=HERE,
        ),
    ),
)


def _secrets_in(text: str) -> list[str]:
    basic = base64.b64encode(f"ci:{PASSWORD}".encode()).decode()
    return [secret for secret in (PASSWORD, basic, ".signature") if secret in text]


@pytest.mark.parametrize("name", FATAL)
async def test_a_registry_that_cannot_be_trusted_is_one_error(registry, elsewhere, connect, name):
    """The error says where and what, on one line, without credentials; nobody else hears of it."""
    FATAL[name].script(registry, elsewhere)

    async with connect(password=PASSWORD, timeout_s=2.0) as client:
        with pytest.raises(RegistryError) as raised:
            await refresh(client, DesiredIndex(EVERYTHING), NoBase(), concurrency=4, receive=lambda *_: None)

    first, *advice = str(raised.value).splitlines()
    assert FATAL[name].says in first
    assert registry.url in first
    assert first.isprintable()
    assert len(advice) <= 5
    assert all(line.startswith("  ") for line in advice)
    assert _secrets_in(str(raised.value)) == []
    assert 0 == elsewhere.connections


@pytest.mark.parametrize("name", INCOMPLETE)
async def test_a_repository_that_cannot_be_read_is_told_with_the_reason(registry, elsewhere, connect, name):
    """The reason is in its value, and the other repository is read."""
    INCOMPLETE[name].script(registry, elsewhere)
    received = {}

    async with connect(password=PASSWORD, timeout_s=2.0) as client:
        await refresh(
            client,
            DesiredIndex(EVERYTHING),
            NoBase(),
            concurrency=4,
            receive=lambda _, live, __: received.update({live.name: live}),
        )

    assert {"team/app", "team/good"} == set(received)
    assert INCOMPLETE[name].says in received["team/app"].unread
    assert ("", ["v1"]) == (received["team/good"].unread, list(received["team/good"].tags))
