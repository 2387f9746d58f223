"""`reconciler comment`: a saved plan as the one comment on the pull request that asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from reconciler.cli import OK, options
from reconciler.cli.output import answer, note
from reconciler.cli.plan_source import read_bytes
from reconciler.cli.signals import run_asked
from reconciler.errors import NotPermittedError, RefusedError

if TYPE_CHECKING:
    from reconciler.forges.calls import Calls
    from reconciler.forges.comment import Kept
    from reconciler.forges.forge import Forge, Pull

# The option of a forge, and the variable that its pipelines set.
_FORGES = {"github": "GITHUB_ACTIONS", "gitlab": "GITLAB_CI", "azure_devops": "TF_BUILD"}
_SUMMARY = "GITHUB_STEP_SUMMARY"


@click.command("comment")
@click.argument("plan", metavar="PLAN", shell_complete=options.file_names)
@options.option("--github", is_flag=True, help="On GitHub.  [default: the forge whose pipeline it runs in]")
@options.option("--gitlab", is_flag=True, help="On GitLab.")
@options.option("--azure-devops", is_flag=True, help="In Azure Repos.")
@click.option(
    "--number",
    type=click.IntRange(1, 2**31 - 1),
    metavar="N",
    help="Of the pull (merge) request.  [default: the one that the pipeline runs for]",
)
@options.option("--always", is_flag=True, help="Write one also where there is nothing to tell.")
@options.option("--if-permitted", is_flag=True, help="Exit with 0 where there is no token, or it may not write.")
@options.option("--summary", is_flag=True, help="Add the plan to the page of the run as well; GitHub only.")
@options.option(
    "--ca-bundle", metavar="FILE", shell_complete=options.file_names, help="Believe these certificate authorities too."
)
@options.quiet
@options.verbose
def command(plan: str, number: int | None, **others: Any) -> int:
    """
    Keep one comment with a saved plan up to date on a pull request.

    PLAN is a file written by `reconciler plan --out`, or - for standard input. The
    comment about its registry is made, or updated where it is there already and
    says something else. Where nothing is to be done, one that is there says so, and
    none is made.

    The forge, the pull request and the token are those that pipelines have in their
    environment: GITHUB_TOKEN or GH_TOKEN, GITLAB_TOKEN, SYSTEM_ACCESSTOKEN.

    \b
    Examples:
      reconciler comment plan.json
      reconciler comment plan.json --if-permitted --summary
      reconciler comment plan.json --github --number 7
    """
    from reconciler.planning.planfile import plan_from_json
    from reconciler.render.plan_markdown import render_plan_markdown, says_nothing

    name = forge_name(others, os.environ)
    saved = plan_from_json(read_bytes(plan), plan)
    text = render_plan_markdown(saved)
    if others["summary"]:
        _add_to_summary(name, text)
    wish = _Wish(text, create=others["always"] or not says_nothing(saved), others=others)
    answer(f"{_done(name, number, wish)}\n")
    return OK


@attrs.frozen
class _Wish:
    """What is to stand on the pull request."""

    text: str
    create: bool
    others: Mapping[str, Any]


def forge_name(others: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """
    The forge that an option names, or in whose pipeline this runs: github, gitlab or azure_devops.

    Raises:
        RefusedError: none, or several.
    """
    found = [name for name in _FORGES if others[name]]
    if len(found) > 1:
        raise RefusedError("--github, --gitlab and --azure-devops: one of them at most")
    found = found or [name for name, variable in _FORGES.items() if environment.get(variable)]
    if len(found) == 1:
        return found[0]
    which = ", ".join(_FORGES[name] for name in found or _FORGES)
    what = "which forge is meant" if found else "on which forge the pull request is"
    raise RefusedError(
        f"it is not told {what}: {which} are {'all' if found else 'not'} set\n"
        "  --github, --gitlab or --azure-devops says it."
    )


def _add_to_summary(name: str, text: str) -> None:
    """
    Add the plan to the page of a workflow's run, for what a token may not write.

    A step may add 1 MiB; a plan has less than a fifth of that.
    Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    path = os.environ.get(_SUMMARY, "")
    if name != "github" or not path:
        raise RefusedError(f"--summary: {_SUMMARY} is not set\n  Only GitHub has a page for each run, in a workflow.")
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "no file is named so"
        raise RefusedError(f"--summary: {path}: cannot be written: {reason}") from None


def _done(name: str, number: int | None, wish: _Wish) -> str:
    """Do it; what came of it, on one line."""
    pull_of, forge_of = _forge(name)
    try:
        pull = pull_of(os.environ, number)
        kept = run_asked(_keep(pull, forge_of, wish))
    except NotPermittedError as error:
        if not wish.others["if_permitted"]:
            raise
        _tell(f"note: {str(error).partition(chr(10))[0]}", wish)
        return "no comment: it is not permitted"
    if kept.older:
        them = "1 older comment of ours is" if kept.older == 1 else f"{kept.older:,} older comments of ours are"
        _tell(f"note: {them} there too, and left alone; two runs at the same time wrote them", wish)
    return f"{pull}: {_told(kept)}"


def _forge(name: str) -> tuple[Callable[[Mapping[str, str], int | None], Pull], Callable[[Calls], Forge]]:
    from reconciler.forges.azure_devops import AzureDevOps, azure_devops_pull
    from reconciler.forges.github import GitHub, github_pull
    from reconciler.forges.gitlab import GitLab, gitlab_pull

    forges: dict[str, tuple[Callable[[Mapping[str, str], int | None], Pull], Callable[[Calls], Forge]]] = {
        "github": (github_pull, GitHub),
        "gitlab": (gitlab_pull, GitLab),
        "azure_devops": (azure_devops_pull, AzureDevOps),
    }
    return forges[name]


async def _keep(pull: Pull, forge_of: Callable[[Calls], Forge], wish: _Wish) -> Kept:
    from reconciler.forges.calls import calls_to
    from reconciler.forges.comment import keep_comment

    async with calls_to(
        pull,
        on_pause=lambda pause_s: _tell(f"{pull.forge} asks for a pause of {pause_s:,.0f} s", wish),
        on_answer=note if wish.others["verbose"] else None,
        ca_bundle=wish.others["ca_bundle"],
    ) as calls:
        return await keep_comment(forge_of(calls), wish.text, create=wish.create)


def _told(kept: Kept) -> str:
    return {
        "created": "comment created",
        "updated": "comment updated",
        "unchanged": "the comment says so already",
        "not needed": "no comment, as there is nothing to tell; --always writes one",
    }[kept.what]


def _tell(text: str, wish: _Wish) -> None:
    if not wish.others["quiet"]:
        note(text)
