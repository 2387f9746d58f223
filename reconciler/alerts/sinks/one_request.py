"""A batch as the one request that a chat takes: what people are told of it, as much as fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from reconciler.alerts.posting import Request
from reconciler.alerts.sink import Batch
from reconciler.alerts.wording import Message, fitting, message, news_for_people


def one_request(batch: Batch, body: Callable[[Message], dict[str, Any]], most_bytes: int) -> tuple[Request, ...]:
    """
    One request, or none where there is no news for people.

    Args:
        batch: What is to be told.
        body: What the chat calls a message, as plain JSON values.
        most_bytes: That it may have.
    """
    if not (events := news_for_people(batch)):
        return ()

    def make(most: int) -> bytes:
        return orjson.dumps(body(message(batch, events, most)))

    return (Request(fitting(make, lambda content: len(content) <= most_bytes)),)
