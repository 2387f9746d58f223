"""Who signs in, as values: what was found, and never where it may go."""

from __future__ import annotations

from typing import TypeAlias

import attrs

# With this user the password is a refresh token. Source: Azure/acr docs/AAD-OAuth.md, "Docker login".
REFRESH_TOKEN_USER = "00000000-0000-0000-0000-000000000000"  # noqa: S105 - no password


@attrs.frozen
class Password:
    """A user name and password: the admin user, a service principal, or a scope-map token."""

    username: str
    password: str = attrs.field(repr=False)


@attrs.frozen
class RefreshToken:
    """A token of the registry's own that buys access tokens, for three hours after it was made."""

    value: str = attrs.field(repr=False)


Credential: TypeAlias = Password | RefreshToken
