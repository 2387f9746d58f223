"""What people read: the words of a message, and how each service shows them."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from happened import AT, MOVED, TIGHTENED, UNLOCKED, batch, drifted, event, many, resolved, run

from reconciler.alerts.making import event_of
from reconciler.alerts.sinks.alertmanager import alertmanager_requests
from reconciler.alerts.sinks.apprise import apprise_message, body
from reconciler.alerts.sinks.github import commands, summary
from reconciler.alerts.sinks.pagerduty import pagerduty_requests
from reconciler.alerts.sinks.slack import slack_requests
from reconciler.alerts.sinks.teams import teams_requests
from reconciler.alerts.wording import fitting, headline, message, news_for_people

HERE = Path(__file__).parent
EARLIER = "2026-11-25T20:10:03Z"


def typical():
    """Something that began, something that goes on, something that no apply undoes, something that is over."""
    again = drifted("prod/web:v2", TIGHTENED)
    seen = run(AT, {each.key: "2026-11-24T08:00:00Z" for each in again.attributes})
    news = [
        event("prod/api:v1.2.0", {"deleteEnabled": (False, True), "writeEnabled": (False, True)}),
        event("prod/api:latest", MOVED, can_heal=False),
        event_of(again, again.attributes, seen, "It came back 4 times in 2 days."),
        resolved(event("prod/job:v3"), AT, last_seen="2026-11-26T19:10:03Z"),
        resolved(event("prod/job:v4"), AT, replaced_by="sha256:" + "0" * 64),
    ]
    return batch(*news, is_complete=False)


def golden(name, text):
    """What is to be read, to the last space; the file is the expected value."""
    return (HERE / name).read_text(encoding="utf-8"), text


def pretty(content):
    """JSON for people."""
    return json.dumps(json.loads(content), indent=2, ensure_ascii=False) + "\n"


def test_a_message_in_words():
    """The gravest first: what happened, what it means, since when, and what to do."""
    told = apprise_message(typical())

    expected, text = golden("message.txt", f"{told.headline}\n\n{body(told)}\n")

    assert expected == text


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        ("slack.json", slack_requests),
        ("teams.json", teams_requests),
        ("alertmanager.json", alertmanager_requests(900)),
    ],
)
def test_a_message_as_a_service_takes_it(name, requests):
    """One for the whole batch."""
    (request,) = requests(typical())

    expected, text = golden(name, pretty(request.body))

    assert expected == text


def test_incidents():
    """One for each cause and severity; a run that could not read everything resolves none."""
    requests = pagerduty_requests(typical(), "R0UTINGKEY")

    expected, text = golden("pagerduty.txt", "\n".join(pretty(each.body) for each in requests))

    assert expected == text


def test_a_summary_and_annotations():
    """Names are entities in the one, and escaped in the other."""
    told = typical()

    shown = summary(told, 100_000).decode()
    expected, text = golden("summary.md", "\n".join([shown, *commands(told.firing), ""]))

    assert expected == text


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([event("a:v1")], "1 resource drifted, 1 loosened"),
        ([resolved(event("a:v1"))], "1 resource drifts no more"),
        ([resolved(event("a:v1")), resolved(event("a:v2"))], "2 resources drift no more"),
        ([event("a:v1"), event("a:v1", TIGHTENED)], "1 resource drifted, 1 loosened, 1 tightened"),
        (
            [event("a:v1"), attrs.evolve(event("a:v2"), first_seen=EARLIER)],
            "1 resource drifted, 1 loosened; 1 resource still drifts, 1 loosened",
        ),
        (many(), "4,000 resources drifted, 3,990 loosened, 10 moved"),
    ],
)
def test_a_headline_counts(events, says):
    """Who reads no more than that knows how bad it is."""
    assert f"contoso.azurecr.io: {says}" == headline(batch(*events), events)


def test_as_many_are_named_as_fit():
    """Fewer where they are long, and none where even one is too long."""
    fitted = [fitting(lambda number: "x" * number, lambda made, most=most: len(made) <= most) for most in (20, 4, 0)]

    assert ["x" * 10, "xxxx", ""] == fitted


def test_ten_are_named_and_the_others_counted():
    """And it is said what shows them."""
    told = batch(*many())

    shown = message(told, told.news)

    assert 10 == len(shown.entries)
    assert "and 3,990 more: reconciler drift registry.yaml" == shown.rest


def test_what_only_changed_its_kind_is_no_news_for_people():
    """That it drifts otherwise now is told anyway."""
    replaced = resolved(event("a:v1"), replaced_by=event("a:v1", MOVED).fingerprint)

    assert () == news_for_people(batch(replaced))
    assert ((), ()) == (slack_requests(batch(replaced)), teams_requests(batch(replaced)))
    assert apprise_message(batch(replaced)) is None


def test_half_a_command_is_not_told():
    """Cut off, it could heal something else."""
    told = batch(attrs.evolve(event("a:v1"), heal="reconciler drift --heal --target " + "a" * 600))

    (entry,) = message(told, told.news).entries

    assert "" == entry.heal


@pytest.mark.parametrize(
    ("values", "says"),
    [(UNLOCKED, "deleteEnabled: false → true"), (MOVED, "digest: sha256:aaaaaa → sha256:bbbbbb")],
)
def test_values_are_told_as_before_and_live(values, says):
    """The same words as on the terminal."""
    told = batch(event("a:v1", values))

    assert says in message(told, told.news).entries[0].lines


def test_what_was_before_is_not_made_up():
    """Without a memory nobody knows."""
    told = batch(event("a:v1", cause="unknown"))

    assert "deleteEnabled: ? → true" in message(told, told.news).entries[0].lines
