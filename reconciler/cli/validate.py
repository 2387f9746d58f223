"""`reconciler validate`: desired-state files, offline."""

from __future__ import annotations

import click

from reconciler.cli import OK, options
from reconciler.cli.output import answer, standard_input


@click.command("validate")
@options.files
@options.overlay
def command(files: tuple[str, ...], overlay: tuple[str, ...]) -> int:
    """
    Check desired-state files, offline; every problem at once.

    FILE is a YAML or JSON file, a folder of them, or - for standard input.

    \b
    Examples:
      reconciler validate registry.yaml
      reconciler validate deploy/registries/contoso
      reconciler validate base.yaml --overlay prod.yaml
    """
    from reconciler.files import load_desired
    from reconciler.render.words import count

    desired = load_desired(files, stdin=standard_input(), overlays=overlay)
    entries = count(len(desired.repositories), "repository entry", "repository entries")
    tags = count(sum(len(rule.tags) for rule in desired.repositories), "tag entry", "tag entries")
    counts = [entries, tags]
    if manifests := sum(len(rule.manifests) for rule in desired.repositories):
        counts.append(count(manifests, "manifest entry", "manifest entries"))
    if desired.exceptions:
        counts.append(count(len(desired.exceptions), "exception"))
    answer(f"Valid: {', '.join(counts)}.\n")
    return OK
