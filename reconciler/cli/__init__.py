"""
The command line: one module for each command, imported when that command runs.

Exit codes are Terraform's and ours to choose: 0 done or in sync, 1 an error of any
kind, 2 changes where `--detailed-exitcode` asks for that, or drift. click would exit with 2
on a mistyped option, which a pipeline would take for "there are changes".
"""

from __future__ import annotations

import errno
import importlib
import sys

import click

from reconciler import __version__
from reconciler.errors import DesiredStateError, ReconcilerError

OK, ERROR, CHANGES = 0, 1, 2

# click writes help and the version to stdout without a thought for these.
_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

# In the order of `--help`; the first sentence of each command's own help stands here too, so that nothing is imported.
COMMANDS = {
    "validate": "Check desired-state files, offline; every problem at once.",
    "plan": "Show what apply would change.",
    "apply": "Make the registry what the files declare.",
    "drift": "Tell what somebody changed behind our back.",
    "watch": "Look for drift again and again, and tell it.",
    "show": "Show a saved plan.",
    "comment": "Keep one comment with a saved plan up to date on a pull request.",
    "rollback": "Make the plan that undoes a run; apply PLAN carries it out.",
    "explain": "Tell which rule says what about one resource, and what can happen to it.",
    "export": "Write the live state as a desired-state file.",
    "state": "Show what was last applied, the journal and the run lock.",
    "doctor": "Tell what is missing to work with a registry.",
    "schema": "Print the JSON Schema of a format; works offline.",
    "emulator": "Run a registry that speaks ACR's protocol, for trying things out.",
}


class _Commands(click.Group):
    """Commands by name, each imported from the module of that name when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"reconciler.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 done or in sync, 1 an error of any kind,"
    " 2 changes or drift (plan --detailed-exitcode, drift).",
)
@click.version_option(__version__, message="reconciler %(version)s")
def root() -> None:
    """
    Keep repositories and tags of an Azure Container Registry protected as files
    under Git declare.

    \b
    Try it on the embedded registry:
      reconciler emulator --port 5000 --seed specs/demo/images.json &
      reconciler plan specs/demo/registry.yaml --registry http://127.0.0.1:5000
    """


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """
    Run one command.

    Args:
        arguments: As they stand after the program's name; None: the process's own.

    Returns:
        The exit code.
    """
    try:
        result = root.main(arguments, prog_name="reconciler", standalone_mode=False)
    except click.exceptions.Exit as wish:
        return wish.exit_code
    except click.ClickException as error:
        return _complain(_usage(error))
    except ReconcilerError as error:
        return _complain(_told(error))
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted; nothing was changed")
    except OSError as error:
        if error.errno not in _WRITE_ERRORS:
            raise
        from reconciler.cli.output import give_up_stdout, unwritten

        give_up_stdout()
        return _complain(unwritten(error))
    return result if isinstance(result, int) else OK


def _usage(error: click.ClickException) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"no command is given\n\n{error.format_message()}"
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"\n  {context.command_path} --help tells more" if context else ""
    return f"{error.format_message()}{hint}"


def _told(error: ReconcilerError) -> str:
    # Of several problems the first stands on a line of its own too: editors find places at the start of a line.
    count = len(error.problems) if isinstance(error, DesiredStateError) else 1
    return f"{count:,} problems\n{error}" if count > 1 else str(error)


def _complain(message: str) -> int:
    from reconciler.cli.output import is_terminal, note

    label = click.style("error:", fg="red", bold=True) if is_terminal(sys.stderr) else "error:"
    note(f"{label} {_printable(message)}")
    return ERROR


def _printable(message: str) -> str:
    """`message` without what could move the cursor: arguments and file names end up in it."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in message)
