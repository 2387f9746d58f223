"""
Exceptions: the only rules that end by themselves.

While one is in force it is nothing but a last rule, which wins over all others. So it
becomes one, and nothing else has to know about time.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from reconciler.model.desired import DesiredState, ExceptionRule, ManifestRule, RepositoryRule, TagRule, Target


def in_force(desired: DesiredState, now_ns: int) -> DesiredState:
    """
    What is desired at a moment: its exceptions as rules, those that have ended left out.

    Args:
        desired: What the files declare.
        now_ns: The moment, in nanoseconds since 1970.
    """
    if not desired.exceptions:
        return desired
    current = [exception for exception in desired.exceptions if now_ns < exception.until_ns]
    rules = tuple(rule for exception in current for rule in _rules(exception))
    return attrs.evolve(desired, repositories=(*desired.repositories, *rules), exceptions=())


def _rules(exception: ExceptionRule) -> Iterator[RepositoryRule]:
    for target in exception.match:
        yield _rule(exception, target)


def _rule(exception: ExceptionRule, target: Target) -> RepositoryRule:
    declared, origin = exception.attributes, exception.origin
    where = (target.repository,)
    if target.tag:
        tag = TagRule((target.tag,), (), declared, origin, is_exception=True)
        return RepositoryRule(where, (), (), (tag,), origin)
    if target.digest:
        manifest = ManifestRule((target.digest,), (), declared, origin, is_exception=True)
        return RepositoryRule(where, (), (), (), origin, manifests=(manifest,))
    return RepositoryRule(where, (), declared, (), origin, is_exception=True)
