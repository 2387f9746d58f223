"""
Patterns that select repositories and tags by name.

wcmatch does the globbing; this module settles what it leaves open for our names.
`*` and `?` do not cross `/`. `**` does, wherever it stands: wcmatch, like bash,
lets it cross only as a whole part between slashes and quietly reads `prod**` as
`prod*`, which would protect less than was written. So `a**b` is handed to it as
`a{**,*/**/*}b`, which says the same in its words.

`regex:` in front makes it a regular expression for RE2, which takes linear time
whatever it is given. wcmatch's own expressions (since version 12) backtrack only
over `**`, whose number is limited. So no pull request can hang a pipeline.

A pattern that no name can match is refused rather than kept as a rule that
quietly protects nothing: `{stable}`, `[z-a]`, a bracket without its partner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from reconciler.errors import PatternError

REGEX_PREFIX = "regex:"
EVERYTHING = "**"  # matches any name; not worth the 3 µs that its expression takes
_WILDCARDS = re.compile(r"[*?\[\]{}\\]")
MAX_LENGTH = 1000
# Each ** multiplies the ways to match. Measured on a name of 250 characters: 3 take 30 ms, 5 take 17 s.
_MAX_CROSSINGS = 3
# By the number of **: what keeps a pattern at about 50 ms for such a name.
_MAX_ALTERNATIVES = (100, 100, 16, 2)
# Braces are expanded by a function that calls itself for each.
_MAX_BRACES = 30
_STARS = re.compile(r"\*{2,}")
_INNER_DOUBLE_STAR = re.compile(r"(?<=[^/*])\*\*|(?<!\*)\*\*(?=[^/*])")
_CLASS_WITH_SLASH = re.compile(r"\[[^\[\]]*/[^\[\]]*\]")
# What wcmatch writes for a bracket or brace that it takes for itself, and for a class that nothing is in.
_LITERAL_BRACKET = re.compile(r"\\[\[\]{}]")
_NOTHING = "(?!)"


class _Matcher(Protocol):
    def fullmatch(self, name: str, /) -> object: ...


@attrs.frozen(eq=False)
class Pattern:
    """One pattern: its text, and the compiled matcher unless it is an exact name."""

    text: str
    _matcher: _Matcher | None = attrs.field(default=None, repr=False)

    @property
    def is_exact(self) -> bool:
        """It is a plain name: it matches that name and no other."""
        return self._matcher is None

    def matches(self, name: str) -> bool:
        """It covers the whole of `name`, case-sensitively."""
        return bool(self.test(name))

    @property
    def test(self) -> Callable[[str], object]:
        """A function of a name whose result is true or false as `matches` is; for who asks about very many."""
        if self._matcher is None:
            return self.text.__eq__
        return bool if self.text == EVERYTHING else self._matcher.fullmatch


def compile_pattern(text: str) -> Pattern:
    """
    The pattern that `text` spells; a text without wildcards is an exact name.

    Raises:
        PatternError: it is empty, too long, or not a pattern.
    """
    if not text.isprintable():
        raise PatternError("a character that does not print cannot stand in a name")
    if _WILDCARDS.search(text) is None and not text.startswith(REGEX_PREFIX):
        if not text:
            raise PatternError("an empty pattern matches nothing")
        return Pattern(text)
    _check_length(text)
    if text.startswith(REGEX_PREFIX):
        return Pattern(text, _compile_regex(text.removeprefix(REGEX_PREFIX)))
    return Pattern(text, _compile_glob(text))


def alternatives(text: str) -> tuple[str, ...]:
    """
    What the braces in `text` stand for: globs without braces, at least one.

    Raises:
        PatternError: there are too many, or it has too many `**` or braces, or is too long.
    """
    import bracex  # what wcmatch does braces with

    _check_length(text)
    crossings = len(_STARS.findall(text))
    if crossings > _MAX_CROSSINGS:
        raise PatternError(f"more than {_MAX_CROSSINGS} times ** in one pattern; write several patterns")
    if text.count("{") > _MAX_BRACES:
        raise PatternError(f"more than {_MAX_BRACES} braces in one pattern; write several patterns")
    most = _MAX_ALTERNATIVES[crossings]
    try:
        return tuple(bracex.iexpand(text, keep_escapes=True, limit=most))
    except bracex.ExpansionLimitException:
        several = f" with {crossings} times **" if crossings > 1 else ""
        raise PatternError(f"more than {most} alternatives in one pattern{several}; write several patterns") from None


def _check_length(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise PatternError(f"a pattern of {len(text):,} characters; at most {MAX_LENGTH:,} are allowed")


def _compile_regex(expression: str) -> _Matcher:
    import re2

    if not expression:
        raise PatternError("an empty expression matches nothing")
    options = re2.Options()
    options.log_errors = False
    try:
        matcher: _Matcher = re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"not a regular expression that RE2 takes: {text}") from None
    return matcher


def _compile_glob(text: str) -> _Matcher:
    from wcmatch import glob

    if "[]" in text or "[!]" in text:
        raise PatternError("an empty [] matches nothing")
    if "\\" in text:
        raise PatternError("a backslash cannot stand in a name, and a pattern needs none")
    if _CLASS_WITH_SLASH.search(text):
        raise PatternError("a / cannot stand in []; braces can hold one: {a,b/c}")
    _check_brackets(text)
    alternatives(text)
    flags = glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB | glob.FORCEUNIX | glob.CASE
    # The alternatives are limited above, and what the ** become doubles them three times at most.
    expressions, _ = glob.translate(_let_double_star_cross(text), flags=flags, limit=0)
    _check_expressions(expressions)
    try:
        return re.compile("|".join(expressions))
    except re.error as error:
        raise PatternError(f"not a pattern: {error}") from None


def _check_expressions(expressions: Sequence[str]) -> None:
    """Refuse what would only match a name that cannot exist."""
    if any(_LITERAL_BRACKET.search(expression) for expression in expressions):
        raise PatternError("no name holds a bracket or a brace; a class is [a-z], alternatives are {a,b}")
    if any(_NOTHING in expression for expression in expressions):
        raise PatternError("a range that runs backwards matches nothing")


def _check_brackets(text: str) -> None:
    """Refuse a bracket or brace without its partner, which would only match a name that cannot exist."""
    without_classes = re.sub(r"\[!?[^\[\]]+\]", "", text)
    for opening, closing in ("[]", "{}"):
        if without_classes.count(opening) != without_classes.count(closing):
            raise PatternError(f"a {opening} without its {closing}")


def _let_double_star_cross(text: str) -> str:
    """`text` with every `**` that is not a whole part of the path written so that wcmatch lets it cross."""
    return _INNER_DOUBLE_STAR.sub("{**,*/**/*}", _STARS.sub("**", text))
