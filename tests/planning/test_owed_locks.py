"""What is there once what is owed is paid."""

from __future__ import annotations

from builders import OPEN, digest, manifest, repository, tag

from reconciler.model.address import Address
from reconciler.planning.debts import Debt
from reconciler.planning.owed import paid_document, paid_repository

LIVE = repository("app", OPEN, {"v1": tag("a"), "v2": tag("a")}, manifests={digest("a"): manifest()})


def _debt(address: Address, *locks: str) -> Debt:
    return Debt(address, dict.fromkeys(locks, False), "run", "2026-11-26T20:10:03Z")


def test_owed_locks_are_on_wherever_they_are_owed():
    """Of the repository, a tag and a manifest; all else is as it was."""
    owed = [
        _debt(Address("app"), "writeEnabled"),
        _debt(Address("app", tag="v1"), "deleteEnabled", "writeEnabled"),
        _debt(Address("app", digest=digest("a")), "deleteEnabled"),
    ]

    paid = paid_repository(LIVE, owed)

    assert {**OPEN, "writeEnabled": False} == paid.document
    assert {"v1": tag("a", deleteEnabled=False, writeEnabled=False), "v2": tag("a")} == paid.tags
    assert {**OPEN, "deleteEnabled": False} == paid.manifests[digest("a")].document
    assert (tag("a"), OPEN) == (LIVE.tags["v1"], LIVE.document)


def test_what_is_not_there_gets_no_lock():
    """Nor does another repository, or one of which nothing was asked."""
    owed = [
        _debt(Address("other"), "writeEnabled"),
        _debt(Address("app", tag="v3"), "writeEnabled"),
        _debt(Address("app", digest=digest("c")), "writeEnabled"),
    ]

    paid = paid_repository(LIVE, owed)

    assert (LIVE.document, LIVE.tags, set(LIVE.manifests)) == (paid.document, paid.tags, set(paid.manifests))
    assert paid_repository(repository("other"), owed).document is None


def test_an_attribute_that_the_registry_does_not_report_stays_away():
    """What a read did not report is never written."""
    debt = _debt(Address("app"), "deleteEnabled", "writeEnabled")

    assert {"writeEnabled": False} == paid_document({"writeEnabled": True}, debt)
    assert {"writeEnabled": True} == paid_document({"writeEnabled": True}, None)
