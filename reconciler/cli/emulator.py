"""`reconciler emulator`: the embedded registry, as a server."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import OK
from reconciler.errors import RefusedError


@click.command("emulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port to listen on.  [default: a free one]")
@click.option("--data", type=click.Path(dir_okay=False), help="Keep the data in this file.  [default: in memory]")
@click.option("--latency-ms", type=click.FloatRange(0, 60_000), default=0, help="Delay every answer.  [default: 0]")
@click.option("--seed", type=click.Path(dir_okay=False, exists=True), help="Fill an empty registry from this file.")
def command(host: str, port: int, data: str | None, latency_ms: float, seed: str | None) -> int:
    """
    Run a registry that speaks ACR's protocol, for trying things out.

    The first line it prints is READY and its address. It stops on SIGTERM or
    Ctrl-C. Nobody has to sign in, so do not let it listen on a public address.

    \b
    Examples:
      reconciler emulator --port 5000 --data registry.db
      reconciler emulator --seed specs/demo/images.json
    """
    from reconciler.emulator import EmulatorError, Settings, run

    try:
        run(
            host,
            port,
            data=Path(data) if data else None,
            seed=Path(seed) if seed else None,
            settings=Settings(latency_ms=latency_ms),
        )
    except EmulatorError as error:
        raise RefusedError(str(error)) from None
    return OK
