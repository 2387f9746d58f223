"""Rendered output as files beside the tests, to be read by a person and compared whole."""

from pathlib import Path

HERE = Path(__file__).parent


def golden(name: str) -> str:
    """What the output must be, to the last space."""
    return (HERE / name).read_text(encoding="utf-8")
