"""docs/commands.md: every command with its options, from what `--help` is made of."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import click

from generating.markdown import MADE, cell, table
from reconciler.cli import COMMANDS, root

_INTRODUCTION = """\
Every command, with all its options, as `--help` of this version tells them.
`-h` and `--help` show the help of a command, `reconciler --version` the version.
Most options can be set in the environment too; what stands on the command line wins.
An option that may be given several times takes several values from the environment, apart by spaces.

The answer goes to stdout, notes, progress and errors to stderr."""

_USUAL_CODES = ("done", "an error of any kind")
# What the exit codes of a command mean where they mean more: 0, 1, and 2 where there is one.
_CODES: Mapping[str, tuple[str, ...]] = {
    "reconciler validate": ("the files are valid", "something is wrong in a file, or with how it was asked"),
    "reconciler plan": (
        "the plan is shown, whatever is in it; with `--detailed-exitcode`: in sync",
        "an error of any kind, and a plan that is not complete",
        "only with `--detailed-exitcode`: there are changes or drift",
    ),
    "reconciler apply": (
        "every change ended verified, or there was none",
        "an error of any kind, `no` at the question, a limit, a change that did not end verified, something blocked",
    ),
    "reconciler drift": (
        "nothing drifted; with `--heal`: nothing is left of it",
        "an error of any kind, and where something could not be read",
        "something drifted, or a run that did not end left something unlocked; with `--heal`: something is left",
    ),
    "reconciler watch": (
        "it was asked to stop, by SIGTERM or Ctrl-C",
        "before the first run, where no later run could mend it: wrong files, no registry, nobody to tell",
    ),
    "reconciler export": (
        "all that was asked for is exported, or `--allow-incomplete` was given",
        "an error of any kind; where something could not be read, nothing is written",
    ),
    "reconciler comment": (
        "the comment says what the plan says, or nothing is to be told; with `--if-permitted`: or it may not be told",
        "an error of any kind",
    ),
    "reconciler doctor": ("nothing is missing", "an error of any kind, and where something is missing"),
    "reconciler emulator": ("it was told to stop", "an error of any kind"),
}


def commands_page() -> str:
    """The page, in Markdown."""
    parts = [f"# Commands\n\n{MADE}\n\n{_INTRODUCTION}", _overview()]
    with click.Context(root, info_name="reconciler") as context:
        for name in COMMANDS:
            parts += _command(name, context)
    return "\n\n".join(parts) + "\n"


def _overview() -> str:
    rows = [(f"[`reconciler {name}`](#reconciler-{name})", cell(about)) for name, about in COMMANDS.items()]
    return table(("command", "what it does"), rows)


def _command(name: str, parent: click.Context) -> Iterator[str]:
    """The section of one command, and those of the commands below it."""
    group = parent.command
    command = group.get_command(parent, name) if isinstance(group, click.Group) else None
    if command is None:
        raise ValueError(f"{parent.command_path} has no command {name}")
    context = click.Context(command, info_name=name, parent=parent)
    path = context.command_path
    yield f"## {path}"
    yield from _words(command.help or "")
    yield f"```text\n{' '.join([path, *command.collect_usage_pieces(context)])}\n```"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _command(inner, context)
        return
    rows = [_option(parameter, context) for parameter in command.params if isinstance(parameter, click.Option)]
    if rows:
        yield table(("option", "environment", "what it does"), rows)
    codes = _CODES.get(path, _USUAL_CODES)
    yield table(("exit code", "means"), [(str(code), cell(means)) for code, means in enumerate(codes)])


def _words(text: str) -> Iterator[str]:
    """Paragraphs as they are; what keeps its lines as a block, examples as one of the console."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if not paragraph.lstrip().startswith("\b"):
            yield paragraph.strip()
            continue
        first, *lines = paragraph.replace("\b\n", "").rstrip().splitlines()
        is_example = first.strip() in {"Example:", "Examples:"}
        mark = "$ " if is_example else ""
        shown = lines if is_example else [first, *lines]
        block = "\n".join(mark + line.strip() if is_example else line for line in shown)
        yield f"```{'console' if is_example else 'text'}\n{block}\n```"


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    names, about = option.get_help_record(context) or (option.opts[-1], "")
    words, bracket, default = about.partition("[")
    several = "May be given several times. " if option.multiple else ""
    variable = f"`{option.envvar}`" if option.envvar else ""
    return f"`{cell(names)}`", variable, cell(f"{words} {several}{bracket}{default}")
