"""
The conditions and expressions of GitHub, GitLab and Azure Pipelines, as far as our files use them.

What is not known here is an error, where a forge would take it for empty: a slip of the pen in
a condition must not pass for a job that is left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

_OPERATORS = (("&&", " and "), ("||", " or "), (r"!(?!=)", " not "))
_WORDS = {"true": True, "false": False, "null": None}


def github_value(expression: str, contexts: Mapping[str, Any]) -> Any:
    """What stands between `${{` and `}}`, or behind `if:`."""
    return _value(_parsed(expression), contexts)


def github_text(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with its expressions put in."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: _shown(github_value(match[1], contexts)), text)


def gitlab_holds(rule: str, variables: Mapping[str, str | None]) -> bool:
    """A rule's `if:`; a variable that a pipeline may lack is None."""
    return bool(_value(_parsed(re.sub(r"\$(\w+)", r"\1", rule)), variables))


def azure_value(expression: str, contexts: Mapping[str, Any]) -> Any:
    """A `condition:`, or what stands between `$[` and `]`."""
    functions: dict[str, Callable[..., bool]] = {
        "and_": lambda *all_of: all(all_of),
        "eq": lambda one, other: one == other,
        "ne": lambda one, other: one != other,
        "in_": lambda one, *others: one in others,
        "always": lambda: True,
    }
    return _value(_parsed(re.sub(r"\b(and|in)\(", r"\1_(", expression)), {**functions, **contexts})


def azure_text(text: str, variables: Mapping[str, str]) -> str:
    """A text with its macros, `$(name)`, put in."""
    return re.sub(r"\$\(([\w.]+)\)", lambda match: variables[match[1]], text)


def _parsed(expression: str) -> ast.expr:
    for sign, word in _OPERATORS:
        expression = re.sub(re.escape(sign) if len(sign) == 2 else sign, word, expression)
    expression = re.sub(r"\.(\w+(?:-\w+)+)", r"['\1']", expression)  # a name with a hyphen
    return ast.parse(expression.strip(), mode="eval").body


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    known = _KINDS.get(type(node))
    if known is None:
        raise NotImplementedError(ast.unparse(node))
    return known(node, names)


def _name(node: ast.Name, names: Mapping[str, Any]) -> Any:
    return _WORDS[node.id] if node.id in _WORDS else names[node.id]


def _call(node: ast.Call, names: Mapping[str, Any]) -> Any:
    return _value(node.func, names)(*(_value(argument, names) for argument in node.args))


def _compare(node: ast.Compare, names: Mapping[str, Any]) -> bool:
    ((operator, right),) = zip(node.ops, node.comparators, strict=True)
    is_equal = _value(node.left, names) == _value(right, names)
    return {ast.Eq: is_equal, ast.NotEq: not is_equal}[type(operator)]


_KINDS: dict[type[ast.expr], Callable[..., Any]] = {
    ast.Constant: lambda node, names: node.value,
    ast.Name: _name,
    ast.Attribute: lambda node, names: _value(node.value, names)[node.attr],
    ast.Subscript: lambda node, names: _value(node.value, names)[_value(node.slice, names)],
    ast.Call: _call,
    ast.UnaryOp: lambda node, names: {ast.Not: not _value(node.operand, names)}[type(node.op)],
    ast.BoolOp: lambda node, names: {ast.And: all, ast.Or: any}[type(node.op)](
        _value(part, names) for part in node.values
    ),
    ast.Compare: _compare,
}


def _shown(value: Any) -> str:
    return {True: "true", False: "false", None: ""}.get(value, value) if not isinstance(value, str) else value
