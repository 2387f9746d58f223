"""
Whether any name at all can match a glob.

A glob that no name can match would stand in a file as a rule that protects
nothing, and nobody would be told. What names look like is a small automaton for
repositories, another for tags and one for media types; walking one of them along a
glob shows whether its end can be reached. A digest is simpler: it says for each
position what can stand there. All of it has to agree with `reconciler.model.address`.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Iterable, Mapping, Sequence

import attrs

_PIECE = re.compile(r"(?:^|(?<=/))\*{2,}/|\*{2,}|\*|\?|\[[!^]?(?:\[:\w+:\]|[^\[\]])+\]|.")
_START, _INSIDE, _BETWEEN, _TYPE = "start", "inside", "between", "type"


@attrs.frozen(eq=False)
class Grammar:
    """What the names of one sort look like; a name ends inside."""

    letters: Mapping[str, str]  # of each character that a name can have, what sort of character it is
    moves: Mapping[tuple[str, str], str]  # from a state with a sort of character to a state
    longest: int


REPOSITORY = Grammar(
    letters={
        **dict.fromkeys(string.ascii_lowercase + string.digits, "letter"),
        **dict.fromkeys("._-", "separator"),
        "/": "slash",
    },
    moves={
        (_START, "letter"): _INSIDE,
        (_INSIDE, "letter"): _INSIDE,
        (_INSIDE, "separator"): _BETWEEN,
        (_BETWEEN, "separator"): _BETWEEN,
        (_BETWEEN, "letter"): _INSIDE,
        (_INSIDE, "slash"): _START,
    },
    longest=256,
)
TAG = Grammar(
    letters={
        **dict.fromkeys(string.ascii_letters + string.digits + "_", "letter"),
        **dict.fromkeys(".-", "separator"),
    },
    moves={
        (_START, "letter"): _INSIDE,
        (_INSIDE, "letter"): _INSIDE,
        (_INSIDE, "separator"): _INSIDE,
    },
    longest=128,
)
# Source: RFC 6838, section 4.2: two names of at most 127 characters each.
MEDIA_TYPE = Grammar(
    letters={
        **dict.fromkeys(string.ascii_letters + string.digits, "letter"),
        **dict.fromkeys(".+-_", "separator"),
        "/": "slash",
    },
    moves={
        (_START, "letter"): _TYPE,
        (_TYPE, "letter"): _TYPE,
        (_TYPE, "separator"): _TYPE,
        (_TYPE, "slash"): _BETWEEN,
        (_BETWEEN, "letter"): _INSIDE,
        (_INSIDE, "letter"): _INSIDE,
        (_INSIDE, "separator"): _INSIDE,
    },
    longest=255,
)
_HEXADECIMAL = "0123456789abcdef"
# What can stand at each position of a digest, of one sort and of the other.
_DIGESTS = tuple((*prefix, *[_HEXADECIMAL] * count) for prefix, count in (("sha256:", 64), ("sha512:", 128)))
DIGEST_LETTERS = frozenset(_HEXADECIMAL + "sha:")


def is_possible(glob: str, grammar: Grammar) -> bool:
    """Some name that `grammar` describes matches `glob`, which is without braces."""
    states = frozenset({_START})
    length = 0
    for found in _PIECE.finditer(glob):
        piece = found[0]
        states = _after(piece, states, grammar)
        length += not piece.startswith("*")
        if not states or length > grammar.longest:
            return False
    return _INSIDE in states


def is_possible_digest(glob: str) -> bool:
    """Some digest matches `glob`, which is without braces."""
    pieces = [found[0] for found in _PIECE.finditer(glob)]
    return any(_fits(pieces, digest) for digest in _DIGESTS)


def _fits(pieces: Sequence[str], digest: Sequence[str]) -> bool:
    """`pieces` of a glob can cover `digest`, which says what can stand at each position."""
    everywhere = (1 << len(digest)) - 1
    reached = 1  # a bit for each position that can come next
    for piece in pieces:
        if piece.startswith("*"):
            # All positions from the first that is reached; the end is one too.
            reached = (2 << len(digest)) - (reached & -reached) if reached else 0
        else:
            reached = (reached & everywhere & _positions(piece, digest)) << 1
    return bool(reached >> len(digest))


@functools.lru_cache(maxsize=4096)
def _positions(piece: str, digest: Sequence[str]) -> int:
    """A bit for each position of `digest` where some character that `piece` matches can stand."""
    members = DIGEST_LETTERS if piece == "?" else _members(piece, DIGEST_LETTERS) if len(piece) > 1 else {piece}
    return sum(1 << at for at, allowed in enumerate(digest) if not members.isdisjoint(allowed))


@functools.lru_cache(maxsize=4096)
def _after(piece: str, states: frozenset[str], grammar: Grammar) -> frozenset[str]:
    """Where names can be that were in one of `states` and go on with what `piece` matches."""
    everything = frozenset(grammar.letters.values())
    if piece == "*":
        return _closure(states, everything - {"slash"}, grammar)
    if piece.startswith("**"):
        reached = _closure(states, everything, grammar)
        # A whole part between slashes may also stand for no part.
        return states | _step(reached, frozenset({"slash"}), grammar) if piece.endswith("/") else reached
    if piece == "?":
        return _step(states, everything - {"slash"}, grammar)
    letters = _members(piece, grammar.letters) if len(piece) > 1 else {piece} & grammar.letters.keys()
    return _step(states, frozenset(grammar.letters[letter] for letter in letters), grammar)


def _step(states: frozenset[str], sorts: frozenset[str], grammar: Grammar) -> frozenset[str]:
    return frozenset(after for (state, sort), after in grammar.moves.items() if state in states and sort in sorts)


def _closure(states: frozenset[str], sorts: frozenset[str], grammar: Grammar) -> frozenset[str]:
    while (wider := states | _step(states, sorts, grammar)) != states:
        states = wider
    return states


def _members(piece: str, letters: Iterable[str]) -> set[str]:
    """The characters of names that a class such as `[a-c]` or `[!a-c]` matches."""
    within = {letter for letter in letters if letter != "/"}
    if "[:" in piece:
        return within  # [[:digit:]] and its like: all of them hold something that a name can have
    body = piece[1:-1]
    negated = body[0] in "!^"
    listed = {letter for found in re.finditer(r"(.)-(.)|(.)", body[negated:]) for letter in _range(found)}
    return within - listed if negated else within & listed


def _range(found: re.Match[str]) -> set[str]:
    first, last = (found[1], found[2]) if found[1] else (found[3], found[3])
    return {chr(code) for code in range(ord(first), ord(last) + 1)}
