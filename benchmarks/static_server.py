"""
A registry that costs next to nothing, so that a benchmark measures the client.

The answers have the shapes that Azure Container Registry sends, and are rendered
before the first request arrives. There is no sign-in, no fault and no state but
what a PATCH changed; the embedded emulator has all that, and is far too slow to
measure against. Requests are counted by method and kind, because two clients may
only be compared when they ask for the same things.

Run it as a process of its own; it prints READY and its address.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections import Counter
from urllib.parse import parse_qs, quote, unquote

import attrs

CONTROL = "/benchmark"  # GET tells the counts, DELETE forgets them and every change
DEFAULT_PAGE, LARGEST_PAGE = 100, 1000  # Source: Azure/azure-powershell#16032 and Azure/acr#749
REGISTRY = "benchmark.azurecr.io"
_CREATED = "2026-03-01T08:15:30.1234567Z"
_HEADERS = (
    "server: openresty\r\n"
    "date: Sun, 01 Mar 2026 08:15:30 GMT\r\n"
    "content-type: application/json; charset=utf-8\r\n"
    "connection: keep-alive\r\n"
    "access-control-expose-headers: Docker-Content-Digest, WWW-Authenticate, Link, X-Ms-Correlation-Request-Id\r\n"
    "docker-distribution-api-version: registry/2.0\r\n"
    "x-content-type-options: nosniff\r\n"
    "x-ms-correlation-request-id: 2f0c8c1e-6d0b-4f0a-9f7e-0c8b7f1f6a11\r\n"
)
_REASONS = {200: "OK", 202: "Accepted", 404: "Not Found", 405: "Method Not Allowed"}
_NO_TAG = ("TAG_UNKNOWN", "the specified tag does not exist")


@attrs.frozen
class Content:
    """What the registry holds. Names and flags follow from the numbers, so nothing is stored."""

    repositories: int
    tags: int  # in each repository
    differing: int  # tags of all repositories with deleteEnabled true, spread evenly

    def repository_names(self) -> list[str]:
        """All names, in the order of the catalog."""
        return [f"team{number // 100:03}/service{number:05}" for number in range(self.repositories)]

    def tag_names(self) -> list[str]:
        """The names of the tags in every repository, in the order of its list."""
        return [f"v1.0.{number:05}" for number in range(self.tags)]

    def differs(self, repository: int, tag: int) -> bool:
        """Whether the tag is one of those that a plan has to change."""
        position, total = repository * self.tags + tag, self.repositories * self.tags
        return position * self.differing // total != (position - 1) * self.differing // total


class Registry:
    """Turns a request into the bytes of an answer."""

    def __init__(self, content: Content) -> None:
        self.counts: Counter[str] = Counter()
        self._content = content
        self._tag_numbers = {name: number for number, name in enumerate(content.tag_names())}
        self._numbers = {name: number for number, name in enumerate(content.repository_names())}
        self._changed: dict[str, dict[str, dict[str, bool]]] = {}
        self._repository_flags = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
        self._repositories = {name: self._repository(name) for name in self._numbers}
        self._lists = {name: self._tag_list(name, list(self._tag_numbers)) for name in self._numbers}

    def answer(self, method: str, target: str, body: bytes) -> bytes:
        """The whole answer, head and body, to one request."""
        path, _, query = target.partition("?")
        if path == CONTROL:
            return self._control(method)
        kind, answer = self._route(method, path, query, body)
        self.counts[f"{method} {kind}"] += 1
        return answer

    def _route(self, method: str, path: str, query: str, body: bytes) -> tuple[str, bytes]:
        """What kind of request it is, and the answer."""
        name, found, tag = unquote(path).removeprefix("/acr/v1/").partition("/_tags")
        if name in self._numbers and tag:
            return "tag", self._tag(method, name, tag.removeprefix("/"), body)
        if method != "GET":
            return "other", _refusal(405, "UNSUPPORTED", "The operation is unsupported.")
        if name in self._numbers:
            return ("tags", self._tags(name, path, query)) if found else ("repository", self._repositories[name])
        if name == "_catalog":
            return "catalog", self._catalog(query)
        return "other", _refusal(404, "NAME_UNKNOWN", f'repository "{name}" is not found')

    def _control(self, method: str) -> bytes:
        answer = _render(dict(sorted(self.counts.items())))
        if method == "DELETE":
            self.counts.clear()
            self._changed.clear()
        return answer

    def _catalog(self, query: str) -> bytes:
        names, link = _page(list(self._numbers), "/acr/v1/_catalog", query)
        return _render({"repositories": names}, link)

    def _tags(self, name: str, path: str, query: str) -> bytes:
        names, link = _page(list(self._tag_numbers), path, query)
        if len(names) == len(self._tag_numbers) and name not in self._changed:
            return self._lists[name]
        return self._tag_list(name, names, link)

    def _tag(self, method: str, name: str, tag: str, body: bytes) -> bytes:
        if tag not in self._tag_numbers:
            return _refusal(404, *_NO_TAG)
        if method == "PATCH":
            self._changed.setdefault(name, {}).setdefault(tag, {}).update(json.loads(body))
        return _render({"registry": REGISTRY, "imageName": name, "tag": self._tag_document(name, tag)})

    def _repository(self, name: str) -> bytes:
        return _render(
            {
                "registry": REGISTRY,
                "imageName": name,
                "createdTime": _CREATED,
                "lastUpdateTime": _CREATED,
                "manifestCount": self._content.tags,
                "tagCount": self._content.tags,
                "changeableAttributes": self._repository_flags,
            }
        )

    def _tag_list(self, name: str, tags: list[str], link: str = "") -> bytes:
        documents = [self._tag_document(name, tag) for tag in tags]
        return _render({"registry": REGISTRY, "imageName": name, "tags": documents}, link)

    def _tag_document(self, name: str, tag: str) -> dict[str, object]:
        differs = self._content.differs(self._numbers[name], self._tag_numbers[tag])
        flags = {"deleteEnabled": differs, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
        return {
            "name": tag,
            "digest": f"sha256:{hashlib.sha256(f'{name}:{tag}'.encode()).hexdigest()}",
            "createdTime": _CREATED,
            "lastUpdateTime": _CREATED,
            "signed": False,
            "changeableAttributes": flags | self._changed.get(name, {}).get(tag, {}),
        }


class Connection(asyncio.Protocol):
    """One client: HTTP/1.1, kept alive, one request after another."""

    def __init__(self, registry: Registry, latency_s: float) -> None:
        self._registry = registry
        self._latency_s = latency_s
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete; keep the rest until more arrives."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            whole = end + 4 + _content_length(head)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            method, target, _ = head.split(" ", 2)
            self._send(self._registry.answer(method, target, body))

    def _send(self, answer: bytes) -> None:
        if self._latency_s:
            asyncio.get_running_loop().call_later(self._latency_s, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _content_length(head: str) -> int:
    _, found, rest = head.lower().partition("\r\ncontent-length:")
    return int(rest.partition("\r\n")[0]) if found else 0


def _page(names: list[str], path: str, query: str) -> tuple[list[str], str]:
    """The names on the page that `query` asks for, and the Link to the next one, if there is one."""
    wanted = parse_qs(query)
    size = min(LARGEST_PAGE, int(wanted.get("n", [str(DEFAULT_PAGE)])[0]))
    start = names.index(wanted["last"][0]) + 1 if "last" in wanted else 0
    page = names[start : start + size]
    if start + size >= len(names):
        return page, ""
    # Source: recording test_list_repository_names_by_page; `orderby=` is there, and empty.
    return page, f'link: <{path}?last={quote(page[-1], safe="")}&n={size}&orderby=>; rel="next"\r\n'


def _render(document: object, link: str = "", *, status: int = 200) -> bytes:
    body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\n{_HEADERS}{link}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _refusal(status: int, code: str, message: str) -> bytes:
    return _render({"errors": [{"code": code, "message": message}]}, status=status)


async def serve(content: Content, *, port: int, latency_s: float) -> None:
    """Answer on 127.0.0.1 until the process is ended."""
    registry = Registry(content)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(registry, latency_s), "127.0.0.1", port, backlog=1024)
    print(f"READY http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("--repositories", type=int, default=1000)
    parser.add_argument("--tags", type=int, default=100, help="in each repository")
    parser.add_argument("--differing", type=int, default=1000, help="tags of all with deleteEnabled true")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="before each answer")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    wanted = parser.parse_args()
    content = Content(wanted.repositories, wanted.tags, wanted.differing)
    asyncio.run(serve(content, port=wanted.port, latency_s=wanted.latency_ms / 1000))


if __name__ == "__main__":
    main()
