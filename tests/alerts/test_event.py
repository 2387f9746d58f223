"""What is told about a resource that drifted, and the envelope that it travels in."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import attrs
import pytest
from builders import digest
from cloudevents.core.formats.json import JSONFormat
from happened import AT, MOVED, TIGHTENED, UNLOCKED, drifted, event, run

from reconciler.alerts.cloudevent import cloud_event, source
from reconciler.alerts.event import event_document, event_from_document, gravest_first
from reconciler.alerts.making import event_of


def test_an_unlocked_tag_is_told_whole():
    """What was, what is, what should be, what it means, and what heals it."""
    told = event_document(event("prod/api:v1.2.0", {"deleteEnabled": (False, True), "writeEnabled": (False, True)}))

    fingerprint = told.pop("fingerprint")
    assert {
        "format_version": "1.0",
        "registry": "contoso.azurecr.io",
        "address": "prod/api:v1.2.0",
        "kind": "tag",
        "status": "firing",
        "severity": "critical",
        "ways": ["loosened"],
        "cause": "drift",
        "attributes": {
            "deleteEnabled": {"before": False, "live": True, "desired": False},
            "writeEnabled": {"before": False, "live": True, "desired": False},
        },
        "first_seen": AT,
        "last_seen": AT,
        "at": AT,
        "origins": ["registry.yaml:9:18"],
        "meaning": "prod/api:v1.2.0: whoever may push can overwrite it, and whoever may delete can delete it.",
        "heal": "reconciler drift registry.yaml --heal --target prod/api:v1.2.0",
        "can_heal": True,
        "pattern": "",
        "replaced_by": "",
    } == told
    assert "sha256:" == fingerprint[:7]


@pytest.mark.parametrize(
    ("address", "values", "severity", "meaning"),
    [
        (
            "app",
            UNLOCKED,
            "critical",
            "app: whoever may delete can delete it with all that is in it.",
        ),
        ("app", TIGHTENED, "warning", "app: nobody can delete it any more."),
        (
            "app:v1",
            MOVED,
            "critical",
            "app:v1: it points at sha256:bbbbbb now, not at sha256:aaaaaa.",
        ),
        (
            "app:v1",
            {"deleteEnabled": (False, None), "digest": (digest("a"), None)},
            "critical",
            "app:v1 is gone.",
        ),
        (
            "app:v1",
            {"listEnabled": (True, False), "readEnabled": (True, False)},
            "critical",
            "app:v1: nobody can pull it any more, and lists do not show it any more.",
        ),
        ("app", {"teleportEnabled": (True, False)}, "warning", "app: teleportEnabled is false."),
    ],
)
def test_the_meaning_is_a_sentence(address, values, severity, meaning):
    """Somebody who was just woken reads what can happen now."""
    told = event(address, values)

    assert (severity, meaning) == (told.severity, told.meaning)


def test_the_fingerprint_is_of_the_drift_and_of_nothing_else():
    """Another run, another line of the file, another cause: the same drift."""
    first = event("app:v1")
    each = attrs.evolve(drifted("app:v1", cause="conflict"), origins=("other.yaml:1:1",))
    later = event_of(each, each.attributes, run("2027-01-01T00:00:00Z"))

    assert first.fingerprint == later.fingerprint
    others = [event("app:v2"), event("app:v1", MOVED), event("app:v1", TIGHTENED)]
    assert 4 == len({first.fingerprint, *(other.fingerprint for other in others)})


def test_what_is_not_remembered_is_not_claimed():
    """Without a memory nobody knows what it was before."""
    (attribute,) = event("app:v1", cause="unknown").attributes

    assert (None, True, False) == (attribute.before, attribute.live, attribute.desired)


def test_an_event_comes_back_from_its_document():
    """What the state of alerts keeps is what was told."""
    told = event("app@" + digest("c"), {"deleteEnabled": (False, True), "readEnabled": (True, False)}, can_heal=False)

    assert told == event_from_document(json.loads(json.dumps(event_document(told))))


@pytest.mark.parametrize("wrong", [{"status": "odd"}, {"severity": "info"}, {"ways": []}, {"ways": ["odd"]}])
def test_a_document_that_is_no_event_is_refused(wrong):
    """The state of alerts may be damaged."""
    document = {**event_document(event()), **wrong}

    with pytest.raises(ValueError, match="no such"):
        event_from_document(document)


def test_the_gravest_comes_first():
    """Loosened before moved before tightened, and what is resolved last."""
    resolved = attrs.evolve(event("a:v0"), status="resolved")
    given = [resolved, event("a:v1", TIGHTENED), event("b:v1"), event("a:v2", MOVED), event("a:v3")]

    assert ["a:v3", "b:v1", "a:v2", "a:v1", "a:v0"] == [str(each.address) for each in gravest_first(given)]


def test_the_cloudevents_sdk_reads_the_envelope():
    """Event routers are written with it."""
    told = event("prod/api:v1.2.0")

    read = JSONFormat().read(None, json.dumps(cloud_event(told)))

    assert "reconciler.drift.v1" == read.get_type()
    assert "https://contoso.azurecr.io" == read.get_source()
    assert "prod/api:v1.2.0" == read.get_subject()
    assert datetime(2026, 11, 26, 20, 10, 3, tzinfo=UTC) == read.get_time()
    assert event_document(told) == read.get_data()


def test_each_telling_has_an_id_of_its_own():
    """Routers drop what they have seen: a repeat, and the end of it, are no duplicates."""
    told = event()
    tellings = [told, attrs.evolve(told, status="resolved"), attrs.evolve(told, at="2026-11-27T20:10:03Z"), told]

    ids = [cloud_event(each)["id"] for each in tellings]

    assert 3 == len(set(ids))
    assert ids[0] == ids[3]


@pytest.mark.parametrize(
    ("registry", "uri"),
    [
        ("contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("emulator", "urn:reconciler:emulator"),
    ],
)
def test_the_source_is_a_uri(registry, uri):
    """CloudEvents asks for one."""
    assert uri == source(registry)
