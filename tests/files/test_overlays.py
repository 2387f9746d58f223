"""Overlays: one file, and for each environment a patch that changes it before it means anything."""

from __future__ import annotations

import contextlib
import io

import pytest

from reconciler.errors import DesiredStateError
from reconciler.files import load_desired

BASE = """\
version: 1
registry: dev.azurecr.io
repositories:
  - match: a
    attributes: {deleteEnabled: false, readEnabled: true}
    tags: &tags
      - match: v1
        protect: immutable
      - match: v2
        protect: immutable
  - match: b
    tags: *tags
"""
EXAMPLE = "such as - {op: replace, path: /registry, value: contoso.azurecr.io}"
POINTER = "it starts with /, such as /repositories/0/match; / in a name is written ~1, and ~ is ~0"
INDEX = "an index counts from 0; - stands for the place after the last item"
MEMBERS = 'members there: "version", "registry", "repositories"'
OPERATIONS = "operations: add, remove, replace, move, copy, test"

# A text that is no patch, and all that is said about it.
NO_PATCHES = [
    ("", [f"overlay.yaml: the overlay is empty\n  {EXAMPLE}"]),
    ("version: 1\n", [f"overlay.yaml:1:1: must be a list of operations, not a mapping\n  {EXAMPLE}"]),
    (
        "- x\n- \n",
        [
            f'overlay.yaml:1:3: [0]: must be an operation, not "x"\n  {EXAMPLE}',
            f"overlay.yaml:2:2: [1]: must be an operation, not nothing\n  {EXAMPLE}",
        ],
    ),
    ("- {path: /registry}\n", [f"overlay.yaml:1:3: [0]: op is required\n  {EXAMPLE}"]),
    (
        "- {op: ad, path: /x}\n",
        [f'overlay.yaml:1:8: [0].op: must be an operation, not "ad"; did you mean "add"?\n  {OPERATIONS}'],
    ),
    ("- {op: [add]}\n", [f"overlay.yaml:1:8: [0].op: must be an operation, not a list\n  {OPERATIONS}"]),
    (
        "- {op: add}\n",
        [f"overlay.yaml:1:3: [0]: add needs path\n  {EXAMPLE}", f"overlay.yaml:1:3: [0]: add needs value\n  {EXAMPLE}"],
    ),
    ("- {op: copy, path: /x}\n", [f"overlay.yaml:1:3: [0]: copy needs from\n  {EXAMPLE}"]),
    ("- {op: remove, path: x}\n", [f'overlay.yaml:1:22: [0].path: "x" is no JSON pointer\n  {POINTER}']),
    ("- {op: move, path: /x, from: /a~2}\n", [f'overlay.yaml:1:30: [0].from: "/a~2" is no JSON pointer\n  {POINTER}']),
    ("- {op: remove, path: [x]}\n", ["overlay.yaml:1:22: [0].path: must be a text, not a list"]),
    ("- {op: remove, path: /x, path: /y}\n", ['overlay.yaml:1:26: [0]: "path" stands here twice; first at 1:16']),
    (
        "[]\n\t- x",
        ["overlay.yaml:2:1: not valid YAML: a tab in the indentation\n  indent with spaces"],
    ),
]

# An operation at 1:3, and what is said about it.
FAILURES = [
    ("{op: remove, path: /foo}", f'1:22: [0].path: "/foo" is not there\n  {MEMBERS}'),
    ("{op: replace, path: /foo/bar, value: 1}", f'1:23: [0].path: "/foo" is not there\n  {MEMBERS}'),
    (
        "{op: remove, path: /repositories/2}",
        f'1:22: [0].path: "/repositories/2" is not there: the list holds 2\n  {INDEX}',
    ),
    (
        "{op: add, path: /repositories/3, value: x}",
        f'1:19: [0].path: "/repositories/3" is not there: the list holds 2\n  {INDEX}',
    ),
    (
        "{op: remove, path: /repositories/-}",
        f'1:22: [0].path: "/repositories/-" is not there: "-" is no index in a list\n  {INDEX}',
    ),
    (
        "{op: remove, path: /repositories/01}",
        f'1:22: [0].path: "/repositories/01" is not there: "01" is no index in a list\n  {INDEX}',
    ),
    (
        "{op: remove, path: /repositories/٠}",
        f'1:22: [0].path: "/repositories/٠" is not there: "٠" is no index in a list\n  {INDEX}',
    ),
    ("{op: add, path: /version/x, value: y}", '1:19: [0].path: "/version" is "1", and holds nothing'),
    ('{op: remove, path: ""}', "1:22: [0].path: the whole file cannot be taken away"),
    (
        "{op: move, from: /repositories, path: /repositories/0/tags}",
        '1:20: [0].from: "/repositories" cannot be moved into itself',
    ),
    ("{op: copy, from: /foo, path: /registry}", f'1:20: [0].from: "/foo" is not there\n  {MEMBERS}'),
    ("{op: test, path: /version, value: 2}", '1:37: [0].value: the test failed: "/version" is "1", not "2"'),
    (
        "{op: test, path: /repositories, value: []}",
        '1:42: [0].value: the test failed: "/repositories" is a list, but another one than here',
    ),
    (
        "{op: test, path: /registry, value: {}}",
        '1:38: [0].value: the test failed: "/registry" is "dev.azurecr.io", not a mapping',
    ),
]


