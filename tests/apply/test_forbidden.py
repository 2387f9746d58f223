"""A run that may not change anything any more, such as one whose run lock was lost, stops where it stands."""

from __future__ import annotations

import pytest
from test_apply import LOCK_TAGS, _client, _plan

from reconciler.apply import Interrupt, apply_plan


@pytest.mark.parametrize("asked", [0, 1], ids=["before it looks", "after it looked"])
async def test_no_patch_is_sent_once_it_is_forbidden(emulator, asked):
    """Looking takes time, so it is asked again just before the PATCH."""
    emulator.push("web/api:v1", content=b"one")
    answers = [*[""] * asked, *["the run lock was taken away by ci@runner-9"] * 9]

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        report = await apply_plan(
            plan,
            client,
            concurrency=1,
            sink=lambda event: None,
            interrupt=Interrupt(),
            forbidden=lambda: answers.pop(0),
        )

    (outcome,) = report.outcomes
    assert ("not-attempted", "the run lock was taken away by ci@runner-9") == (outcome.status, outcome.message)
    assert [] == emulator.requests("PATCH")
