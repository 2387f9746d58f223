"""
Who is to be told, from a file.

Like desired state, it says no more than it must, and all that is wrong with it is
told at once, with its place. No secret stands in it: it may be under Git.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping as AnyMapping
from pathlib import Path
from typing import Any

import attrs

from reconciler.alerts.kinds import (
    KINDS,
    NAMES,
    Environment,
    Kind,
    made,
    one_of,
    period_s,
)
from reconciler.alerts.posting import Patience
from reconciler.alerts.sink import Sink
from reconciler.errors import DesiredStateError, Problem
from reconciler.files.nodes import Mapping, Node, Sequence, describe, read_nodes
from reconciler.files.refusals import problems_of
from reconciler.files.syntax import decode
from reconciler.files.values import Refused, Steps, repeated_keys, text_of, version
from reconciler.files.wording import listing, printable, quote, suggestion

_MAX_BYTES = 1024 * 1024
_MAX_NAME = 100
_COMMON = ("name", "severity")
_ADVICE = "such as:\n    version: 1\n    sinks:\n      - slack: {url: {env: SLACK_WEBHOOK}}"
_ENTRY = f"each entry has one of {listing(NAMES)}"


@attrs.frozen
class AlertSettings:
    """Who is told, and how often again."""

    sinks: tuple[Sink, ...]
    repeat_s: int | None = None  # seconds until what still fires is told again; None: the file does not say


def sinks_from_file(path: str, environment: Environment, patience: Patience | None = None) -> AlertSettings:
    """
    What a file of alerts says.

    Args:
        path: Of the file; the paths in it are as seen from where the command runs.
        environment: Where secrets are.
        patience: How long services are waited for.

    Raises:
        DesiredStateError: it cannot be read, or something in it is wrong; all problems, with their places.
    """
    document = read_nodes(decode(_bytes(path), path), path, with_places=True)
    if not document or document[0] is None:
        raise DesiredStateError((Problem(path, 0, 0, path="", message="the file is empty", hint=_ADVICE),))
    reader = _Reader(environment, patience or Patience())
    settings = reader.settings(document[0])
    if reader.refused:
        raise DesiredStateError(problems_of(reader.refused, document, {0: path}))
    return settings


def _bytes(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # a zero character in the name is a ValueError
        reason = getattr(error, "strerror", None) or "it cannot be a file's name"
        raise DesiredStateError(
            (Problem(printable(path), 0, 0, path="", message=f"cannot be read: {reason}"),)
        ) from None
    if len(content) > _MAX_BYTES:
        raise DesiredStateError((Problem(path, 0, 0, path="", message="is larger than 1 MiB"),))
    return content


class _Reader:
    """Reads nodes, and gathers what is wrong with them."""

    def __init__(self, environment: Environment, patience: Patience) -> None:
        self.refused: list[Refused] = []
        self._environment = environment
        self._patience = patience

    def settings(self, node: Node) -> AlertSettings:
        known = ("version", "repeat", "sinks")
        said = self._said(node, known, ("version", "sinks"), (), _ADVICE)
        self._read(said, "version", (), version)
        repeat_s = self._read(said, "repeat", (), lambda each: period_s(text_of(each)))
        entries = self._read(said, "sinks", (), _entries) or ()
        sinks = [self._sink(entry, ("sinks", index)) for index, entry in enumerate(entries)]
        self._refuse_repeated(sinks)
        return AlertSettings(tuple(sink for sink in sinks if sink is not None), repeat_s)

    def _sink(self, node: Node, steps: Steps) -> Sink | None:
        before = len(self.refused)
        said = self._said(node, (*NAMES, *_COMMON), (), steps, _ENTRY)
        values = {"name": self._read(said, "name", steps, _name)}
        values["severity"] = self._read(said, "severity", steps, self._reads(one_of("critical", "warning")))
        kinds = [kind for kind in said if kind in KINDS]
        if len(kinds) != 1:
            if kinds or (isinstance(node, Mapping) and set(said) <= set(_COMMON)):
                self._refuse(Refused(f"names {listing(kinds)}" if kinds else "names no sink", _ENTRY), steps)
            return None
        (kind,) = kinds
        values |= self._values(said[kind], KINDS[kind], (*steps, kind))
        if len(self.refused) > before:
            return None
        try:
            return made(kind, values, self._environment, self._patience)
        except Refused as refused:
            self._refuse(refused, (*steps, kind))
            return None

    def _values(self, node: Node, kind: Kind, steps: Steps) -> dict[str, Any]:
        required = (kind.main,) if kind.main else ()
        empty = Mapping() if node is None and not required else node
        said = self._said(empty, tuple(kind.fields), required, steps, f"such as {kind.name}: {{{kind.main}: …}}")
        return {
            key: self._read(said, key, steps, self._reads(read)) for key, read in kind.fields.items() if key in said
        }

    def _reads(self, read: Callable[[Node, Environment], Any]) -> Callable[[Node], Any]:
        return lambda node: read(node, self._environment)

    def _said(
        self, node: Node, known: tuple[str, ...], required: tuple[str, ...], steps: Steps, advice: str
    ) -> dict[str, Node]:
        """The keys and values of a mapping; what is wrong with the keys is gathered."""
        if not isinstance(node, Mapping):
            what = "needs a value" if node is None else f"must be a mapping, not {describe(node)}"
            self._refuse(Refused(what, advice), steps)
            return {}
        said = {text_of(key): value for key, value in zip(node[::2], node[1::2], strict=True)}
        for refused in (*repeated_keys(node), *_unknown(node, known)):
            self._refuse(refused, steps)
        for key in required:
            if key not in said:
                self._refuse(Refused(f"{key} is required", advice), steps)
        return said

    def _read(self, said: AnyMapping[str, Node], key: str, steps: Steps, read: Callable[[Node], Any]) -> Any:
        """The value of a key; None where it is not there, or wrong."""
        if key not in said:
            return None
        try:
            return read(said[key])
        except Refused as refused:
            self._refuse(refused, (*steps, key))
            return None

    def _refuse_repeated(self, sinks: list[Sink | None]) -> None:
        first: dict[str, int] = {}
        for index, sink in enumerate(sinks):
            if sink is not None and first.setdefault(sink.key, index) != index:
                message = f"is the same as sinks[{first[sink.key]}]"
                self._refuse(Refused(message, "give each a name: of its own"), ("sinks", index))

    def _refuse(self, refused: Refused, steps: Steps) -> None:
        refused.steps = (*steps, *refused.steps)
        self.refused.append(refused)


def _unknown(node: Mapping, known: tuple[str, ...]) -> Iterator[Refused]:
    for item in range(0, len(node), 2):
        key = str(node[item])
        if key not in known:
            yield Refused(
                f"unknown key {quote(key)}{suggestion(key, known)}", f"known keys: {listing(known)}", item=item
            )


def _entries(node: Node) -> Sequence:
    if not isinstance(node, Sequence) or not node:
        raise Refused("must be a list of sinks" if node else "names nobody", _ADVICE)
    return node


def _name(node: Node) -> str:
    text = text_of(node)
    if len(text) > _MAX_NAME or not text.isprintable():
        raise Refused(f"a name is one line of at most {_MAX_NAME} characters")
    return text
