"""
Load desired state from all files that were named.

They become one value, or all problems of all of them are told at once: whoever
mends a file wants to do so once. An overlay is a patch for one file, so with overlays
there is exactly one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, TypeAlias

import attrs

from reconciler.errors import DesiredStateError, Problem
from reconciler.files.nodes import read_nodes
from reconciler.files.overlay import Overlay, read_overlay
from reconciler.files.sources import Source, find_overlays, find_sources, read_source
from reconciler.files.structure import DesiredFile, make_reader
from reconciler.files.syntax import decode
from reconciler.files.wording import quote
from reconciler.model.desired import DesiredState

_Read: TypeAlias = Callable[..., DesiredFile]

_ONE_FILE = "name the file, or the folder that holds nothing else"


@attrs.frozen
class _Content:
    """One file: the name that messages use, and how to get its bytes."""

    name: str
    read: Callable[[], bytes]


def load_desired(paths: Sequence[str], *, stdin: BinaryIO | None = None, overlays: Sequence[str] = ()) -> DesiredState:
    """
    The desired state that `paths` declare, in their order.

    Args:
        paths: Files, folders, or `-` for standard input, as named on the command line.
        stdin: What `-` reads, instead of the standard input of the process.
        overlays: Files with a patch (RFC 6902) each, to be applied in this order to the one file of `paths`.

    Raises:
        DesiredStateError: something is wrong; it holds all problems of all files.
    """
    read = make_reader()
    sources = find_sources(paths)
    if not overlays:
        return _together(partial(_load, _content(source, stdin), read) for source in sources)
    bases = list(sources)
    if problems := tuple(source for source in bases if isinstance(source, Problem)):
        raise DesiredStateError(problems)
    patches = [_content(source, stdin) for source in find_overlays(overlays, bases)]
    base = _the_one([_content(source, stdin) for source in bases], patches)
    return _together([partial(_load_overlaid, base, patches, read)])


def desired_from_texts(texts: Iterable[tuple[str, bytes]], overlays: Iterable[tuple[str, bytes]] = ()) -> DesiredState:
    """
    The same for files that are kept elsewhere: pairs of the name that messages use, and the bytes.

    Raises:
        DesiredStateError: something is wrong; it holds all problems of all files.
    """
    read = make_reader()
    bases, patches = map(_kept, texts), [*map(_kept, overlays)]
    if not patches:
        return _together(partial(_load, base, read) for base in bases)
    some = [*bases]
    return _together([partial(_load_overlaid, _the_one(some, patches), patches, read)] if some else ())


def _kept(pair: tuple[str, bytes]) -> _Content:
    name, data = pair
    return _Content(name, partial(bytes, data))


def _content(source: Source | Problem, stdin: BinaryIO | None) -> _Content:
    if isinstance(source, Problem):
        return _Content(source.file, partial(_refuse, source))
    return _Content(source.name, partial(read_source, source, stdin=stdin))


def _refuse(problem: Problem) -> bytes:
    raise DesiredStateError((problem,))


def _text(content: _Content) -> str:
    return decode(content.read(), content.name)


def _load(content: _Content, read: _Read) -> DesiredFile:
    return read(_text(content), content.name)


def _load_overlaid(base: _Content, overlays: Sequence[_Content], read: _Read) -> DesiredFile:
    """One file with its overlays; what keeps any of them from being read is told at once."""
    problems: list[Problem] = []
    patches: list[Overlay] = []
    for number, overlay in enumerate(overlays, start=1):
        with _gathered(problems):
            patches.append(read_overlay(_text(overlay), overlay.name, number))
    if not problems:
        return read(_text(base), base.name, patches)
    in_overlays, problems = problems, []
    with _gathered(problems):
        # What the file says is told once it is known what the overlays make of it.
        read_nodes(_text(base), base.name)
    raise DesiredStateError((*problems, *in_overlays))


@contextmanager
def _gathered(problems: list[Problem]) -> Iterator[None]:
    try:
        yield
    except DesiredStateError as error:
        problems.extend(error.problems)


def _the_one(bases: Sequence[_Content], overlays: Sequence[_Content]) -> _Content:
    """The file that overlays are for."""
    if len(bases) == 1:
        return bases[0]
    message = f"an overlay is for one file, and {len(bases):,} are named"
    raise DesiredStateError((Problem(overlays[0].name, 0, 0, path="", message=message, hint=_ONE_FILE),))


def _together(loaders: Iterable[Callable[[], DesiredFile]]) -> DesiredState:
    """One desired state from all files, in their order."""
    problems: list[Problem] = []
    files: list[DesiredFile] = []
    with _without_cycle_search():
        for load in loaders:
            try:
                file = load()
            except DesiredStateError as error:
                problems.extend(error.problems)
                continue
            problems.extend(_contradiction(file, files))
            files.append(file)
    if problems:
        raise DesiredStateError(tuple(problems))
    return DesiredState(
        registry=next((file.registry for file in files if file.registry is not None), None),
        repositories=tuple(rule for file in files for rule in file.repositories),
        exceptions=tuple(exception for file in files for exception in file.exceptions),
    )


def _contradiction(file: DesiredFile, earlier: Sequence[DesiredFile]) -> Iterator[Problem]:
    """The problem that `file` names another registry than an earlier file, if it does."""
    first = next((other for other in earlier if other.registry is not None), None)
    if first is None or file.registry in {None, first.registry}:
        return
    yield Problem(
        file.origin.file,
        file.origin.line,
        file.origin.column,
        path="registry",
        message=f"{quote(str(file.registry))} is another registry than {quote(str(first.registry))} in {first.origin}",
        hint="files that are loaded together are about one registry",
    )


@contextmanager
def _without_cycle_search() -> Iterator[None]:
    """
    Let no garbage collection run meanwhile, nor for what was made meanwhile right after.

    Hundreds of thousands of values come to life here, none of them in a cycle.
    Searching them for cycles again and again made loading take half as long again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Both together put what is young among the old without a look at it; alone, freezing would be for ever.
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()
