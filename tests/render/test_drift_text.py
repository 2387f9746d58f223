"""Drift for people and for programs: what is read at night, at 80 columns."""

from __future__ import annotations

import orjson
from builders import digest
from goldens import golden

from reconciler.model.address import Address
from reconciler.planning.base import MemoryReference
from reconciler.planning.compare import make_plan
from reconciler.planning.drift import Drifted, attribute
from reconciler.render.drift_json import drift_to_json
from reconciler.render.drift_text import SHOWN, render_drift
from reconciler.render.words import WIDTH, painter

PLAIN = painter(color=False)
AT = "registry.yaml:9:18"


def _loosened(name: str = "v1.1.9", repository: str = "prod/api", origin: str = AT) -> Drifted:
    address = Address(repository, tag=name)
    attributes = tuple(attribute(address, flag, False, True, False) for flag in ("deleteEnabled", "writeEnabled"))
    return Drifted(address, ("loosened",), "drift", attributes, (origin,), can_heal=True)


MOVED = Drifted(
    Address("prod/api", tag="v1.2.0"),
    ("moved",),
    "drift",
    (attribute(Address("prod/api", tag="v1.2.0"), "digest", digest("a"), digest("b"), None),),
    (AT,),
    can_heal=False,
)
DELETED = Drifted(
    Address("prod/api", tag="v1.0.0"),
    ("deleted",),
    "drift",
    (
        attribute(Address("prod/api", tag="v1.0.0"), "deleteEnabled", False, None, None),
        attribute(Address("prod/api", tag="v1.0.0"), "digest", digest("c"), None, None),
    ),
    (AT,),
    can_heal=False,
)
HIDDEN = Drifted(
    Address("prod/web"),
    ("hidden", "loosened"),
    "drift",
    (
        attribute(Address("prod/web"), "deleteEnabled", False, True, False),
        attribute(Address("prod/web"), "readEnabled", True, False, True),
    ),
    ("a/long/path/to/a/file/of/desired/state/registry.yaml:1042:17",),
    can_heal=True,
)
TIGHTENED = Drifted(
    Address("prod/web", tag="a-tag-with-a-name-that-is-longer-than-a-column"),
    ("tightened",),
    "drift",
    (attribute(Address("prod/web"), "listEnabled", True, False, True),),
    (AT,),
    can_heal=True,
)
ALL = (_loosened(), MOVED, DELETED, HIDDEN, TIGHTENED)
SEEN = {key.key: "2026-11-26 20:10:03 UTC" for each in ALL for key in each.attributes}


def test_drift_is_shown_by_repository_with_what_it_means():
    """What was last applied, what is live, a word for it, since when, and the rule that it breaks."""
    shown = render_drift(
        "contoso.azurecr.io", ALL, SEEN, PLAIN, full=False, notes=["--heal undoes it for 3 resources."]
    )

    assert golden("drift.txt") == shown
    assert all(len(line) <= WIDTH for line in shown.splitlines())


def test_no_drift_is_one_line():
    """Nobody has to read on."""
    part = render_drift("contoso.azurecr.io", (), {}, PLAIN, full=False, is_complete=False)

    assert "No drift at contoso.azurecr.io.\n" == render_drift("contoso.azurecr.io", (), {}, PLAIN, full=False)
    assert "No drift in what could be read at contoso.azurecr.io.\n" == part


def test_much_drift_is_shown_in_part_the_gravest_first():
    """The rest is counted; --full shows it."""
    many = (*(_loosened(f"v{number:03}") for number in range(SHOWN)), MOVED, HIDDEN)

    shown = render_drift("contoso.azurecr.io", many, {}, PLAIN, full=False)
    in_full = render_drift("contoso.azurecr.io", many, {}, PLAIN, full=True)

    assert "hidden" in shown
    assert "… and 2 more (1 loosened, 1 moved); --full shows all\n" in shown
    assert "moved, though locked" in in_full


def test_what_comes_from_elsewhere_stays_text():
    """A file name cannot move the cursor, nor forge a line."""
    shown = render_drift("x\x1b[2J", (_loosened(origin="a\n\x1b[31m:1:1"),), {}, PLAIN, full=False)

    assert "\x1b" not in shown
    assert 7 == len(shown.splitlines())


def test_drift_as_json_has_everything():
    """Per attribute what was last applied, what is live, and what apply would make of it."""
    plan = make_plan("contoso.azurecr.io", digest("d"), [], MemoryReference("lineage", 7))

    found = orjson.loads(drift_to_json(plan, (MOVED, HIDDEN), {MOVED.attributes[0].key: "2026-11-26T20:10:03Z"}))

    assert {"lineage": "lineage", "serial": 7} == found["base"]
    assert {
        "resources": 2,
        "hidden": 1,
        "loosened": 1,
        "moved": 1,
        "deleted": 0,
        "tightened": 0,
        "changed": 0,
    } == found["summary"]
    assert {
        "address": "prod/api:v1.2.0",
        "kind": "tag",
        "cause": "drift",
        "ways": ["moved"],
        "attributes": {
            "digest": {
                "last_applied": digest("a"),
                "live": digest("b"),
                "desired": None,
                "first_seen": "2026-11-26T20:10:03Z",
            }
        },
        "can_heal": False,
        "fingerprint": MOVED.fingerprint,
        "first_seen": "2026-11-26T20:10:03Z",
        "origins": [AT],
    } == found["drift"][0]


def test_in_full_drift_shows_whole_digests():
    """Where a tag pointed, which brings it back, and where it points now; within 80 columns."""
    text = render_drift("contoso.azurecr.io", [MOVED, DELETED], {}, PLAIN, full=True)

    assert f"      {digest('a')}\n      → {digest('b')}\n" in text
    assert f"      {digest('c')}\n" in text
    assert [] == [line for line in text.splitlines() if len(line) > WIDTH]
