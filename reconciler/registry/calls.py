"""
One call, signed in for what it needs, and a list as the chain of calls that it is.

What `client` names and takes apart is sent here: a refusal becomes an error with what
would help, and nothing else is decided.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from reconciler.errors import NotFoundError
from reconciler.registry import shapes
from reconciler.registry.auth import Authenticator
from reconciler.registry.exchange import Answer, Kind, Method, Request
from reconciler.registry.pages import Chain
from reconciler.registry.targets import needed
from reconciler.registry.tokens import Scope, repository_scope
from reconciler.registry.transport import Transport

_KINDS: dict[Method, Kind] = {"GET": "read", "DELETE": "delete"}
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.artifact.manifest.v1+json",
    "*/*",
)


class Calls:
    """What can be asked of one registry, whatever it is about."""

    def __init__(self, transport: Transport, authenticator: Authenticator) -> None:
        self._transport = transport
        self._authenticator = authenticator

    async def send(
        self,
        method: Method,
        target: str,
        scope: Scope,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        expected: int = 200,
        not_after_s: float | None = None,
    ) -> Answer:
        """
        The answer, which has the status `expected`.

        Raises:
            ApiError: it has another one.
            TooLateError: it was not sent, because its turn came after `not_after_s`.
        """
        request = Request(method, target, _KINDS.get(method, "write"), headers, body, not_after_s)
        answer = await self._authenticator.send(request, scope)
        if answer.status != expected:
            raise self._authenticator.refusal(answer, needed(method, target, scope))
        return answer

    async def delete(self, target: str, repository: str, not_after_s: float | None) -> Answer | None:
        """The answer; None where the registry says that there was none, which other clients take for success, too."""
        scope = repository_scope(repository)
        try:
            return await self.send("DELETE", target, scope, expected=202, not_after_s=not_after_s)
        except NotFoundError as error:
            if not error.is_certain:
                raise
            return None

    async def pages(
        self,
        target: str,
        scope: Scope,
        read: Callable[[Answer], list[shapes.Item]],
        name_of: Callable[[shapes.Item], str],
        *,
        is_sorted: bool = True,
    ) -> AsyncGenerator[tuple[list[shapes.Item], bool]]:
        """Each page of a list as `read` takes it, and whether there is another one."""
        chain = Chain(self._transport.location, target, is_sorted=is_sorted)
        while target:
            answer = await self.send("GET", target, scope)
            target = chain.next_target(answer)
            items = read(answer)
            chain.check_names(answer, list(map(name_of, items)))
            yield items, bool(target)