@pytest.fixture
def overlaid(tmp_path):
    """Load a text with overlays, each a text."""

    def load(base, *overlays):
        (tmp_path / "base.yaml").write_text(base)
        names = ["overlay.yaml", *(f"overlay{number}.yaml" for number in range(2, 10))][: len(overlays)]
        for name, text in zip(names, overlays, strict=True):
            (tmp_path / name).write_text(text)
        return load_desired([f"{tmp_path}/base.yaml"], overlays=[f"{tmp_path}/{name}" for name in names])

    return load


@pytest.fixture
def refusals(overlaid, tmp_path):
    """Load a text with overlays that is refused; what is said about it, one text for each problem."""

    def refused(base, *overlays):
        with pytest.raises(DesiredStateError) as caught:
            overlaid(base, *overlays)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return refused


def tags(desired):
    """The patterns of the tag entries of each repository entry."""
    return [[pattern.text for tag in rule.tags for pattern in tag.match] for rule in desired.repositories]


def places(tmp_path, *origins):
    """Where something stands, without the folder."""
    return [str(origin).removeprefix(f"{tmp_path}/") for origin in origins]


def test_every_operation_changes_the_file_before_it_is_read(overlaid):
    """They are applied in their order, and an overlay may be JSON."""
    overlay = """\
[{"op": "test", "path": "/version", "value": 1},
 {"op": "replace", "path": "/registry", "value": "prod.azurecr.io"},
 {"op": "add", "path": "/repositories/-", "value": {"match": "c", "protect": "open"}},
 {"op": "copy", "from": "/repositories/0/tags/1", "path": "/repositories/0/tags/0"},
 {"op": "move", "from": "/repositories/2", "path": "/repositories/0"},
 {"op": "remove", "path": "/repositories/2"}]
"""

    desired = overlaid(BASE, overlay)

    assert "prod.azurecr.io" == desired.registry
    assert ["c", "a"] == [rule.match[0].text for rule in desired.repositories]
    assert [[], ["v2", "v1", "v2"]] == tags(desired)


def test_overlays_are_applied_in_the_order_given(overlaid):
    """A later one finds what an earlier one made."""
    first = "- {op: add, path: /repositories/0/tags/0, value: {match: v0, protect: open}}\n"
    second = "- {op: replace, path: /repositories/0/tags/0/match, value: v00}\n"

    desired = overlaid(BASE, first, second)

    assert ["v00", "v1", "v2"] == tags(desired)[0]


def test_a_change_behind_an_alias_is_a_change_of_one_place(overlaid):
    """What was anchored and what was copied stays as it was elsewhere."""
    overlay = """\
- {op: replace, path: /repositories/1/tags/0/match, value: other}
- {op: copy, from: /repositories/1, path: /repositories/-}
- {op: replace, path: /repositories/1/tags/1/match, value: more}
- {op: add, path: /repositories/2/tags/-, value: {match: last, protect: open}}
"""

    desired = overlaid(BASE, overlay)

    assert [["v1", "v2"], ["other", "more"], ["other", "v2", "last"]] == tags(desired)


def test_what_an_overlay_brings_has_its_place_in_the_overlay(overlaid, tmp_path):
    """Everything else keeps its place in the file."""
    overlay = """\
- op: replace
  path: /registry
  value: prod.azurecr.io
- {op: replace, path: /repositories/0/tags/0/protect, value: open}
- {op: replace, path: /repositories/0/attributes/deleteEnabled, value: true}
- op: add
  path: /repositories/-
  value:
    match: c
    protect: frozen
    attributes: {listEnabled: true}
"""

    desired = overlaid(BASE, overlay)

    a, _, c = desired.repositories
    assert ["base.yaml:4:5", "overlay.yaml:4:62"] == places(tmp_path, a.origin, a.tags[0].protect.origin)
    assert ["base.yaml:7:9", "base.yaml:10:18"] == places(tmp_path, a.tags[0].origin, a.tags[1].protect.origin)
    assert ["overlay.yaml:5:72", "base.yaml:5:17"] == places(tmp_path, *(each.origin for each in a.attributes))
    assert ["overlay.yaml:9:5", "overlay.yaml:10:14", "overlay.yaml:11:17"] == places(
        tmp_path, c.origin, c.protect.origin, c.attributes[0].origin
    )


