"""
Answers that say something else than what is stored, made from the right ones.

The app answers first, so sign-in, errors and the stored data are as always; what
leaves is changed on its way out. So no fault here can damage anything: at worst the
registry lies, or takes back a change of attributes as another client could.
"""

from __future__ import annotations

from typing import Any

import attrs
import orjson
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.emulator.answers import host_of
from reconciler.emulator.bent_lists import BentPage, before_push, catalog_names, living_ghosts, tag_names
from reconciler.emulator.errors import Refusal, tag_unknown
from reconciler.emulator.faults import Faults
from reconciler.emulator.names import is_digest
from reconciler.emulator.permissions import EVERYTHING
from reconciler.emulator.shapes import Document, repository_document
from reconciler.emulator.store import Repository, Store, Tag
from reconciler.emulator.targets import Target, target_of

_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404
_MEMBERS = {"catalog": "repositories", "tags": "tags", "manifests": "manifests"}
_GHOSTS_BIRTH = 15_778_368_000_000_000  # 2020-01-01, in ticks


def with_bent_answers(app: ASGIApp, faults: Faults, store: Store) -> ASGIApp:
    """`app`, with the answers to which a fault applies changed."""
    bender = _Bender(faults, store)

    async def bent(scope: Scope, receive: Receive, send: Send) -> None:
        target = target_of(scope["path"]) if faults.bends() else None
        if target is None:
            await app(scope, receive, send)
        else:
            await bender.answer(app, target, (scope, receive, send))

    return bent


@attrs.define
class _Answer:
    """A whole answer."""

    start: Message
    body: bytes

    @property
    def status(self) -> int:
        return int(self.start["status"])

    @property
    def headers(self) -> MutableHeaders:
        return MutableHeaders(raw=self.start["headers"])

    def document(self) -> Document:
        found: Document = orjson.loads(self.body)
        return found

    def say(self, document: object, status: int = _OK) -> None:
        self.body = orjson.dumps(document) + b"\n"
        self.start["status"] = status
        self.headers["content-length"] = str(len(self.body))


