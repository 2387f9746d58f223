"""
One change being made.

Nothing is ever sent on the strength of an old look, and nothing is repeated blindly:
where an answer was lost, a look tells whether it was carried out. What was seen in
between decides how the change ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Literal, TypeAlias

from reconciler.apply.retrying import FRESH_S, MAX_ATTEMPTS, READ_BACK_DELAYS_S, may_have_happened, pause_s
from reconciler.apply.steps import Step, differences, holds, steps_of
from reconciler.apply.unlocks import Unlocks
from reconciler.apply.vias import Vias, points_elsewhere
from reconciler.errors import (
    ApiError,
    DisallowedError,
    NotFoundError,
    ReconcilerError,
    TooLateError,
    UnreachableError,
)
from reconciler.events import SO_ALREADY, Outcome
from reconciler.model.attributes import DIGEST
from reconciler.planning.patch import failed_tests
from reconciler.planning.plan import Change
from reconciler.registry.client import Client
from reconciler.registry.exchange import steady_s
from reconciler.registry.looks import Look
from reconciler.registry.patience import MAX_PAUSE_S, MAX_WAIT_S
from reconciler.registry.resources import Content

Ended: TypeAlias = Outcome | Literal["sent", "late"]
NEW_PLAN = "It changed after the plan was made; make a new plan."
_FEW_AT_A_TIME = 2


class Tools:
    """What all attempts of a run share."""

    def __init__(
        self, client: Client, unlocks: Unlocks, forbidden: Callable[[], str], *, fresh_s: float = FRESH_S
    ) -> None:
        self.client = client
        self.fresh_s = fresh_s  # what was read longer ago is read again before something is sent
        self.unlocks = unlocks
        self.forbidden = forbidden
        self.vias = Vias(client)
        # Whose turn came too late once queues again with few others, so that it comes sooner.
        self.lane = asyncio.Semaphore(_FEW_AT_A_TIME)


class Attempt:
    """One change, how far it has come, and whether something of it may have been carried out."""

    def __init__(self, change: Change, tools: Tools) -> None:
        self.change = change
        self._tools = tools
        self._client = tools.client
        self._steps = steps_of(change)
        self._at = 0
        self._sent = ""  # the last request that left and was not certainly refused
        self._is_step_sent = False  # one of the step that is under way
        self._tries = 0
        self._late_since_s: float | None = None
        self._content: Content | None = None
        self._keys = tools.unlocks.keys_for(change)

    async def run(self) -> Outcome:
        """Make it, to its end."""
        look: Look | None = None
        while True:
            ended = await self.until_sent(look)
            if isinstance(ended, Outcome):
                return ended
            seen = await self._until_seen()
            if isinstance(seen, Outcome):
                return seen
            if not self._advance():
                return Outcome(self.change, "verified")
            look = seen

    async def until_sent(self, look: Look | None = None, *, may_be_late: bool = False) -> Ended:
        """
        Go on until the request of the present step was taken by the registry, or the change has ended.

        Args:
            look: What was seen of it, if something was.
            may_be_late: Say so where `look` is too old by now, instead of looking again.
        """
        while True:
            try:
                async with contextlib.nullcontext() if self._late_since_s is None else self._tools.lane:
                    ended = await self._once(look or await self._client.look(self.change.address))
            except TooLateError:
                if may_be_late and look is not None and not self._sent:
                    return "late"
                self._note_late()
            else:
                if ended is not None:
                    return ended
            look = None

    def seen_in(self, look: Look) -> Outcome | None:
        """The outcome of a change that was sent, where `look` shows that it was made."""
        return Outcome(self.change, "verified") if holds(self.change.after or None, look.document) else None

    def is_doubted_by(self, look: Look) -> bool:
        """It would not be made as things look. What a page shows may lag, so that is worth a look of its own."""
        is_made, tests = holds(self.change.after or None, look.document), self._step.tests
        return not is_made and (look.document is None or tests is None or bool(failed_tests(tests, look.document)))

    async def finish(self) -> Outcome:
        """The outcome of a change whose last request was sent."""
        seen = await self._until_seen()
        return seen if isinstance(seen, Outcome) else Outcome(self.change, "verified")

    def failed(self, error: Exception) -> Outcome:
        """The outcome when the registry, the way to it or we ourselves failed."""
        said = str(error) if isinstance(error, ReconcilerError) else f"reconciler itself failed: {error!r}"
        if not self._sent:
            return Outcome(self.change, "failed", said)
        if not self._is_step_sent:
            return Outcome(self.change, "unconfirmed", f"only part of it was done, the {self._sent}; then: {said}")
        return Outcome(
            self.change, "unconfirmed", f"a {self._sent} was sent, and whether it holds is not known: {said}"
        )

    def cut_off(self) -> Outcome:
        """The outcome when there was no time to finish."""
        return self._stopped("interrupted")

    @property
    def _step(self) -> Step:
        return self._steps[self._at]

    def _advance(self) -> bool:
        """Go to the next step; whether there is one."""
        if self._at + 1 == len(self._steps):
            return False
        self._at, self._is_step_sent, self._tries = self._at + 1, False, 0
        return True

    async def _once(self, look: Look) -> Ended | None:
        """Send the request if `look` permits; None: look again."""
        known = self._judged(look) or await self._prepared()
        if known:
            return known
        not_after_s = look.at_s + self._tools.fresh_s
        if self.change.via:
            tag = await self._tools.vias.look(self.change.via.address)
            if how := points_elsewhere(self.change.via, tag):
                return self._changed(how)
            not_after_s = min(not_after_s, tag.at_s + self._tools.fresh_s)
        if why := self._tools.forbidden():  # it took time to look
            return self._stopped(why)
        failure = await self._send(not_after_s)
        return "sent" if failure is None else await self._after(failure)

    def _judged(self, look: Look) -> Outcome | None:
        """The outcome, where it is as it should be, or not as the plan was made for; None: go on."""
        if holds(self._steps[-1].after, look.document):
            return Outcome(self.change, "verified", "" if self._sent else SO_ALREADY)
        while self._is_step_sent and holds(self._step.after, look.document):
            self._advance()
        tests = self._step.tests
        if tests is None:
            there = look.document and look.document.get(DIGEST)
            return self._changed(f"it is there already and points at {there}") if look.document else None
        if look.document is None:
            return self._changed(f"it is not there any more: {look.said}")
        mismatches = failed_tests(tests, look.document)
        return self._changed("; ".join(map(str, mismatches))) if mismatches else None

    async def _prepared(self) -> Outcome | None:
        """Have the bytes that a tag is to point at; the outcome where they cannot be had."""
        if self._step.verb != "PUT" or self._content is not None:
            return None
        digest = str(self.change.after[DIGEST])
        try:
            self._content = await self._client.content(self.change.address.repository, digest)
        except NotFoundError as error:
            if not error.is_certain:
                raise
            return self._changed(f"the repository does not hold {digest} any more: {error}")
        except DisallowedError as error:
            if self._sent:
                raise
            return Outcome(self.change, "blocked", f"{digest} may not be read: {error}")
        return None

    async def _send(self, not_after_s: float) -> UnreachableError | ApiError | None:
        """Send the request of the step; what went wrong, if something did."""
        before = self._sent, self._is_step_sent
        self._sent, self._is_step_sent = self._step.verb, True
        try:
            await self._request(not_after_s)
        except TooLateError:
            self._sent, self._is_step_sent = before
            raise
        except (UnreachableError, ApiError) as error:
            if not may_have_happened(error, self._step.verb):
                self._sent, self._is_step_sent = before
            return error
        return None

    async def _request(self, not_after_s: float) -> None:
        address, step = self.change.address, self._step
        if step.verb == "PATCH":
            await self._client.update(address, step.body, not_after_s=not_after_s)
        elif self._content is not None:
            await self._client.put_content(address.repository, address.tag, self._content, not_after_s=not_after_s)
        elif address.tag:
            await self._client.delete_tag(address, not_after_s=not_after_s)
        elif address.digest:
            await self._client.delete_manifest(address, not_after_s=not_after_s)
        else:
            await self._client.delete_repository(address.repository, not_after_s=not_after_s)

    async def _after(self, failure: UnreachableError | ApiError) -> Outcome | None:
        """The outcome of a change whose request failed; None: look again."""
        if isinstance(failure, DisallowedError) and failure.method == self._step.verb:
            why = await self._tools.unlocks.help(self._keys)
            return None if why is None else await self._given_up(failure, why)
        self._tries += 1
        delay_s = pause_s(failure, self._tries)
        can_help = may_have_happened(failure, self._step.verb) and delay_s <= MAX_PAUSE_S
        if self._tries == MAX_ATTEMPTS or not can_help:
            return await self._given_up(failure)
        await asyncio.sleep(delay_s)
        return None

    async def _given_up(self, failure: UnreachableError | ApiError, why: str = "") -> Outcome | None:
        """The outcome of a change whose last request failed; an earlier one may have been carried out all the same."""
        if self._sent:
            step, known = self._at, self._judged(await self._client.look(self.change.address))
            if known or self._at > step:
                return known
        elif isinstance(failure, DisallowedError):
            return Outcome(self.change, "blocked", "\n  ".join(filter(None, [str(failure), why])))
        raise failure

    async def _until_seen(self) -> Look | Outcome:
        """Read until the registry shows what was asked for, within bounds."""
        wanted = self._step.after
        for delay_s in (*READ_BACK_DELAYS_S, None):
            look = await self._client.look(self.change.address)
            if holds(wanted, look.document):
                return look
            if look.document is None and self._step.verb == "PATCH":
                break
            if delay_s is not None:
                await asyncio.sleep(delay_s)
        return Outcome(self.change, "unconfirmed", f"accepted, but {self._what_shows(look)}")

    def _what_shows(self, look: Look) -> str:
        wanted, waited_s = self._step.after, sum(READ_BACK_DELAYS_S)
        if look.document is None:
            return f"it is not there any more: {look.said}"
        if wanted is None:
            return f"{waited_s:.0f} s later it is still there"
        return f"{waited_s:.0f} s later the registry shows {', '.join(differences(wanted, look.document))}"

    def _note_late(self) -> None:
        """
        Take note that the turn came too late.

        Raises:
            TooLateError: for too long now.
        """
        now_s = steady_s()
        self._late_since_s = self._late_since_s or now_s
        if now_s - self._late_since_s > MAX_WAIT_S:
            raise TooLateError(
                f"{self.change.address}: for {MAX_WAIT_S:.0f} s its turn came only when the read before it was old\n"
                "  The registry is asked more than it answers. Try again later, or with a lower --concurrency."
            )

    def _stopped(self, why: str) -> Outcome:
        if self._sent:
            return Outcome(self.change, "unconfirmed", f"{why} after a {self._sent} was sent")
        return Outcome(self.change, "not-attempted", why)

    def _changed(self, how: str) -> Outcome:
        if self._sent:
            lost = " and its answer was lost" if self._is_step_sent else ""
            return Outcome(self.change, "unconfirmed", f"a {self._sent} was sent{lost}; since then, {how}")
        return Outcome(self.change, "stale", f"{how}. {NEW_PLAN}")
