"""Options that several commands share. Each can be set in the environment as RECONCILER_ and its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

TEXT, JSON, MARKDOWN, JUNIT, NDJSON = "text", "json", "markdown", "junit", "ndjson"
NAMES = (TEXT, JSON, MARKDOWN, JUNIT, NDJSON)
_STDOUT = re.compile(r"-|/dev/stdout|/(?:dev/fd|proc/self/fd)/1")

F = TypeVar("F", bound=Callable[..., Any])


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """A click option that can also be set as RECONCILER_NAME."""
    long_name = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = _variable(long_name.removeprefix("--").replace("-", "_"))
    return click.option(*names, envvar=variable, show_envvar=False, **settings)


def said_at(name: str) -> str:
    """Where the running command was given an option: `--max-delete`, or RECONCILER_MAX_DELETE; by its Python name."""
    source = click.get_current_context().get_parameter_source(name)
    return _variable(name) if source is ParameterSource.ENVIRONMENT else f"--{name.replace('_', '-')}"


def _variable(name: str) -> str:
    return f"RECONCILER_{name.upper()}"


def all_of(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several decorators as one, in the order in which `--help` shows them."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


@attrs.frozen
class Wanted:
    """One format, and where it goes."""

    name: str
    path: str | None = None  # None: stdout

    def __str__(self) -> str:
        return self.name if self.path is None else f"{self.name}={self.path}"


def _wanted(text: str) -> Wanted:
    """`NAME` or `NAME=FILE`, as click reads it."""
    name, is_to_file, path = text.partition("=")
    if name not in NAMES:
        raise click.BadParameter(f"'{name}' is not one of {', '.join(map(repr, NAMES))}.")
    return Wanted(name, path if is_to_file and not _STDOUT.fullmatch(path) else None)


def file_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What completes the name of a file: the shell's own completion."""
    return [CompletionItem(incomplete, type="file")]


files = click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=file_names)

registry = all_of(
    option("--registry", metavar="HOST", help="The registry, instead of the one that the files name."),
    option("--insecure", is_flag=True, help="Permit plain http to another machine."),
    option("--ca-bundle", metavar="FILE", shell_complete=file_names, help="Believe these certificate authorities too."),
)
sign_in = all_of(
    option(
        "--auth",
        type=click.Choice(["password", "refresh-token", "entra", "docker", "anonymous"]),
        help="How to sign in.  [default: the first of these that there is]",
    ),
    option("--username", metavar="NAME", help="Sign in as; the password is in RECONCILER_PASSWORD."),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
)
state = option(
    "--state",
    metavar="LOCATION",
    help="What was last applied: a file, az://, s3:// or gs://, or none.  [default: .reconciler/state.json]",
)
memory = all_of(
    state,
    option("--base", metavar="REV", help="Take that from the files at this Git revision instead."),
)
lock_timeout = option(
    "--lock-timeout",
    type=click.FloatRange(0, 86_400),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="Wait so long for somebody else who applies.",
)
out = click.option(
    "--out",
    metavar="PLAN",
    shell_complete=file_names,
    help="Write the plan to this file too, for review and `apply PLAN`.",
)
on_stale = click.option(
    "--on-stale",
    type=click.Choice(["abort", "skip"]),
    help="What to do where something is not as it was planned on.  [default: abort for a PLAN, skip for files]",
)
traffic = all_of(
    option(
        "--concurrency",
        type=click.IntRange(1, 256),
        default=32,
        show_default=True,
        help="Requests under way at the same time, at most.",
    ),
    option(
        "--timeout",
        type=click.FloatRange(0.1, 3600),
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="Give a call up after this, repeats included, but not pauses that the registry asks for.",
    ),
)
limits = all_of(
    option("--max-loosen", metavar="N|N%", help="Resources that may be loosened.  [default: 10 or 30%, what is more]"),
    option("--max-hide", metavar="N|N%", help="Resources that may be hidden.  [default: 10 or 30%, what is more]"),
    option("--max-move", metavar="N|N%", help="Tags that may be moved.  [default: 10 or 30%, what is more]"),
    option(
        "--max-delete",
        metavar="N|N%",
        help="Resources that may be deleted, counting what goes with them.  [default: 10 or 30%, what is more]",
    ),
    option("--allow-empty", is_flag=True, help="Permit files that declare nothing at all."),
    option("--allow-incomplete", is_flag=True, help="Permit a plan that lacks what could not be read."),
)
output_format = option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True
)
formats = all_of(
    option(
        "--format",
        type=_wanted,
        metavar="NAME[=FILE]",
        multiple=True,
        shell_complete=lambda _context, _option, begun: [name for name in NAMES if name.startswith(begun)],
        help="text, json, markdown, junit or ndjson; NAME=FILE writes it there. One of several may go to stdout; where"
        " all name files, nothing does.  [default: text]",
    ),
    option("--stream", is_flag=True, help="Tell each event on stdout as it happens; the same as --format ndjson."),
)
overlay = option(
    "--overlay",
    metavar="FILE",
    multiple=True,
    shell_complete=file_names,
    help="Apply this RFC 6902 patch to the one FILE before it is read.",
)
now = option(
    "--now", metavar="TIME", help="The moment that rules with a time go by, in RFC 3339.  [default: the clock]"
)
selection = all_of(
    option(
        "--target",
        metavar="PATTERN",
        multiple=True,
        help="Only these: prod/api with all that is in it, prod/api:v*, prod/api@sha256:…",
    ),
    option("--exclude", metavar="PATTERN", multiple=True, help="But not these."),
)
recheck = option(
    "--recheck",
    type=click.Choice(["each", "page"]),
    default="page",
    show_default=True,
    help="Read many tags of a repository again one by one, or a page of 1,000 at a time, before and after.",
)
full = option("--full", is_flag=True, help="Show everything, however much it is, and whole digests.")
no_color = option("--no-color", is_flag=True, help="No colour, also on a terminal.")
quiet = option("-q", "--quiet", is_flag=True, help="No progress and no notes on stderr.")
verbose = option("-v", "--verbose", is_flag=True, help="Tell each request on stderr.")

metrics = all_of(
    option(
        "--metrics",
        metavar="FILE|URL",
        help="Tell Prometheus what the run comes to: in this .prom file, or at this Pushgateway.",
    ),
    option("--metrics-insecure", is_flag=True, help="Permit plain http to a Pushgateway on another machine."),
)

alerts = all_of(
    option("--alerts", metavar="FILE", help="Tell those whom this file names what drifted."),
    option(
        "--alert",
        metavar="URL",
        multiple=True,
        help="Tell this one: slack+env:NAME, webhook+https://…, alertmanager+http://…, and others.",
    ),
    option("--repeat", metavar="DURATION", help="Tell again what still drifts after so long.  [default: 24h]"),
)

planning = all_of(overlay, now, selection, formats, full, memory, limits, sign_in, traffic, no_color, quiet, verbose)
watching = all_of(overlay, selection, full, memory, limits, sign_in, traffic, no_color, verbose)
