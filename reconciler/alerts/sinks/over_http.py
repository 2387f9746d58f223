"""
A sink that sends what a function makes of a batch.

So each service is one function from a batch to bodies, without I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from reconciler.alerts.posting import Patience, Request, Sign, post
from reconciler.alerts.secret import Target
from reconciler.alerts.sink import Batch


@attrs.frozen
class HttpSink:
    """Sends to one URL."""

    name: str
    key: str
    target: Target
    requests: Callable[[Batch], Sequence[Request]]
    patience: Patience
    wants_each_run: bool = False
    sign: Sign | None = attrs.field(default=None, repr=False)
    parallel: int = 1  # requests at the same time

    async def __call__(self, batch: Batch) -> None:
        """
        Send what there is to send.

        Raises:
            AlertError: it was not taken, after all patience.
        """
        if requests := self.requests(batch):
            await post(self.target, requests, self.patience, sign=self.sign, parallel=self.parallel)
