"""
What a call needs to be permitted, in the words of those who grant it.

A missing permission is 401 and names an action of the registry's own. Nobody grants
that; people assign roles, write data actions into custom roles, or edit scope maps.
"""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from reconciler.registry.exchange import Answer, printable
from reconciler.registry.tokens import Scope

_DATA_ACTIONS = "Microsoft.ContainerRegistry/registries"


@attrs.frozen
class Permission:
    """One action of the registry, and what grants it."""

    means: str
    data_action: str
    role: str  # a built-in role of Microsoft Entra that has the data action
    scope_map: str  # the action in the scope map of a token


# Source: MicrosoftDocs/azure-management-docs, container-registry-rbac-built-in-roles-directory-reference.md and
# container-registry-token-based-repository-permissions.md.
PERMISSIONS = {
    "metadata_read": Permission(
        "read metadata",
        f"{_DATA_ACTIONS}/repositories/metadata/read",
        "Container Registry Repository Reader",
        "metadata/read",
    ),
    "metadata_write": Permission(
        "write metadata",
        f"{_DATA_ACTIONS}/repositories/metadata/write",
        "Container Registry Repository Writer",
        "metadata/write",
    ),
    "delete": Permission(
        "delete",
        f"{_DATA_ACTIONS}/repositories/content/delete",
        "Container Registry Repository Contributor",
        "content/delete",
    ),
    "pull": Permission(
        "pull",
        f"{_DATA_ACTIONS}/repositories/content/read",
        "Container Registry Repository Reader",
        "content/read",
    ),
    "push": Permission(
        "push",
        f"{_DATA_ACTIONS}/repositories/content/write",
        "Container Registry Repository Writer",
        "content/write",
    ),
}
CATALOG_PERMISSION = Permission(
    "list repositories",
    f"{_DATA_ACTIONS}/catalog/read",
    "Container Registry Repository Catalog Lister",
    "every repository (*)",
)


def permission_for(scope: Scope) -> Permission | None:
    """What grants the first action of `scope`; None where we do not know it."""
    if scope.kind == "registry":
        return CATALOG_PERMISSION
    return next((PERMISSIONS[action] for action in scope.actions if action in PERMISSIONS), None)


def what_is_missing(answer: Answer, asked: Scope) -> str:
    """What takes the call that was refused; `asked` is what we think, where the registry does not say it."""
    scope = _refused_scope(answer) or asked
    permission = permission_for(scope)
    if permission is None:
        return ""
    where = f" on {printable(scope.name)}" if scope.kind == "repository" else ""
    return f"to {permission.means}{where} takes {granted_by(permission)}"


def granted_by(permission: Permission) -> str:
    """What grants a permission, in the words of both who assign roles and who write scope maps."""
    return (
        f'the role "{permission.role}",\n'
        f"  or the data action\n  {permission.data_action};\n"
        f"  in a scope map {permission.scope_map}"
    )


def _refused_scope(answer: Answer) -> Scope | None:
    """The scope in the detail of a 401. Source: all recordings with a challenge."""
    try:
        rows: list[Any] = orjson.loads(answer.body)["errors"][0]["detail"]
        said = [rows[0]["Type"], rows[0]["Name"], *(row["Action"] for row in rows)]
        if not all(isinstance(text, str) for text in said):
            return None
        return Scope(said[0], answer.secrets.masked(said[1]), tuple(said[2:]))
    except (ValueError, LookupError, TypeError):
        return None
