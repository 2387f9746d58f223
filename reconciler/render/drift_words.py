"""What became of one attribute, in the words that every format which people read has for it."""

from __future__ import annotations

from reconciler.planning.drift import Attribute
from reconciler.render.words import safe, shown


def attribute_change(attribute: Attribute, *, width: int = 0) -> str:
    """Its name, at least `width` wide, and `last applied → live`."""
    values = [value if value is None else shown(value) for value in (attribute.last_applied, attribute.live)]
    return f"{safe(attribute.name):{width}} {values[0] or '?'} → {values[1] or 'gone'}"
