"""Shells complete commands, options, values and files."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("reconciler pl", ["plain,plan"]),
        ("reconciler plan --max-", [f"plain,--max-{what}" for what in ("loosen", "hide", "move", "delete")]),
        ("reconciler plan --format ", ["plain,text", "plain,json", "plain,markdown", "plain,junit", "plain,ndjson"]),
        ("reconciler doctor --format j", ["plain,json"]),
        ("reconciler apply reg", ["file,reg"]),
    ],
)
def test_bash_is_told_what_can_follow(reconciler, words, offered):
    """The last word is the one that is being typed."""
    position = str(len(words.split(" ")) - 1)

    done = reconciler(_RECONCILER_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=position)

    assert (0, offered) == (done.code, done.stdout.splitlines())


def test_the_script_for_a_shell_is_printed(reconciler):
    """What a person puts into the shell's start file."""
    done = reconciler(_RECONCILER_COMPLETE="zsh_source")

    assert done.stdout.startswith("#compdef reconciler")