def test_what_was_moved_keeps_the_place_where_it_is_written(overlaid, tmp_path):
    """Also where a level comes from a member that has none."""
    overlay = """\
- {op: move, from: /repositories/0/exclude, path: /repositories/0/protect}
"""

    desired = overlaid(BASE.replace("match: a\n", "match: a\n    exclude: frozen\n"), overlay)

    assert ["base.yaml:5:14"] == places(tmp_path, desired.repositories[0].protect.origin)


def test_a_problem_is_told_where_it_was_written(refusals):
    """In the file or in the overlay, with the path after all overlays; those of the file first."""
    base = BASE.replace("registry: dev", "registri: dev").replace("match: b", "match: B")
    first = "- {op: add, path: /repositories/0, value: {match: c, protect: immutabel}}\n"
    second = (
        "- {op: add, path: /repositories/0/tgs, value: []}\n- {op: replace, path: /repositories/0/match, value: c d}\n"
    )

    said = refusals(base, first, second)

    assert [
        'base.yaml:2:1: unknown key "registri"; did you mean "registry"?',
        'base.yaml:11:12: repositories[2].match: "B" matches no repository',
        'overlay.yaml:1:63: repositories[0].protect: unknown level "immutabel"',
        'overlay2.yaml:1:19: repositories[0]: unknown key "tgs"; did you mean "tags"?',
        'overlay2.yaml:2:53: repositories[0].match: "c d" cannot be the name of a repository',
    ] == [text.splitlines()[0] for text in said]


def test_an_overlay_can_mend_the_file(overlaid):
    """The file is validated as the overlays leave it."""
    desired = overlaid(
        "version: 1\nx: {}\n",
        "- {op: move, from: /x, path: /repositories}\n- {op: replace, path: /repositories, value: []}\n",
    )

    assert () == desired.repositories


@pytest.mark.parametrize("op", ["add", "replace"])
def test_the_whole_file_can_be_replaced(overlaid, op):
    """The empty pointer means all of it."""
    overlay = f'- op: {op}\n  path: ""\n  value:\n    version: 1\n    registry: x.io\n    repositories: []\n'

    desired = overlaid(BASE, overlay)

    assert ("x.io", ()) == (desired.registry, desired.repositories)


def test_names_with_a_slash_or_a_tilde_are_escaped(refusals):
    """~1 is a slash and ~0 is a tilde, in this order."""
    overlay = (
        '- {op: test, path: "/a~1b~01/0", value: x}\n- {op: remove, path: /a~1b~01}\n- {op: remove, path: /a~1b~01}\n'
    )

    said = refusals(f"a/b~1: [x]\n{BASE}", overlay)

    assert [
        'overlay.yaml:3:22: [2].path: "/a~1b~01" is not there\n  members there: "version", "registry", "repositories"'
    ] == said


@pytest.mark.parametrize("value", ["1", "'1'", '"1"', "!!str 1"])
def test_a_test_compares_texts(overlaid, value):
    """No scalar is anything else, and the order of members means nothing."""
    overlay = f"""\
- {{op: test, path: /version, value: {value}}}
- {{op: test, path: /repositories/0/attributes, value: {{readEnabled: "true", deleteEnabled: false}}}}
- {{op: test, path: /repositories/1/tags/0, value: {{protect: immutable, match: v1}}}}
"""

    desired = overlaid(BASE, overlay)

    assert "dev.azurecr.io" == desired.registry


def test_an_overlay_without_operations_changes_nothing(overlaid):
    """An environment may differ in nothing yet."""
    desired = overlaid(BASE, "[]\n")

    assert [["v1", "v2"], ["v1", "v2"]] == tags(desired)


def test_members_that_mean_nothing_are_left_alone(overlaid):
    """As RFC 6902 wants it: a comment, or a value that is not needed."""
    desired = overlaid(BASE, "- {op: remove, path: /registry, comment: [x], value: y}\n")

    assert None is desired.registry


@pytest.mark.parametrize(("text", "expected"), NO_PATCHES)
def test_what_is_no_patch_is_refused(refusals, text, expected):
    """Every problem of an overlay is told, at its place in the overlay."""
    assert expected == refusals(BASE, text)


@pytest.mark.parametrize(("operation", "expected"), FAILURES)
def test_an_operation_that_cannot_be_applied_is_refused(refusals, operation, expected):
    """With the path that is not there, or what the test found."""
    assert [f"overlay.yaml:{expected}"] == refusals(BASE, f"- {operation}\n")


