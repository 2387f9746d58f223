"""Run the benchmarks: `python -m benchmarks` in the folder above."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.harness import FailedRunError
from benchmarks.report import table, write_json
from benchmarks.scenarios import SCENARIOS, Result, Size

RESULTS = Path(__file__).parent / "results"
QUICK = Size(rounds=1, repositories=50, larger=200)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="How often to compare.")
@click.option("--only", type=click.Choice(list(SCENARIOS)), multiple=True, help="Run this one; may be repeated.")
@click.option("--quick", is_flag=True, help="One round of a small registry, to see that everything works.")
def main(rounds: int, only: tuple[str, ...], quick: bool) -> None:  # noqa: FBT001 - click passes by name
    """Measure the reconciler against what it could be at best, and against its peer."""
    size = QUICK if quick else Size(rounds)
    results, failures = _measure(only or tuple(SCENARIOS), size)
    if results:
        _publish(results, judged=not quick)
    for failure in failures:
        click.echo(f"\n{failure}", err=True)
    sys.exit(1 if failures else 0)


def _measure(names: tuple[str, ...], size: Size) -> tuple[list[Result], list[str]]:
    """All results that could be had, and why others could not."""
    results: list[Result] = []
    failures = []
    for name in names:
        click.echo(f"measuring {name} ...", err=True)
        try:
            results.extend(SCENARIOS[name](size))
        except FailedRunError as error:
            failures.append(f"{name}: {error}")
    return results, failures


def _publish(results: list[Result], *, judged: bool) -> None:
    from benchmarks.plot import draw  # matplotlib would make this process, and what it starts, look large

    folder = RESULTS if judged else RESULTS / "quick"
    folder.mkdir(parents=True, exist_ok=True)
    click.echo(table(results, judged=judged))
    write_json(results, folder / "bench.json")
    draw(results, folder)
    click.echo(f"\nWritten to {folder}: bench.json, bench.svg, bench.png", err=True)


if __name__ == "__main__":
    main()
