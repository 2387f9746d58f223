"""
What a level promises, tried for real: after apply every forbidden thing is attempted, and every permitted one.

One registry holds a repository for each combination of level, live attributes, kind of
image and sharing; one apply makes all of them what the file says. What must be refused is
worked out here from the documents about the levels and about ACR's locks, by a few lines
that know nothing of the product. The suite takes every third of them, so that any two values
still meet; `WHOLE_MATRIX=1`, as in `make soak`, takes all.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from pathlib import Path

import attrs
import httpx
import pytest

FLAGS = ("deleteEnabled", "writeEnabled")
OPEN = dict.fromkeys(FLAGS, True)
TAG_LEVELS = {
    "": {},
    "undeletable": {"deleteEnabled": False},
    "immutable": {"deleteEnabled": False, "writeEnabled": False},
    "open": OPEN,
}
REPOSITORY_LEVELS = {
    "": {},
    "undeletable": {"deleteEnabled": False},
    "frozen": {"deleteEnabled": False, "writeEnabled": False},
}
LIVE_TAGS = {"o": {}, "l": {"deleteEnabled": False, "writeEnabled": False}}
LIVE_MANIFESTS = {"o": {}, "d": {"deleteEnabled": False}}
LIVE_REPOSITORIES = {"o": {}, "d": {"deleteEnabled": False}, "f": {"deleteEnabled": False, "writeEnabled": False}}
DOCS = Path(__file__).parents[2] / "docs" / "protection.md"


@attrs.frozen
class Case:
    """One repository: what the file says about it, and what it is before."""

    level: str
    repository_level: str
    shape: str  # image or index
    other: str  # the level of another tag on the same manifest; "none": there is no such tag
    live_tag: str
    live_manifest: str
    live_repository: str

    @property
    def name(self) -> str:
        """Of its repository."""
        return "m/" + "-".join(value or "x" for value in attrs.astuple(self))

    @property
    def tag_after(self) -> dict[str, bool]:
        """Of the tag."""
        return {**OPEN, **LIVE_TAGS[self.live_tag], **TAG_LEVELS[self.level]}

    @property
    def other_after(self) -> dict[str, bool]:
        """Of the other tag."""
        return {**OPEN, **TAG_LEVELS.get(self.other, {})}

    @property
    def manifest_after(self) -> dict[str, bool]:
        """Of the manifest, and of each child: the strictest demand, or what was."""
        levels = {self.level, self.other} - {"", "none"}
        strict, loose = levels & {"undeletable", "immutable"}, levels & {"open"}
        live = {**OPEN, **LIVE_MANIFESTS[self.live_manifest]}
        return {**live, "deleteEnabled": False} if strict else {**live, "deleteEnabled": True} if loose else live

    @property
    def repository_after(self) -> dict[str, bool]:
        """Of the repository."""
        return {**OPEN, **LIVE_REPOSITORIES[self.live_repository], **REPOSITORY_LEVELS[self.repository_level]}

    def forbidden(self) -> set[str]:
        """What the registry must refuse, by container-registry-image-lock.md and delete-operation-issues."""
        tag, other, manifest, repository = (
            self.tag_after,
            self.other_after if self.other != "none" else OPEN,
            self.manifest_after,
            self.repository_after,
        )
        frozen = not repository["writeEnabled"]
        found = {
            "overwrite": frozen or not tag["writeEnabled"],
            "untag": frozen or not all(tag.values()),
            "delete child": frozen or not all(manifest.values()),
            # That a locked tag keeps its manifest is what the emulator does, after a third-party lab.
            "delete manifest": frozen or not all((*manifest.values(), *tag.values(), *other.values())),
            "delete repository": not all((*repository.values(), *manifest.values(), *tag.values(), *other.values())),
            "new tag": frozen,
        }
        if self.shape == "image":
            del found["delete child"]
        return {what for what, is_forbidden in found.items() if is_forbidden}


DIMENSIONS = (
    tuple(TAG_LEVELS),
    tuple(REPOSITORY_LEVELS),
    ("image", "index"),
    ("none", "", "undeletable", "open"),
    tuple(LIVE_TAGS),
    tuple(LIVE_MANIFESTS),
    tuple(LIVE_REPOSITORIES),
)


def _cases(every: int):
    for places in itertools.product(*map(range, map(len, DIMENSIONS))):
        case = Case(*(values[place] for values, place in zip(DIMENSIONS, places, strict=True)))
        # A lock of the whole repository that no rule declares forbids to change what is in it: another test's matter.
        if sum(places) % every == 0 and (case.live_repository != "f" or case.repository_level == "frozen"):
            yield case


ALL_CASES = tuple(_cases(1))
CASES = ALL_CASES if os.environ.get("WHOLE_MATRIX") else tuple(_cases(3))


def _push(emulator, client: httpx.Client, case: Case) -> None:
    name = case.name
    digest = emulator.push(f"{name}:v1" if case.shape == "image" else f"{name}:amd64", content=b"one")
    if case.shape == "index":
        emulator.push_index(f"{name}:v1", [f"{name}:amd64"])
        emulator.delete(f"{name}:amd64")
        emulator.patch(f"{name}@{digest}", **LIVE_MANIFESTS[case.live_manifest])
    root = emulator.tag(f"{name}:v1")["digest"]
    if case.other != "none":
        pulled = client.get(f"/v2/{name}/manifests/v1")
        media_type = {"content-type": pulled.headers["content-type"]}
        client.put(f"/v2/{name}/manifests/other", content=pulled.content, headers=media_type).raise_for_status()
    emulator.patch(f"{name}@{root}", **LIVE_MANIFESTS[case.live_manifest])
    emulator.patch(f"{name}:v1", **LIVE_TAGS[case.live_tag])
    emulator.patch(name, **LIVE_REPOSITORIES[case.live_repository])


def _file(cases) -> dict:
    repositories = []
    for case in cases:
        tags = [{"match": "v1", "protect": case.level}] if case.level else []
        tags += [{"match": "other", "protect": case.other}] if case.other not in ("", "none") else []
        entry = {"match": case.name, **({"tags": tags} if tags else {})}
        if case.repository_level:
            entry["protect"] = case.repository_level
        if len(entry) > 1:
            repositories.append(entry)
    return {"version": 1, "repositories": repositories}


def _attempt(client: httpx.Client, emulator, name: str, what: str) -> bool:
    """Whether the registry refuses it, in the words that it has for locks."""
    digest = emulator.tag(f"{name}:v1")["digest"]
    index = client.get(f"/v2/{name}/manifests/{digest}")
    media_type, body = index.headers["content-type"], index.content
    children = [child["digest"] for child in index.json().get("manifests", [])]
    calls = {
        "overwrite": ("PUT", f"/v2/{name}/manifests/v1"),
        "new tag": ("PUT", f"/v2/{name}/manifests/new"),
        "untag": ("DELETE", f"/acr/v1/{name}/_tags/v1"),
        "delete child": ("DELETE", f"/v2/{name}/manifests/{next(iter(children), digest)}"),
        "delete manifest": ("DELETE", f"/v2/{name}/manifests/{digest}"),
        "delete repository": ("DELETE", f"/acr/v1/{name}"),
    }
    method, path = calls[what]
    put = {"content": body, "headers": {"content-type": media_type}} if method == "PUT" else {}
    answer = client.request(method, path, **put)
    if answer.status_code == 405:
        assert "REGISTRY_DISALLOWED_OPERATION" == answer.json()["errors"][0]["code"]
        return True
    assert answer.status_code in (201, 202), answer.text
    return False


# In this order, so that what is permitted leaves enough to try the next one on.
_ALL = ("new tag", "overwrite", "delete child", "untag", "delete manifest", "delete repository")


def _refused(client: httpx.Client, emulator, case: Case) -> set[str]:
    """Everything is tried: first all that must be refused, then, as long as something is left, what must not."""
    names = [what for what in _ALL if what != "delete child" or case.shape == "index"]
    forbidden = case.forbidden()
    refused = {what for what in names if what in forbidden and _attempt(client, emulator, case.name, what)}
    for what in names:
        is_left = emulator.tag(f"{case.name}:v1") is not None
        if what not in forbidden and is_left and _attempt(client, emulator, case.name, what):
            refused.add(what)
    return refused


@pytest.fixture
def protected(emulator, reconciler, tmp_path: Path):
    """A registry with every case, after one apply of one file."""
    with httpx.Client(base_url=emulator.url) as client:
        for case in CASES:
            _push(emulator, client, case)
    (tmp_path / "registry.json").write_text(json.dumps(_file(CASES)))
    applied = reconciler(
        "apply",
        "registry.json",
        *("--registry", emulator.url, "--auto-approve", "-q", "--max-loosen", "100%"),
    )
    assert (0, "") == (applied.code, applied.stderr), applied.stdout[-1500:]
    return emulator


def _met(cases):
    """Every two values, of two dimensions, that stand in one of the cases."""
    return {pair for case in cases for pair in itertools.combinations(enumerate(attrs.astuple(case)), 2)}


def test_any_two_values_meet():
    """What is left out of the suite is no combination of two."""
    assert _met(ALL_CASES) == _met(CASES)


def test_after_apply_the_registry_refuses_exactly_what_the_levels_promise(protected, reconciler):
    """Overwriting, untagging, deleting a manifest, a child, the repository, pushing a new tag: each tried."""
    emulator = protected

    again = reconciler("plan", "registry.json", "--registry", emulator.url, "--detailed-exitcode", "-q")
    attributes = {case.name: _attributes(emulator, case) for case in CASES}
    with httpx.Client(base_url=emulator.url) as client:
        refused = {case.name: _refused(client, emulator, case) for case in CASES}

    assert 0 == again.code
    assert {case.name: (case.tag_after, case.manifest_after, case.repository_after) for case in CASES} == attributes
    assert {case.name: case.forbidden() for case in CASES} == refused


def _attributes(emulator, case: Case):
    tag, repository = emulator.tag(f"{case.name}:v1"), emulator.repository(case.name)
    manifest = emulator.manifest(f"{case.name}@{tag['digest']}")
    return tuple({name: document[name] for name in FLAGS} for document in (tag, manifest, repository))


_COLUMNS = {
    "nothing": ("", ""),
    "tag `undeletable`": ("undeletable", ""),
    "tag `immutable`": ("immutable", ""),
    "repository `undeletable`": ("", "undeletable"),
    "repository `frozen`": ("", "frozen"),
}
_ROWS = {
    "push another image under the tag": "overwrite",
    "remove the tag": "untag",
    "delete its manifest by digest": "delete manifest",
    "delete a child of its index": "delete child",
    "delete the whole repository": "delete repository",
    "push a new tag": "new tag",
}


def test_the_table_in_the_documentation_is_what_the_levels_do():
    """Cell by cell; what is tried above is what people read."""
    lines = [line for line in DOCS.read_text().splitlines() if line.startswith("|")]
    start = next(at for at, line in enumerate(lines) if "nothing" in line)
    header = [cell.strip() for cell in lines[start].split("|")[2:-1]]
    table = {}
    for line in lines[start + 2 :]:
        row, *cells = (cell.strip() for cell in line.split("|")[1:-1])
        if row not in _ROWS:
            continue
        table[_ROWS[row]] = {name: re.match(r"yes|no", cell)[0] for name, cell in zip(header, cells, strict=True)}

    expected = {
        what: {
            name: "no" if what in Case(level, repository, "index", "none", "o", "o", "o").forbidden() else "yes"
            for name, (level, repository) in _COLUMNS.items()
        }
        for what in _ROWS.values()
    }
    assert expected == table
