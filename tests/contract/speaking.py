"""
Speak to a registry with plain httpx: sign in when asked, push, and clean up.

It shares no code with the product, so that the two cannot be wrong in the same way.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, Self
from urllib.parse import quote

import attrs
import httpx

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ALL_ON = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
ALL_OFF = dict.fromkeys(ALL_ON, False)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_PATIENCE_S = 60.0  # tests of Microsoft's SDKs wait up to ten seconds between a write and a read


@attrs.frozen
class Target:
    """A registry to hold to the contract, and who calls it."""

    url: str
    username: str = ""
    password: str = attrs.field(default="", repr=False)
    patience_s: float = 0.0  # how long a call is repeated until it shows what was written
    pause_s: float = 1.0  # before it is repeated

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """
        The registry that a person wants examined; None where the environment names none.

        Raises:
            ValueError: a password would travel in the clear, or stands in the URL.
        """
        given = environment.get("RECONCILER_CONTRACT_URL", "")
        if not given:
            return None
        url = httpx.URL(given if "://" in given else f"https://{given}")
        if url.userinfo:
            raise ValueError("RECONCILER_CONTRACT_URL: name the user in RECONCILER_USERNAME and RECONCILER_PASSWORD")
        if url.scheme != "https" and url.host not in _LOOPBACK:
            raise ValueError(f"RECONCILER_CONTRACT_URL={given}: speak https to a registry on another machine")
        patience_s = 0.0 if url.host in _LOOPBACK else _PATIENCE_S
        username, password = (environment.get(f"RECONCILER_{name}", "") for name in ("USERNAME", "PASSWORD"))
        return cls(str(url).rstrip("/"), username, password, patience_s)


class SignIn(httpx.Auth):
    """Asks `/oauth2/token` for what a challenge names, and keeps each token for calls of the same kind."""

    requires_response_body = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._tokens: dict[tuple[str, bytes], str] = {}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send it as it is or with the token at hand; after a challenge with another."""
        kind = request.method, request.url.raw_path.partition(b"?")[0].rpartition(b"/")[0]
        if kind in self._tokens:
            request.headers["authorization"] = f"Bearer {self._tokens[kind]}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            granted = yield self._token_request(answer.headers.get("www-authenticate", ""))
            if granted.is_success:
                self._tokens[kind] = granted.json()["access_token"]
                request.headers["authorization"] = f"Bearer {self._tokens[kind]}"
                yield request

    def _token_request(self, challenge: str) -> httpx.Request:
        found = dict(_PARAMETER.findall(challenge))
        realm = httpx.URL(found.get("realm", ""))
        if (realm.scheme, realm.netloc) != (httpx.URL(self._target.url).scheme, httpx.URL(self._target.url).netloc):
            raise ValueError(f"the registry wants the password sent to {realm}, which is not itself")
        form = {"grant_type": "password", "service": found.get("service", ""), "scope": found.get("scope", "")}
        if self._target.username:
            form |= {"username": self._target.username, "password": self._target.password}
        return httpx.Request("POST", realm, data=form)


class Speaker(httpx.Client):
    """A client that signs in, and that waits for a registry to show what it has been told."""

    def __init__(self, target: Target) -> None:
        super().__init__(base_url=target.url, auth=SignIn(target), trust_env=False, timeout=60)
        self._target = target

    def until(
        self, is_there: Callable[[httpx.Response], bool], method: str, path: str, **options: Any
    ) -> httpx.Response:
        """Call again and again while the answer is not what is waited for; the last answer, whatever it is."""
        end = time.monotonic() + self._target.patience_s
        while True:
            answer = self.request(method, path, **options)
            if is_there(answer) or time.monotonic() >= end:
                return answer
            time.sleep(self._target.pause_s)

    def get_until(self, is_there: Callable[[httpx.Response], bool], path: str, **options: Any) -> httpx.Response:
        """GET `path` until it is what is waited for."""
        return self.until(is_there, "GET", path, **options)


