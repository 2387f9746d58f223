"""`reconciler schema`: the JSON Schema of a format, for editors and other programs."""

from __future__ import annotations

from typing import cast

import click

from reconciler.cli import OK
from reconciler.cli.output import answer
from reconciler.schema.formats import FORMATS, Format, schema_to_json


@click.command("schema")
@click.argument("name", metavar=f"[{'|'.join(FORMATS)}]", type=click.Choice(FORMATS), default=FORMATS[0])
def command(name: str) -> int:
    """
    Print the JSON Schema of a format; works offline.

    It is that of desired-state files, unless another one is named. Editors that know
    it complete and check what is typed.

    \b
    Examples:
      reconciler schema > desired-state.v1.schema.json
      reconciler schema event | jq .properties
    """
    answer(schema_to_json(cast("Format", name)))
    return OK
