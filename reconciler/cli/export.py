"""`reconciler export`: what is there, as a desired-state file that asks for just that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from reconciler.cli import ERROR, OK, options
from reconciler.cli.formats import check_kept
from reconciler.cli.output import answer, note
from reconciler.cli.progress import Progress, shown
from reconciler.cli.registry import Registry, Traffic, client_for, open_registry, tell
from reconciler.cli.signals import run_asked
from reconciler.cli.steps import traffic_from
from reconciler.errors import RefusedError
from reconciler.render.words import count, paragraph

if TYPE_CHECKING:
    from reconciler.cli.taken import Taken
    from reconciler.model.selection import Selection

_ADVICE = """\
  A hidden tag is read where a pattern names it: reconciler export '**' prod/api:hidden
  --allow-incomplete writes the rest."""


@click.command("export")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@options.registry
@click.option("--out", metavar="FILE", help="Write to this file, which must not be there yet.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@options.option("--rules", is_flag=True, help="Say what many share in one rule, with patterns.")
@options.option("--digests", is_flag=True, help="Say where each tag points, too.")
@options.option("--manifests", is_flag=True, help="Say which manifests have an attribute that is off, too.")
@options.option("--exclude", metavar="PATTERN", multiple=True, help="But not these.")
@options.option("--allow-incomplete", is_flag=True, help="Write also what lacks something that could not be read.")
@options.sign_in
@options.traffic
@options.quiet
@options.verbose
def command(patterns: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Write the live state as a desired-state file.

    Planning that file shows no change. PATTERN is a repository with all that is
    in it, or some of its tags; without any, everything is written. Changes
    nothing, and needs no memory.

    \b
    Examples:
      reconciler export --registry contoso.azurecr.io > registry.yaml
      reconciler export 'prod/**' --out prod.yaml
      reconciler export 'prod/api:v*' base/python --digests
      reconciler export --rules --out registry.yaml
    """
    if others["out"]:
        check_kept(f"--out {others['out']}", others["out"], "the file", others)
    traffic = traffic_from(others)
    wish = _wish_from(patterns, others)
    with open_registry(registry, None, traffic) as live:
        taken = run_asked(_taken(live, wish, traffic))
    for why in taken.problems:
        note(paragraph(f"missing: {why}", margin=0))
    if taken.problems and not wish.allows_incomplete:
        note(
            f"error: {count(len(taken.problems), 'thing is', 'things are')} missing, so nothing was written\n{_ADVICE}"
        )
        return ERROR
    _put_out(taken, live.name, wish, traffic)
    return OK


@attrs.frozen(eq=False)
class Wish:
    """What the command line asks for."""

    selection: Selection
    out: str | None
    replaces: bool
    rules: bool
    digests: bool
    manifests: bool
    allows_incomplete: bool


def _wish_from(patterns: Sequence[str], given: dict[str, Any]) -> Wish:
    """
    What the command line asks for, checked before anything is read.

    Raises:
        RefusedError: something of it cannot be.
    """
    from reconciler.files.targets import targets_given
    from reconciler.model.selection import Selection

    if given["rules"] and given["digests"]:
        raise RefusedError("--digests says something of each tag, and --rules of many at once\n  Write one of the two.")
    selection = Selection(targets_given("PATTERN", patterns), targets_given("--exclude", given["exclude"]))
    wish = Wish(
        selection,
        out=given["out"],
        replaces=given["force"],
        rules=given["rules"],
        digests=given["digests"],
        manifests=given["manifests"],
        allows_incomplete=given["allow_incomplete"],
    )
    _check_out(wish)
    return wish


def _check_out(wish: Wish) -> None:
    """
    Check where the file is to go.

    Raises:
        RefusedError: nowhere, or a file is there.
    """
    if wish.out == "":
        raise RefusedError("--out: the name is empty\n  Is a variable not set?")
    if wish.out and not wish.replaces and Path(wish.out).is_file():
        raise RefusedError(f"{wish.out}: the file is there already\n  --force replaces it.")


async def _taken(registry: Registry, wish: Wish, traffic: Traffic) -> Taken:
    """Read all that is selected."""
    from reconciler.cli.taken import Taken
    from reconciler.planning.base import NoBase
    from reconciler.registry.reader import refresh

    started_s = time.monotonic()
    with shown(Progress(quiet=traffic.quiet), quiet=traffic.quiet) as progress:
        taken = Taken(wish, progress)
        async with client_for(registry, traffic, progress) as client:
            await refresh(client, taken.index, NoBase(), concurrency=traffic.concurrency, receive=taken.add)
    read = f"{count(progress.repositories, 'repository', 'repositories')}, {count(progress.tags, 'tag')}"
    took = f"{count(client.request_count, 'request')}, {time.monotonic() - started_s:.1f} s"
    tell(f"Read      {read} in {took}", traffic)
    return taken


def _put_out(taken: Taken, registry: str, wish: Wish, traffic: Traffic) -> None:
    from reconciler.files.writing import write_atomically
    from reconciler.render.desired_yaml import file_yaml

    entries = taken.entries()
    if wish.rules:
        tell(f"Rules     {count(taken.rules, 'entry', 'entries')} instead of {taken.resources:,}", traffic)
    content = "".join(file_yaml(registry, _comments(taken, registry, wish), entries)).encode()
    if wish.out is None:
        answer(content)
        return
    _check_out(wish)  # somebody else may have written it meanwhile
    write_atomically(wish.out, content)
    tell(f"Written   {wish.out}", traffic)


def _comments(taken: Taken, registry: str, wish: Wish) -> list[str]:
    """What the file says about itself; no time, so that the same makes the same bytes."""
    lines = [
        f"What {registry} held when `reconciler export` wrote this file.",
        "Planning it shows no change, and later what was changed since.",
    ]
    if wish.rules:
        lines += [
            "",
            "Patterns speak of what is pushed later, too: a new repository or tag that one of them",
            "matches shall be as the others are. Check that this is meant.",
        ]
    if not (wish.manifests or any(target.digest for target in wish.selection.targets)):
        lines += ["", "Attributes of manifests are not in it; --manifests adds those that are off."]
    if taken.problems:
        lines += ["", "Missing in it:"]
        lines += [f"  {' '.join(why.split())}" for why in taken.problems]
    return [*lines, ""]
