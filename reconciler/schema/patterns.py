"""
What texts look like, as regular expressions of JSON Schema (ECMA-262).

They are put together from what the model and the loader know, and say as much of it as
an expression can: which characters a pattern may hold, not whether some name matches it.
Whoever reads them may be an editor that has no protection against slow expressions, so
there is one way only to match each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.files.intents import MAX_LAST, MAX_REASON_LENGTH
from reconciler.files.possible import REPOSITORY, TAG
from reconciler.files.sorts import REGISTRY_HOSTS
from reconciler.files.times import LONGEST_S, UNITS_S
from reconciler.files.values import MAX_PORT, REGISTRY
from reconciler.model.address import DIGEST_NAME, REPOSITORY_NAME, TAG_NAME
from reconciler.model.pattern import REGEX_PREFIX

_REGEX = rf"{REGEX_PREFIX}\S(?:.*\S)?"
_WILDCARD = r"(?=.*[*?\[{])"
_LIST_WITHOUT_BRACES = r"(?![^{]*,)"
_CLASS_NAME = r"\[:[a-z]+:\]"


def _whole(*alternatives: str) -> str:
    return f"^(?:{'|'.join(alternatives)})$"


def _glob(letters: Iterable[str]) -> str:
    """A text with wildcards and nothing that is foreign to names of these `letters`."""
    own = "".join(re.escape(letter) for letter in sorted(letters) if not letter.isalnum() and letter not in "_/")
    # In this order in a class: ranges, then the rest.
    ranges = "".join(span for span in ("a-z", "A-Z", "0-9") if span[0] in letters and span[-1] in letters)
    few = "" if "a-z" in ranges else "".join(letter for letter in sorted(letters) if letter.isalpha())
    others = "".join(letter for letter in "_/" if letter in letters)
    return rf"(?:[{ranges}{few}{others}{own}*?\]{{}},]|\[[!^]?|{_CLASS_NAME})+"


def up_to(most: int) -> str:
    """An expression for the whole numbers from 1 to `most`, with zeros in front or not."""
    digits = str(most)
    shorter = [f"[1-9]{_digits(length)}" for length in range(len(digits) - 1)]
    same = []
    for position, digit in enumerate(digits):
        lowest = 1 if position == 0 else 0
        if int(digit) > lowest:
            span = f"[{lowest}-{int(digit) - 1}]" if int(digit) - 1 > lowest else str(lowest)
            same.append(f"{digits[:position]}{span}{_digits(len(digits) - position - 1)}")
    return f"0*(?:{'|'.join([*shorter, *same, digits])})"


def _digits(count: int) -> str:
    return ("", "[0-9]")[count] if count < 2 else f"[0-9]{{{count}}}"  # noqa: PLR2004


_NO_REGISTRY = rf"(?![^/]*(?:{'|'.join(map(re.escape, REGISTRY_HOSTS))})(?:/|$))"
_NO_EMPTY_PART = r"(?![/._-])(?!.*//)(?!.*/$)"
_REPOSITORY_GLOB = rf"{_WILDCARD}{_LIST_WITHOUT_BRACES}{_NO_EMPTY_PART}{_glob(REPOSITORY.letters)}"
_TAG_GLOB = rf"{_WILDCARD}{_LIST_WITHOUT_BRACES}(?![.-]){_glob(TAG.letters)}"
# A class name stands for letters that a digest has, too: told apart by nothing, so that one way is left.
_DIGEST_GLOB = rf"{_WILDCARD}{_LIST_WITHOUT_BRACES}[a-z0-9:*?\[\]{{}},!^-]+"

DIGEST = _whole(DIGEST_NAME.pattern)
ADDRESS = _whole(rf"(?:{REPOSITORY_NAME.pattern})(?::(?:{TAG_NAME.pattern})|@(?:{DIGEST_NAME.pattern}))?")
REPOSITORY_PATTERN = _whole(_REGEX, rf"{_NO_REGISTRY}(?:{REPOSITORY_NAME.pattern}|{_REPOSITORY_GLOB})")
TAG_PATTERN = _whole(_REGEX, TAG_NAME.pattern, _TAG_GLOB)
DIGEST_PATTERN = _whole(_REGEX, DIGEST_NAME.pattern, _DIGEST_GLOB)
MEDIA_TYPE_PATTERN = _whole(r"(?=.*(?:/|\*\*))(?![^/]*/[^/]*/)[A-Za-z0-9.+_/*-]+")
# The parts of an address are looked at as names or globs alike: which of them is wild, an expression cannot follow.
TARGET_PATTERN = _whole(
    rf"(?!{REGEX_PREFIX}){_LIST_WITHOUT_BRACES}{_NO_REGISTRY}(?![/._-])(?!.*//)"
    rf"{_glob(REPOSITORY.letters)}(?::(?!{REGEX_PREFIX})(?:(?![.-]){_glob(TAG.letters)}|{TAG_NAME.pattern})"
    rf"|@(?:{DIGEST_NAME.pattern}|{_DIGEST_GLOB}))?"
)
# A name alone: what only exact names permit.
EXACT = rf"^(?!{REGEX_PREFIX})[^*?\[{{]*$"
# An address of repositories: no `:` and no `@` outside of brackets and braces.
REPOSITORIES_ONLY = r"^(?:[^:@\[{]|\[[^\]]*\]|\{[^}]*\})*$"

REGISTRY_NAME = _whole(REGISTRY.pattern.replace("([0-9]{1,5})", up_to(MAX_PORT)))
NUMBER_OF_NEWEST = _whole(up_to(MAX_LAST))
DURATION = _whole(*(rf"{up_to(LONGEST_S // seconds)}{unit}" for unit, seconds in UNITS_S.items()))
_DATE = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
MOMENT = rf"^{_DATE}[Tt ]{_TIME}{_ZONE}$"
_UNPRINTABLE = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff"
REASON = rf"^\s*[^\s{_UNPRINTABLE}](?:[^{_UNPRINTABLE}]{{0,{MAX_REASON_LENGTH - 2}}}[^\s{_UNPRINTABLE}])?\s*$"
PATH_IN_DOCUMENT = r"^/[A-Za-z]+$"
