"""What is owed, as bytes and back; and what is refused because it cannot be trusted."""

from __future__ import annotations

import attrs
import pytest

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.planning.debts import Debt, debts_from_bytes, debts_to_bytes

DIGEST = "sha256:" + "a" * 64
SINCE = "2026-11-26T20:10:03Z"
DEBTS = (
    Debt(Address("web/api"), {"writeEnabled": False}, "run-1", SINCE),
    Debt(Address("web/api", tag="v1"), {"deleteEnabled": False, "writeEnabled": False}, "run-2", SINCE),
    Debt(Address("web/api", digest=DIGEST), {"deleteEnabled": False}, "run-1", SINCE),
)


def test_debts_survive_being_written():
    """All of each comes back, and whose they are."""
    content = debts_to_bytes("contoso.azurecr.io", DEBTS)

    registry, debts = debts_from_bytes(content, "state.json.debts")

    assert ("contoso.azurecr.io", set(map(str, DEBTS))) == (registry, set(map(str, debts)))


def test_the_order_in_which_they_came_does_not_show():
    """Equal debts give equal bytes, sorted by address."""
    assert debts_to_bytes("r", DEBTS) == debts_to_bytes("r", reversed(DEBTS))


def test_the_bytes_are_what_the_format_says():
    """A person can read them, and so can another program."""
    assert (
        b'{\n  "debts": [\n    {\n      "address": "web/api",\n'
        b'      "locks": {\n        "writeEnabled": false\n      },\n'
        b'      "run": "run-1",\n      "since": "2026-11-26T20:10:03Z"\n    }\n  ],\n  "format_version": "1.0",\n'
        b'  "kind": "acr-reconciler debts",\n  "registry": "contoso.azurecr.io"\n}\n'
    ) == debts_to_bytes("contoso.azurecr.io", DEBTS[:1])


NEWER = attrs.evolve(DEBTS[1], created="2026-11-20T08:00:00.1234567Z", digest=DIGEST)


def test_when_it_was_created_is_written_down_too():
    """What is made anew under the same name is somebody else's."""
    content = debts_to_bytes("r", [NEWER])

    assert b'"createdTime": "2026-11-20T08:00:00.1234567Z"' in content
    assert ("r", (NEWER,)) == debts_from_bytes(content, "state.json.debts")


@pytest.mark.parametrize(
    ("debt", "created", "is_void"),
    [
        (NEWER, "2026-11-20T08:00:00.1234567Z", False),
        (NEWER, "2026-11-20T08:00:00.1234568Z", True),
        (NEWER, "", False),
        (DEBTS[0], "2026-11-20T08:00:00.1234567Z", False),
    ],
)
def test_a_debt_is_void_only_for_what_is_known_to_be_another_one(debt, created, is_void):
    """Where either time is not known it is paid."""
    assert is_void == debt.is_void_for(created)


WHOLE = debts_to_bytes("r", DEBTS[:1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        WHOLE[:-1],
        WHOLE[: len(WHOLE) // 2],
        WHOLE.replace(b"false", b"true"),
        WHOLE.replace(b"false", b"0"),
        WHOLE.replace(b"writeEnabled", b"listEnabled"),
        WHOLE.replace(b"web/api", b"web/API"),
        WHOLE.replace(b'"run-1"', b"1"),
        WHOLE.replace(b"1.0", b"2.0"),
        WHOLE.replace(b'debts",', b'journal",'),
        WHOLE.replace(b'"since"', b'"until"'),
        WHOLE.replace(b"\n", b""),
        WHOLE.replace(b'"run"', b'"createdTime": 1,\n      "run"'),
    ],
)
def test_what_is_cut_or_changed_is_refused(content):
    """Nothing is applied before it is known what is owed."""
    with pytest.raises(StateError, match=r"^state.json.debts: .*; it is left as it is\n"):
        debts_from_bytes(content, "state.json.debts")
