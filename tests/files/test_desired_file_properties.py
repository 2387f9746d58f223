"""What holds for any file, however it was made."""

from __future__ import annotations

import gc
import io
import json

import attrs
import yaml
from examples import some
from hypothesis import given, settings, strategies as st

from reconciler.errors import DesiredStateError
from reconciler.files import load_desired

ENTRY = {"match": ["a", "b/*"], "exclude": "b/c", "attributes": {"deleteEnabled": "false", "readEnabled": "true"}}
DIGEST = f"sha256:{'a' * 64}"
TAGS = [
    ENTRY | {"match": ["a", "b-*"], "exclude": "x", "protect": "immutable"},
    {"match": "pr-*", "keep": {"last": "10", "newerThan": "30d"}},
    {"match": "tmp-*", "ensure": "absent", "unlock": "true"},
]
MANIFESTS = [
    {"match": "sha256:9*", "exclude": DIGEST, "tagged": "false", "mediaType": ["a/**", "b/c"], "protect": "open"},
    {"tagged": "true", "keep": {"newerThan": "2w"}},
]
FILE = {
    "version": "1",
    "registry": "a.b",
    "repositories": [
        {**ENTRY, "protect": "frozen", "tags": TAGS, "manifests": MANIFESTS},
        {"match": "c", "tags": [{"match": "v1", "digest": DIGEST, "protect": "undeletable"}]},
        {"match": ["d", "e"], "ensure": "absent", "unlock": "false"},
    ],
    "exceptions": [
        {
            "match": ["a:v*", "b@sha256:9*"],
            "attributes": {"writeEnabled": "true"},
            "until": "2026-12-01T18:00:00Z",
            "reason": "INC-4711",
        },
    ],
}
VALID = yaml.safe_dump(FILE).encode()
FRAGMENTS = [
    b"protect: ",
    b"digest: ",
    b"ensure: absent",
    b"keep: {last: 1}",
    b"unlock: true",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!str ",
    b"? ",
    b": ",
    b"- ",
    b"\n",
    b"\t",
    b"'",
    b'"',
    b"{",
    b"[",
    b"|\n",
    b"%",
    b"\xff",
]
names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)


def load(data):
    """The desired state of a file that consists of `data`."""
    return load_desired(["-"], stdin=io.BytesIO(data))


def problems_of(data):
    """What is wrong with a file that consists of `data`; nothing where it is loaded."""
    try:
        load(data)
    except DesiredStateError as error:
        return error.problems
    return ()


def meaning(desired):
    """All that a desired state says, without places and without the order of attributes."""
    rules = [entry_meaning(rule) for rule in desired.repositories]
    return [desired.registry, rules, [exception_meaning(exception) for exception in desired.exceptions]]


def entry_meaning(rule):
    """All that an entry says, likewise."""
    return (
        [pattern.text for pattern in rule.match],
        [pattern.text for pattern in rule.exclude],
        {declared.attribute: declared.value for declared in rule.declared},
        [pattern.text for pattern in getattr(rule, "media_type", ())],
        getattr(rule, "tagged", None),
        [without_place(getattr(rule, name, None)) for name in ("protect", "ensure", "keep")],
        [entry_meaning(inner) for name in ("tags", "manifests") for inner in getattr(rule, name, ())],
    )


def exception_meaning(exception):
    """All that an exception says, likewise."""
    targets = [[part and part.text for part in (each.repository, each.tag, each.digest)] for each in exception.match]
    flags = {declared.attribute: declared.value for declared in exception.attributes}
    return (targets, flags, exception.until, exception.until_ns, exception.reason)


def without_place(said):
    """What was said, without where."""
    return said and attrs.asdict(said, filter=lambda attribute, _: attribute.name != "origin")


def shuffled(draw, value):
    """`value` with the keys of every mapping in an order that `draw` chooses."""
    if isinstance(value, list):
        return [shuffled(draw, item) for item in value]
    if isinstance(value, dict):
        return {key: shuffled(draw, value[key]) for key in draw(st.permutations(sorted(value)))}
    return value


@st.composite
def files_in_other_orders(draw):
    """The same file with the keys of every mapping in some order, in block and flow style."""
    return yaml.safe_dump(shuffled(draw, FILE), sort_keys=False, default_flow_style=draw(st.booleans()))


@st.composite
def damaged_files(draw):
    """A valid file with pieces cut out and others put in."""
    data = VALID
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 12))
        data = data[:start] + draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=4)) + data[end:]
    return data


@given(text=files_in_other_orders())
def test_the_order_of_keys_means_nothing(text):
    """Files whose mappings differ in the order of their keys declare the same."""
    assert meaning(load(VALID)) == meaning(load(text.encode()))


@given(name=names)
def test_any_tag_name_is_read_as_it_is_written(name):
    """What can be a tag is that tag in plain, quoted and folded style, and in JSON."""
    styles = [name, f"'{name}'", f'"{name}"', f">-\n      {name}"]
    text = "version: 1\nrepositories:\n- match: a\n  tags:\n"
    text += "".join(f"  - match: {style}\n    attributes: {{readEnabled: true}}\n" for style in styles)
    tags = [{"match": name, "attributes": {"readEnabled": True}}]

    from_yaml = load(text.encode())
    from_json = load(json.dumps({"version": 1, "repositories": [{"match": "a", "tags": tags}]}).encode())

    assert [name] * 4 == [tag.match[0].text for tag in from_yaml.repositories[0].tags]
    assert [name] == [tag.match[0].text for tag in from_json.repositories[0].tags]


@given(data=st.binary(max_size=200) | damaged_files())
@settings(max_examples=some(300), deadline=20_000)
def test_no_file_breaks_the_loader(data):
    """Whatever is in a file, it is loaded or refused with problems that have a place on one line."""
    problems = problems_of(data)

    assert all("\n" not in f"{problem.file}{problem.path}{problem.message}" for problem in problems)
    assert sorted(problems, key=lambda problem: (problem.line, problem.column)) == list(problems)


def test_loading_leaves_no_garbage_behind():
    """The nodes of a file are gone when it is loaded, without a search for cycles; that search is on again."""
    entries = b"".join(b"- {match: r%d, attributes: {readEnabled: true}}\n" % number for number in range(5000))
    gc.collect()

    desired = load(b"version: 1\nrepositories:\n" + entries)

    assert 5000 == len(desired.repositories)
    assert 1000 > gc.collect()
    assert gc.isenabled()