class _Bender:
    """Changes answers, and remembers what has to show late or be undone."""

    def __init__(self, faults: Faults, store: Store) -> None:
        self._faults = faults
        self._store = store

    async def answer(self, app: ASGIApp, target: Target, call: tuple[Scope, Receive, Send]) -> None:
        scope, receive, send = call
        self._revert()
        before = self._before(scope["method"], target)
        answer = await _answer_of(app, scope, receive)
        self._remember(scope["method"], target, before, answer)
        self._bend(scope, target, answer)
        self._revert()
        await send(answer.start)
        await send({"type": "http.response.body", "body": answer.body})

    def _before(self, method: str, target: Target) -> Repository | Tag | Any:
        """The resource as a call finds it that may change it."""
        if method == "PATCH" and target.kind == "repository":
            return self._store.repository(target.repository)
        if method == "PATCH" and target.kind == "manifest":
            return self._store.manifest(target.repository, target.item)
        if target.kind in ("tag", "pushed"):
            return self._store.tag(target.repository, target.item)
        return None

    def _remember(self, method: str, target: Target, before: Any, answer: _Answer) -> None:
        key, faults = (target.repository, target.item), self._faults
        if method == "DELETE" and answer.status == _ACCEPTED:
            faults.reverts.forget(target.repository)
            faults.pushes.forget(target.repository)
        elif answer.status == _CREATED and faults.pushes_visible_after_reads and not is_digest(target.item):
            faults.pushes.add(key, before, faults.pushes_visible_after_reads)
        elif method == "PATCH" and answer.status == _OK and (faults.reverts_after_reads or faults.reverts_after_s):
            reads, seconds = faults.reverts_after_reads, faults.reverts_after_s
            faults.reverts.add(key, before.permissions, reads=reads, seconds=seconds)
        elif method == "GET" and target.kind in ("repository", "tag", "manifest"):
            faults.reverts.read(key)

    def _revert(self) -> None:
        """Take back what is due, as a PATCH would."""
        for (repository, item), permissions in self._faults.reverts.due():
            if not item:
                self._store.permit_repository(repository, permissions)
            elif is_digest(item):
                self._store.permit_manifest(repository, item, permissions)
            else:
                self._store.permit_tag(repository, item, permissions)

    def _bend(self, scope: Scope, target: Target, answer: _Answer) -> None:
        if target.repository in self._faults.ghosts and answer.status == _NOT_FOUND and scope["method"] == "GET":
            self._appear(scope, target, answer)
        if answer.status != _OK:
            return
        if target.kind in _MEMBERS:
            self._bend_list(scope, target, answer)
        elif target.kind == "repository":
            self._miscount(answer)
        elif target.kind == "manifest":
            document = answer.document()
            self._quarantine(document["manifest"])
            answer.say(document)
        elif target.kind == "tag" and scope["method"] == "GET":
            self._hide_push(target, answer)

    def _appear(self, scope: Scope, target: Target, answer: _Answer) -> None:
        """A ghost answers, where its name is all that is asked for."""
        if target.repository not in living_ghosts(self._faults, self._store):
            return
        host = host_of(Request(scope))
        if target.kind == "repository":
            ghost = Repository(target.repository, _GHOSTS_BIRTH, _GHOSTS_BIRTH, EVERYTHING)
            answer.say(repository_document(host, ghost, (0, 0)))
        elif target.kind in ("tags", "manifests") and scope["path"].startswith("/acr/"):
            answer.say({"registry": host, "imageName": target.repository})

    def _bend_list(self, scope: Scope, target: Target, answer: _Answer) -> None:
        document, member = answer.document(), _MEMBERS[target.kind]
        page = BentPage(scope, document.get(member) or (), answer.headers.get("link", ""))
        {"catalog": self._bend_catalog, "tags": self._bend_tags}.get(target.kind, self._bend_manifests)(page, target)
        page.disorder(self._faults)
        page.mislead(self._faults)
        if page.items or document.get(member):
            document[member] = page.items or None
        del answer.headers["link"]
        if page.link:
            answer.headers["link"] = page.link
        answer.say(document)

    def _bend_catalog(self, page: BentPage, _target: Target) -> None:
        page.add_ghosts(self._faults, self._store)
        if self._faults.catalog_without or self._faults.catalog_without_last:
            names = catalog_names(self._faults, self._store)
            page.leave_out(self._faults.catalog_without, names, self._faults.catalog_without_last)

    def _bend_tags(self, page: BentPage, target: Target) -> None:
        page.hide_pushes(self._faults, target.repository)
        if self._faults.tags_without or self._faults.tags_without_last:
            prefix = f"{target.repository}:"
            hidden = [tag.removeprefix(prefix) for tag in self._faults.tags_without if tag.startswith(prefix)]
            page.leave_out(hidden, tag_names(self._store, target.repository), self._faults.tags_without_last)

    def _bend_manifests(self, page: BentPage, _target: Target) -> None:
        for manifest in page.items:
            self._quarantine(manifest)

    def _quarantine(self, manifest: Document) -> None:
        shown = {
            "quarantineState": self._faults.quarantine_state,
            "quarantineDetails": self._faults.quarantine_details,
        }
        manifest["changeableAttributes"] |= {member: value for member, value in shown.items() if value}

    def _miscount(self, answer: _Answer) -> None:
        document = answer.document()
        document["manifestCount"] = max(0, document["manifestCount"] + self._faults.manifest_count_off)
        document["tagCount"] = max(0, document["tagCount"] + self._faults.tag_count_off)
        answer.say(document)

    def _hide_push(self, target: Target, answer: _Answer) -> None:
        unseen = self._faults.pushes.read((target.repository, target.item))
        if unseen is None:
            return
        if unseen.before is None:
            refusal: Refusal = tag_unknown()
            answer.say(refusal.document, refusal.status)
        else:
            document = answer.document()
            answer.say({**document, "tag": before_push(document["tag"], unseen.before)})


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
    """What the app answers, whole."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start, *parts = messages
    return _Answer(start, b"".join(part.get("body", b"") for part in parts))
