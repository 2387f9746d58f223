"""Git repositories to read files from, and what is said where they cannot be read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import RevisionError

ONE = 'version: 1\nrepositories: [{match: "one", attributes: {deleteEnabled: false}}]\n'
TWO = 'version: 1\nrepositories: [{match: "two", attributes: {deleteEnabled: false}}]\n'


class Checkout:
    """A Git repository with a work tree."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str) -> str:
        """What git prints."""
        named = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env={**os.environ, **named}, capture_output=True, check=False
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout.decode().strip()

    def commit(self, **files: str | None) -> str:
        """Commit files, `a__b` being a/b.yaml; None deletes one. The id of the commit."""
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, text: str | None) -> Path:
        """Write a file, or delete it."""
        path = self.folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True) if text is None else path.write_text(text)
        return path


def matches(revision) -> list[str]:
    """What its rules match."""
    return [rule.match[0].text for rule in revision.desired.repositories]


def refusal(call, *arguments) -> str:
    """What is said where a call is refused."""
    with pytest.raises(RevisionError) as refused:
        call(*arguments)
    return str(refused.value)
