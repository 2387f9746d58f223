"""Explanations for people: every rule, what overrides it, what apply would make of it, and what can happen to it."""

from __future__ import annotations

import re

import attrs
import pytest
from builders import OPEN, desired_state, digest, manifest, repository, tag
from example_plans import HOSTILE
from goldens import golden

from reconciler.model.address import parse_address
from reconciler.model.live import Moment
from reconciler.model.matching import DesiredIndex
from reconciler.planning.compare import plan_repository
from reconciler.planning.explain import (
    demands_on,
    prospects,
    rules_about,
    said_besides,
    said_of_the_whole,
    standing_lock,
)
from reconciler.planning.retained import retained
from reconciler.planning.rules import contributions
from reconciler.render.explain_text import Explanation, render_explanation
from reconciler.render.words import painter

PLAIN, COLOUR = painter(color=False), painter(color=True)
A, B, C, D = map(digest, "abcd")
DAY_NS = 86_400 * 1_000_000_000
RULES = (
    {"match": "**", "deleteEnabled": False, "tags": [{"match": "v*", "deleteEnabled": False, "writeEnabled": False}]},
    {"match": "prod/*", "teleportEnabled": False, "tags": [{"match": "v2*", "writeEnabled": True}]},
    {"match": "prod/web", "tags": [{"match": ["v1", "latest"], "protect": "immutable"}]},
    {"match": "prod/web", "tags": [{"match": "next", "digest": B}, {"match": "pr-*", "ensure": "absent"}]},
    {"match": "old/app", "ensure": "absent"},
    {"match": "prod/pr", "tags": [{"match": "pr-*", "ensure": "absent"}]},
    {"match": "prod/pr", "manifests": [{"tagged": False, "ensure": "absent"}, {"tagged": True, "readEnabled": False}]},
    {"match": "prod/web", "tags": [{"match": "build-*", "keep": {"last": 3, "newerThan": 2592000}}]},
    {"match": "prod/ci", "tags": [{"match": "build-*", "keep": {"last": 3, "newerThan": 2592000}}]},
    {"match": "prod/ci", "manifests": [{"tagged": False, "keep": {"newerThan": 43200}}]},
)
WEB = {
    "v1": tag("a"),
    "latest": tag("b"),
    "next": tag("a"),
    "pr-7": tag("c"),
    "build-1": tag("c", deleteEnabled=False),
}
MANIFESTS = {A: manifest(C), B: manifest(), C: manifest()}


def _explained(text: str, live=None, paint=PLAIN, *, file="registry.yaml", full=False, entries=RULES) -> str:
    """The explanation of a resource; offline where nothing is live."""
    address = parse_address(text)
    rules = DesiredIndex(desired_state(*entries, file=file)).for_repository(address.repository)
    part = plan_repository(rules, live, now_ns=NOW_NS) if live else None
    speaking = rules_about(address, rules, live, part)
    kept = retained(address, rules, live, part, NOW_NS) if part else ()
    more = (*said_of_the_whole(address, rules), *said_besides(speaking, kept))
    explained = Explanation(address, contributions(speaking), more)
    if part is not None:
        demands = demands_on(address.digest, part.demands, live.manifests) if address.digest else ()
        stands = standing_lock(address, rules, live, part)
        explained = attrs.evolve(explained, demands=demands, stands=stands, become=prospects(address, live, part))
    return render_explanation(explained, paint, full=full)


