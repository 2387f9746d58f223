"""
Moments and durations, as people write them in a file.

A moment without a time zone is another one for every reader, and a date alone leaves
open when on that day. So both are refused where a rule ends by itself.
"""

from __future__ import annotations

import re
from datetime import date

from reconciler.files.nodes import Node
from reconciler.files.values import ABSENT, Refused, text_of
from reconciler.files.wording import quote

_SECOND_NS = 1_000_000_000
_HOUR_S, _DAY_S = 3_600, 86_400
UNITS_S = {"h": _HOUR_S, "d": _DAY_S, "w": 7 * _DAY_S}
LONGEST_S = 36_525 * _DAY_S  # 100 years
_EPOCH_DAY = date(1970, 1, 1).toordinal()

_DURATION = re.compile(r"([0-9]{1,9})([hdw])", re.ASCII)
_DURATION_HINT = "a duration is a whole number and h, d or w: 12h, 30d, 2w"
_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
_ZONE = r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
# Source: RFC 3339, section 5.6; it lets a space stand for the T.
_MOMENT = re.compile(rf"{_DATE}[Tt ]{_TIME}{_ZONE}", re.ASCII)
_DATE_ALONE = re.compile(_DATE, re.ASCII)
_WITHOUT_ZONE = re.compile(rf"{_DATE}[Tt ]{_TIME}", re.ASCII)
_MOMENT_HINT = "write date, time and time zone: 2026-12-01T18:00:00Z, or 2026-12-01T18:00:00+01:00"
MAX_MOMENT_LENGTH = 64


def duration_s(node: Node) -> int:
    """
    The seconds that a duration such as `30d` stands for.

    Raises:
        Refused: it is none, or longer than 100 years.
    """
    text = text_of(node)
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Refused(f"{quote(text)} is no duration", _DURATION_HINT)
    seconds = int(found[1]) * UNITS_S[found[2]]
    if not seconds:
        raise Refused(f"{quote(text)}: a duration is longer than nothing", _DURATION_HINT)
    if seconds > LONGEST_S:
        raise Refused(f"{quote(text)} is longer than 100 years", _DURATION_HINT)
    return seconds


def moment_ns(node: Node, _: object = None) -> int:
    """
    The nanoseconds from 1970 to a moment in RFC 3339; finer fractions of a second are left out.

    Raises:
        Refused: it is no moment, or leaves open which.
    """
    if node is ABSENT:
        return 0
    text = text_of(node)
    found = _MOMENT.fullmatch(text) if len(text) <= MAX_MOMENT_LENGTH else None
    if found is None:
        raise Refused(f"{quote(text)} {_what_is_missing(text)}", _MOMENT_HINT)
    try:
        return _nanoseconds(found)
    except ValueError:
        raise Refused(f"{quote(text)}: there is no such moment", _MOMENT_HINT) from None


def _what_is_missing(text: str) -> str:
    if _DATE_ALONE.fullmatch(text):
        return "is a date without a time"
    return "has no time zone" if _WITHOUT_ZONE.fullmatch(text) else "is no moment"


def _nanoseconds(found: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(found[number]) for number in range(1, 7))
    ahead_minutes = int(found[9] or 0) * 60 + int(found[10] or 0)
    # A leap second is the one after it, as POSIX has none.
    if hour > 23 or minute > 59 or second > 60 or int(found[9] or 0) > 23 or int(found[10] or 0) > 59:  # noqa: PLR2004
        raise ValueError
    days = date(year, month, day).toordinal() - _EPOCH_DAY
    ahead_s = ahead_minutes * 60 * (-1 if found[8] == "-" else 1)
    seconds = days * _DAY_S + hour * _HOUR_S + minute * 60 + second - ahead_s
    return seconds * _SECOND_NS + int((found[7] or "0")[:9].ljust(9, "0"))
