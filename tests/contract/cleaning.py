"""Repositories that cases may do anything to, and their end: what was not made here is never touched."""

from __future__ import annotations

import uuid

import httpx
from speaking import Repository, Speaker

PREFIX = "reconciler-contract"


class Workshop:
    """Makes repositories, and removes only those."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._made: dict[str, Repository] = {}

    def claim(self, name: str = "") -> Repository:
        """
        A repository that is not there yet; the first push makes it.

        Raises:
            FileExistsError: there is one, so it is somebody else's.
            RuntimeError: the registry does not say whether there is one.
        """
        repository = Repository(self._speaker, name or f"{PREFIX}/{uuid.uuid4().hex[:12]}")
        answer = self._speaker.get(repository.path)
        if answer.is_success:
            raise FileExistsError(f"{repository.name}: is there already, so these cases leave it alone")
        if answer.status_code != httpx.codes.NOT_FOUND:
            raise RuntimeError(
                f"{repository.name}: whether it is there cannot be told, {answer.status_code} {answer.text}\n"
                "  The user in RECONCILER_USERNAME needs to read, write and delete content and metadata."
            )
        self._made[repository.name] = repository
        return repository

    def remove(self, name: str) -> None:
        """
        Unlock and delete what was claimed here.

        Raises:
            PermissionError: it was not.
            RuntimeError: the registry does not let it go.
        """
        if name not in self._made:
            raise PermissionError(f"{name}: was not made by these cases, so they leave it alone")
        repository = self._made[name]
        repository.unlock()
        answer = self._speaker.until(_is_gone, "DELETE", repository.path)
        if not _is_gone(answer):
            raise RuntimeError(
                f"{name}: is left behind, {answer.status_code} {answer.text}\n"
                f"  Unlock and delete it: az acr repository delete --name REGISTRY --repository {name}"
            )
        del self._made[name]

    def remove_all(self) -> None:
        """Remove all that is left; the first that stays is told after the others are gone."""
        problems = []
        for name in list(self._made):
            try:
                self.remove(name)
            except RuntimeError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]


def _is_gone(answer: httpx.Response) -> bool:
    return answer.status_code in (httpx.codes.ACCEPTED, httpx.codes.NOT_FOUND)
