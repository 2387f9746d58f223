"""What a delete, or the opening of a manifest, rests on, looked at again just before."""

from __future__ import annotations

import attrs
import pytest
from making import HERE, LOCKED, OPEN, applied, change, client_of, plan_of, told

from reconciler.model.address import Address
from reconciler.planning.plan import Matching, Retention


async def test_a_manifest_is_opened_only_where_the_tags_before_it_went_as_planned(emulator):
    """A child is opened because the tag leaves its index; where that fails it must stay closed."""
    child = emulator.push("web/api:child", content=b"child")
    emulator.patch(f"web/api@{child}", deleteEnabled=False)
    first, second = emulator.push("web/api:v1", content=b"one"), emulator.push("web/api:v2", content=b"two")
    emulator.push("web/api:v1", content=b"three")
    moved = change("web/api:v1", {"digest": first}, {"digest": second})  # it points elsewhere by now
    opened = change(f"web/api@{child}", {"deleteEnabled": False}, {"deleteEnabled": True}, rank=1)

    async with client_of(emulator) as client:
        report = await applied(plan_of(moved, opened), client)

    assert {"web/api:v1": "stale", f"web/api@{child}": "not-attempted"} == told(report)
    assert emulator.manifest(f"web/api@{child}")["deleteEnabled"] is False


async def test_a_manifest_that_is_opened_for_want_of_a_tag_has_none(emulator):
    """Somebody tagged it since the plan was made."""
    digest = emulator.push("web/api:v1", content=b"one")
    emulator.patch(f"web/api@{digest}", deleteEnabled=False)
    before = {"deleteEnabled": False, "tagged": False}
    opened = change(f"web/api@{digest}", before, {**before, "deleteEnabled": True}, rank=1)

    async with client_of(emulator) as client:
        report = await applied(plan_of(opened), client)

    assert {f"web/api@{digest}": "stale"} == told(report)
    assert emulator.manifest(f"web/api@{digest}")["deleteEnabled"] is False


def _going(digest: str, rank: int):
    before = {"deleteEnabled": True, "writeEnabled": True, "tagged": False}
    return change(f"web/api@{digest}", before, {}, rank=rank)


async def test_a_child_stays_where_its_index_did(emulator):
    """Both were to go, and somebody tagged the index since."""
    child = emulator.push("web/api:child", content=b"child")
    index = emulator.push_index("web/api:index", [f"web/api@{child}"])
    emulator.delete("web/api:child")

    async with client_of(emulator) as client:
        report = await applied(plan_of(_going(index, 1), _going(child, 2)), client)

    assert {f"web/api@{index}": "stale", f"web/api@{child}": "not-attempted"} == told(report)
    assert emulator.manifest(f"web/api@{child}") is not None


async def test_what_a_signature_is_about_stays_where_the_signature_did(emulator):
    """The registry would take the signature along, which somebody tagged since."""
    image = emulator.push("web/api:image", content=b"image")
    signature = emulator.push("web/api:signed", content=b"signature", subject=f"web/api@{image}")
    emulator.delete("web/api:image")

    async with client_of(emulator) as client:
        report = await applied(plan_of(_going(signature, 1), _going(image, 2)), client)

    assert {f"web/api@{signature}": "stale", f"web/api@{image}": "not-attempted"} == told(report)
    assert emulator.manifest(f"web/api@{image}") is not None


@pytest.mark.parametrize("way", ["index", "signature"])
async def test_what_a_plan_did_not_know_to_belong_together_goes_one_by_one(emulator, way):
    """Of the same rank, the one that the other needs waits: for the next plan, which knows."""
    needed = emulator.push("web/api:needed", content=b"needed")
    if way == "index":
        needing = emulator.push_index("web/api:needing", [f"web/api@{needed}"])
    else:
        needing = emulator.push("web/api:needing", content=b"signature", subject=f"web/api@{needed}")
    for name in ("needed", "needing"):
        emulator.delete(f"web/api:{name}")

    async with client_of(emulator) as client:
        report = await applied(plan_of(_going(needed, 1), _going(needing, 1)), client)

    assert {f"web/api@{needed}": "not-attempted", f"web/api@{needing}": "verified"} == told(report)
    assert emulator.manifest(f"web/api@{needed}") is not None


async def test_a_tag_that_is_about_a_manifest_by_its_name_keeps_it(emulator):
    """Cosign pushed a signature since the plan was made."""
    image = emulator.push("web/api:image", content=b"image")
    emulator.delete("web/api:image")
    emulator.push(f"web/api:{image.replace(':', '-')}.sig", content=b"signature")

    async with client_of(emulator) as client:
        report = await applied(plan_of(_going(image, 1)), client)

    assert {f"web/api@{image}": "stale"} == told(report)
    assert emulator.manifest(f"web/api@{image}") is not None


async def test_an_index_and_its_children_go_one_after_the_other(emulator):
    """With a signature of the index before all."""
    child = emulator.push("web/api:child", content=b"child")
    index = emulator.push_index("web/api:index", [f"web/api@{child}"])
    signature = emulator.push("web/api:signed", content=b"signature", subject=f"web/api@{index}")
    emulator.push("web/api:kept", content=b"kept")
    for name in ("child", "index", "signed"):
        emulator.delete(f"web/api:{name}")

    async with client_of(emulator) as client:
        report = await applied(plan_of(_going(signature, 1), _going(index, 2), _going(child, 3)), client)

    assert {"verified"} == set(told(report).values())


