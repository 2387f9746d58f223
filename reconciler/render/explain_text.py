"""Which rule says what about one resource, what comes of it, and what can really happen to it, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, DIGEST, Document, Value
from reconciler.model.desired import Declaration, ExceptionRule
from reconciler.planning.closure import Demand
from reconciler.planning.drift import Drifted
from reconciler.planning.effective import Answer
from reconciler.planning.explain import Prospects
from reconciler.planning.rules import Contribution
from reconciler.render.words import (
    WIDTH,
    Paint,
    columns,
    moment,
    paragraph,
    put_back,
    safe,
    short_name,
    shown,
    whole_digests,
)

_MARGIN = 6  # of whole digests


@attrs.frozen(eq=False)
class Explanation:
    """All that there is to say about one resource."""

    address: Address
    said: Sequence[Contribution]  # what each rule contributed, in file order
    more: Sequence[str] = ()  # what rules say that is no attribute: absence, retention, levels
    exceptions: Sequence[ExceptionRule] = ()  # that speak of it and are in force; they are among `said`
    ended: Sequence[ExceptionRule] = ()  # that spoke of it
    demands: Sequence[Demand] = ()  # of tags on this manifest, the one that stands first
    stands: Declaration | None = None  # what decides about the lock of a manifest, where both speak of it
    drifted: Sequence[Drifted] = ()  # what of it is not as it was last applied
    become: Prospects | None = None  # what it is and would be; None: the registry was not asked


def render_explanation(explained: Explanation, paint: Paint, *, full: bool) -> str:
    """
    The explanation as text, ending in a newline.

    Args:
        explained: What there is to say.
        paint: Puts text in a style.
        full: Show every digest to its last digit.
    """
    blocks, become = [_rules(explained, paint, full=full)], explained.become
    if become is not None:
        blocks += [_drift(each, paint) for each in explained.drifted]
        blocks += [_result(explained, become, paint), _effective(explained.address, become, paint, full=full)]
    return "\n".join(block for block in blocks if block)


def _rules(explained: Explanation, paint: Paint, *, full: bool) -> str:
    lines = [paint(str(explained.address), "bold")]
    if not (explained.said or explained.more or explained.demands):
        lines.append("  No rule declares anything about it: it is unmanaged.")
    excepting = {said: each for each in explained.exceptions for said in each.attributes}
    for contribution in explained.said:
        said = contribution.declaration
        lines += _contribution(contribution, excepting.get(said), paint, _beaten_by(contribution, explained))
        lines += whole_digests(said.value, None, margin=_MARGIN) if full and said.attribute == DIGEST else []
    for exception in explained.ended:
        note = f"ended {moment(exception.until)}: {exception.reason}"
        lines += [paint(each, "dim") for said in exception.attributes for each in _noted(_declared(said), note)]
    lines += [each for line in explained.more for each in columns(f"  {line}")]
    for demand in explained.demands:
        lines += _demand(demand, explained, paint)
    return "\n".join(lines) + "\n"


def _contribution(
    contribution: Contribution, exception: ExceptionRule | None, paint: Paint, beaten_by: str
) -> list[str]:
    line = _declared(contribution.declaration)
    lines = _noted(line, f"until {moment(exception.until)}: {exception.reason}") if exception else columns(line)
    if not beaten_by:
        return lines
    lines[-1:] = _noted(lines[-1], f"overridden by {beaten_by}")
    return [paint(each, "dim") for each in lines]


def _beaten_by(contribution: Contribution, explained: Explanation) -> str:
    """Which later rule, or which demand, stands in its place; empty: none."""
    said, stands = contribution.declaration, explained.stands
    if contribution.overridden_by is not None:
        return str(contribution.overridden_by)
    is_decided = stands is not None and said.attribute == DELETE and stands.origin != said.origin
    return _standing(explained) if is_decided else ""


def _demand(demand: Demand, explained: Explanation, paint: Paint) -> list[str]:
    """What is demanded, and unless that is what stands, what does."""
    line = f"{_declared(Declaration(DELETE, demand.value, demand.origin))}{_whose(demand)}"
    stands = explained.stands
    if stands is None or (demand == explained.demands[0] and stands.origin == demand.origin):
        return columns(line)
    return [paint(each, "dim") for each in _noted(line, f"overridden by {_standing(explained)}")]


def _standing(explained: Explanation) -> str:
    """Where that is declared which decides about the lock of a manifest, and for which tag."""
    origin, first = explained.stands and explained.stands.origin, explained.demands[:1]
    return f"{origin}{''.join(_whose(demand) for demand in first if demand.origin == origin)}"


def _whose(demand: Demand) -> str:
    return f" for {short_name(Address('x', tag=demand.tag))}" if demand.tag else ""


def _declared(said: Declaration) -> str:
    return f"  {said.attribute:15}  {shown(said.value):5}  {said.origin}"


def _noted(line: str, note: str) -> list[str]:
    """A line with a note behind it, or below it where there is no room."""
    whole = safe(f"{line}  {note}")
    return [whole] if len(whole) <= WIDTH else [*columns(line), *paragraph(note, margin=4).split("\n")]


def _drift(drifted: Drifted, paint: Paint) -> str:
    """What it was last applied as and is now, and what to do about that."""
    is_gone = all(each.live is None for each in drifted.attributes)
    word = f"{', '.join(drifted.ways)}{'' if drifted.can_heal else ', though locked'}"
    lines = [f"{paint('Last applied → live', 'bold')}: {paint(word, 'red')}"]
    for each in drifted.attributes:
        live = "gone" if each.live is None else shown(each.live, whole=True)
        before = "?" if each.last_applied is None else shown(each.last_applied, whole=True)
        if each.name == DIGEST:
            lines += [f"  {DIGEST}", f"    {before}", f"    → {live}"]
        elif not is_gone:
            lines.append(f"  {safe(each.name):15}  {before:5}  → {live}")
    undone = "apply undoes it, and so does drift --heal." if drifted.can_heal else put_back(str(drifted.address))
    return "\n".join([*lines, paragraph(undone, margin=2)]) + "\n"


def _result(explained: Explanation, become: Prospects, paint: Paint) -> str:
    live, after = become.live, become.after
    if live is None and after is None:
        return f"{paint('Live', 'bold')}\n  The registry does not hold it.\n"
    lines = [paint("Live → after apply", "bold")]
    if live is None:
        lines.append("  It is not there, and would be created.")
    if after is None:
        whole = f", with {safe(str(become.goes_with))}" if become.goes_with else ""
        lines.append(f"  → {paint('gone', 'red')}{whole}")
    declared = {each.declaration.attribute: each.declaration.value for each in explained.said if not each.overridden_by}
    declared.update({DELETE: demand.value for demand in explained.demands[:1]})  # noqa: B035 - one at most
    lines += _digests(live or {}, after or {}, paint)
    lines += [_attribute(name, live, after, declared, paint) for name in (live or after or {}) if name != DIGEST]
    unreported = sorted(declared.keys() - {DIGEST} - live.keys()) if live else []
    lines += [f"  {name:15}  not reported here, never written" for name in unreported]
    lines += [paragraph(why, margin=2) for why in become.blocked]
    return "\n".join(lines) + "\n"


def _digests(live: Document, after: Document, paint: Paint) -> list[str]:
    """Whole, to be copied."""
    now, then = live.get(DIGEST), after.get(DIGEST)
    lines = [f"  {DIGEST}"] if now or then else []
    lines += [f"    {safe(str(now))}"] if now else []
    return [*lines, f"    → {paint(safe(str(then)), 'yellow')}"] if then and then != now else lines


def _attribute(
    name: str, live: Document | None, after: Document | None, declared: Mapping[str, Value], paint: Paint
) -> str:
    before = shown(live[name]) if live and name in live else ""
    if after is None:
        return f"  {name:15}  {before}"
    then = after.get(name)
    if live and live.get(name) == then:
        state = "in sync" if name in declared else "unmanaged"
        return (
            f"  {name:15}  {before:5}  {state}"
            if name in declared
            else paint(f"  {name:15}  {before:5}  {state}", "dim")
        )
    return f"  {name:15}  {before:5}  → {paint(shown(then) if then is not None else '', 'yellow')}"


def _effective(address: Address, become: Prospects, paint: Paint, *, full: bool) -> str:
    """What can happen now and after apply, and what would stop it, question by question."""
    if not become.now and not become.then:
        return ""
    now = {answer.question: answer for answer in become.now}
    then = {answer.question: answer for answer in become.then}
    questions = list(dict.fromkeys((*now, *then)))
    if then:  # what there is nothing left to happen to
        then = {question: then.get(question, Answer(question, "no")) for question in questions}
    texts = {each: " → ".join(dict.fromkeys(_verdicts(now.get(each), then.get(each), become))) for each in questions}
    width, text_width = max(map(len, questions)), max(map(len, texts.values()))
    lines = [paint("What can happen to it", "bold")]
    for question, text in texts.items():
        before, after = now.get(question), then.get(question)
        stop = "" if become.after is None else _stop(address, after or before)
        line = f"  {question:{width}}  {text:{text_width}}  {stop}".rstrip()
        lines += [line] if len(line) <= WIDTH else [f"  {question:{width}}  {text}", f"      {stop}"]
        lines += _whole_stop(address, after or before) if full and stop else []
    return "\n".join(lines) + "\n"


def _verdicts(before: Answer | None, after: Answer | None, become: Prospects) -> list[str]:
    """What is gone has no answers any more."""
    verdicts: list[str] = [answer.verdict for answer in (before, after) if answer is not None]
    return [*verdicts, "gone"] if become.after is None else verdicts


def _whole_stop(address: Address, answer: Answer | None) -> list[str]:
    where = answer.where if answer else None
    return whole_digests(where.digest, None, margin=_MARGIN) if where and where != address else []


def _stop(address: Address, answer: Answer | None) -> str:
    """The one attribute that would stop it, or that does so from elsewhere."""
    if answer is None or not answer.stop or answer.where is None:
        return ""
    is_stopped = answer.verdict == "no"
    if answer.where == address:
        return "" if is_stopped else f"{answer.stop} stops it"
    whose = "the repository" if answer.where.kind == "repository" else short_name(answer.where)
    return f"by {answer.stop} of {whose}" if is_stopped else f"{answer.stop} of {whose} stops it"
