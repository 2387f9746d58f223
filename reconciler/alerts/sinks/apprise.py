"""
Everything else that Apprise speaks to: mail, Telegram, Discord, Matrix, a hundred more.

Apprise is imported only where it is used, works on a thread of its own, and says no more
than whether it worked: what it would log may hold the URL, and that is a credential.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

import attrs

from reconciler.alerts.secret import Secret
from reconciler.alerts.sink import Batch
from reconciler.alerts.sinks.in_thread import in_thread
from reconciler.alerts.wording import Message, Tone, fitting, message, news_for_people
from reconciler.errors import AlertError

# Discord takes 2,000 characters, with the title; others take more.
_TITLE, _BODY = 250, 1_700
_TYPES: dict[Tone, str] = {"critical": "failure", "warning": "warning", "resolved": "success"}
_MISSING = "apprise is not installed\n  pip install 'acr-reconciler[apprise]' adds it."


@attrs.frozen
class Apprise:
    """Hands a message to Apprise."""

    name: str
    key: str
    url: Secret
    wants_each_run: bool = False

    async def __call__(self, batch: Batch) -> None:
        """
        Tell it, where there is news for people.

        Raises:
            AlertError: it was not taken, or Apprise is not there.
        """
        if told := apprise_message(batch):
            await in_thread(lambda: _notify(self.url.value, told))


def apprise_message(batch: Batch) -> Message | None:
    """What is said, short enough for every service; None: there is no news for people."""
    events = news_for_people(batch)
    if not events:
        return None
    return fitting(lambda most: message(batch, events, most), lambda told: len(body(told)) <= _BODY)


def body(told: Message) -> str:
    """A message without its headline, as text."""
    return "\n\n".join([*(entry.text for entry in told.entries), *told.below])


def _notify(url: str, told: Message) -> None:
    apprise = _library()
    server = apprise.Apprise()
    try:
        is_known = server.add(url)
        taken = is_known and server.notify(
            title=told.headline[:_TITLE],
            body=body(told) or told.headline,
            notify_type=apprise.NotifyType(_TYPES[told.tone]),
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
        )
    except Exception as error:  # noqa: BLE001  # its text may hold the URL
        raise AlertError(f"Apprise failed ({type(error).__name__})") from None
    if not is_known:
        raise AlertError("Apprise does not know this kind of URL")
    if not taken:
        raise AlertError("Apprise could not deliver it; what it says about that may hold the URL, so it is not shown")


def _library() -> Any:
    try:
        library = importlib.import_module("apprise")
    except ImportError:
        raise AlertError(_MISSING) from None
    logging.getLogger("apprise").propagate = False
    return library
