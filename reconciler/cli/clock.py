"""The time of day, for what people read; what is compared or ordered goes by serials and steady clocks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60")  # Python knows none
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The moment, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def now_text() -> str:
    """The moment as RFC 3339, such as 2026-11-26T20:10:03Z."""
    return text_of(now())


def precise_text() -> str:
    """The moment as RFC 3339, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_of(moment: datetime) -> str:
    """A moment as RFC 3339."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parsed(text: str) -> datetime | None:
    """The moment that `text` spells; None: it is none."""
    try:
        moment = datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text.upper()))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def nanoseconds(moment: datetime) -> int:
    """The moment as nanoseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND * 1000


def shown_time(text: str) -> str:
    """A moment for people: 2026-11-26 20:10:03 UTC; as it is written where it is no moment."""
    moment = parsed(text)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else text
