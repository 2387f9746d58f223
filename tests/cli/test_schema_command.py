"""`reconciler schema` prints what is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

SCHEMAS = Path(__file__).parents[2] / "specs" / "schemas"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "desired-state.v1.schema.json"),
        (["desired-state"], "desired-state.v1.schema.json"),
        (["plan"], "plan.v1.schema.json"),
    ],
)
def test_a_schema_is_printed_as_it_is_shipped(reconciler, arguments, name):
    """To the byte, without a registry, a file or the network."""
    done = reconciler("schema", *arguments)

    assert (0, (SCHEMAS / name).read_text(), "") == (done.code, done.stdout, done.stderr)


def test_a_format_that_has_none_is_told(reconciler):
    """With those that have one."""
    done = reconciler("schema", "report")

    assert (1, "") == (done.code, done.stdout)
    assert "'report' is not one of 'desired-state', 'plan'" in done.stderr
