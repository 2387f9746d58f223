"""Exports as text and back, and registries that have much in common, for the tests of both kinds of export."""

from __future__ import annotations

import io

from builders import LOCKED, OPEN, repository, tag
from hypothesis import strategies as st

from reconciler.files import load_desired
from reconciler.model.desired import DesiredState
from reconciler.model.live import LiveRepository
from reconciler.model.selection import EVERYTHING, Selection
from reconciler.planning.exported import exported
from reconciler.planning.folding_registry import Known, Most, fold_registry
from reconciler.render.desired_yaml import entry_yaml, file_yaml

MANY = Most(patterns=10_000, characters=400_000)
NAMES = ("app", "team/app", "team/web", "10", "true", "contoso.azurecr.io/app", "y", "0x1", "a-b/c_d")
TAGS = ("v1", "v1.10", "v2", "v3", "V1", "1.10", "true", "null", "0x1", "2024-01-01", "pr-1", "pr-2", "pr-3")
# Few combinations, so that tags often have something in common; the last ones lack what others report.
FLAGS = st.sampled_from(
    [OPEN, OPEN, OPEN, LOCKED, LOCKED, {**OPEN, "listEnabled": False}, {"deleteEnabled": False}, {}]
)
REPOSITORY_FLAGS = st.sampled_from(
    [OPEN, OPEN, LOCKED, {**OPEN, "teleportEnabled": False}, {**LOCKED, "listEnabled": False}]
)
TAG_DOCUMENTS = FLAGS.map(lambda flags: {"digest": tag()["digest"], **flags})
LIVE = st.lists(
    st.builds(
        LiveRepository,
        st.sampled_from(NAMES),
        REPOSITORY_FLAGS,
        st.dictionaries(st.sampled_from(TAGS), TAG_DOCUMENTS, max_size=8),
    ),
    unique_by=lambda each: each.name,
    max_size=5,
)


def export(live: list[LiveRepository], *, folded: bool, chosen: Selection = EVERYTHING, apart=(), most=MANY) -> str:
    """The file that an export of these repositories is."""
    entries = [exported(each, chosen, digests=False) for each in sorted(live, key=lambda each: each.name)]
    if folded:
        known = {each.name: Known(each, exported(each, chosen, digests=False)) for each in live}
        entries = fold_registry(known, chosen, apart, most)
    return "".join(file_yaml("contoso.azurecr.io", ["A comment."], [entry_yaml(each) for each in entries]))


def loaded(text: str) -> DesiredState:
    """What a file of this text declares."""
    return load_desired(["-"], stdin=io.BytesIO(text.encode()))


def typical() -> list[LiveRepository]:
    """Released tags are locked, and so are the repositories that have them."""
    releases = {f"v1.{minor}": tag(deleteEnabled=False, writeEnabled=False) for minor in range(4)}
    return [
        repository("prod/api", {**OPEN, "deleteEnabled": False}, {**releases, "latest": tag(), "pr-7": tag()}),
        repository("prod/sql", {**OPEN, "deleteEnabled": False}, releases),
        repository("prod/web", {**OPEN, "deleteEnabled": False}, {**releases, "1.10": tag()}),
        repository("sandbox", {**OPEN, "teleportEnabled": False}, {"latest": tag()}),
    ]