class Repository:
    """A repository that exists for one case."""

    def __init__(self, speaker: Speaker, name: str) -> None:
        self.speaker, self.name = speaker, name
        self.path = f"/acr/v1/{quote(name, safe='')}"
        self._tags: set[str] = set()
        self._digests: set[str] = set()

    def tag(self, name: str) -> str:
        """The path of a tag."""
        return f"{self.path}/_tags/{name}"

    def manifest(self, digest: str) -> str:
        """The path of a manifest."""
        return f"{self.path}/_manifests/{quote(digest, safe='')}"

    def v2(self, reference: str) -> str:
        """The path of a manifest's bytes."""
        return f"/v2/{self.name}/manifests/{reference}"

    def upload(self, content: bytes) -> dict[str, Any]:
        """Send a blob; its descriptor."""
        digest = digest_of(content)
        location = self.speaker.post(f"/v2/{self.name}/blobs/uploads/").headers["location"]
        mark = "&" if "?" in location else "?"
        answer = self.speaker.put(f"{location}{mark}digest={quote(digest, safe='')}", content=content)
        assert 201 == answer.status_code, answer.text
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(content)}

    def image(self, content: bytes = b"one", **members: object) -> bytes:
        """Send the blobs of an image; its manifest, which is not sent."""
        config = self.upload(b'{"architecture":"amd64","os":"linux"}')
        config["mediaType"] = "application/vnd.oci.image.config.v1+json"
        layers = [self.upload(content)]
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers, **members}
        return json.dumps(document).encode()

    def put(self, reference: str, manifest: bytes, media_type: str = OCI_MANIFEST) -> httpx.Response:
        """Send a manifest, and remember what it makes: a hidden tag is in no list."""
        if not reference.startswith("sha256:"):
            self._tags.add(reference)
        self._digests.add(digest_of(manifest))
        return self.speaker.put(self.v2(reference), content=manifest, headers={"content-type": media_type})

    def push(self, *tags: str, content: bytes = b"one", **members: object) -> str:
        """Push an image under each tag, or under its digest alone, and wait until it is seen; the digest."""
        manifest = self.image(content, **members)
        digest = digest_of(manifest)
        for reference in tags or (digest,):
            answer = self.put(reference, manifest)
            assert 201 == answer.status_code, answer.text
        last = self.tag(tags[-1]) if tags else self.manifest(digest)
        self.speaker.get_until(lambda answer: answer.is_success and digest in answer.text, last)
        return digest

    def push_index(self, tag: str, *children: str) -> str:
        """Push an index of manifests that are there; its digest."""
        entries = [
            {"mediaType": OCI_MANIFEST, "digest": child, "size": len(self.speaker.get(self.v2(child)).content)}
            for child in children
        ]
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
        assert 201 == self.put(tag, index, OCI_INDEX).status_code
        self.speaker.get_until(lambda answer: answer.is_success, self.tag(tag))
        return digest_of(index)

    def patch(self, path: str, **changes: bool) -> httpx.Response:
        """PATCH the attributes of something here, and wait until they are seen; the answer to the PATCH."""
        answer = self.speaker.patch(path, json=changes)
        if answer.is_success:
            self.speaker.get_until(lambda seen: changes.items() <= attributes_of(seen).items(), path)
        return answer

    def rows(self, member: str, count: int, query: str = "") -> httpx.Response:
        """The list of `tags` or `manifests`, once it has so many rows."""
        path = f"{self.path}/_{member}{query}"
        return self.speaker.get_until(
            lambda seen: seen.is_success and len(seen.json().get(member) or ()) == count, path
        )

    def counted(self, tags: int) -> httpx.Response:
        """The repository, once it says that it has so many tags."""
        return self.speaker.get_until(lambda seen: seen.is_success and seen.json()["tagCount"] == tags, self.path)

    def gone(self, path: str) -> int:
        """The status of a GET, once what was there has been seen to be gone."""
        return self.speaker.get_until(lambda answer: answer.status_code == httpx.codes.NOT_FOUND, path).status_code

    def unlock(self) -> None:
        """Switch all on: the repository first, as nothing in it can be changed while it is locked."""
        self.speaker.patch(self.path, json=ALL_ON)
        for path in [*map(self.manifest, sorted(self._digests)), *map(self.tag, sorted(self._tags))]:
            self.speaker.patch(path, json=ALL_ON)


def attributes_of(answer: httpx.Response) -> dict[str, Any]:
    """The attributes in an answer about one thing; none where it says something else."""
    if not answer.is_success:
        return {}
    document = answer.json()
    found: dict[str, Any] = document.get("tag", document.get("manifest", document))["changeableAttributes"]
    return found


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal; the code is the text where it is no JSON."""
    try:
        return answer.status_code, answer.json()["errors"][0]["code"]
    except (ValueError, KeyError, IndexError, TypeError):
        return answer.status_code, answer.text


def digest_of(content: bytes) -> str:
    """The digest that names `content`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
