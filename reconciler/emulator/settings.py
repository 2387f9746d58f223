"""What can be chosen about an emulated registry."""

from __future__ import annotations

from typing import Literal

import attrs

AuthMode = Literal["none", "token", "basic"]


@attrs.frozen
class Settings:
    """One emulated registry's choices; the defaults are a registry that lets everybody in."""

    auth: AuthMode = "none"  # token: data calls need a Bearer token; basic: they also take the user name and password
    username: str = ""  # empty: the token endpoint grants whatever is asked
    password: str = attrs.field(default="", repr=False)
    # Source: help of Update-AzContainerRegistryTag says to enable the repository first; no recording shows it.
    strict_repository_lock: bool = True  # tags and manifests of a repository without write cannot be patched
    teleport: bool = False  # repositories report `teleportEnabled`; real registries differ in this
    latency_ms: float = 0.0  # delay of each answer
