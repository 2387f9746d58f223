"""What the documentation links to, quotes and shows is there: anchors, messages, files, commands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from editors import read, refusals

from reconciler.cli import root
from reconciler.files.load import desired_from_texts
from reconciler.schema.desired_state import desired_state_schema

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "benchmarks" / "README.md"]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page, language):
    """The code blocks of a language, without their indentation."""
    found = BLOCK.findall(page.read_text())
    return [re.sub(f"^{indent}", "", code, flags=re.MULTILINE) for indent, name, code in found if name == language]


def anchors(page):
    """
    What a link can name on a page, as GitHub makes it of the headings.

    Source: https://docs.github.com/get-started/writing-on-github (section links).
    """
    text = BLOCK.sub("", page.read_text())
    made, found = {}, set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        made[anchor] = made.get(anchor, -1) + 1
        found.add(f"{anchor}-{made[anchor]}" if made[anchor] else anchor)
    return found


@each_page
def test_links_lead_to_a_place_that_there_is(page):
    """Files, and headings in them; other hosts are not asked."""
    text = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text()))
    missing = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            missing.append(target)

    assert [] == missing


@each_page
def test_desired_state_files_in_the_documentation_load(page):
    """Each is loaded, and valid by the schema; other YAML is YAML."""
    for code in blocks(page, "yaml"):
        documents = list(yaml.safe_load_all(code))
        if isinstance(documents[0], dict) and {"version", "repositories"} <= documents[0].keys():
            desired_from_texts([(page.name, code.encode())])
            assert [] == refusals(desired_state_schema, read(code))


@each_page
def test_json_in_the_documentation_is_json(page):
    """Somebody will paste it."""
    for code in blocks(page, "json"):
        json.loads(code)


def command_lines(page):
    """What is typed in blocks of the console, one command of ours each, as words."""
    for code in blocks(page, "console"):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True) if line.startswith("$ ") else []
            if "reconciler" in words[:-1]:
                rest = words[words.index("reconciler") + 1 :]
                ends = [at for at, word in enumerate(rest) if re.match(r"[|&<>]|2>|;", word) or word.endswith(";")]
                yield [word.rstrip(";") for word in rest[: ends[0] + rest[ends[0]].endswith(";") if ends else None]]


def parsed(words):
    """
    Take a command line apart as the program does, without running it.

    Raises:
        click.UsageError: a command or an option is not there, or a value is none of its kind.
    """
    command, context = root, None
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command, info_name=command.name, parent=context)
        _, command, words = command.resolve_command(context, words)
    command.make_context(command.name, list(words), parent=context)


@each_page
def test_commands_in_blocks_can_be_typed(page):
    """Every command, option and value is taken by the program as it is now."""
    for words in filter(None, command_lines(page)):  # without any, it prints what a shell reads
        try:
            parsed(words)
        except click.exceptions.Exit:
            continue  # --help and --version end there
        except click.UsageError as error:
            if "does not exist" not in error.format_message():  # a file that is the reader's
                pytest.fail(f"reconciler {shlex.join(words)}: {error.format_message()}")


@each_page
def test_commands_in_sentences_are_there(page):
    """Of `reconciler plan FILE --out PLAN` the command and the options; what stands for a value is not looked at."""
    text = BLOCK.sub("", page.read_text())
    strange = []
    for span in re.findall(r"`reconciler ([a-z][^`]*)`", text.replace("\n", " ")):
        words, command = span.split(), root
        known = set()
        while isinstance(command, click.Group) and words:
            context = click.Context(command)
            command = command.get_command(context, words.pop(0).rstrip(","))
            known |= {name for each in command.params for name in each.opts} if command else set()
        options = {word.partition("=")[0].strip("[]") for word in words if word.startswith(("--", "[--"))}
        if command is None or not options <= known:
            strange.append(span)

    assert [] == strange


def source():
    """The program's text, with literals that Python joins joined."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "reconciler").rglob("*.py")))
    return re.sub(r"""["']\n *f?["']""", "", text)


def is_in(message, text):
    """It stands in a literal, word for word, with something put in where it has an ellipsis."""
    first, *others = filter(None, message.split("…"))
    lines = (
        text[match.start() :].partition("\n")[0] for match in re.finditer(re.escape(first), text) if _is_quoted(match)
    )
    return any(re.search(".*".join(map(re.escape, others)), line) for line in lines)


def _is_quoted(match):
    """A quote stands before it on its line."""
    start = match.string.rfind("\n", 0, match.start()) + 1
    return not {'"', "'"}.isdisjoint(match.string[start : match.start()])


def test_messages_that_are_explained_stand_in_the_source():
    """Nobody looks up a message of yesterday."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    messages = re.findall(r"^### `(.*)`$", page, re.MULTILINE)

    text = source()

    assert 25 <= len(messages)
    assert [] == [message for message in messages if not is_in(message, text)]
    assert not is_in("the plan is stale; everything was changed", text)
