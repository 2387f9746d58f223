"""Live state as rules that ask for just that: planning them shows nothing, until something changes."""

from __future__ import annotations

import attrs
import pytest
import yaml
from builders import OPEN, index, manifest, plan_of, repository, selection, tag
from editors import read, refusals
from exporting import LIVE, export, loaded, typical
from hypothesis import given, settings, strategies as st

from reconciler.model.attributes import REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES
from reconciler.model.selection import EVERYTHING
from reconciler.planning.exported import asked, exported, untold
from reconciler.render.desired_yaml import entry_yaml
from reconciler.schema.desired_state import desired_state_schema

few = settings(max_examples=40)


@few
@given(live=LIVE, folded=st.booleans())
def test_planning_an_export_shows_nothing(live, folded):
    """Read back from its file, it finds every reported attribute as it is, and nothing to say."""
    desired = loaded(export(live, folded=folded))

    plan = plan_of(desired, *live)

    assert ((), (), ()) == (plan.changes, plan.blocked, plan.unknown)
    reported = [document for each in live for document in each.tags.values() if len(document) > 1]
    assert len(live) + len(reported) == plan.summary.managed


@settings(max_examples=15)
@given(live=LIVE, folded=st.booleans())
def test_an_export_is_valid_by_the_schema(live, folded):
    """An editor that knows the schema finds nothing in it, whatever the names look like."""
    assert [] == refusals(desired_state_schema, read(export(live, folded=folded)))


@few
@given(live=LIVE.filter(bool), folded=st.booleans(), data=st.data())
def test_whatever_changes_afterwards_is_changed_back(live, folded, data):
    """One attribute of one resource is turned, and the plan for the export is to turn it back, and nothing else."""
    desired = loaded(export(live, folded=folded))
    at = data.draw(st.integers(0, len(live) - 1))
    name = data.draw(st.sampled_from(["", *live[at].tags]))
    document = live[at].tags[name] if name else live[at].document
    attribute = data.draw(st.sampled_from(sorted(document.keys() - {"digest"}) or [""]))
    turned = {**document, attribute: not document[attribute]} if attribute else document
    changed = {"tags": {**live[at].tags, name: turned}} if name else {"document": turned}

    plan = plan_of(desired, *live[:at], attrs.evolve(live[at], **changed), *live[at + 1 :])

    back = {attribute: document.get(attribute)}
    expected = [(f"{live[at].name}:{name}".removesuffix(":"), back)] if attribute else []
    assert expected == [(str(c.address), {a: c.after[a] for a in c.attributes}) for c in plan.changes]


@few
@given(live=LIVE, data=st.data(), folded=st.booleans())
def test_an_export_does_not_depend_on_the_order_of_reads(live, data, folded):
    """The same registry makes the same bytes."""
    shuffled = data.draw(st.permutations(live))

    assert export(live, folded=folded) == export(shuffled, folded=folded)


def test_what_an_export_looks_like():
    """An entry for each repository and for each tag; what could be taken for something else stands in quotes."""
    text = export(typical()[2:], folded=False)

    assert (
        "# A comment.\n"
        "version: 1\n"
        "registry: contoso.azurecr.io\n"
        "\n"
        "repositories:\n"
        "  - match: prod/web\n"
        "    attributes: {deleteEnabled: false, writeEnabled: true, listEnabled: true, readEnabled: true}\n"
        "    tags:\n"
        '      - match: "1.10"\n'
        "        attributes: {deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true}\n"
        "      - match: v1.0\n"
        "        attributes: {deleteEnabled: false, writeEnabled: false, listEnabled: true, readEnabled: true}\n"
        "      - match: v1.1\n"
        "        attributes: {deleteEnabled: false, writeEnabled: false, listEnabled: true, readEnabled: true}\n"
        "      - match: v1.2\n"
        "        attributes: {deleteEnabled: false, writeEnabled: false, listEnabled: true, readEnabled: true}\n"
        "      - match: v1.3\n"
        "        attributes: {deleteEnabled: false, writeEnabled: false, listEnabled: true, readEnabled: true}\n"
        "\n"
        "  - match: sandbox\n"
        "    attributes: {deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true, "
        "teleportEnabled: false}\n"
        "    tags:\n"
        "      - match: latest\n"
        "        attributes: {deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true}\n"
    ) == text


