"""
A drift event in the envelope that event routers understand: CloudEvents 1.0, in JSON.

`id` and `source` together name one telling: whoever receives the same pair twice has
received it twice. What is the same drift is told by `fingerprint`.

Source: CloudEvents 1.0.2, and its JSON event format.
"""

from __future__ import annotations

import hashlib
from typing import Any

from reconciler.alerts.event import TYPE, DriftEvent, event_document


def cloud_event(event: DriftEvent) -> dict[str, Any]:
    """The event as a structured-mode CloudEvent, as plain JSON values."""
    telling = f"{event.fingerprint} {event.status} {event.at}"
    return {
        "specversion": "1.0",
        "id": hashlib.sha256(telling.encode()).hexdigest(),
        "source": source(event.registry),
        "type": TYPE,
        "subject": str(event.address),
        "time": event.at,
        "datacontenttype": "application/json",
        "data": event_document(event),
    }


def source(registry: str) -> str:
    """The registry as a URI: `https://contoso.azurecr.io`; `urn:reconciler:emulator` for the embedded one."""
    if "://" in registry:
        return registry
    return f"https://{registry}" if "." in registry else f"urn:reconciler:{registry}"