async def test_where_the_newest_cannot_be_read_nothing_goes(emulator):
    """It is told as what failed."""
    digest = emulator.push("web/api:b0")
    before = {"digest": digest, "deleteEnabled": True, "writeEnabled": True, "lastUpdateTime": "2026-01-01T00:00:00Z"}
    kept = Retention(Address("web/api"), "tag", 2, None, Matching(("b*",), ()), (), HERE)
    plan = attrs.evolve(plan_of(change("web/api:b0", before, {})), retention=(kept,))
    emulator.faults.fail_next(1, status=400, path_prefix="/acr/v1/web/api/_tags")

    async with client_of(emulator) as client:
        report = await applied(plan, client)

    assert {"web/api:b0": "failed"} == told(report)
    assert emulator.tag("web/api:b0") is not None


async def test_a_manifest_is_opened_only_where_the_tag_that_it_is_opened_for_was(emulator):
    """Somebody changed the tag since: it stays locked, and so does its manifest."""
    digest = emulator.push("web/api:v1", content=b"one")
    emulator.patch("web/api:v1", deleteEnabled=False)
    emulator.patch(f"web/api@{digest}", deleteEnabled=False)
    tag = change("web/api:v1", {"digest": digest, **LOCKED}, {"digest": digest, **OPEN})
    opened = change(
        f"web/api@{digest}", {"deleteEnabled": False}, {"deleteEnabled": True}, rank=1, via=("web/api:v1", digest)
    )

    async with client_of(emulator) as client:
        report = await applied(plan_of(tag, opened), client)

    assert {"web/api:v1": "stale", f"web/api@{digest}": "not-attempted"} == told(report)
    assert emulator.manifest(f"web/api@{digest}")["deleteEnabled"] is False


@pytest.mark.parametrize(("seen", "status"), [((), "stale"), (("v2",), "verified")])
async def test_a_manifest_stays_closed_where_a_locked_tag_came_to_point_at_it(emulator, seen, status):
    """Whoever locked that tag since the plan was made relies on it."""
    digest = emulator.push("web/api:v1", content=b"one")
    emulator.push("web/api:v2", content=b"one")
    emulator.patch("web/api:v2", **LOCKED)
    emulator.patch(f"web/api@{digest}", deleteEnabled=False)
    opened = change(f"web/api@{digest}", {"deleteEnabled": False}, {"deleteEnabled": True}, rank=1)

    async with client_of(emulator) as client:
        report = await applied(plan_of(attrs.evolve(opened, tags=seen)), client)

    assert {f"web/api@{digest}": status} == told(report)


@pytest.mark.parametrize("hidden", ["web/api:multi", "web/api:signed"])
async def test_where_a_manifest_hides_none_goes(emulator, hidden):
    """It may be an index over one of them, or a signature of it."""
    image = emulator.push("web/api:image", content=b"image")
    emulator.delete("web/api:image")
    emulator.push_index("web/api:multi", [f"web/api@{image}"])
    emulator.push("web/api:signed", content=b"signature", subject=f"web/api@{image}")
    emulator.patch(f"web/api@{emulator.tag(hidden)['digest']}", listEnabled=False)

    async with client_of(emulator) as client:
        report = await applied(plan_of(_going(image, 1)), client)

    assert {f"web/api@{image}": "failed"} == told(report)
    assert "the registry counts 3" in report.outcomes[0].message


async def test_a_tag_that_is_about_a_manifest_keeps_it_though_its_own_hides(emulator):
    """The name of the tag is enough."""
    image = emulator.push("web/api:image", content=b"image")
    emulator.delete("web/api:image")
    signature = emulator.push(f"web/api:{image.replace(':', '-')}.sig", content=b"signature")
    emulator.patch(f"web/api@{signature}", listEnabled=False)

    async with client_of(emulator) as client:
        report = await applied(plan_of(_going(image, 1)), client)

    assert "verified" not in told(report).values()
    assert emulator.manifest(f"web/api@{image}") is not None


@pytest.mark.parametrize("why", ["tagged", "locked", "its index is needed"])
async def test_a_signature_stays_with_what_it_is_about(emulator, why):
    """It would go first, and then the image stays after all: somebody came to need it since the plan was made."""
    image = emulator.push("web/api:image", content=b"image")
    signature = emulator.push("web/api:signed", content=b"signature", subject=f"web/api@{image}")
    index = emulator.push_index("web/api:index", [f"web/api@{image}"])
    for name in ("image", "signed", "index"):
        emulator.delete(f"web/api:{name}")
    if why == "tagged":
        emulator.push("web/api:again", content=b"image")
    elif why == "locked":
        emulator.patch(f"web/api@{image}", deleteEnabled=False)
    else:
        emulator.push("web/api:new", content=b"new signature", subject=f"web/api@{index}")
    plan = plan_of(_going(signature, 1), _going(index, 1), _going(image, 2))

    async with client_of(emulator) as client:
        report = await applied(plan, client)

    assert "verified" != told(report)[f"web/api@{signature}"]
    assert emulator.manifest(f"web/api@{signature}") is not None


async def test_a_manifest_stays_closed_where_a_hidden_tag_came_to_point_at_it(emulator):
    """No list shows it; the manifest names it."""
    digest = emulator.push("web/api:v1", content=b"one")
    emulator.push("web/api:v2", content=b"one")
    emulator.patch("web/api:v2", listEnabled=False, **LOCKED)
    emulator.patch(f"web/api@{digest}", deleteEnabled=False)
    opened = change(f"web/api@{digest}", {"deleteEnabled": False}, {"deleteEnabled": True}, rank=1)

    async with client_of(emulator) as client:
        report = await applied(plan_of(opened), client)

    assert {f"web/api@{digest}": "stale"} == told(report)
