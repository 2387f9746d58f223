"""`reconciler drift`: what somebody changed behind our back."""

from __future__ import annotations

from typing import Any

import attrs
import click

from reconciler.cli import options
from reconciler.cli.alerting import alerting_from
from reconciler.cli.debts import pay_first
from reconciler.cli.drifting import healed, looked_for
from reconciler.cli.formats import check_apart, formats_from
from reconciler.cli.measured import measured
from reconciler.cli.memory import locked_memory, read_memory
from reconciler.cli.output import standard_input
from reconciler.cli.registry import open_registry
from reconciler.cli.signals import terminated_as_interrupted
from reconciler.cli.steps import Given, given_from
from reconciler.cli.stream import told


@click.command("drift")
@options.files
@options.registry
@click.option("--heal", is_flag=True, help="Undo it: make just that what it was last applied as. Does not ask.")
@options.lock_timeout
@options.recheck
@options.alerts
@options.metrics
@options.planning
@measured
def command(files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Tell what somebody changed behind our back.

    Compares what is live with what was last applied, attribute by attribute, and
    leaves out what the files themselves want changed: that is for plan. Exits with
    2 where something drifted. With --heal it is undone, within the same limits as
    apply, and the exit code is 0 once nothing is left of it.

    \b
    Examples:
      reconciler drift registry.yaml
      reconciler drift registry.yaml --format json | jq '.drift[].address'
      reconciler drift registry.yaml --format text --format junit=drift.xml
      reconciler drift registry.yaml --alert slack+env:SLACK_WEBHOOK
      reconciler drift registry.yaml --heal --state az://state/prod.json
    """
    operation = "drift --heal" if others["heal"] else "drift"
    formats = formats_from(others, (*files, *others["overlay"]))
    alerting = alerting_from(others, files)
    check_apart(formats, alerting.sinks if alerting else ())
    given = given_from(others, formats, operation)
    given = attrs.evolve(given, alerting=alerting)
    return told(given.traffic.stream, lambda: _run(files, registry, given))


def _run(files: tuple[str, ...], registry: str | None, given: Given) -> int:
    from reconciler.files import load_desired

    traffic, where, others = given.traffic, given.where, given.others
    desired = load_desired(files, stdin=standard_input(), overlays=others["overlay"])
    with open_registry(registry, desired.registry, traffic) as live:
        if not others["heal"]:
            return looked_for(desired, live, given, read_memory(where, live, traffic, files))
        with terminated_as_interrupted(), locked_memory(where, live, traffic, files, "drift --heal") as memory:
            paid = pay_first(memory, live, traffic, "drift --heal")
            return healed(desired, live, given, memory, paid)
