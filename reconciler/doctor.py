"""
What stands between this machine and a registry: reach, sign-in, permissions.

Each question is asked of the registry itself, and none of them changes anything. What
cannot be tried without a change, such as writing, is read in the token that the
registry makes: it lists what it grants. A registry that makes no tokens leaves that
open, and it is told as not known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from reconciler.errors import (
    ApiError,
    NotFoundError,
    ReconcilerError,
    RegistryError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
    first_of,
)
from reconciler.model.diagnosis import Check, Diagnosis, Examined, Grant
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.registry.client import Client
from reconciler.registry.permissions import CATALOG_PERMISSION, PERMISSIONS, Permission, granted_by
from reconciler.registry.tokens import Claims, repository_scope

ACTIONS = ("metadata_read", "metadata_write", "delete", "pull", "push")
_UNAUTHORIZED = 401
_BATCH = 16  # scopes in one token; it travels in a header

Item = TypeVar("Item")


async def diagnose(client: Client, index: DesiredIndex | None, *, concurrency: int) -> Diagnosis:
    """
    Ask `client`'s registry everything, and change nothing.

    Args:
        client: The registry.
        index: What the files declare; None where no file is given.
        concurrency: How many repositories to ask about at the same time; at least 1.
    """
    checks = await _reach(client)
    if any(check.verdict == "no" for check in checks):
        return Diagnosis(tuple(checks))
    needs_catalog = index is None or index.needs_catalog
    catalog, listed = await _catalog(client, is_needed=index is not None and needs_catalog, is_asked=needs_catalog)
    checks += catalog
    if index is None:
        return Diagnosis(tuple(checks))
    names = [name for name in dict.fromkeys((*index.exact_repositories, *listed)) if _is_declared(index, name)]
    try:
        needed = {name: _needed(index.for_repository(name)) for name in names}
        return Diagnosis(tuple(checks), await _repositories(client, needed, concurrency))
    except* ReconcilerError as failures:
        checks.append(Check("read", "no", str(first_of(failures))))
    return Diagnosis(tuple(checks))


async def _reach(client: Client) -> list[Check]:
    """Whether the registry answers, and whether it lets us in: two things, and people look for them in two places."""
    reached = Check("reach", "yes", f"answers {_secured(client)}")
    try:
        await client.ping()
    except ApiError as error:
        if error.method == "POST":
            return [reached, Check("sign-in", "no", str(error))]
        return [Check("reach", "no", str(error))]
    except RegistryError as error:
        return [Check("reach", "no", str(error))]
    except ReconcilerError as error:  # what there is to sign in with is no good
        return [reached, Check("sign-in", "no", str(error))]
    return [reached, _signed_in(client)]


def _secured(client: Client) -> str:
    return "over TLS, with a certificate that verifies" if client.is_encrypted else "without TLS"


def _signed_in(client: Client) -> Check:
    known = client.signed_in
    if known is None:
        return Check("sign-in", "unknown", "the registry asks nobody to sign in", is_needed=False)
    who = f"{known.who} ({known.way})" if known.who else known.way
    return Check("sign-in", "yes", "\n".join([who, *_until(known.claims), *known.passed_over]))


def _until(claims: Claims) -> list[str]:
    """When the token ends, on the registry's clock; nothing where it does not tell, or tells nonsense."""
    try:
        ends = datetime.fromtimestamp(claims.ends_s, UTC)
    except (OverflowError, OSError, ValueError):
        return []
    return [f"until {ends:%Y-%m-%d %H:%M} UTC, and renewed before"] if claims.ends_s > 0 else []


async def _catalog(client: Client, *, is_needed: bool, is_asked: bool) -> tuple[list[Check], list[str]]:
    if not is_asked:
        return [], []
    names: list[str] = []
    try:
        async for page in client.catalog():
            names += page
    except ReconcilerError as error:
        if not _lacks_permission(error):
            return [Check("catalog", "no", str(error))], []
        only = "" if is_needed else ";\n  only rules that mean repositories by a pattern need it"
        return [Check("catalog", "no", f"takes {granted_by(CATALOG_PERMISSION)}{only}", is_needed=is_needed)], []
    found = f"{len(names):,} {'repository' if len(names) == 1 else 'repositories'}"
    return [Check("catalog", "yes", found, is_needed=is_needed)], names


def _is_declared(index: DesiredIndex, name: str) -> bool:
    rules = index.for_repository(name)
    return rules.declares_attributes or rules.declares_tags or rules.declares_manifests


def _needed(rules: RepositoryRules) -> set[str]:
    """What apply may have to do beside reading: a move is a pull and a push, and what may go is looked into first."""
    entries = (*rules.rules, *rules.tag_rules, *rules.manifest_rules)
    deletes = any(entry.ensure or getattr(entry, "keep", None) for entry in entries)
    needed = {"metadata_write", *(("delete",) if deletes else ())}
    if any(entry.digest for entry in rules.tag_rules):
        needed |= {"pull", "push"}
    return needed | ({"pull"} if rules.deletes_manifests else set())


async def _repositories(
    client: Client, needed: Mapping[str, Collection[str]], concurrency: int
) -> tuple[Examined, ...]:
    """Each repository, with the actions that are needed in it."""
    granted = await _granted(client, list(needed))
    slots = asyncio.Semaphore(concurrency)

    async def examine(name: str) -> Examined:
        async with slots:
            return await _examine(client, name, granted.get(name), needed[name])

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(examine(name)) for name in sorted(needed)]
    return tuple(task.result() for task in tasks)


async def _granted(client: Client, names: Sequence[str]) -> dict[str, Claims | None]:
    """What a token for each repository grants; asked for several at once."""
    granted: dict[str, Claims | None] = {}
    for some in _batches(names):
        claims = await client.granted(*(repository_scope(name, *ACTIONS) for name in some))
        granted |= dict.fromkeys(some, claims)
    return granted


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))


async def _examine(client: Client, name: str, claims: Claims | None, needed: Collection[str]) -> Examined:
    is_there, read = await _read(client, name)
    grants = [read, *(_grant(action, name, claims, is_needed=action in needed) for action in ACTIONS[1:])]
    return Examined(name, tuple(grants), is_there)


async def _read(client: Client, name: str) -> tuple[bool, Grant]:
    """Whether the repository is there, and whether its metadata can be read, which can be tried."""
    action = ACTIONS[0]
    try:
        await client.repository(name)
    except ReconcilerError as error:
        if isinstance(error, ThrottledError | UnreachableError):
            raise  # asking for the others would end the same way, later
        if isinstance(error, NotFoundError) and error.code == "NAME_UNKNOWN":
            return False, Grant(action, "yes", is_needed=True)
        why = granted_by(PERMISSIONS[action]) if _lacks_permission(error) else _first_line(error)
        return True, Grant(action, "no", is_needed=True, message=why)
    return True, Grant(action, "yes", is_needed=True)


def _grant(action: str, name: str, claims: Claims | None, *, is_needed: bool) -> Grant:
    permission: Permission = PERMISSIONS[action]
    if claims is None or claims.access is None:
        return Grant(action, "unknown", is_needed, "no token tells")
    if claims.grants(repository_scope(name, action)):
        return Grant(action, "yes", is_needed)
    return Grant(action, "no", is_needed, granted_by(permission))


def _lacks_permission(error: ReconcilerError) -> bool:
    """The registry knows who asks, and that is not enough; 403 is a firewall's."""
    return isinstance(error, UnauthorizedError) and error.status == _UNAUTHORIZED and error.method == "GET"


def _first_line(error: ReconcilerError) -> str:
    return str(error).partition("\n")[0]
