"""
Load desired state from all files that were named.

They become one value, or all problems of all of them are told at once: whoever
mends a file wants to do so once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from reconciler.errors import DesiredStateError, Problem
from reconciler.files.sources import Source, find_sources, read_source
from reconciler.files.structure import DesiredFile, make_reader
from reconciler.files.syntax import decode
from reconciler.files.wording import quote
from reconciler.model.desired import DesiredState


def load_desired(paths: Sequence[str], *, stdin: BinaryIO | None = None) -> DesiredState:
    """
    The desired state that `paths` declare, in their order.

    Args:
        paths: Files, folders, or `-` for standard input, as named on the command line.
        stdin: What `-` reads, instead of the standard input of the process.

    Raises:
        DesiredStateError: something is wrong; it holds all problems of all files.
    """
    read = make_reader()
    return _together(partial(_load_file, source, stdin, read) for source in find_sources(paths))


def desired_from_texts(texts: Iterable[tuple[str, bytes]]) -> DesiredState:
    """
    The same for files that are kept elsewhere: pairs of the name that messages use, and the bytes.

    Raises:
        DesiredStateError: something is wrong; it holds all problems of all files.
    """
    read = make_reader()
    return _together(partial(_read_text, name, content, read) for name, content in texts)


def _read_text(name: str, content: bytes, read: Callable[[str, str], DesiredFile]) -> DesiredFile:
    return read(decode(content, name), name)


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
    )


def _load_file(
    source: Source | Problem, stdin: BinaryIO | None, read: Callable[[str, str], DesiredFile]
) -> DesiredFile:
    if isinstance(source, Problem):
        raise DesiredStateError((source,))
    return read(decode(read_source(source, stdin=stdin), source.name), source.name)


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
