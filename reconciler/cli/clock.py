"""The time of day, for what people read; what is compared or ordered goes by serials and steady clocks."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The moment, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def now_text() -> str:
    """The moment as RFC 3339, such as 2026-11-26T20:10:03Z."""
    return now().isoformat().replace("+00:00", "Z")


def parsed(text: str) -> datetime | None:
    """The moment that `text` spells; None: it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def shown_time(text: str) -> str:
    """A moment for people: 2026-11-26 20:10:03 UTC; as it is written where it is no moment."""
    moment = parsed(text)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else text
