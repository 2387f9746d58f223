"""What can be chosen about an emulated registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from reconciler.emulator.identities import Identity

AuthMode = Literal["none", "token", "basic"]


@attrs.frozen
class Settings:
    """One emulated registry's choices; the defaults are a registry that lets everybody in."""

    auth: AuthMode = "none"  # token: data calls need a Bearer token; basic: they also take a user name and password
    username: str = ""  # of the admin user; nobody known at all: everybody gets whatever token is asked
    password: str = attrs.field(default="", repr=False)
    identities: tuple[Identity, ...] = ()  # who else is known, each with what they may do
    anonymous_pull: bool = False  # who says nothing may list and read
    abac: bool = False  # wildcard scopes mean nothing; refresh tokens carry `aad_identity`
    arm_audience: bool = True  # Entra tokens made for Azure Resource Manager are taken too, as real registries do
    access_lifetime_s: float = 3600  # in whole seconds
    refresh_lifetime_s: float = 3 * 3600  # in whole seconds
    identity_header: str = attrs.field(default="", repr=False)  # of the managed identity endpoint; empty: made anew
    # Source: help of Update-AzContainerRegistryTag says to enable the repository first; no recording shows it.
    strict_repository_lock: bool = True  # tags and manifests of a repository without write cannot be patched
    teleport: bool = False  # repositories report `teleportEnabled`; real registries differ in this
    latency_ms: float = 0.0  # delay of each answer
    faults: Mapping[str, Any] = attrs.field(factory=dict)  # what goes wrong from the start, as `Faults.load` takes it
    admin: bool = False  # whoever reaches the emulator may change its faults; else only who runs on the same machine
