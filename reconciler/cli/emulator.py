"""`reconciler emulator`: the embedded registry, as a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import OK
from reconciler.cli.options import all_of
from reconciler.errors import RefusedError

_sign_in = all_of(
    click.option(
        "--auth",
        type=click.Choice(["none", "token", "basic"]),
        help="Let everybody in, or ask for tokens, or take passwords on each call too.  [default: none, or token with "
        "--identities, --anonymous-pull or --abac]",
    ),
    click.option("--identities", type=click.Path(dir_okay=False, exists=True), help="Only those in this file may in."),
    click.option("--anonymous-pull", is_flag=True, help="Whoever says nothing may list and read."),
    click.option("--abac", is_flag=True, help="Wildcard scopes mean nothing, as in registries with ABAC."),
    click.option("--no-arm-audience", is_flag=True, help="Refuse Entra tokens made for Azure Resource Manager."),
    click.option(
        "--access-lifetime", type=click.IntRange(0), metavar="SECONDS", help="Of access tokens.  [default: 3600]"
    ),
    click.option(
        "--refresh-lifetime", type=click.IntRange(0), metavar="SECONDS", help="Of refresh tokens.  [default: 10800]"
    ),
)

_faults = all_of(
    click.option("--fault", multiple=True, metavar="NAME=VALUE", help="Let this go wrong; docs/emulator.md lists all."),
    click.option("--faults", type=click.Path(dir_okay=False, exists=True), help="Let go wrong what this file says."),
    click.option("--admin", is_flag=True, help="Let other machines change the faults too, at /emulator/faults."),
)


@click.command("emulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port to listen on.  [default: a free one]")
@click.option("--data", type=click.Path(dir_okay=False), help="Keep the data in this file.  [default: in memory]")
@click.option("--latency-ms", type=click.FloatRange(0, 60_000), default=0, help="Delay every answer.  [default: 0]")
@click.option("--seed", type=click.Path(dir_okay=False, exists=True), help="Fill an empty registry from this file.")
@_sign_in
@_faults
def command(host: str, port: int, data: str | None, latency_ms: float, seed: str | None, **options: Any) -> int:
    """
    Run a registry that speaks ACR's protocol, for trying things out.

    The first line it prints is READY and its address. It stops on SIGTERM or
    Ctrl-C. Unless told otherwise nobody has to sign in, so do not let it listen on
    a public address.

    \b
    Examples:
      reconciler emulator --port 5000 --data registry.db
      reconciler emulator --seed specs/demo/images.json
      reconciler emulator --identities identities.json --auth basic
      reconciler emulator --fault stale_patch_answers=true
      reconciler emulator --fault throttled_s.write=30 --fault ghosts=team/old
      reconciler emulator --fault budgets.read=600/min --faults faults.json
    """
    from reconciler.emulator import EmulatorError, Settings, run

    faulty = {name: options.pop(name) for name in ("fault", "faults", "admin")}
    try:
        run(
            host,
            port,
            data=Path(data) if data else None,
            seed=Path(seed) if seed else None,
            settings=Settings(latency_ms=latency_ms, **_going_wrong(**faulty), **_signing_in(**options)),
        )
    except EmulatorError as error:
        raise RefusedError(str(error)) from None
    return OK


def _signing_in(
    *,
    auth: str | None,
    identities: str | None,
    no_arm_audience: bool,
    access_lifetime: int | None,
    refresh_lifetime: int | None,
    anonymous_pull: bool,
    abac: bool,
) -> dict[str, Any]:
    """Those of the settings that say who may in; what the person left open keeps its default."""
    from reconciler.emulator import read_identities

    settings: dict[str, Any] = {"anonymous_pull": anonymous_pull, "abac": abac, "arm_audience": not no_arm_audience}
    if identities is not None:
        read = read_identities(Path(identities))
        settings |= {"identities": read.identities, "identity_header": read.identity_header}
    if auth == "none" and (identities or anonymous_pull or abac):
        raise RefusedError(
            "--auth none lets everybody in, whoever --identities, --anonymous-pull or --abac speak of\n"
            "  Leave it out, or say --auth token."
        )
    settings["auth"] = auth or ("token" if identities or anonymous_pull or abac else "none")
    lifetimes = {"access_lifetime_s": access_lifetime, "refresh_lifetime_s": refresh_lifetime}
    return settings | {name: value for name, value in lifetimes.items() if value is not None}


def _going_wrong(*, fault: tuple[str, ...], faults: str | None, admin: bool) -> dict[str, Any]:
    """Those of the settings that say what goes wrong, and who else may say so."""
    from reconciler.emulator import read_faults

    return {"faults": read_faults(Path(faults) if faults else None, fault), "admin": admin}
