"""What a `WWW-Authenticate` header asks for, however it is written."""

from __future__ import annotations

import pytest

from reconciler.registry.challenge import Challenge, parse_challenge

REALM = "https://r/oauth2/token"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f'Bearer realm="{REALM}",service="r",scope="a:b:c"', Challenge("bearer", REALM, "r", "a:b:c")),
        (f'bearer realm="{REALM}", service="r", scope="a b"', Challenge("bearer", REALM, "r", "a b")),
        (f'BEARER  Realm = "{REALM}" ,SERVICE="r"', Challenge("bearer", REALM, "r")),
        (f'\tBearer\trealm="{REALM}"', Challenge("bearer", REALM)),
        (f"Bearer realm={REALM},service=r", Challenge("bearer", REALM, "r")),
        (f'Bearer error="invalid_token",realm="{REALM}"', Challenge("bearer", REALM, error="invalid_token")),
        ('Bearer scope="repository:a:x,y"', Challenge("bearer", scope="repository:a:x,y")),
        ('Basic realm="r"', Challenge("basic", "r")),
        ('basic realm=""', Challenge("basic")),
        (f'Bearer other="1",realm="{REALM}"', Challenge("bearer", REALM)),
        ("", Challenge("")),
        ("   ", Challenge("")),
        ("Bearer", Challenge("")),
        ("Negotiate abc", Challenge("")),
        ('Digest realm="r"', Challenge("")),
        (f'realm="{REALM}"', Challenge("")),
        ('Bearer realm="never closed', Challenge("bearer")),
        ("Bearer " + "=" * 10_000, Challenge("bearer")),
        ("Bearer " + "a" * 50_000, Challenge("bearer")),
        ("Bearer " + 'realm="' * 5_000, Challenge("bearer", "realm=")),
    ],
    ids=range(20),
)
def test_a_challenge_is_read_as_it_is_meant(header, expected):
    """Case, spaces, order and quotes may vary; what is not understood has no scheme or no value."""
    assert expected == parse_challenge(header)
