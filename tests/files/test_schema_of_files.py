"""The schema of desired-state files agrees with the loader: here on files that nobody wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from editors import read, refusals
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator
from schema_agreement import check_that_the_schema_agrees
from test_desired_file_properties import damaged_files, problems_of

from reconciler.schema.desired_state import desired_state_schema

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for path in ROOT.glob("specs/**/*.yaml") if "\nrepositories:" in path.read_text())
DIGEST = f"sha256:{'a' * 64}"
RIGHT = {
    "match": st.sampled_from(["a", "a*", ["b", "regex:c"], 12, True, "**", ["d", "e"], "[!a-c]x"]),
    "exclude": st.sampled_from(["a", ["b*"]]),
    "attributes": st.dictionaries(
        st.sampled_from(["deleteEnabled", "writeEnabled"]), st.sampled_from([True, False, "false"]), max_size=2
    ),
    "protect": st.sampled_from(["undeletable", "open"]),
    "digest": st.just(DIGEST),
    "ensure": st.just("absent"),
    "unlock": st.sampled_from([True, "false"]),
    "keep": st.sampled_from([{"last": 1}, {"last": "1000000", "newerThan": "876600h"}]),
    "tagged": st.sampled_from([True, "false"]),
    "mediaType": st.sampled_from(["application/**", ["a/b"]]),
    "until": st.just("2026-12-01T18:00:00Z"),
    "reason": st.sampled_from(["x", " z\n", 4711, "y" * 500]),
}
WRONG = {
    "match": st.sampled_from([DIGEST, "a:v1", "a@sha256:9*", [], "A", "a,b"]),
    "exclude": st.sampled_from([[], "/"]),
    "attributes": st.sampled_from([{"teleportEnabled": True}, {"deleteEnabled": "no"}, {"else": True}]),
    "protect": st.sampled_from(["immutable", "frozen"]),
    "digest": st.just("sha256:1"),
    "ensure": st.just("present"),
    "keep": st.sampled_from([{}, {"last": 0}, {"last": 1_000_001}, {"newerThan": "876601h"}, {"newerThan": "0d"}]),
    "until": st.sampled_from(["2026-12-01", "2026-13-01T18:00:00Z"]),
    "reason": st.sampled_from([" ", "y" * 501]),
}
ANYTHING = st.sampled_from(["", "x", [], {}, None, 7, True])
TAG_KEYS = ("exclude", "attributes", "protect", "digest", "ensure", "unlock", "keep")
MANIFEST_KEYS = ("mediaType", "attributes", "protect", "ensure", "unlock", "keep")
REPOSITORY_KEYS = ("exclude", "attributes", "protect", "protect", "ensure", "unlock")


@st.composite
def entries(draw, usual, required=("match",)):
    """A mapping of a few keys that an entry of some sort has, seldom one too few or too many, or one that is wrong."""
    keys = {*required, *draw(st.lists(st.sampled_from(usual), min_size=1, max_size=2))}
    entry = {key: draw(RIGHT[key]) for key in sorted(keys)}
    odd = draw(st.sampled_from([*sorted(RIGHT), *[""] * 30]))
    if odd in entry and draw(st.booleans()):
        del entry[odd]
    elif odd:
        entry[odd] = draw(WRONG.get(odd, ANYTHING) | ANYTHING | RIGHT[odd])
    return entry


@st.composite
def files(draw):
    """A file with an entry or two of each sort, right or wrong."""
    repository = draw(entries(REPOSITORY_KEYS))
    for key, sort in (("tags", entries(TAG_KEYS)), ("manifests", entries(MANIFEST_KEYS, ("tagged",)))):
        if draw(st.integers(0, 2)) == 0:
            repository[key] = draw(st.lists(sort, max_size=2))
    exceptions = draw(st.lists(entries(("match",), ("match", "attributes", "until", "reason")), max_size=1))
    return json.dumps({"version": 1, "repositories": [repository], "exceptions": exceptions})


@given(text=files())
@settings(max_examples=80)
def test_schema_and_loader_agree_on_what_goes_together(text):
    """Whatever keys stand beside each other, with whatever values."""
    problems = problems_of(text.encode())

    check_that_the_schema_agrees(text, tuple(problems))


@given(data=damaged_files())
@settings(max_examples=30)
def test_schema_and_loader_agree_on_damaged_files(data):
    """What is still loaded is still valid, and what the schema can say, it says."""
    check_that_the_schema_agrees(data, tuple(problems_of(data)))


def test_the_schema_is_one():
    """It is valid JSON Schema, draft 2020-12."""
    Draft202012Validator.check_schema(desired_state_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_file_that_is_shipped_is_valid_and_names_its_schema(path):
    """An editor finds the schema by the first line, beside the file."""
    text = path.read_text()
    comment, _, reference = text.splitlines()[0].partition("$schema=")

    assert [] == refusals(desired_state_schema, read(text))
    assert "# yaml-language-server: " == comment
    assert ROOT / "specs/schemas/desired-state.v1.schema.json" == (path.parent / reference).resolve()


def _examples(schema, definitions, path):
    """Every member with an example, and the schema of the object that it stands in."""
    for name, member in schema.get("properties", {}).items():
        for example in member.get("examples", []):
            yield (
                f"{path}.{name}",
                {"$defs": definitions, "type": "object", "properties": {name: member}},
                {name: example},
            )
    for name, inner in schema.get("$defs", {}).items():
        yield from _examples(inner, definitions, name)


def test_every_example_of_the_schema_is_valid():
    """What an editor shows can be typed."""
    schema = desired_state_schema()

    examples = list(_examples(schema, schema["$defs"], "file"))

    assert 40 < len(examples)
    assert [] == [path for path, around, value in examples if not Draft202012Validator(around).is_valid(value)]


def test_every_member_has_a_title_a_description_and_an_example():
    """Nobody meets a member in an editor that is not told of."""
    schema = desired_state_schema()
    objects = {"file": schema, **schema["$defs"]}

    bare = [
        f"{name}.{key}"
        for name, each in objects.items()
        for key, member in each["properties"].items()
        if not {"title", "description", "examples"} <= member.keys()
    ]

    assert [] == bare


def test_a_name_without_quotes_is_loaded_and_valid(load):
    """The tags 1.10 and true, which an editor takes for a number and a boolean."""
    desired = load("version: 1\nrepositories: [{match: 12, tags: [{match: [1.10, true], protect: open}]}]\n")

    assert ["1.10", "true"] == [pattern.text for pattern in desired.repositories[0].tags[0].match]


def test_agreement_can_fail():
    """A file that only one of the two refuses is told."""
    text = "version: 1\nrepositories: [{match: a, protect: open}]\n"
    (problem,) = problems_of(b"version: 1\nrepositories: [{match: a, protect: immutable}]\n")

    with pytest.raises(AssertionError, match="the schema takes what the loader refuses"):
        check_that_the_schema_agrees(text, (problem,))
    with pytest.raises(AssertionError, match="the schema refuses what the loader takes"):
        check_that_the_schema_agrees("version: 2\nrepositories: []\n", ())
