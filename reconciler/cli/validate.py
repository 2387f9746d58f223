"""`reconciler validate`: desired-state files, offline."""

from __future__ import annotations

import click

from reconciler.cli import OK, options
from reconciler.cli.output import answer, standard_input


@click.command("validate")
@options.files
def command(files: tuple[str, ...]) -> int:
    """
    Check desired-state files, offline; every problem at once.

    FILE is a YAML or JSON file, a folder of them, or - for standard input.

    \b
    Examples:
      reconciler validate registry.yaml
      reconciler validate deploy/registries/contoso
    """
    from reconciler.files import load_desired
    from reconciler.render.words import count

    desired = load_desired(files, stdin=standard_input())
    entries = count(len(desired.repositories), "repository entry", "repository entries")
    tags = count(sum(len(rule.tags) for rule in desired.repositories), "tag entry", "tag entries")
    answer(f"Valid: {entries}, {tags}.\n")
    return OK
