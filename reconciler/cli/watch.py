"""`reconciler watch`: drift, looked for again and again."""

from __future__ import annotations

import re
from typing import Any

import attrs
import click

from reconciler.cli import options
from reconciler.cli.alerting import alerting_from, seconds_of
from reconciler.cli.formats import Formats
from reconciler.cli.options import TEXT, Wanted, option, said_at
from reconciler.cli.steps import given_from
from reconciler.errors import RefusedError

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})")


@click.command("watch")
@options.files
@options.registry
@option("--interval", default="5m", show_default=True, metavar="DURATION", help="Look so often: 30s, 5m, 1h.")
@option(
    "--jitter",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="Make each wait longer or shorter by up to this share of it.",
)
@option("--listen", metavar="HOST:PORT", help="Answer /healthz, /readyz and /metrics there.")
@click.option("--heal", is_flag=True, help="Undo what drifted, within the same limits as apply.")
@options.lock_timeout
@options.recheck
@options.alerts
@options.watching
def command(files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Look for drift again and again, and tell it.

    Each run does what drift does, and with --heal what drift --heal does; one at a
    time. What drifted is shown when it changes. Files are read again when they
    change. After failures the waits grow, up to an hour. It ends with 0 when
    it is asked to stop (SIGTERM, Ctrl-C), with what is under way done or left whole.

    \b
    Examples:
      reconciler watch registry.yaml --alert slack+env:SLACK_WEBHOOK
      reconciler watch registry.yaml --interval 1m --listen 127.0.0.1:8080
      reconciler watch registry.yaml --heal --alerts alerts.yaml --interval 15m
    """
    from reconciler.cli.watching import Asked, watch
    from reconciler.watch.rhythm import Rhythm

    if "-" in files:
        raise RefusedError("standard input can be read once only, and a watch reads its files again\n  Name a file.")
    interval_s = seconds_of(others.pop("interval"), "interval")
    rhythm, listen = Rhythm(interval_s, others.pop("jitter")), _listen(others.pop("listen"))
    asked = dict(others)
    alerting = alerting_from(others, files, interval_s)
    given = given_from({**others, "now": None, "quiet": False}, Formats((Wanted(TEXT),)), "watch")
    given = attrs.evolve(given, alerting=alerting)
    if given.others["heal"] and given.where.state is None and given.where.revision is None:
        raise RefusedError("--heal: nothing is remembered with --state none, so what drifted would not be known")
    return watch(Asked(files, registry, given, asked, rhythm, listen))


def _listen(text: str | None) -> tuple[str, int] | None:
    """Host and port to listen on; None: nowhere."""
    if text is None:
        return None
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise RefusedError(
            f"{said_at('listen')}: not a host and a port\n  As in 127.0.0.1:8080, or 0.0.0.0:8080 for all."
        )
    return found["six"] or found["host"] or "0.0.0.0", int(found["port"])  # noqa: S104 - `:8080` asks for just that
