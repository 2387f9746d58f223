"""
Which files of a commit the paths of a command line stand for.

The rules are those of `sources`: a folder stands for its desired-state files, as they
were then, in the order of their paths, and whatever starts with a dot is skipped.

Links are not followed: where one led at a commit is not where it leads now, and may
not be in Git at all. So a link that is named, stands on the way, or ends like a
desired-state file is an error. One in a folder that ends otherwise is left out: what
it could add is in the folder anyway, or was refused then too. A repository inside the
repository (a submodule) is an error, as nobody here knows what was in it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from reconciler.errors import RevisionError
from reconciler.files.git import REPOSITORY, Entry, Repository
from reconciler.files.sources import STDIN, SUFFIXES
from reconciler.files.wording import printable


def locate(paths: Sequence[str]) -> tuple[Repository, list[str]]:
    """
    The repository that holds all `paths`, and these as seen from its top.

    Raises:
        RevisionError: there is none, or they are in several.
    """
    if STDIN in paths:
        raise RevisionError("standard input is in no Git repository; --base and --mark need files")
    if not paths:
        raise RevisionError("no file is named")
    repositories: dict[Path, Repository] = {}
    named = []
    for text in paths:
        folder = _folder_of(text)
        repository = repositories.get(folder) or Repository.at(folder)
        repositories[folder] = repository
        if repository != next(iter(repositories.values())):
            raise RevisionError(f"{printable(text)}: in another Git repository than {printable(paths[0])}")
        named.append(_named(repository, text))
    return repository, named


def committed_files(repository: Repository, commit: str, named: Sequence[str]) -> list[Entry]:
    """
    The desired-state files in a commit that `named` stand for, in order, each once.

    Raises:
        RevisionError: one of them is a link, or in a repository of its own.
    """
    found: dict[str, list[Entry]] = {path: [] for path in named}
    for entry in repository.entries(commit, named, below=True):
        for path in found.keys() & set(_ways_to(entry.path)):
            if _is_wanted(entry, path):
                found[path].append(entry)
    missing = [way for path in found if not found[path] for way in _ways_to(path)[1:-1]]
    _check_strange(repository.entries(commit, list(dict.fromkeys(missing)), below=False))
    ordered = [entry for path in found for entry in sorted(found[path], key=lambda entry: entry.path)]
    _check_strange(ordered)
    return list({entry.path: entry for entry in ordered}.values())


def committed_overlays(repository: Repository, commit: str, named: Sequence[str]) -> list[Entry]:
    """
    The overlays in a commit that `named` stand for, in order; one that is not there is left out.

    Raises:
        RevisionError: one of them is a link, a folder, or in a repository of its own.
    """
    if not named:
        return []
    found = committed_files(repository, commit, named)
    for entry in found:
        if entry.path not in named:
            folder = next(path for path in _ways_to(entry.path) if path in named)
            raise RevisionError(f"{printable(folder)}: a folder; an overlay is one file")
    return found


def from_top(repository: Repository, path: Path) -> str:
    """`path` as seen from the top of the repository; a link at its end is itself."""
    real = os.path.realpath(path) if path.is_dir() else f"{os.path.realpath(path.parent)}/{path.name}"
    return os.path.relpath(real, os.path.realpath(repository.top))


def _folder_of(text: str) -> Path:
    """The folder to look from: the path itself, or what is left of the way to it."""
    if "\0" in text:
        raise RevisionError(f"{printable(text)}: not a path: it holds a NUL character")
    path = Path(text).absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _named(repository: Repository, text: str) -> str:
    path = Path(text).absolute()
    top = os.path.realpath(repository.top)
    for step in (path, *path.parents):
        if step.is_symlink() and Path(os.path.realpath(step.parent)).is_relative_to(top):
            raise RevisionError(
                f"{printable(os.path.relpath(step))}: a link, which is not followed in Git\n  Name what it leads to."
            )
    relative = from_top(repository, path)
    if relative.split("/", 1)[0] == "..":
        raise RevisionError(f"{printable(text)}: not in the Git repository at {printable(top)}")
    return relative


def _ways_to(path: str) -> list[str]:
    """The path itself and every folder above it; the last is the top."""
    return [path, *map(str, PurePosixPath(path).parents)]


def _is_wanted(entry: Entry, named: str) -> bool:
    if entry.path == named:
        return True
    below = entry.path if named == "." else entry.path[len(named) + 1 :]
    is_hidden = any(part.startswith(".") for part in below.split("/"))
    return not is_hidden and (entry.path.endswith(SUFFIXES) or entry.strange == REPOSITORY)


def _check_strange(entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.strange:
            raise RevisionError(
                f"{printable(entry.path)}: {entry.strange}, which is not followed in Git\n"
                "  Name files and folders that are in the repository themselves."
            )
