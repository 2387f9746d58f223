"""
Carry a plan out, and say of each change how it ended.

A change is made in small steps: a fresh look, on which every `test` of its patch must
hold; one request; and a read-back, because an answer of 200 says that the request was
understood, not that it was done (Azure/acr#212). Stages, and ranks within them, are kept
apart by a barrier. Nothing that goes wrong with one change stops the others, except
where they could not succeed either.

What a lock forbids is unlocked for a moment where the plan announces that, and where it
can be recorded beforehand that the lock is owed. It is put back whatever happens; what
cannot be put back stays recorded, and the next run pays it first.

The report covers every change, whatever happens: failures, refusals, interrupts.
Running again finishes the job.
"""

from reconciler.apply.book import Book
from reconciler.apply.interrupt import Interrupt
from reconciler.apply.paying import Settled, pay_debts, still_owed
from reconciler.apply.report import Report
from reconciler.apply.run import Recheck, apply_plan

__all__ = ["Book", "Interrupt", "Recheck", "Report", "Settled", "apply_plan", "pay_debts", "still_owed"]
