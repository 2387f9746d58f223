"""Whatever a batch holds, each service is sent what it takes: within its limits, and with nothing in it but text."""

from __future__ import annotations

import html
import json
import re

import attrs
import pytest
import services
from happened import AT, batch, event, many, resolved
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt
from servers import Received

from reconciler.alerts.sinks.alertmanager import alertmanager_requests
from reconciler.alerts.sinks.apprise import apprise_message, body
from reconciler.alerts.sinks.github import commands, summary
from reconciler.alerts.sinks.pagerduty import pagerduty_requests
from reconciler.alerts.sinks.slack import slack_requests
from reconciler.alerts.sinks.teams import teams_requests
from reconciler.alerts.sinks.webhook import batched_requests
from reconciler.alerts.text import escaped, harmless, shortened
from reconciler.model.address import Address

HOSTILE = (
    "<!channel> @here <@U012AB3CD> &amp; <https://evil.example|click> *b* _i_ ~s~ `c`\n\r::error::forged"
    "\x1b[2J | [x](https://evil.example) <img src=x onerror=alert(1)> ![](https://evil.example/p.png) "
    "www.evil.example ${{ secrets.X }} {{DATE(x)}} \u202e %0A # -- 😀"
)
PIECES = ["<", ">", "&", "&amp;", "|", "`", "\n", "\r", "@here", "\x00", "::", "%", "😀", "\u202e", "](", "a" * 300]
text = st.one_of(
    st.just(HOSTILE * 6), st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(max_size=60)
)


@st.composite
def batches(draw):
    """Batches that no registry would make, as a registry that was taken over might."""
    words = draw(st.lists(text, min_size=1, max_size=4))
    number = draw(st.sampled_from([1, 3, 30]))
    told = [_hostile(words[place % len(words)], place) for place in range(number)]
    over = [resolved(each) for each in told[: draw(st.integers(0, 2))]]
    made = batch(*told[len(over) :], *over, is_complete=draw(st.booleans()), command=words[-1])
    return attrs.evolve(made, registry=words[0] or "r")


def _hostile(word, place):
    base = event(f"app:v{place}")
    (attribute,) = base.attributes
    return attrs.evolve(
        base,
        registry=word,
        address=Address(word or "a", tag=f"{word}{place}"),
        attributes=(attrs.evolve(attribute, before=word, live=word or None),),
        origins=(f"{word}:1:2",),
        meaning=word or "m",
        heal=word,
        pattern=word,
        first_seen=AT,
    )


@pytest.mark.parametrize(
    ("check", "requests", "target"),
    [
        (services.slack, slack_requests, "/"),
        (services.teams, teams_requests, "/"),
        (services.pagerduty, lambda told: pagerduty_requests(told, services.KEY), "/v2/enqueue"),
        (services.alertmanager, alertmanager_requests(None), "/api/v2/alerts"),
    ],
    ids=["slack", "teams", "pagerduty", "alertmanager"],
)
@settings(max_examples=15)
@given(told=batches())
def test_a_service_takes_whatever_it_is_told(check, requests, target, told):
    """Hostile names, endless names, any characters."""
    sent = [Received("POST", target, (("content-type", each.content_type),), each.body) for each in requests(told)]

    assert [] == [wrong for request in sent for wrong in check(request)]


def test_a_section_of_slack_ends_where_it_must():
    """Each of these letters takes five, so the lines are longer than a section may be."""
    much = "&" * 590
    told = batch(attrs.evolve(event("a:v1"), meaning=much, heal=much, pattern=much))

    (request,) = slack_requests(told)

    assert 2_990 < max(len(block["text"]["text"]) for block in json.loads(request.body)["blocks"]) <= 3_000


@settings(max_examples=15)
@given(told=batches())
def test_a_summary_is_a_heading_and_a_table_of_text(told):
    """GitHub renders Markdown with HTML in it; nothing of a name becomes either."""
    shown = summary(told, 1_000_000).decode()

    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(shown)

    allowed = {"h3", "table", "thead", "tbody", "tr", "th", "td", "code", "p", "br"}
    assert allowed >= set(re.findall(r"</?([a-zA-Z!][a-zA-Z0-9]*)", rendered))
    assert len(told.firing) == max(0, rendered.count("<tr>") - 1)


@settings(max_examples=15)
@given(told=batches())
def test_an_annotation_is_one_command(told):
    """A name with a line break in it forges no command of its own."""
    lines = list(commands(told.firing))

    assert all(re.fullmatch("::(error|warning) [^\x00-\x1f]*", line) for line in lines)
    assert min(10, len(told.firing)) == len(lines)


@settings(max_examples=15)
@given(told=batches())
def test_a_message_of_apprise_fits_the_smallest_service(told):
    """Discord takes 2,000 characters."""
    message = apprise_message(told)

    assert len(body(message)) + len(message.headline) <= 2_000
    assert not re.search("@(here|U012AB3CD)|<@U", body(message) + message.headline)


@pytest.mark.parametrize("room", [0, 10, 500, 3_000, 200_000])
def test_a_summary_keeps_to_the_room_that_is_left(room):
    """GitHub takes 1 MiB for a step, and nothing of what is larger."""
    shown = summary(batch(*many()), room)

    assert len(shown) <= room
    assert not shown or shown.endswith(b"\n\n")
    assert (room < 200_000) == (len(shown.splitlines()) < 200)


def test_thousands_are_shown_as_far_as_there_is_room():
    """A thousand rows, and how many there are beyond."""
    shown = summary(batch(*many()), 10_000_000).decode()

    assert 1_000 == shown.count("| critical |")
    assert "and 3,000 more: `reconciler drift registry.yaml`" in shown


def test_batches_of_events_keep_to_what_each_receiver_takes():
    """CloudEvents: 64 KiB; and each event is in one of the requests."""
    requests = batched_requests(batch(*many()))

    assert max(len(each.body) for each in requests) <= 65_536
    assert 60_000 < min(len(each.body) for each in requests[:-1])
    assert 4_000 == sum(len(json.loads(each.body)) for each in requests)


@given(word=text, longest=st.integers(1, 40))
@settings(max_examples=50)
def test_an_escape_is_never_cut_in_two(word, longest):
    """Half of `&amp;` would be an ampersand."""
    cut = escaped(word, lambda c: {"&": "&amp;", "<": "&lt;"}.get(c, c), longest)

    assert len(cut) <= longest
    assert word.startswith(html.unescape(cut.removesuffix("…"))) or "&" in word


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("app@sha256:aa", "app@sha256:aa"),
        ("@here", "@\u2060here"),
        ("${{x}}", "$\u2060{\u2060{x}}"),
        ("a\nb", "a\ufffdb"),
    ],
)
def test_a_text_calls_nobody(word, says):
    """A digest can still be copied."""
    assert says == harmless(word, 100)


def test_a_text_ends():
    """And it can be seen that it was longer."""
    assert ("aaa…", "aaaa") == (shortened("aaaaa", 4), shortened("aaaa", 4))