API = repository("prod/api", OPEN, {"v2.0": tag("a", deleteEnabled=False, writeEnabled=False), "latest": tag("b")})
WEB_LIVE = repository("prod/web", OPEN, WEB, manifests=MANIFESTS)
OLD = repository("old/app", OPEN, {"v1": tag("a"), "latest": tag("a")}, manifests={A: manifest()}, tag_count=2)
LOCKED_OLD = repository("old/app", OPEN, {"v1": tag("a", deleteEnabled=False), "latest": tag("a")}, manifests={})
PR = repository("prod/pr", OPEN, {"pr-1": tag("a")}, manifests={A: manifest(tags=("pr-1",))})
NOW_NS = 100 * DAY_NS
CI = repository(
    "prod/ci",
    OPEN,
    {f"build-{day}": tag("a", deleteEnabled=day != 10) for day in range(5, 100, 5)},
    tag_times={f"build-{day}": Moment("", day * DAY_NS) for day in range(5, 100, 5)},
    manifests={
        A: manifest(C, tags=("build-5",)),
        B: manifest(updated=Moment("", NOW_NS - DAY_NS)),
        C: manifest(updated=Moment("", 2 * DAY_NS)),
        D: manifest(updated=Moment("", NOW_NS - DAY_NS // 6)),
    },
)
EXPLANATIONS = {
    "explain_tag.txt": ("prod/api:v2.0", API),
    "explain_repository.txt": ("prod/api", API),
    "explain_unmanaged.txt": ("prod/api:latest", API),
    "explain_absent.txt": ("team/app:v1", repository("team/app", OPEN, missing_tags=("v1",))),
    "explain_protected.txt": ("prod/web:v1", WEB_LIVE),
    "explain_manifest.txt": (f"prod/web@{C}", WEB_LIVE),
    "explain_move.txt": ("prod/web:next", WEB_LIVE),
    "explain_deleted.txt": ("prod/web:pr-7", WEB_LIVE),
    "explain_deleted_with_all.txt": ("old/app:latest", OLD),
    "explain_manifest_deleted_with_all.txt": (f"old/app@{A}", OLD),
    "explain_repository_deleted.txt": ("old/app", OLD),
    "explain_not_deleted_with_all.txt": ("old/app:latest", LOCKED_OLD),
    "explain_outdated.txt": ("prod/ci:build-5", CI),
    "explain_young.txt": ("prod/ci:build-75", CI),
    "explain_among_the_last.txt": ("prod/ci:build-95", CI),
    "explain_old_and_locked.txt": ("prod/ci:build-10", CI),
    "explain_outdated_manifest.txt": (f"prod/ci@{B}", CI),
    "explain_needed_manifest.txt": (f"prod/ci@{C}", CI),
    "explain_young_manifest.txt": (f"prod/ci@{D}", CI),
    "explain_manifest_without_its_tag.txt": (f"prod/pr@{A}", PR),
    "explain_retention.txt": ("prod/web:build-1", WEB_LIVE),
}


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_an_explanation_is_shown_as_in_its_file(name):
    """Rules in file order, then what is live and what would become of it, within 80 columns."""
    text = _explained(*EXPLANATIONS[name])

    assert golden(name) == text
    assert [] == [line for line in text.splitlines() if len(line) > 80]


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_colour_adds_nothing_but_colour_to_an_explanation(name):
    """Without its codes the coloured explanation is the plain one."""
    coloured = _explained(*EXPLANATIONS[name], COLOUR)

    assert golden(name) == re.sub(r"\x1b\[[0-9]+m", "", coloured)


FROZEN = repository(
    "prod/ci",
    {**OPEN, "writeEnabled": False},
    {f"build-{day}": tag("a") for day in range(1, 9)},
    tag_times={f"build-{day}": Moment("", day * DAY_NS) for day in range(1, 9)},
    manifests={A: manifest()},
)


def test_what_stops_a_tag_from_elsewhere_is_named():
    """Its own attributes are all true, and it can neither be overwritten nor go."""
    text = _explained("prod/ci:build-1", FROZEN)

    assert "  overwritten               no   by writeEnabled of the repository\n" in text
    assert f"{'':19}kept: prod/ci has writeEnabled false\n" in text


SHARED = {
    "match": "prod/web",
    "tags": [{"match": ["v1", "v2"], "protect": "immutable"}, {"match": "dev", "protect": "open"}],
}
SHARING = repository("prod/web", OPEN, {name: tag("a") for name in ("v1", "v2", "dev")}, manifests={A: manifest()})


def test_of_several_demands_the_one_that_stands_is_told():
    """By the tag that it is for, as two of them may come from one entry."""
    text = _explained(f"prod/web@{A}", SHARING, entries=[SHARED])

    assert (
        "  deleteEnabled    false  registry.yaml:2:5 for :v1\n"
        "  deleteEnabled    false  registry.yaml:2:5 for :v2\n"
        "    overridden by registry.yaml:2:5 for :v1\n"
        "  deleteEnabled    true   registry.yaml:3:5 for :dev\n"
        "    overridden by registry.yaml:2:5 for :v1\n\n"
    ) in text


def test_a_rule_about_a_manifest_that_a_demand_beats_is_told_so():
    """And the other way round: they meet on the stricter word."""
    open_it = {"match": "prod/web", "manifests": [{"deleteEnabled": True}]}
    lock_it = {"match": "prod/web", "manifests": [{"deleteEnabled": False}]}

    beaten = _explained(f"prod/web@{A}", SHARING, entries=[SHARED, open_it])
    standing = _explained(f"prod/web@{A}", SHARING, entries=[SHARED, lock_it])

    assert "  deleteEnabled    true   registry.yaml:5:5\n    overridden by registry.yaml:2:5 for :v1\n" in beaten
    assert "  deleteEnabled    false  registry.yaml:2:5 for :v1\n  deleteEnabled    false" in beaten
    assert "  deleteEnabled    false  registry.yaml:5:5\n" in standing
    assert "registry.yaml:2:5 for :v1\n    overridden by registry.yaml:5:5\n" in standing


def test_offline_only_the_files_are_told():
    """Where no registry was asked, nothing is said about what it holds."""
    text = _explained("team/app:v1")

    assert (
        "team/app:v1\n  deleteEnabled    false  registry.yaml:2:5\n  writeEnabled     false  registry.yaml:2:5\n"
    ) == text


def test_a_long_place_that_overrides_gets_a_line_of_its_own():
    """Two long names do not fit beside each other, and none is cut."""
    text = _explained("prod/api:v2.0", file="environments/production/contoso.yaml")

    assert (
        "prod/api:v2.0\n"
        "  deleteEnabled    false  environments/production/contoso.yaml:2:5\n"
        "  writeEnabled     false  environments/production/contoso.yaml:2:5\n"
        "    overridden by environments/production/contoso.yaml:4:5\n"
        "  writeEnabled     true   environments/production/contoso.yaml:4:5\n"
    ) == text


def test_a_place_that_is_too_long_for_its_line_gets_one_of_its_own():
    """Levels, absence and retention as well; a name is never broken."""
    file = "deploy/environments/production/registries/contoso.yaml"

    texts = [_explained(address, file=file) for address in ("prod/web:v1", "prod/web:pr-7", "prod/web:build-1")]

    assert f"  protect          immutable\n      {file}:6:5\n" in texts[0]
    assert f"  ensure           absent\n      {file}:9:5\n" in texts[1]
    assert f"  keep             among the last 3 or younger than 30 d\n      {file}:17:5\n" in texts[2]
    assert [] == [line for text in texts for line in text.splitlines() if len(line) > 80]


def test_a_hostile_file_name_forges_no_line_of_an_explanation():
    """The name of a file may come with a pull request."""
    text = _explained("team/app:v1", file=HOSTILE)

    assert [] == [character for character in text if not character.isprintable() and character != "\n"]
    assert [0, 2, 6, 2, 6] == [len(line) - len(line.lstrip()) for line in text.splitlines()]


def test_in_full_an_explanation_shows_whole_digests():
    """Below what names them by their first digits, within 80 columns."""
    text = _explained("prod/web:next", WEB_LIVE, full=True)

    assert f"  digest           sha256:bbbbbb  registry.yaml:8:5\n      {B}\n" in text
    young = _explained("prod/ci:build-75", CI, full=True)
    assert f"      deleteEnabled of @sha256:cccccc stops it\n      {C}\n" in young
    assert [] == [line for line in (text + young).splitlines() if len(line) > 80]
