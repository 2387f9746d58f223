"""
A look-alike of Azure Container Registry that runs anywhere, for trying things out and for tests.

It shares no code with the client, so that a wrong name cannot cancel itself out.
"""

from reconciler.emulator.embedded import EmbeddedEmulator
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.faults_file import read_faults
from reconciler.emulator.identities import Identity
from reconciler.emulator.identities_file import read_identities
from reconciler.emulator.recorder import RecordedRequest
from reconciler.emulator.server import run
from reconciler.emulator.settings import Settings

__all__ = [
    "EmbeddedEmulator",
    "EmulatorError",
    "Identity",
    "RecordedRequest",
    "Settings",
    "read_faults",
    "read_identities",
    "run",
]
