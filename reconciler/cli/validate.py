"""`reconciler validate`: desired-state files, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import ERROR, OK, options
from reconciler.cli.output import answer, standard_input
from reconciler.errors import DesiredStateError
from reconciler.render.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.errors import Problem
    from reconciler.model.desired import DesiredState

_NOUNS = {
    "repositories": ("repository entry", "repository entries"),
    "tags": ("tag entry", "tag entries"),
    "manifests": ("manifest entry", "manifest entries"),
    "exceptions": ("exception", "exceptions"),
}
_ALWAYS_TOLD = ("repositories", "tags")


@click.command("validate")
@options.files
@options.overlay
@options.output_format
def command(files: tuple[str, ...], overlay: tuple[str, ...], output_format: str) -> int:
    """
    Check desired-state files, offline; every problem at once.

    FILE is a YAML or JSON file, a folder of them, or - for standard input.

    \b
    Examples:
      reconciler validate registry.yaml
      reconciler validate deploy/registries/contoso
      reconciler validate base.yaml --overlay prod.yaml
      reconciler validate deploy/ --format json | jq '.problems[].line'
    """
    from reconciler.files import load_desired

    problems: Sequence[Problem] = ()
    counts: Mapping[str, int] = {}
    try:
        counts = _counts(load_desired(files, stdin=standard_input(), overlays=overlay))
    except DesiredStateError as error:
        if output_format == "text":
            raise
        problems = error.problems
    answer(_text(counts) if output_format == "text" else _json(counts, problems))
    return ERROR if problems else OK


def _text(counts: Mapping[str, int]) -> str:
    told = (count(number, *_NOUNS[sort]) for sort, number in counts.items() if number or sort in _ALWAYS_TOLD)
    return f"Valid: {', '.join(told)}.\n"


def _json(counts: Mapping[str, int], problems: Sequence[Problem]) -> bytes:
    from reconciler.render.validation_json import validation_to_json

    return validation_to_json(counts, problems)


def _counts(desired: DesiredState) -> Mapping[str, int]:
    """How many entries of each sort there are."""
    return {
        "repositories": len(desired.repositories),
        "tags": sum(len(rule.tags) for rule in desired.repositories),
        "manifests": sum(len(rule.manifests) for rule in desired.repositories),
        "exceptions": len(desired.exceptions),
    }
