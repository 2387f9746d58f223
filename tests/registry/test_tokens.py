"""What is read in a token, and until when one is used."""

from __future__ import annotations

import base64
import json

import pytest
from servers import access_token

from reconciler.registry.tokens import (
    ALL_REPOSITORIES,
    CATALOG,
    Claims,
    Scope,
    make_token,
    parse_claims,
    parse_scope,
    repository_scope,
)

NOTHING = Claims()


def _token(claims: object) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"header.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.signature"


def test_the_claims_of_an_access_token_are_read():
    """In the spelling of ACR's own (recordings of azure-sdk-for-net, 2022)."""
    token = _token(
        {
            "jti": "365e3b5b-844e-4a8d-b8b4-1f8e5e0a2b4e",
            "sub": "ci",
            "iat": 1641929843,
            "exp": 1641934343,
            "access": [{"Type": "repository", "Name": "team/app", "Actions": ["metadata_read", "pull"]}],
            "roles": [],
        }
    )

    access = (Scope("repository", "team/app", ("metadata_read", "pull")),)
    assert Claims("ci", 1641929843, 1641934343, access) == parse_claims(token)


def test_the_claims_of_other_registries_are_read_too():
    """The distribution specification writes them small."""
    token = _token({"access": [{"type": "repository", "name": "a", "actions": ["pull"]}]})

    assert (Scope("repository", "a", ("pull",)),) == parse_claims(token).access


@pytest.mark.parametrize(
    ("claims", "expected"),
    [({"aad_identity": "x"}, True), ({"aad_identity": None}, True), ({"sub": "x"}, False), ({}, False)],
)
def test_a_claim_tells_that_permissions_are_granted_by_repository(claims, expected):
    """That it is there, whatever it says (Azure/acr-cli internal/api/acrsdk.go)."""
    assert expected == parse_claims(_token(claims)).is_per_repository


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"sub": "ci", "appid": "app"}, "ci"),
        ({"appid": "app"}, "app"),
        ({"sub": 1, "appid": "app"}, "app"),
        ({"sub": None}, ""),
    ],
)
def test_a_token_tells_who_holds_it(claims, expected):
    """As far as it does."""
    assert expected == parse_claims(_token(claims)).subject


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        ".",
        "a..b",
        "a.%%%.b",
        "a.\u00e9.b",
        "a.AAAAA.b",
        _token(b"not json"),
        _token(b"\xff\xfe"),
        _token(None),
        _token([]),
        _token("text"),
        _token({"exp": "soon", "iat": True, "access": {}, "sub": []}),
        _token(b"[" * 100_000),
    ],
    ids=range(14),
)
def test_a_token_that_cannot_be_read_says_nothing(token):
    """And is no error: it is the registry's, and may be good all the same."""
    assert NOTHING == parse_claims(token)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "repository",
        [],
        {},
        {"Type": "repository", "Name": "a"},
        {"Type": "repository", "Name": "a", "Actions": "pull"},
        {"Type": 1, "Name": "a", "Actions": []},
        {"Type": "repository", "Name": None, "Actions": []},
    ],
    ids=str,
)
def test_an_entry_of_the_access_claim_that_is_none_permits_nothing(entry):
    """The others count."""
    token = _token({"access": [entry, {"Type": "repository", "Name": "a", "Actions": ["pull", 7]}]})

    assert (Scope("repository", "a", ("pull",)),) == parse_claims(token).access


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (["repository:team/app:metadata_read,metadata_write"], True),
        (["repository:team/app:*"], True),
        (["repository:*:*"], True),
        (["repository:*:metadata_read", "repository:team/app:metadata_write"], True),
        (["repository:team/app:metadata_read"], False),
        (["repository:team/other:*"], False),
        (["repository:team/app/x:*"], False),
        (["registry:catalog:*"], False),
        (["registry:*:*"], False),
        ([], False),
        (None, False),
    ],
)
def test_what_is_granted_adds_up(access, expected):
    """For the name or for all names, the action or all actions; a token that does not tell grants nothing."""
    claims = parse_claims(access_token("t", access=access))

    assert expected is claims.grants(repository_scope("team/app", "metadata_read", "metadata_write"))


@pytest.mark.parametrize(
    ("lifetime_s", "expected"),
    [
        (3600.0, 1000.0 + 3540.0),
        (600.0, 1000.0 + 540.0),
        (60.0, 1000.0 + 54.0),
        (1.0, 1000.0 + 0.9),
        (0.0, 1000.0 + 270.0),
        (-5.0, 1000.0 + 270.0),
        (-1e9, 1000.0 + 270.0),
    ],
)
def test_a_token_is_renewed_a_minute_or_a_tenth_of_its_life_before_it_ends(lifetime_s, expected):
    """One that has ended by what it says is used for some minutes: the registry gave it just now."""
    token = make_token(_token({"exp": 5e8 + lifetime_s}), now_s=1000.0, registry_s=5e8)

    assert expected == pytest.approx(token.renew_at_s)
    assert (True, False) == (token.is_good(expected - 0.01), token.is_good(expected + 0.01))


def test_the_value_of_a_token_is_not_in_its_text():
    """Texts end up in logs."""
    assert "c2VjcmV0" not in repr(make_token("a.c2VjcmV0.b", now_s=0, registry_s=0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repository:team/app:pull,push", Scope("repository", "team/app", ("pull", "push"))),
        ("repository:host:5000/app:pull", Scope("repository", "host:5000/app", ("pull",))),
        ("registry:catalog:*", CATALOG),
        ("repository:*:*", ALL_REPOSITORIES),
        ("repository:team/app", None),
        ("repository::pull", None),
        ("repository", None),
        ("", None),
    ],
)
def test_a_scope_is_read_as_it_is_written(text, expected):
    """A name may hold colons, an action none."""
    assert expected == parse_scope(text)
    assert expected is None or text == str(expected)


def test_one_scope_is_all_that_we_may_do_with_a_repository():
    """So that one token is enough for a whole run; pushing is asked for apart."""
    assert "repository:a:pull,delete,metadata_read,metadata_write" == str(repository_scope("a"))
    assert "repository:a:pull,push" == str(repository_scope("a", "pull", "push"))