def test_all_that_cannot_be_read_is_told_at_once(refusals):
    """Each overlay, and the file, before anything is applied."""
    said = refusals("version: [\n", "- x\n", "- {op: remove, path: /foo}\n", "- {op: add}\n")

    assert ["base.yaml:2:1", "overlay.yaml:1:3", "overlay3.yaml:1:3", "overlay3.yaml:1:3"] == [
        text.split(": ")[0] for text in said
    ]


def test_a_key_that_stands_twice_on_the_way_is_refused(refusals):
    """It would be open which of them is changed."""
    base = BASE.replace("match: b", "match: b\n    match: c")

    said = refusals(base, "- {op: remove, path: /repositories/1/match}\n")

    assert ['base.yaml:12:5: "match" stands here twice; first at 11:5'] == said


@pytest.mark.parametrize("bases", [["a.yaml", "b.yaml"], ["."]])
def test_overlays_are_for_one_file(tmp_path, monkeypatch, bases):
    """With several it would be open which of them is changed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "over").write_text("[]")
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("broken: [")

    with pytest.raises(DesiredStateError) as caught:
        load_desired(bases, overlays=["over"])

    assert [
        "over: an overlay is for one file, and 2 are named\n  name the file, or the folder that holds nothing else"
    ] == [str(problem) for problem in caught.value.problems]


def test_a_folder_with_one_file_can_have_overlays(tmp_path):
    """What counts is how many files there are."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/base.yaml").write_text(BASE)
    (tmp_path / "over.yaml").write_text("- {op: remove, path: /registry}\n")

    desired = load_desired([f"{tmp_path}/deploy"], overlays=[f"{tmp_path}/over.yaml"])

    assert None is desired.registry


def test_a_file_that_is_not_there_is_told_before_its_overlays(tmp_path):
    """There is nothing that they could be applied to."""
    with pytest.raises(DesiredStateError) as caught:
        load_desired([f"{tmp_path}/base.yaml"], overlays=[f"{tmp_path}/over.yaml"])

    assert [f"{tmp_path}/base.yaml: no such file or folder"] == [str(problem) for problem in caught.value.problems]


def test_an_overlay_is_a_file_that_is_named_once(tmp_path):
    """A folder, the file itself, the same one twice and none at all are refused."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "over.yaml").write_text("[]")
    (tmp_path / "folder").mkdir()
    names = ["folder", "base.yaml", "over.yaml", "over.yaml", "none.yaml"]

    with contextlib.chdir(tmp_path), pytest.raises(DesiredStateError) as caught:
        load_desired(["base.yaml"], overlays=names)

    assert [
        "folder: a folder; an overlay is one file\n  name the files in the order in which they apply",
        'base.yaml: the same file as "base.yaml"\n  name each file once',
        'over.yaml: the same file as "over.yaml"\n  name each file once',
        "none.yaml: no such file or folder",
    ] == list(map(str, caught.value.problems))


@pytest.mark.parametrize("is_overlay", [True, False])
def test_the_file_or_an_overlay_may_come_from_standard_input(tmp_path, is_overlay):
    """A dash is a file like others."""
    overlay = "- {op: replace, path: /registry, value: x.io}\n"
    (tmp_path / "file").write_text(BASE if is_overlay else overlay)
    named = ([f"{tmp_path}/file"], ["-"]) if is_overlay else (["-"], [f"{tmp_path}/file"])
    stdin = io.BytesIO((overlay if is_overlay else BASE).encode())

    desired = load_desired(named[0], overlays=named[1], stdin=stdin)

    assert "x.io" == desired.registry


def test_copies_cannot_explode(refusals):
    """Forty operations that double the file each time are refused before they are billions."""
    overlay = "- {op: copy, from: /repositories, path: /x}\n" + "".join(
        f"- {{op: add, path: /y{n}, value: []}}\n- {{op: copy, from: /x, path: /y{n}/-}}\n"
        f"- {{op: copy, from: /x, path: /y{n}/-}}\n- {{op: move, from: /y{n}, path: /x}}\n"
        for n in range(25)
    )

    said = refusals(BASE, overlay)

    assert 1 == len(said)
    assert ": operations that bring or move more than 1,00" in said[0]


def test_copies_cannot_nest_without_end(refusals):
    """What is moved or copied counts as deep as it then stands."""
    overlay = "- {op: add, path: /x, value: [[]]}\n" + "- {op: copy, from: /x, path: /x/0/0}\n" * 40

    said = refusals(BASE, overlay)

    assert ["nested deeper than 32 levels"] == [text.split(": ")[-1] for text in said]


def test_an_overlay_has_a_limited_number_of_operations(refusals):
    """Each of them may cost as much as the file is long."""
    said = refusals(BASE, "- {op: test, path: /version, value: 1}\n" * 10_001)

    assert ["overlay.yaml:1:1: 10,001 operations; at most 10,000 are allowed"] == said