def test_only_what_is_selected_is_asked_for_and_written():
    """Of a repository of which some tags are meant, neither its own attributes nor any other tag."""
    chosen = selection("prod/api:v*", "prod/api@sha256:aa*", exclude=["prod/api:v1.3"])
    live = attrs.evolve(typical()[0], manifests={tag("a")["digest"]: manifest(), tag("b")["digest"]: manifest()})

    entry = exported(live, chosen, digests=False)

    rules = asked(chosen, manifests=False).repositories
    assert [(False, 1, 0), (False, 0, 1)] == [(bool(r.declared), len(r.tags), len(r.manifests)) for r in rules]
    assert () == entry.attributes
    assert ["v1.0", "v1.1", "v1.2"] == [each.match[0].text for each in entry.tags]
    assert [tag("a")["digest"]] == [each.match[0].text for each in entry.manifests]


def test_manifests_are_told_where_an_attribute_is_off():
    """Open ones are left out, which are most of them."""
    open_one, locked = tag("a")["digest"], tag("b")["digest"]
    live = repository("app", OPEN, manifests={open_one: manifest(), locked: manifest(deleteEnabled=False)})

    text = entry_yaml(exported(live, EVERYTHING, digests=False))

    assert text.endswith(
        "    manifests:\n"
        f'      - match: "{locked}"\n'
        "        attributes: {deleteEnabled: false, writeEnabled: true, listEnabled: true, readEnabled: true}\n"
    )
    assert open_one not in text


def test_everything_that_an_export_lacks_is_told():
    """Each with its address, in an order that depends on names alone."""
    rules = index({"match": "app", "deleteEnabled": False, "tags": [{"match": "**", "readEnabled": True}]})
    live = repository(
        "app", None, missing_tags=("b", "a"), incomplete="1 is hidden", unread_manifests={"sha256:9": "403"}
    )

    told = tuple(untold(rules.for_repository("app"), live, digests=False))

    assert (
        "app:a: the registry does not hold it",
        "app:b: the registry does not hold it",
        "app: 1 is hidden",
        "app@sha256:9: 403",
    ) == told
    unread = repository("app", None, unread="app: GET /acr/v1/app: 403")
    assert ("app: GET /acr/v1/app: 403",) == tuple(untold(rules.for_repository("app"), unread, digests=False))
    gone = repository("app", None, missing=True)
    assert ("app: the registry does not hold it",) == tuple(untold(rules.for_repository("app"), gone, digests=False))


def test_every_attribute_has_its_place():
    """What an export writes is what files can say."""
    live = repository("app", dict.fromkeys(REPOSITORY_ATTRIBUTES, False), {"v1": dict.fromkeys(TAG_ATTRIBUTES, False)})

    entry = loaded(export([live], folded=False)).repositories[0]

    assert list(REPOSITORY_ATTRIBUTES) == [said.attribute for said in entry.attributes]
    assert list(TAG_ATTRIBUTES) == [said.attribute for said in entry.tags[0].attributes]


@pytest.mark.parametrize(
    "name", ["1.10", "true", "No", "y", "NULL", "0x1", "1e3", "2024-01-01", "12:30:45", "_1", "v1"]
)
def test_other_programs_read_the_same_names(name):
    """A reader of YAML 1.1 that makes numbers, dates and booleans of what looks like them sees a text."""
    text = export([repository("app", OPEN, {name: tag()})], folded=False)

    assert [name] == [entry["match"] for entry in yaml.safe_load(text)["repositories"][0]["tags"]]
