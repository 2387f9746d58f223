"""
What an entry says beyond single attributes: a level, a digest, absence, retention.

Each function takes a node and gives the value of the model, or refuses it with words
for the person who wrote it. What such values mean together is a matter of `shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import cast

from reconciler.files.nodes import Mapping, Node, Placed, describe
from reconciler.files.times import duration_s
from reconciler.files.values import ABSENT, FLAGS, Refused, repeated_keys, text_of
from reconciler.files.wording import listing, quote, suggestion
from reconciler.model.address import Kind, is_digest
from reconciler.model.attributes import DIGEST
from reconciler.model.desired import Absent, Declaration, Keep, Origin, Protect
from reconciler.model.protection import LEVELS

ABSENCE = "absent"
DIGEST_HINT = "a digest is sha256: and 64 hexadecimal digits in lower case, or sha512: and 128"
_ELSEWHERE = {
    ("repository", "immutable"): 'say it of the tags: tags: [{match: "**", protect: immutable}]',
    ("tag", "frozen"): "say it on the repository: protect: frozen in the entry around tags:",
    ("manifest", "frozen"): "say it on the repository: protect: frozen in the entry around manifests:",
}
_KEEP_KEYS = ("last", "newerThan")
_KEEP_HINT = "such as keep: {last: 10, newerThan: 30d}"
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
MAX_LAST = 1_000_000
MAX_REASON_LENGTH = 500


def protect_of(kind: Kind) -> Callable[[Node, object], Protect]:
    """The function that reads the level of protection of a sort of resource."""
    known = tuple(LEVELS[kind])

    def protect(node: Node, _: object = None) -> Protect:
        text = text_of(node)
        if text in known:
            return Protect(text, _origin(node))
        hint = _ELSEWHERE.get((kind, text))
        if hint:
            raise Refused(f"{text} is no level of a {kind}", hint)
        raise Refused(f"unknown level {quote(text)}{suggestion(text, known)}", f"levels of a {kind}: {listing(known)}")

    return protect


def digest(node: Node, _: object = None) -> Declaration:
    """The digest that a tag must point at."""
    text = text_of(node)
    if not is_digest(text):
        raise Refused(f"{quote(text)} is no digest", DIGEST_HINT)
    return Declaration(DIGEST, text, _origin(node))


def ensure(node: Node, _: object = None) -> Absent:
    """That something must not be there; whether `unlock` stands beside it is not known here."""
    text = text_of(node)
    if text == "present":
        raise Refused("present cannot be asked for", "what is not absent is left alone; digest: makes a tag be there")
    if text != ABSENCE:
        raise Refused(f"must be {ABSENCE}, not {quote(text)}")
    return Absent(unlock=False, origin=_origin(node))


def keep(node: Node, _: object = None) -> Keep:
    """What stays of that which an entry matches."""
    if not isinstance(node, Mapping):
        raise Refused("needs a value" if node is None else f"must be a mapping, not {describe(node)}", _KEEP_HINT)
    found: dict[str, int] = {}
    refused = list(_keep_problems(node))
    for key, read in (("last", _last), ("newerThan", duration_s)):
        if key in node[::2]:
            try:
                found[key] = read(node[item_of(node, key) + 1])
            except Refused as error:
                error.steps = (key,)
                refused.append(error)
    if refused:
        raise ExceptionGroup("keep", refused)
    return Keep(found.get("last"), found.get("newerThan"), node.origin)


def tagged(node: Node, _: object = None) -> bool:
    """Whether manifests with tags are meant, or those without."""
    if node not in FLAGS:
        raise Refused("needs a value" if node is None else f"must be true or false, not {describe(node)}")
    return node == "true"


def reason(node: Node, _: object = None) -> str:
    """Why there is an exception."""
    if node is ABSENT:
        return ""
    text = text_of(node).strip()
    if not text:
        raise Refused("must not be blank", "say why, such as INC-4711, vendor re-push")
    if not text.isprintable():
        raise Refused("must be one line of printable text", "a text over several lines is one line with >- in front")
    if len(text) > MAX_REASON_LENGTH:
        raise Refused(f"{len(text):,} characters; at most {MAX_REASON_LENGTH} are allowed")
    return text


def item_of(node: Mapping, key: str) -> int:
    """Where in `node` the last `key` stands, which it has; its value is the next item."""
    return len(node) - 2 - 2 * node[-2::-2].index(key)


def _keep_problems(node: Mapping) -> Iterator[Refused]:
    yield from repeated_keys(node)
    for item in range(0, len(node), 2):
        key = str(node[item])
        if key not in _KEEP_KEYS:
            known = f"known keys: {listing(_KEEP_KEYS)}"
            yield Refused(f"unknown key {quote(key)}{suggestion(key, _KEEP_KEYS)}", known, item=item)
    if not node:
        yield Refused("must hold last, newerThan or both", _KEEP_HINT)


def _last(node: Node) -> int:
    text = text_of(node)
    number = int(text) if _NUMBER.fullmatch(text) else -1
    if number == 0:
        raise Refused("0 would keep nothing", "if nothing is to stay, write ensure: absent in place of keep")
    if not 0 < number <= MAX_LAST:
        raise Refused(f"must be a whole number from 1 to {MAX_LAST:,}, not {quote(text)}")
    return number


def _origin(node: Node) -> Origin:
    # The reader gives a place to every text that can stand here.
    return cast(Placed, node).origin
