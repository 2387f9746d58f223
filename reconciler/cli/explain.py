"""`reconciler explain`: which rule says what about one resource."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import OK, options
from reconciler.cli.output import answer, standard_input, stdout_paint
from reconciler.cli.registry import Registry, Traffic, client_for, open_registry
from reconciler.cli.steps import traffic_from
from reconciler.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from reconciler.model.address import Address
    from reconciler.model.attributes import Document
    from reconciler.model.desired import DesiredState
    from reconciler.planning.rules import Contribution


@click.command("explain")
@click.argument("address")
@options.files
@click.option("--offline", is_flag=True, help="Only what the files say; ask no registry.")
@options.registry
@options.sign_in
@options.traffic
@options.no_color
@options.quiet
@options.verbose
def command(address: str, files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Tell which rule says what about one resource.

    ADDRESS is a repository (team/app) or a tag (team/app:v1). Every rule that
    speaks of it is listed in file order, with what a later one overrides; then
    what the registry holds now, and what apply would make of it.

    \b
    Examples:
      reconciler explain team/app:v1.2.0 registry.yaml
      reconciler explain team/app deploy/ --offline
    """
    from reconciler.files import load_desired
    from reconciler.model.address import parse_address
    from reconciler.render.explain_text import render_explanation

    traffic = traffic_from(others)
    resource = parse_address(address)
    if resource.digest:
        raise RefusedError(f"{address}: rules about manifests are not yet supported, only repositories and tags")
    desired = load_desired(files, stdin=standard_input())
    said = _said_about(resource, desired)
    live = None
    if not others["offline"]:
        with open_registry(registry, desired.registry, traffic) as known:
            live = asyncio.run(_read(resource, known, traffic))
    paint = stdout_paint(no_color=others["no_color"])
    answer(render_explanation(resource, said, live, paint, is_live_known=not others["offline"]))
    return OK


def _said_about(resource: Address, desired: DesiredState) -> tuple[Contribution, ...]:
    from reconciler.model.matching import DesiredIndex
    from reconciler.planning.rules import contributions

    rules = DesiredIndex(desired).for_repository(resource.repository)
    return contributions(rules.for_tag(resource.tag) if resource.tag else rules.rules)


async def _read(resource: Address, registry: Registry, traffic: Traffic) -> Document | None:
    async with client_for(registry, traffic, lambda _: None) as client:
        try:
            return await client.read(resource)
        except NotFoundError as error:
            if not error.is_certain:
                raise
            return None
