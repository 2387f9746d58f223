"""Which rule says what about one resource, and what comes of it, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, Document
from reconciler.model.desired import Origin
from reconciler.planning.rules import Contribution
from reconciler.render.words import WIDTH, Paint, safe, shown


def render_explanation(
    address: Address, said: Sequence[Contribution], live: Document | None, paint: Paint, *, is_live_known: bool
) -> str:
    """
    The explanation as text, ending in a newline.

    Args:
        address: Which resource.
        said: What each rule contributed, in file order.
        live: Its live document; None where the registry does not hold it, or was not asked.
        paint: Puts text in a style.
        is_live_known: The registry was asked.
    """
    blocks = [_rules(address, said, paint), _result(said, live, paint, is_live_known=is_live_known)]
    return "\n".join(block for block in blocks if block)


def _rules(address: Address, said: Sequence[Contribution], paint: Paint) -> str:
    if not said:
        return f"{paint(str(address), 'bold')}\n  No rule declares anything about it: it is unmanaged.\n"
    lines = [paint(str(address), "bold")]
    for contribution in said:
        declaration = contribution.declaration
        line = f"  {declaration.attribute:15}  {shown(declaration.value):5}  {safe(str(declaration.origin))}"
        lines += _overridden(line, contribution.overridden_by, paint) if contribution.overridden_by else [line]
    return "\n".join(lines) + "\n"


def _overridden(line: str, by: Origin, paint: Paint) -> list[str]:
    note = f"  overridden by {safe(str(by))}"
    if len(line) + len(note) <= WIDTH:
        return [paint(line + note, "dim")]
    return [paint(line, "dim"), paint(f"  {note}", "dim")]


def _result(said: Sequence[Contribution], live: Document | None, paint: Paint, *, is_live_known: bool) -> str:
    declared = {c.declaration.attribute: c.declaration.value for c in said if not c.overridden_by}
    if not is_live_known:
        return ""
    if live is None:
        return f"{paint('Live', 'bold')}\n  The registry does not hold it.\n"
    lines = [paint("Live → after apply", "bold")]
    if DIGEST in live:
        lines += [f"  {DIGEST}", f"    {safe(str(live[DIGEST]))}"]  # whole, to be copied
    lines += [_attribute(name, live, declared, paint) for name in live if name != DIGEST]
    lines += [f"  {name:15}  not reported here, never written" for name in sorted(declared.keys() - live.keys())]
    return "\n".join(lines) + "\n"


def _attribute(name: str, live: Document, declared: Mapping[str, bool], paint: Paint) -> str:
    if name not in declared:
        return paint(f"  {name:15}  {shown(live[name]):5}  unmanaged", "dim")
    if declared[name] == live[name]:
        return f"  {name:15}  {shown(live[name]):5}  in sync"
    return f"  {name:15}  {shown(live[name]):5}  → {paint(shown(declared[name]), 'yellow')}"
