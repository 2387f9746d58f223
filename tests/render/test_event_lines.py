"""Events as lines of JSON: what each holds, that docs/formats.md says so, and that a line is always short."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import attrs
import pytest
from example_plans import HOSTILE, typical_plan
from hypothesis import given, settings, strategies as st
from test_drift_text import MOVED

from reconciler import __version__
from reconciler.events import (
    Counted,
    DriftFound,
    Event,
    Outcome,
    RepositoryRead,
    RunEnded,
    RunStarted,
    SignedIn,
    Unlocked,
    Waiting,
)
from reconciler.model.address import Address
from reconciler.planning.plan import Blocked, Finding, Unknown
from reconciler.planning.planfile import plan_document
from reconciler.render.event_lines import MAX_BYTES, event_line

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"
AT = "2026-11-26T20:10:03.123Z"
CHANGE = typical_plan().changes[0]
EVENTS: list[Event] = [
    RunStarted("plan", "contoso.azurecr.io"),
    SignedIn("Microsoft Entra", "ci-plan", ("docker: no",)),
    RepositoryRead("team/app", 3),
    Waiting(1.5, "read"),
    CHANGE,
    DriftFound(MOVED, {MOVED.attributes[0].key: AT}),
    Blocked(Address("app"), "locked", "it is"),
    Unknown(Address("web"), "403"),
    Finding("loosen-limit", "too many"),
    Outcome(CHANGE, "verified"),
    Unlocked(Address("app"), ("writeEnabled",), "restored"),
    Counted("plan", {"update": 1}),
    RunEnded(0, "ok"),
]
_HEAD = {"format_version", "type", "at", "sequence"}


def _read(event: Event) -> dict[str, object]:
    line = event_line(event, at=AT, sequence=7)
    assert line.endswith(b"\n")
    assert 1 == len(line.decode("ascii").splitlines())
    return json.loads(line)


def test_each_event_is_as_the_docs_say():
    """Every type with its members, in the order of a run, and no other."""
    table = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| (`.*) \|$", DOCS.read_text(), re.MULTILINE)
    told = {name: {re.match(r" ?`(\w+)`", part)[1] for part in re.split(r",(?![^(]*\))", said)} for name, said in table}

    assert told == {_read(event)["type"]: _read(event).keys() - _HEAD for event in EVENTS}
    assert {type(event) for event in EVENTS} == set(get_args(Event))


def test_a_line_tells_when_and_in_which_order():
    """The head of each, and the members of one."""
    assert {
        "format_version": "1.0",
        "type": "run-started",
        "at": AT,
        "sequence": 7,
        "operation": "plan",
        "registry": None,
        "tool_version": __version__,
    } == _read(RunStarted("plan", ""))


def test_a_change_is_as_in_the_plan_file():
    """What reads the one reads the other."""
    assert plan_document(typical_plan())["changes"][0] == _read(CHANGE)["change"]


def test_long_lists_and_texts_are_cut_with_a_count():
    """The line stays short; what is left out is told by its path, and the address is whole."""
    address = Address("a" * 200, tag="b" * 128)
    change = attrs.evolve(CHANGE, address=address, origins=tuple(f"registry.yaml:{line}:5" for line in range(400)))

    cut = _read(change)
    text = _read(Unknown(address, "x" * 5000))

    assert str(address) == cut["change"]["address"] == text["address"]
    assert {"change.origins": 300} == cut["left_out"]
    assert [f"registry.yaml:{line}:5" for line in range(100)] == cut["change"]["origins"]
    assert {"message": 3000} == text["left_out"]


@given(
    text=st.one_of(st.text(), st.sampled_from([HOSTILE, "\U0001f600" * 500, "\udc80" * 500])),
    times=st.integers(0, 900),
)
@settings(max_examples=20)
def test_any_line_is_short_and_is_json(text, times):
    """Whatever stands in it: nothing ends it before its end."""
    events = [
        SignedIn(text, text * times, (text,) * times),
        Finding(text, text * times),
        attrs.evolve(CHANGE, origins=(text,) * times, tags=(text,) * times, before=dict.fromkeys((text, *text), True)),
        Counted("plan", {f"{text}{number}": 1 for number in range(times)}),
    ]

    lines = [event_line(event, at=AT, sequence=1) for event in events]

    assert all(len(line) <= MAX_BYTES for line in lines)
    assert ["signed-in", "finding", "change-planned", "summary"] == [json.loads(line)["type"] for line in lines]


@pytest.mark.parametrize("text", ["\u2028", "\x85", "\r\n", "\x1b[2J", "\udc80"])
def test_no_text_ends_a_line_or_moves_a_cursor(text):
    """Half a pair of surrogates becomes a question mark, which any parser reads."""
    line = event_line(Finding("x", text), at=AT, sequence=1)

    assert b"\n" == line[-1:]
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    assert text.replace("\udc80", "?") == json.loads(line)["message"]
