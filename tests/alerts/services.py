"""
What each service that is told takes, written from its documentation; and what it answers.

A check returns what is wrong with a request, in words; nothing where it would be taken.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from cloudevents.core.formats.json import JSONFormat
from servers import Received, Reply, reply

KEY = "0123456789abcdefghijklmnopqrstuv"  # as long as a routing key is
Check = Callable[[Received], Iterator[str]]

_ENTITY = re.compile("&(?!amp;|lt;|gt;)")


def taking(check: Check, *, status: int) -> Callable[[Received], Reply]:
    """Answers as the service does: with `status`, or with 400 and what is wrong."""

    def answer(request: Received) -> Reply:
        wrong = list(check(request))
        return reply(400, {"wrong": wrong[:3]}) if wrong else reply(status)

    return answer


def slack(request: Received) -> Iterator[str]:
    """
    An incoming webhook.

    Source: https://docs.slack.dev/reference/block-kit/blocks,
    https://docs.slack.dev/messaging/formatting-message-text
    """
    told = json.loads(request.body)
    yield from _surplus(told, {"text", "blocks", "unfurl_links", "unfurl_media"})
    yield from ["fallback"] if not 0 < len(told["text"]) <= 40_000 else []
    yield from ["blocks"] if not 0 < len(told["blocks"]) <= 50 else []
    for block in told["blocks"]:
        longest = {"header": 150, "section": 3_000}[block["type"]]
        text = block["text"]
        yield from _surplus(text, {"type", "text", "emoji"})
        yield from [f"text of {block['type']}"] if not 0 < len(text["text"]) <= longest else []
        yield from ["mrkdwn"] if text["type"] != "plain_text" else []
        yield from ["control character"] if {"<", ">"} & set(text["text"]) or _ENTITY.search(text["text"]) else []


def teams(request: Received) -> Iterator[str]:
    """
    A workflow that posts a card.

    Source: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook,
    https://adaptivecards.io/schemas/1.4.0/adaptive-card.json
    """
    told = json.loads(request.body)
    yield from ["size"] if len(request.body) > 28 * 1024 else []
    yield from ["type"] if told["type"] != "message" or len(told["attachments"]) != 1 else []
    attachment = told["attachments"][0]
    yield from ["content type"] if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" else []
    card = attachment["content"]
    yield from ["card"] if (card["type"], card["version"]) != ("AdaptiveCard", "1.4") else []
    for block in card["body"]:
        yield from ["an element that knows Markdown"] if block["type"] != "RichTextBlock" else []
        for run in block["inlines"]:
            yield from ["run"] if run["type"] != "TextRun" or not run["text"] else []


def pagerduty(request: Received) -> Iterator[str]:
    """
    Events API v2.

    Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
    """
    told = json.loads(request.body)
    yield from ["size"] if len(request.body) > 512 * 1024 else []
    yield from ["routing_key"] if len(told["routing_key"]) != 32 else []
    yield from ["dedup_key"] if not 0 < len(told["dedup_key"]) <= 255 else []
    yield from ["target"] if request.target != "/v2/enqueue" else []
    if told["event_action"] == "resolve":
        return
    yield from ["event_action"] if told["event_action"] != "trigger" else []
    payload = told["payload"]
    known = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
    yield from _surplus(payload, known)
    yield from ["summary"] if not 0 < len(payload["summary"]) <= 1024 else []
    yield from ["severity"] if payload["severity"] not in ("critical", "error", "warning", "info") else []
    yield from ["source"] if not payload["source"] else []
    datetime.fromisoformat(payload["timestamp"])


def alertmanager(request: Received) -> Iterator[str]:
    """
    API v2.

    Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
    """
    alerts = json.loads(request.body)
    yield from ["target"] if request.target != "/api/v2/alerts" else []
    for alert in alerts:
        yield from _surplus(alert, {"labels", "annotations", "startsAt", "endsAt", "generatorURL"})
        yield from ["no labels"] if not any(alert["labels"].values()) else []
        for texts in (alert["labels"], alert["annotations"]):
            yield from [f"name {name}" for name in texts if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name)]
            yield from [f"value of {name}" for name, value in texts.items() if not isinstance(value, str)]
        starts, ends = (datetime.fromisoformat(alert[each]) for each in ("startsAt", "endsAt"))
        yield from ["start time must be before end time"] if ends < starts else []
    labels = Counter(json.dumps(alert["labels"]) for alert in alerts)
    yield from [f"{label} twice" for label, number in labels.items() if number > 1]


def webhook(request: Received) -> Iterator[str]:
    """
    A receiver of CloudEvents.

    Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
    """
    told = json.loads(request.body)
    is_batch = request.header("content-type") == "application/cloudevents-batch+json"
    yield from ["size"] if len(request.body) > 64 * 1024 else []
    yield from ["a batch is a list"] if isinstance(told, list) != is_batch else []
    events = told if is_batch else [told]
    for name in ("specversion", "id", "source", "type"):
        yield from [name] if not all(event[name] for event in events) else []
    JSONFormat().read(None, json.dumps(events[0]))


def _surplus(told: dict[str, object], known: set[str]) -> Iterator[str]:
    yield from (f"unknown: {name}" for name in told if name not in known)
