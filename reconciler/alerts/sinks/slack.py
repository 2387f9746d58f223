"""
Slack, by an incoming webhook.

Sections are `plain_text`: there Slack knows no formatting, no links and no mentions, so
the name of a tag is no more than its letters. `&`, `<` and `>` are escaped all the same,
as Slack asks for in every text.

Sources: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
docs.slack.dev/messaging/formatting-message-text (escaping),
docs.slack.dev/reference/block-kit/blocks (at most 50 blocks, 3,000 characters in the text
of a section, 150 in a header).
"""

from __future__ import annotations

from typing import Any

from reconciler.alerts.posting import Request
from reconciler.alerts.sink import Batch
from reconciler.alerts.sinks.one_request import one_request
from reconciler.alerts.text import escaped
from reconciler.alerts.wording import Message

_HEADER, _SECTION, _FALLBACK = 150, 3_000, 1_000  # characters
_MOST_BYTES = 16_000  # well below what is taken; a longer message is not read
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack_requests(batch: Batch) -> tuple[Request, ...]:
    """One message, or none where there is no news for people."""
    return one_request(batch, _body, _MOST_BYTES)


def _body(told: Message) -> dict[str, Any]:
    sections = [told.headline] if len(_escape(told.headline, _SECTION)) > _HEADER else []
    sections += [each.text for each in told.entries]
    sections += ["\n".join(told.below)] if told.below else []
    return {
        "text": _escape(told.headline, _FALLBACK),
        "blocks": [
            {"type": "header", "text": _plain(told.headline, _HEADER)},
            *({"type": "section", "text": _plain(text, _SECTION)} for text in sections),
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _plain(text: str, longest: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _escape(text, longest), "emoji": False}


def _escape(text: str, longest: int) -> str:
    return escaped(text, lambda character: _ESCAPES.get(character, character), longest)
