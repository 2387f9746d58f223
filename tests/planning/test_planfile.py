"""Plans as JSON: the bytes, the way back, and what is refused because nobody should apply it."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import attrs
import orjson
import pytest
from builders import LOCKED, OPEN, desired_state, plan_of, repository, tag
from example_plans import HOSTILE, hostile_plan, large_plan, typical_plan

from reconciler import __version__
from reconciler.errors import PlanFileError
from reconciler.planning.planfile import desired_digest, fingerprint, plan_document, plan_from_json, plan_to_json

HERE = Path(__file__).parent
TESTS = HERE.parent


def _small_plan():
    """Two changes, something missing, something blocked and something unread."""
    desired = desired_state(
        {"match": "prod/*", "deleteEnabled": False, "tags": [{"match": "v*", "writeEnabled": False}]},
        {"match": "prod/web", "teleportEnabled": True, "tags": [{"match": "v9", "deleteEnabled": False}]},
    )
    return plan_of(
        desired,
        repository("prod/web", {**OPEN, "deleteEnabled": False}, {"v1": tag()}, missing_tags=("v9",)),
        repository("prod/api", OPEN, {"latest": tag("b")}),
        repository("prod/cli", unread="401 UNAUTHORIZED"),
    )


def _document() -> dict:
    return json.loads(plan_to_json(_small_plan()))


def _refingerprinted(document: dict) -> bytes:
    """The document with the fingerprint that fits it, as a careful forger would write it."""
    left_out = ("origins", "cause", "causes")
    changes = [{k: v for k, v in change.items() if k not in left_out} for change in document["changes"]]
    named = {name: document[name] for name in ("registry", "desired_digest", "complete")}
    named["managed"] = document["summary"]["managed"]
    if document.get("retention"):
        named["retention"] = [{**kept, "origin": ""} for kept in document["retention"]]
    if document.get("expires"):
        named["expires"] = document["expires"]
    if document["unlocks"]:
        named["unlocks"] = [{**unlock, "origins": []} for unlock in document["unlocks"]]
    deeds = {"format_version": "1.0", "changes": changes, **named}
    deeds = json.dumps(deeds, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    import hashlib

    return json.dumps({**document, "fingerprint": f"sha256:{hashlib.sha256(deeds.encode()).hexdigest()}"}).encode()


def test_a_plan_file_is_written_as_it_was_promised():
    """The file is compared byte by byte with one that people and pipelines rely on."""
    written = plan_to_json(_small_plan()).decode()

    expected = (HERE / "plan.json").read_text(encoding="utf-8").replace("VERSION", __version__)
    assert expected == written


@pytest.mark.parametrize("make", [_small_plan, typical_plan, large_plan])
def test_a_plan_that_was_written_is_read_back_as_it_was(make):
    """Plan to JSON to plan changes nothing, and JSON to plan to JSON changes no byte."""
    plan = make()

    read = plan_from_json(plan_to_json(plan), "plan.json")

    assert plan == read
    assert plan_to_json(plan) == plan_to_json(read)


def test_hostile_text_survives_as_text():
    """Control characters in messages are escaped by JSON, and come back as they were."""
    hostile = hostile_plan()
    plan = attrs.evolve(hostile, registry="contoso", summary=attrs.evolve(hostile.summary, update=1))

    written = plan_to_json(plan)

    assert plan == plan_from_json(written, "plan.json")
    assert [] == [byte for byte in written if byte < 0x20 and byte != 0x0A]


def test_the_plan_of_nothing_is_a_plan():
    """An empty plan is written and read like any other."""
    plan = plan_of(desired_state())

    assert plan == plan_from_json(plan_to_json(plan), "plan.json")


SCRIPT = """
import sys
from example_plans import typical_plan
from reconciler.planning.planfile import plan_to_json
sys.stdout.buffer.write(plan_to_json(typical_plan()))
"""


def test_equal_input_gives_equal_bytes_whatever_the_hash_seed():
    """Python shuffles sets from one process to the next; a plan file shows nothing of that."""
    written = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(TESTS)},
            cwd=TESTS.parent,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }

    assert {plan_to_json(typical_plan())} == written


def test_the_fingerprint_ignores_what_changes_without_a_deed():
    """Line numbers, counts, notes and the version may differ while the same would be done."""
    plan = _small_plan()
    moved = tuple(
        attrs.evolve(change, origins=("elsewhere.yaml:7:7",), causes=dict.fromkeys(change.causes, "drift"))
        for change in plan.changes
    )
    others = attrs.evolve(
        plan, changes=moved, missing=(), blocked=(), findings=(), summary=attrs.evolve(plan.summary, unmanaged=99)
    )

    assert fingerprint(plan) == fingerprint(others)


@pytest.mark.parametrize("name", ["registry", "desired_digest", "complete", "changes"])
def test_the_fingerprint_covers_what_would_be_done(name):
    """Another registry, other files, less trust or fewer changes make another plan."""
    plan = _small_plan()
    other = {"registry": "fabrikam.azurecr.io", "desired_digest": "sha256:0", "complete": True, "changes": ()}[name]

    assert fingerprint(plan) != fingerprint(attrs.evolve(plan, **{name: other}))


def _change(**others):
    return lambda document: document["changes"][1].update(others)


def _operation(position: int, **others):
    return lambda document: document["changes"][1]["patch"][position].update(others)


TAMPERED = {
    "another registry": lambda d: d.update(registry="fabrikam.azurecr.io"),
    "another desired state": lambda d: d.update(desired_digest="sha256:" + "0" * 64),
    "said to be complete": lambda d: d.update(complete=True),
    "another address": _change(address="prod/web:v2"),
    "another kind": _change(kind="repository"),
    "another action": _change(action="delete"),
    "another stage": _change(stage=1),
    "no effects": _change(effects=[]),
    "another before": lambda d: d["changes"][1]["before"].update(writeEnabled=False),
    "another after": lambda d: d["changes"][1]["after"].update(writeEnabled=True),
    "one attribute more": lambda d: d["changes"][1]["after"].update(readEnabled=False),
    "another value sent": _operation(2, value=True),
    "another attribute sent": _operation(2, path="/readEnabled"),
    "a test turned around": _operation(1, value=False),
    "a test of another digest": _operation(0, value="sha256:" + "0" * 64),
    "another operation": _operation(1, op="replace"),
    "no tests": lambda d: d["changes"][1].update(patch=d["changes"][1]["patch"][2:]),
    "one change less": lambda d: d["changes"].pop(),
    "one change twice": lambda d: d["changes"].append(copy.deepcopy(d["changes"][1])),
    "another order": lambda d: d["changes"].reverse(),
    "another fingerprint": lambda d: d.update(fingerprint="sha256:" + "0" * 64),
    "no fingerprint": lambda d: d.pop("fingerprint"),
    "a fingerprint of null": lambda d: d.update(fingerprint=None),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_plan_that_was_changed_is_refused(tamper):
    """Whatever decides what is done, to what, under which conditions, cannot be edited."""
    document = _document()
    tamper(document)

    with pytest.raises(PlanFileError) as refused:
        plan_from_json(json.dumps(document).encode(), "plan.json")

    assert "plan.json: the plan does not match its fingerprint\n  It was changed or damaged; make a new one." == str(
        refused.value
    )


FORGED = {
    "a value sent that is not shown": _operation(2, value=True),
    "0 sent for false": _operation(2, value=0),
    "an attribute sent that is not shown": lambda d: d["changes"][1]["patch"].append(
        {"op": "replace", "path": "/readEnabled", "value": False}
    ),
    "the whole document replaced": lambda d: d["changes"][1].update(
        patch=[{"op": "replace", "path": "", "value": d["changes"][1]["after"]}]
    ),
    "an attribute removed": lambda d: d["changes"][1]["after"].pop("writeEnabled"),
    "no tests": lambda d: d["changes"][1].update(patch=d["changes"][1]["patch"][2:]),
    "effects hidden from the limits": _change(effects=[]),
    "a tag said to be a repository": _change(kind="repository"),
    "one change twice": lambda d: d["changes"].append(copy.deepcopy(d["changes"][1])),
    "another order": lambda d: d["changes"].reverse(),
    "changes that the counts lack": lambda d: d["summary"].update(update=1),
    "fewer managed than changed": lambda d: d["summary"].update(managed=1),
    "a negative count": lambda d: d["summary"].update(unmanaged=-1),
    "said to be complete": lambda d: d.update(complete=True),
    "nothing unread and yet incomplete": lambda d: d.update(unknown=[]),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_plan_that_does_not_show_what_it_would_do_is_refused(forge):
    """A fitting fingerprint does not help where what is shown and what is sent differ."""
    document = _document()
    forge(document)

    with pytest.raises(PlanFileError, match=r"does not match its fingerprint|expected an operation of a patch"):
        plan_from_json(_refingerprinted(document), "plan.json")


def test_the_forger_of_these_tests_is_good_at_it():
    """A document that was not touched passes with the fingerprint that the tests make."""
    assert _small_plan() == plan_from_json(_refingerprinted(_document()), "plan.json")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON: "),
        (b"{", "not JSON: "),
        (b"\xff\xfe", "not JSON: "),
        (b"version: 1\n", "not JSON: "),
        (b"[" * 100_000, "not JSON: "),
        (b'{"a": NaN}', "not JSON: "),
        (b'{"a": "\\ud800"}', "not JSON: "),
        (b"[]", "not a plan: expected an object"),
        (b'"plan"', "not a plan: expected an object"),
        (b"{}", "not a plan: format_version is missing, or no text"),
        (b'{"format_version": "2.0"}', 'plan format "2.0"; this version reads 1.0'),
        (b'{"format_version": 1.0}', "not a plan: format_version is missing, or no text"),
        (b'{"format_version": "\\u001b[2J"}', 'plan format "\\x1b[2J"; this version reads 1.0'),
    ],
)
def test_what_is_no_plan_is_refused(content, problem):
    """The error names the file and the first thing that is wrong, and nothing in it moves a cursor."""
    with pytest.raises(PlanFileError) as refused:
        plan_from_json(content, "plan.json")

    assert str(refused.value).startswith(f"plan.json: {problem}")
    assert str(refused.value).isprintable()


def _set(path: str, value):
    def change(document: dict) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for parent in parents:
            document = document[parent]
        document[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("complete", "no", "expected bool, not str @ $.complete"),
        ("complete", 1, "expected bool, not int @ $.complete"),
        ("complete", None, "expected bool, not NoneType @ $.complete"),
        ("changes.0.stage", True, "expected int, not bool @ $.changes[0].stage"),
        ("changes.0.stage", "3", "expected int, not str @ $.changes[0].stage"),
        (
            "changes.0.after.deleteEnabled",
            0.5,
            "expected a flag, a number or a text, not float @ $.changes[0].after['deleteEnabled']",
        ),
        ("changes.0.address", "PROD/api", '"PROD/api": not an address: "PROD/api" cannot be the name of a repository'),
        ("changes.0.address", "a/../b", '"a/../b": not an address: "a/../b" cannot be the name of a repository'),
        ("changes.0.address", 5, "expected str, not int @ $.changes[0].address"),
        ("missing.0", "\x1b[2J:", '"\\x1b[2J:": not an address: "\\x1b[2J" cannot be the name of a repository'),
        ("extra", "\x1b[2J", "extra fields found (extra) @ $"),
        ("\x1b[2J", 1, "extra fields found (\\x1b[2J) @ $"),
        ("changes.0.extra", 1, "extra fields found (extra) @ $.changes[0]"),
        ("summary.update", 1.0, "expected int, not float @ $.summary.update"),
        ("changes.0.patch.0.value", 0.5, "expected an operation of a patch @ $.changes[0].patch[0]"),
        ("changes.0.patch.0", "x", "expected an operation of a patch @ $.changes[0].patch[0]"),
        ("registry", ["contoso"], "expected str, not list @ $.registry"),
    ],
)
def test_a_member_of_the_wrong_kind_is_named(path, value, problem):
    """No value is bent into the type that was expected: `"no"` and 1 are no booleans."""
    document = _document()
    _set(path, value)(document)

    with pytest.raises(PlanFileError) as refused:
        plan_from_json(json.dumps(document).encode(), "plan.json")

    assert str(refused.value).startswith(f"plan.json: not a plan: {problem}")


HOSTILE_VALUES = [None, 0, 1, -1, 1.5, 10**30, "", "no", HOSTILE, [], {}, [1], [[]], {"a": 1}, [{}], True, False]


def _paths(node, start=()):
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*start, key)
        yield from _paths(value, (*start, key))


def _mutants():
    """The document with each of its values replaced in turn by each hostile one, and each left out."""
    original = _document()
    for path in _paths(original):
        for value in [*HOSTILE_VALUES, ...]:
            mutant = copy.deepcopy(original)
            node = mutant
            for key in path[:-1]:
                node = node[key]
            if value is ...:
                del node[path[-1]]
            else:
                node[path[-1]] = value
            yield mutant


def _reads(document: dict) -> bool | str:
    """Whether it is read as a plan, and then it is that plan; a refusal with an escape in it is no refusal."""
    try:
        read = plan_from_json(json.dumps(document).encode(), "plan.json")
    except PlanFileError as error:
        return "an escape in the message" if "\x1b" in str(error) else False
    about = {"tool_version": None, "base": None}
    return {**document, **about} == {**json.loads(plan_to_json(read)), **about} or "another plan"


def test_a_damaged_plan_is_refused_or_means_what_it_says():
    """More than a thousand damaged plans: each is a PlanFileError, or is read as exactly what stands in it."""
    mutants = list(_mutants())

    answers = Counter(_reads(mutant) for mutant in mutants)

    assert {True, False} == answers.keys()
    assert answers[False] > answers[True]


def test_nesting_is_refused():
    """JSON may nest deeper than what writes it again can follow; that is damage, not a crash."""
    nested = b"[" * 600 + b"]" * 600
    plan = plan_to_json(_small_plan())
    contents = [
        plan.replace(b'"op": "test",', b'"op": "test", "x": ' + nested + b","),
        plan.replace(b'"base": null', b'"base": ' + nested),
        plan.replace(b'"base": null', b'"base": null, "x": ' + nested),
    ]

    for content in contents:
        with pytest.raises(PlanFileError):
            plan_from_json(content, "plan.json")


def test_desired_state_has_a_digest_of_what_it_declares():
    """Another value, pattern, exclusion or order of rules is another desired state."""
    rules = ({"match": "a", "deleteEnabled": False}, {"match": "b", "tags": [{"match": "v*", "writeEnabled": False}]})
    variants = [
        rules,
        rules[::-1],
        rules[:1],
        ({**rules[0], "deleteEnabled": True}, rules[1]),
        ({**rules[0], "exclude": "x"}, rules[1]),
        ({**rules[0], "match": ["a", "x"]}, rules[1]),
        (rules[0], {**rules[1], "tags": [{"match": "v*", "writeEnabled": True}]}),
        (rules[0], {**rules[1], "tags": [{"match": "v*", "exclude": "x", "writeEnabled": False}]}),
        (),
    ]

    digests = {desired_digest(desired_state(*variant)) for variant in variants}

    assert len(variants) == len(digests)


def test_the_document_is_plain_json():
    """What renders a plan elsewhere gets the same values as whoever reads the file."""
    plan = _small_plan()

    assert json.loads(plan_to_json(plan)) == orjson.loads(orjson.dumps(plan_document(plan)))


def test_locked_and_open_documents_of_the_builders_differ():
    """What these tests take for open and for locked differs in the two permissions."""
    assert {"deleteEnabled", "writeEnabled"} == {name for name in OPEN if OPEN[name] != LOCKED[name]}


def _changed(**members: object) -> bytes:
    document = _document()
    document["changes"][0].update(members)
    document["summary"]["update"] -= 1
    document["summary"][document["changes"][0]["action"]] += 1
    return _refingerprinted(document)


@pytest.mark.parametrize(
    "members",
    [
        {"address": f"team/app@sha256:{'0' * 64}", "kind": "manifest"},
        {"action": "delete"},
        {"action": "move"},
        {"stage": 1},
        {"stage": -5},
    ],
    ids=lambda members: "-".join(map(str, members.values()))[:30],
)
def test_a_deed_that_this_version_does_not_do_is_refused(members):
    """A later version's plan, or a forged one, must not be carried out as something else and called verified."""
    with pytest.raises(PlanFileError):
        plan_from_json(_changed(**members), "plan.json")


def test_the_number_of_managed_resources_is_part_of_the_fingerprint():
    """The limits are a share of it, so whoever raises it lifts them."""
    document = _document()
    document["summary"]["managed"] += 1000

    with pytest.raises(PlanFileError, match="does not match its fingerprint"):
        plan_from_json(json.dumps(document).encode(), "plan.json")


def test_when_a_plan_ends_is_part_of_what_it_does():
    """Whoever approved it approved it until then."""
    plan = attrs.evolve(_small_plan(), expires="2026-12-01T18:00:00Z")

    assert fingerprint(_small_plan()) != fingerprint(plan)
    assert fingerprint(plan) != fingerprint(attrs.evolve(plan, expires="2036-12-01T18:00:00Z"))


@pytest.mark.parametrize("member", ["now", "expires"])
@pytest.mark.parametrize("moment", ["", "never", "2026-12-01", "2026-12-01T18:00:00", "2026-12-01T18:00:00Z\n"])
def test_a_plan_that_ends_at_no_moment_is_refused(member, moment):
    """It would stand for ever."""
    document = {**_document(), member: moment}

    with pytest.raises(PlanFileError, match="does not match its fingerprint"):
        plan_from_json(_refingerprinted(document), "plan.json")
