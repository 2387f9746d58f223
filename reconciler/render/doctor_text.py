"""What `doctor` found out, for people: what is well in a line, what is missing with its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, takewhile

from reconciler.model.diagnosis import Check, Diagnosis, Examined, Grant, Verdict
from reconciler.render.words import WIDTH, Paint, Style, count, paragraph, safe

_SHOWN = 5  # names of a group of repositories
_WORDS: dict[Verdict, str] = {"yes": "yes", "no": "no", "unknown": "not known"}
_STYLES: dict[Verdict, Style] = {"yes": "green", "no": "red", "unknown": "yellow"}
_MEANS = {
    "metadata_read": "read metadata",
    "metadata_write": "write metadata",
    "delete": "delete",
    "pull": "pull",
    "push": "push",
}
_NAME_WIDTH, _WORD_WIDTH = max(map(len, _MEANS.values())), max(map(len, _WORDS.values()))
_MARGIN = 2 + _NAME_WIDTH + 2 + _WORD_WIDTH + 2  # where messages begin


def render_diagnosis(diagnosis: Diagnosis, paint: Paint, *, full: bool) -> str:
    """
    The diagnosis as text, ending in a newline.

    Args:
        diagnosis: What was found out.
        paint: Puts text in a style.
        full: Name every repository, however many there are.
    """
    blocks = ["\n".join(_check(check, paint) for check in diagnosis.checks) + "\n"]
    by_grants = sorted(diagnosis.repositories, key=lambda examined: (_signature(examined), examined.name))
    for _, group in groupby(by_grants, key=_signature):
        blocks.append(_group(list(group), paint, full=full))
    return "\n".join([*blocks, _verdict(diagnosis, paint)])


def _check(check: Check, paint: Paint) -> str:
    style: Style = _STYLES[check.verdict] if check.is_needed else "dim"
    head = f"{check.name:{_NAME_WIDTH + 2}}  {paint(f'{_WORDS[check.verdict]:{_WORD_WIDTH}}', style)}"
    return "\n".join(_beside(head, safe_lines(check.message)))


def _beside(head: str, lines: Sequence[str]) -> list[str]:
    """The lines of a message in their own column, or from the first that is too long for it below, wrapped."""
    fitting = list(takewhile(lambda line: _MARGIN + len(line) <= WIDTH, lines))
    first, *rest = fitting or [""]
    column = [f"{head}  {first}".rstrip(), *(f"{' ' * _MARGIN}{line}" for line in rest)]
    return [*column, *(paragraph(line, margin=4) for line in lines[len(fitting) :])]


def _group(group: Sequence[Examined], paint: Paint, *, full: bool) -> str:
    names = [safe(examined.name) for examined in group]
    shown = names if full else names[:_SHOWN]
    lines = [paint(name, "bold") for name in shown]
    if len(shown) < len(names):
        lines.append(paint(f"… and {count(len(names) - len(shown), 'more repository', 'more repositories')}", "dim"))
    if not group[0].is_there:
        lines.append("  not there: the registry does not hold it")
    lines += [line for grant in group[0].grants for line in _grant(grant, paint)]
    return "\n".join(lines) + "\n"


def _grant(grant: Grant, paint: Paint) -> list[str]:
    is_grave = grant.is_needed or grant.verdict == "yes"
    word = paint(f"{_WORDS[grant.verdict]:{_WORD_WIDTH}}", _STYLES[grant.verdict] if is_grave else "dim")
    head = f"  {_MEANS[grant.action]:{_NAME_WIDTH}}  {word}"
    if grant.verdict == "no" and not grant.is_needed:
        return [f"{head}  these files do not need it"]
    lines = safe_lines(grant.message)
    if grant.verdict == "no":  # what grants it is long, and to be copied
        return [head.rstrip(), *(paragraph(line, margin=4) for line in lines)]
    return _beside(head, lines)


def safe_lines(text: str) -> list[str]:
    """The lines of a message, each safe and without its own margin."""
    return [safe(line.strip()) for line in text.split("\n")]


def _signature(examined: Examined) -> tuple[object, ...]:
    """Repositories of the same signature are shown together; those that lack something come first."""
    lacks = any(grant.is_missing for grant in examined.grants)
    return (not lacks, not examined.is_there, tuple((grant.verdict, grant.message) for grant in examined.grants))


def _is_enough_to_plan(diagnosis: Diagnosis) -> bool:
    lacking = {grant.action for examined in diagnosis.repositories for grant in examined.grants if grant.is_missing}
    return lacking == {"metadata_write"}


def _verdict(diagnosis: Diagnosis, paint: Paint) -> str:
    if diagnosis.is_healthy:
        return paint("Nothing is missing.", "bold") + "\n"
    if all(check.verdict != "no" or not check.is_needed for check in diagnosis.checks) and _is_enough_to_plan(
        diagnosis
    ):
        return paint("plan has all that it needs; apply lacks a permission.", "bold") + "\n"
    lacking = sum(any(grant.is_missing for grant in examined.grants) for examined in diagnosis.repositories)
    where = f" {count(lacking, 'repository lacks', 'repositories lack')} a permission." if lacking else ""
    return paint(f"Something is missing.{where}", "bold") + "\n"
