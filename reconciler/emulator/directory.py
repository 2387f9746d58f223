"""
Who is known to an emulated registry, and by what they prove it.

Where nobody is named, everybody is let in as somebody who may do everything: the
registry then shows how signing in goes, and not who may do what.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.identities import Identity
from reconciler.emulator.settings import Settings

_ANYBODY = Identity("emulator", "admin", "-")  # its password is never asked for
# Source: recordings of anonymous access, azure-sdk-for-python: catalog and reads succeed, every write is 401.
_ANONYMOUS = Identity("anonymous", "scope-map", "-", {"*": ("pull", "metadata_read")})  # nor is this one's


class Directory:
    """Finds identities."""

    def __init__(self, settings: Settings) -> None:
        """
        Enter those of the settings.

        Raises:
            EmulatorError: two have the same name.
        """
        admins = [Identity(settings.username, "admin", settings.password)] if settings.username else []
        self._identities: dict[str, Identity] = {}
        for identity in (*admins, *settings.identities):
            if identity.name in self._identities:
                raise EmulatorError(f'two identities are named "{identity.name}"')
            self._identities[identity.name] = identity
        self._is_open = settings.auth == "none" or not (self._identities or settings.anonymous_pull)
        self._takes_any_entra_token = settings.auth == "none" or not (settings.identities or settings.anonymous_pull)
        self._anonymous = _ANONYMOUS if settings.anonymous_pull else None

    @property
    def entra(self) -> Sequence[Identity]:
        """Those who bring tokens of Entra's."""
        return [identity for identity in self._identities.values() if identity.kind == "entra"]

    @property
    def anonymous(self) -> Identity | None:
        """Who somebody is that says nothing; None where nobody may."""
        return _ANYBODY if self._is_open else self._anonymous

    @property
    def any_entra_identity(self) -> Identity | None:
        """Who brings just any token of Entra's; None where it is looked at."""
        return next(iter(self._identities.values()), _ANYBODY) if self._takes_any_entra_token else None

    def named(self, name: str) -> Identity | None:
        """The identity of that name."""
        return _ANYBODY if self._is_open else self._identities.get(name)

    def signed_in(self, username: str, password: str) -> Identity | None:
        """The identity of that name, if that is its password."""
        if self._is_open:
            return _ANYBODY
        identity = self._identities.get(username)
        if identity is None or not identity.password:
            return None
        return identity if hmac.compare_digest(identity.password.encode(), password.encode()) else None
