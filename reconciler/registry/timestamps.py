"""
Times as the registry spells them, exactly.

RFC 3339 in UTC with up to seven fractional digits, of which trailing zeros are left
out (all recordings). Python's own type would lose the seventh digit, so times are
whole nanoseconds here. A time that cannot be understood is none: whoever deletes by
age must not take it for an old one.
"""

from __future__ import annotations

import re
from datetime import date

_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = date(1970, 1, 1).toordinal()
_LAST_HOUR, _LAST_MINUTE, _LEAP_SECOND = 23, 59, 60


def nanoseconds(text: str) -> int | None:
    """`text` in nanoseconds since 1970; None: it is no time, or finer than that. Source: RFC 3339, section 5.6."""
    found = _RFC_3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, *clock = map(int, found.group(1, 2, 3, 4, 5, 6))
    offset_hours, offset_minutes = int(found[9] or 0), int(found[10] or 0)
    if not _is_clock(*clock) or not _is_clock(offset_hours, offset_minutes, 0):
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    offset = (offset_hours * 60 + offset_minutes) * (-1 if found[8] == "-" else 1)
    seconds = days * 86_400 + (clock[0] * 60 + clock[1] - offset) * 60 + clock[2]
    return seconds * 1_000_000_000 + int((found[7] or "").ljust(9, "0"))


def _is_clock(hour: int, minute: int, second: int) -> bool:
    return hour <= _LAST_HOUR and minute <= _LAST_MINUTE and second <= _LEAP_SECOND
