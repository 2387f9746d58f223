"""
Any HTTP endpoint, with CloudEvents.

A batch goes as JSON arrays of at most 64 KiB, which is what each receiver of CloudEvents
takes; or each event alone, for receivers that know no batches. A signature says that it was
us, and when: it is made over the time and the body, so that neither can be exchanged.

Sources: CloudEvents 1.0.2, "Size Limits", and its HTTP protocol binding, sections 3.2 and 3.3.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import orjson

from reconciler.alerts.cloudevent import cloud_event
from reconciler.alerts.posting import Request, Sign
from reconciler.alerts.sink import Batch

Mode = Literal["batch", "structured"]

MODES: tuple[Mode, ...] = ("batch", "structured")
SIGNATURE = "x-reconciler-signature"
PARALLEL = 8  # requests under way; with a request for each event there may be thousands
_MOST_BYTES = 64 * 1024


def batched_requests(batch: Batch) -> tuple[Request, ...]:
    """All news, as many in one request as fit."""
    events = [orjson.dumps(cloud_event(event)) for event in batch.news]
    return tuple(
        Request(b"[" + b",".join(some) + b"]", "application/cloudevents-batch+json") for some in _chunks(events)
    )


def structured_requests(batch: Batch) -> tuple[Request, ...]:
    """All news, a request for each."""
    return tuple(Request(orjson.dumps(cloud_event(event)), "application/cloudevents+json") for event in batch.news)


def signer(secret: str) -> Sign:
    """The function that signs a body: `t=1764187803,sha256=…`, the HMAC-SHA256 of `t.body` in hexadecimal."""

    def sign(body: bytes, at_s: int) -> Mapping[str, str]:
        signed = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
        return {SIGNATURE: f"t={at_s},sha256={signed.hexdigest()}"}

    return sign


def _chunks(events: Sequence[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    length = 1  # the brackets, less the comma that the first has not
    for event in events:
        if chunk and length + len(event) + 1 > _MOST_BYTES:
            yield chunk
            chunk, length = [], 1
        chunk.append(event)
        length += len(event) + 1
    if chunk:
        yield chunk
