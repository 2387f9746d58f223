"""
Microsoft Teams, by a workflow that posts to a channel when it receives a webhook request.

The card's texts are runs of a RichTextBlock: Teams knows Markdown in TextBlock and Fact
only, so here the name of a tag is no more than its letters.

Sources: learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
(the envelope; 28 KB), learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format
(where Markdown is known), adaptivecards.io/explorer/RichTextBlock.html (since 1.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.alerts.posting import Request
from reconciler.alerts.sink import Batch
from reconciler.alerts.sinks.one_request import one_request
from reconciler.alerts.wording import Entry, Message, Tone

_MOST_BYTES = 20_000  # of 28 KB: what Teams adds on its way counts, too
_COLORS: Mapping[Tone, str] = {"critical": "attention", "warning": "warning", "resolved": "good"}


def teams_requests(batch: Batch) -> tuple[Request, ...]:
    """One card, or none where there is no news for people."""
    return one_request(batch, _body, _MOST_BYTES)


def _body(told: Message) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            _block(_run(told.headline, size="large", weight="bolder", color=_COLORS[told.tone])),
            *(block for entry in told.entries for block in _entry(entry)),
            *(_block(_run(text, isSubtle=True)) for text in told.below),
        ],
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def _entry(entry: Entry) -> list[dict[str, Any]]:
    title = {**_block(_run(entry.title, weight="bolder", color=_COLORS[entry.tone])), "separator": True}
    lines = [{**_block(_run(line)), "spacing": "none"} for line in entry.lines]
    heal = [{**_block(_run(entry.heal, fontType="monospace")), "spacing": "none"}] if entry.heal else []
    return [title, *lines, *heal]


def _block(run: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [run]}


def _run(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **style}
