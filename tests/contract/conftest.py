"""
Which registry is held to the contract: one of one's own, or the emulator.

The cases are grouped by what they stand on, in `test_recorded_…`, `test_documented` and
`test_inferred`, so that the name of a case that failed tells what its failure means.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from cleaning import Workshop
from speaking import Repository, Speaker, Target

from reconciler.emulator import EmbeddedEmulator, Settings

_MEANINGS = {
    "recorded": "Recorded traffic of the real registry shows this: either that registry has changed since, or "
    "it is not Azure Container Registry, or the cases are at fault.",
    "documented": "Microsoft or its clients say this, and no recording shows it: the registry knows better.",
    "inferred": "Nothing shows this but reasoning: the registry teaches us something.",
}


def pytest_report_header() -> str | None:
    """Say which registry is about to be written to."""
    target = _named()
    return f"contract: {target.url}" if target else None


def _named() -> Target | None:
    try:
        return Target.from_environment(os.environ)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add to a failure what it means."""
    report = yield
    meaning = _MEANINGS.get(item.path.stem.split("_")[1])
    if report.when == "call" and report.failed and meaning:
        report.sections.append(("what this means", f"{meaning}\nPlease report it: docs/contract.md tells how."))
    return report


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """The registry that the environment names, or an emulator that wants a user name and password."""
    named = _named()
    if named is not None:
        yield named
        return
    password = secrets.token_hex()
    with EmbeddedEmulator(Settings(auth="token", username="contract", password=password)) as emulator:
        yield Target(emulator.url, "contract", password)


@pytest.fixture(scope="session")
def speaker(target: Target) -> Iterator[Speaker]:
    """One client for all cases, as it keeps its tokens."""
    with Speaker(target) as client:
        yield client


@pytest.fixture
def repository(speaker: Speaker) -> Iterator[Repository]:
    """A repository for one case; nothing is in it, and nothing of it is left."""
    workshop = Workshop(speaker)
    try:
        yield workshop.claim()
    finally:
        workshop.remove_all()
