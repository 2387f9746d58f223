"""
An emulator inside this process, for tests and for `registry: emulator`.

It answers over a real socket, so the client cannot tell it from one that stands
alone. What is done to it directly, by `push`, `patch` and `delete`, is what others
do behind the client's back: no lock forbids it, and it is not recorded.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciler.emulator import seed as seeds
from reconciler.emulator.app import create_app
from reconciler.emulator.entra import IDENTITY_PATH, REGISTRY_AUDIENCE
from reconciler.emulator.errors import EmulatorError, Refusal
from reconciler.emulator.faults import Faults
from reconciler.emulator.identities import Identity
from reconciler.emulator.images import push_image, push_index
from reconciler.emulator.names import Reference, parse_reference
from reconciler.emulator.permissions import ATTRIBUTES, REPOSITORY_ATTRIBUTES, attributes_of
from reconciler.emulator.recorder import RecordedRequest, Recorder
from reconciler.emulator.registry import Registry
from reconciler.emulator.server import Server, listening, url_of
from reconciler.emulator.settings import Settings
from reconciler.emulator.sign_in import SignIn
from reconciler.emulator.store import Manifest, Store

_HOST = "127.0.0.1"
_START_LIMIT_S = 10.0


class EmbeddedEmulator:
    """A registry that exists as long as its `with` block; `url` is where it answers."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        data: Path | None = None,
        seed: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        """
        Prepare it; nothing is opened yet.

        Args:
            settings: What the registry is like; None is one that lets everybody in.
            data: The file that keeps the content; None keeps it in memory.
            seed: JSON file to fill an empty emulator from.
            certificate: PEM file; with it, and `key`, the emulator speaks HTTPS.
            key: PEM file of the certificate's private key; None where it is in the same file.
        """
        self._settings = settings or Settings()
        self.faults = Faults(self._settings.latency_ms, self._settings.faults)
        self._data, self._seed = data, seed
        self._certificate, self._key = certificate, key
        self._recorder = Recorder()
        self._sign_in = SignIn(self._settings)
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            listener = opened.enter_context(listening(_HOST, 0))
            self.url = url_of(listener, scheme="https" if self._certificate else "http")
            self._store = opened.enter_context(contextlib.closing(Store(self._data)))
            if self._seed is not None:
                seeds.seed_from_file(self._store, self._seed)
            self._registry = Registry(self._store, strict_repository_lock=False)
            ready = threading.Event()
            app = create_app(self._store, self._settings, self.faults, self._recorder, sign_in=self._sign_in)
            server = Server(app, on_ready=ready.set, certificate=self._certificate, key=self._key)
            thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
            thread.start()
            opened.callback(_stop, server, thread)
            opened.callback(self.faults.clear)  # what hangs would be waited for
            if not ready.wait(_START_LIMIT_S):
                raise EmulatorError(f"{self.url}: did not start within {_START_LIMIT_S:.0f} s")
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def host(self) -> str:
        """Host and port, as in `127.0.0.1:40021/team/app:v1`."""
        return self.url.partition("://")[2]

    def requests(self, method: str | None = None) -> Sequence[RecordedRequest]:
        """What clients asked, in the order of the answers; of one method where it is given."""
        return self._recorder.requests(method)

    def clear_requests(self) -> None:
        """Forget what clients asked."""
        self._recorder.clear()

    def entra_token(self, name: str, *, audience: str = REGISTRY_AUDIENCE, lifetime_s: float = 3600) -> str:
        """A token of Entra's for the application of that name, known here or not."""
        return self._sign_in.entra.token(name, audience, lifetime_s)

    def refresh_token(self, name: str) -> str:
        """What the exchange would give that identity."""
        return self._sign_in.tokens.refresh_token(self.host, self._identity(name))

    def access_token(self, name: str, *scopes: str) -> str:
        """What the token endpoint would give that identity for these scopes."""
        return self._sign_in.tokens.access_token(self.host, self._identity(name), scopes)

    def expire_tokens(self, *, refresh: bool = False) -> None:
        """End all access tokens made so far, and the refresh tokens too if asked; those made from now on are good."""
        self._sign_in.tokens.expire(refresh=refresh)

    def identity_environment(self) -> dict[str, str]:
        """Environment variables with which Microsoft's libraries find the managed identity here."""
        return {"IDENTITY_ENDPOINT": f"{self.url}{IDENTITY_PATH}", "IDENTITY_HEADER": self._sign_in.entra.header}

    def _identity(self, name: str) -> Identity:
        identity = self._sign_in.directory.named(name)
        if identity is None:
            raise EmulatorError(f'no identity is named "{name}"')
        return identity

    def seed(self, document: object) -> None:
        """Fill it from a parsed seed, if it is empty."""
        seeds.seed(self._store, document)

    def push(self, reference: str, content: bytes = b"content", *, subject: str = "") -> str:
        """
        Make an image around `content` and put the tag on it, moving it if there is one; the digest.

        With `subject`, a tag or a digest of the same repository, it is about that, as a signature is.
        """
        target = parse_reference(reference)
        about = self._manifest(parse_reference(subject)) if subject else None
        return push_image(self._registry, target.repository, target.tag, content, subject=about)

    def push_many(self, repository: str, tags: Sequence[str], content: bytes = b"content") -> str:
        """Make one image and put all the tags on it, at once; the digest."""
        with self._store.transaction():
            digest = push_image(self._registry, repository, "", content)
            for tag in tags:
                self._store.put_tag(repository, tag, digest)
        return digest

    def push_index(self, reference: str, children: Sequence[str]) -> str:
        """Make an index of images of the same repository, each a tag or a digest of it; the digest."""
        target = parse_reference(reference)
        found = [self._manifest(parse_reference(child)) for child in children]
        return push_index(self._registry, target.repository, target.tag, found)

    def patch(self, reference: str, **changes: bool) -> None:
        """Change attributes of a repository, tag or manifest."""
        target = parse_reference(reference)
        unknown = set(changes) - set(REPOSITORY_ATTRIBUTES)
        if unknown:
            raise EmulatorError(f"{reference}: unknown attribute {min(unknown)}")
        if target.tag:
            self._registry.patch_tag(target.repository, target.tag, changes)
        elif target.digest:
            self._registry.patch_manifest(target.repository, target.digest, changes)
        else:
            self._registry.patch_repository(target.repository, changes)

    def delete(self, reference: str) -> None:
        """Remove a repository, tag or manifest."""
        target = parse_reference(reference)
        if target.tag:
            self._store.delete_tag(target.repository, target.tag)
        elif target.digest:
            self._store.delete_manifest(target.repository, target.digest)
        else:
            self._store.delete_repository(target.repository)

    def repository(self, name: str) -> dict[str, Any] | None:
        """The attributes of a repository; None where it is not there."""
        repository = self._store.repository(name)
        known = REPOSITORY_ATTRIBUTES if self._settings.teleport else ATTRIBUTES
        return None if repository is None else dict(attributes_of(repository.permissions, known))

    def tag(self, reference: str) -> dict[str, Any] | None:
        """`digest` and attributes of a tag; None where it is not there."""
        target = parse_reference(reference)
        tag = self._store.tag(target.repository, target.tag)
        return None if tag is None else {"digest": tag.digest, **attributes_of(tag.permissions)}

    def manifest(self, reference: str) -> dict[str, Any] | None:
        """The attributes of a manifest, named by digest or by a tag on it; None where it is not there."""
        try:
            return dict(attributes_of(self._manifest(parse_reference(reference)).permissions))
        except Refusal:
            return None

    def _manifest(self, target: Reference) -> Manifest:
        digest = target.digest or self._registry.tag(target.repository, target.tag).digest
        return self._registry.manifest(target.repository, digest)


def _stop(server: Server, thread: threading.Thread) -> None:
    server.stop()
    thread.join()
