"""Which rule says what about one resource, what comes of it, and what can really happen to it, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, DIGEST, Document, Value
from reconciler.model.desired import Origin
from reconciler.planning.closure import Demand
from reconciler.planning.effective import Answer
from reconciler.planning.rules import Contribution
from reconciler.render.words import WIDTH, Paint, paragraph, safe, short_name, shown


@attrs.frozen(eq=False)
class Explanation:
    """All that there is to say about one resource."""

    address: Address
    said: Sequence[Contribution]  # what each rule contributed, in file order
    more: Sequence[str] = ()  # what rules say that is no attribute: absence, retention, levels
    demands: Sequence[Demand] = ()  # of tags on this manifest, the one that stands first
    is_live_known: bool = True  # the registry was asked
    live: Document | None = None  # None where it does not hold it
    after: Document | None = None  # what apply would leave; None: nothing
    blocked: Sequence[str] = ()  # what of it cannot be done, and why
    now: Sequence[Answer] = ()  # what can happen to it now
    then: Sequence[Answer] = ()  # and after apply, question by question


def render_explanation(explained: Explanation, paint: Paint) -> str:
    """The explanation as text, ending in a newline."""
    blocks = [_rules(explained, paint)]
    if explained.is_live_known:
        blocks += [_result(explained, paint), _effective(explained, paint)]
    return "\n".join(block for block in blocks if block)


def _rules(explained: Explanation, paint: Paint) -> str:
    title = paint(str(explained.address), "bold")
    if not (explained.said or explained.more or explained.demands):
        return f"{title}\n  No rule declares anything about it: it is unmanaged.\n"
    lines = [title]
    for contribution in explained.said:
        declaration = contribution.declaration
        line = f"  {declaration.attribute:15}  {shown(declaration.value):5}  {safe(str(declaration.origin))}"
        lines += _overridden(line, contribution.overridden_by, paint) if contribution.overridden_by else [line]
    lines += [f"  {safe(line)}" for line in explained.more]
    for number, demand in enumerate(explained.demands):
        whose = f" for {short_name(Address('x', tag=demand.tag))}" if demand.tag else ""
        line = f"  {DELETE:15}  {shown(demand.value):5}  {safe(str(demand.origin))}{whose}"
        lines.append(line if number == 0 else paint(line, "dim"))
    return "\n".join(lines) + "\n"


def _overridden(line: str, by: Origin, paint: Paint) -> list[str]:
    note = f"  overridden by {safe(str(by))}"
    if len(line) + len(note) <= WIDTH:
        return [paint(line + note, "dim")]
    return [paint(line, "dim"), paint(f"  {note}", "dim")]


def _result(explained: Explanation, paint: Paint) -> str:
    live, after = explained.live, explained.after
    if live is None and after is None:
        return f"{paint('Live', 'bold')}\n  The registry does not hold it.\n"
    lines = [paint("Live → after apply", "bold")]
    if live is None:
        lines.append("  It is not there, and would be created.")
    if after is None:
        lines.append(f"  It would be {paint('deleted', 'red')}.")
    declared = {each.declaration.attribute: each.declaration.value for each in explained.said if not each.overridden_by}
    declared.update({DELETE: demand.value for demand in explained.demands[:1]})  # noqa: B035 - one at most
    lines += _digests(live or {}, after or {}, paint)
    lines += [_attribute(name, live, after, declared, paint) for name in (live or after or {}) if name != DIGEST]
    unreported = sorted(declared.keys() - {DIGEST} - live.keys()) if live else []
    lines += [f"  {name:15}  not reported here, never written" for name in unreported]
    lines += [paragraph(why, margin=2) for why in explained.blocked]
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


def _effective(explained: Explanation, paint: Paint) -> str:
    """What can happen now and after apply, and what would stop it, question by question."""
    if not explained.now and not explained.then:
        return ""
    now = {answer.question: answer for answer in explained.now}
    then = {answer.question: answer for answer in explained.then}
    questions = list(dict.fromkeys((*now, *then)))
    width = max(map(len, questions))
    lines = [paint("What can happen to it", "bold")]
    for question in questions:
        before, after = now.get(question), then.get(question)
        if then and after is None:  # what there is nothing left to happen to
            after = Answer(question, "no")
        verdicts = [answer.verdict for answer in (before, after) if answer is not None]
        text = " → ".join(dict.fromkeys(verdicts))
        line = f"  {question:{width}}  {text:9}  {_stop(explained.address, after or before)}".rstrip()
        lines += [line] if len(line) <= WIDTH else _broken(question, width, text, explained.address, after or before)
    return "\n".join(lines) + "\n"


def _broken(question: str, width: int, text: str, address: Address, answer: Answer | None) -> list[str]:
    return [f"  {question:{width}}  {text}", f"      {_stop(address, answer)}"]


def _stop(address: Address, answer: Answer | None) -> str:
    """The one attribute that would stop it."""
    if answer is None or not answer.stop or answer.where is None:
        return ""
    if answer.where == address:
        return f"{answer.stop} stops it"
    whose = "the repository" if answer.where.kind == "repository" else short_name(answer.where)
    return f"{answer.stop} of {whose} stops it"
