"""Starting from what is there: export a registry, adopt it, and see what changes afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

ATTRIBUTES = "{deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true}"


@pytest.fixture
def held(emulator):
    """A registry that holds two repositories, one tag of them locked."""
    emulator.push("team/app:v1", content=b"one")
    emulator.push("team/app:1.10", content=b"two")
    emulator.push("team/web:latest", content=b"three")
    emulator.patch("team/app:v1", deleteEnabled=False, writeEnabled=False)
    return emulator


def _in_sync(emulator, resources: int) -> str:
    return f"Plan for {emulator.url}: no changes.\n  {resources} in sync, 0 unmanaged.\n"


def _adopted(url: str) -> str:
    return (
        f"# What {url} held when `reconciler export` wrote this file.\n"
        "# Planning it shows no change, and later what was changed since.\n"
        "#\n"
        "# Attributes of manifests are not in it; --manifests adds those that are off.\n"
        "#\n"
        "version: 1\n"
        f'registry: "{url}"\n'
        "\n"
        "repositories:\n"
        "  - match: team/app\n"
        f"    attributes: {ATTRIBUTES}\n"
        "    tags:\n"
        '      - match: "1.10"\n'
        f"        attributes: {ATTRIBUTES}\n"
        "      - match: v1\n"
        "        attributes: {deleteEnabled: false, writeEnabled: false, listEnabled: true, readEnabled: true}\n"
        "\n"
        "  - match: team/web\n"
        f"    attributes: {ATTRIBUTES}\n"
        "    tags:\n"
        "      - match: latest\n"
        f"        attributes: {ATTRIBUTES}\n"
    )


def test_an_export_can_be_adopted(held, reconciler, tmp_path: Path):
    """It plans to no change; applied it is remembered, so that drift is told as such and healed; it reads no memory."""
    exported = reconciler("export", "--registry", held.url)
    (tmp_path / "registry.yaml").write_text(exported.stdout)
    has_memory = (tmp_path / ".reconciler").exists()
    applied = reconciler("apply", "registry.yaml", "--registry", held.url, "--auto-approve")
    in_sync = reconciler("drift", "registry.yaml", "--registry", held.url)
    held.patch("team/app:v1", writeEnabled=True)
    drifted = reconciler("drift", "registry.yaml", "--registry", held.url)
    healed = reconciler("drift", "registry.yaml", "--registry", held.url, "--heal")
    again = reconciler("export", "--registry", held.url)

    assert _adopted(held.url) == exported.stdout
    assert not has_memory
    assert _in_sync(held, 5) in applied.stdout
    assert (0, 2, 0) == (in_sync.code, drifted.code, healed.code)
    assert "writeEnabled" in drifted.stdout
    assert exported.stdout == again.stdout
    assert not held.tag("team/app:v1")["writeEnabled"]


def test_rules_and_everything_else_plan_to_no_change(held, reconciler, tmp_path: Path):
    """Folded, or with digests and manifests; a file that is there stays unless `--force` says otherwise."""
    held.patch(f"team/web@{held.tag('team/web:latest')['digest']}", deleteEnabled=False)
    folded = reconciler("export", "--rules", "--registry", held.url, "--out", "rules.yaml")
    planned = reconciler("plan", "rules.yaml", "--registry", held.url)
    refused = reconciler("export", "--registry", held.url, "--out", "rules.yaml")
    kept = (tmp_path / "rules.yaml").read_text()
    written = reconciler("export", "--digests", "--manifests", "--registry", held.url, "--out", "rules.yaml", "--force")
    planned_again = reconciler("plan", "rules.yaml", "--registry", held.url)

    assert "Rules     4 entries instead of 5\nWritten   rules.yaml\n" in folded.stderr
    assert ("", "") == (folded.stdout, written.stdout)
    assert "  - match: team/app\n    tags:\n      - match: v1\n" in kept
    assert "# Patterns speak of what is pushed later, too" in kept
    assert _in_sync(held, 5) == planned.stdout
    assert (1, "error: rules.yaml: the file is there already\n  --force replaces it.\n") == (
        refused.code,
        refused.stderr,
    )
    assert _in_sync(held, 6) == planned_again.stdout
    assert 3 == (tmp_path / "rules.yaml").read_text().count("        digest: sha256:")


def test_what_lacks_something_is_not_written(held, reconciler, tmp_path: Path):
    """A refused repository, a hidden tag, a name and a pattern that nothing has; a file may lack them, and says so."""
    held.patch("team/app:v1", listEnabled=False)
    held.push("team/sealed:v1", content=b"four")
    held.faults.load({"requests": [{"do": "refuse", "status": 403, "path": "/acr/v1/team/sealed"}]})
    asked = ("export", "team/*", "team/none", "other/**", "--registry", held.url, "--out", "part.yaml")
    refused = reconciler(*asked)
    is_there = (tmp_path / "part.yaml").exists()
    allowed = reconciler(*asked, "--allow-incomplete")
    named = reconciler("export", "team/*", "team/app:v1", "--exclude", "team/sealed", "--registry", held.url)

    assert 1 == refused.code
    assert refused.stderr.endswith(
        "missing: team/app: of its tags 1 were found and the registry counts 2; a tag\n"
        "that the list leaves out, such as a hidden one (listEnabled false), is read\n"
        "where a rule names it\n"
        "missing: team/none: the registry does not hold it\n"
        f"missing: team/sealed: GET {held.url}/acr/v1/team%2Fsealed: 403\n"
        "DENIED: the emulator was told to answer 403\n"
        "  A firewall or a missing permission; the registry's message tells which.\n"
        "missing: other/**: nothing in the registry matches it\n"
        "error: 4 things are missing, so nothing was written\n"
        "  A hidden tag is read where a pattern names it: reconciler export '**' prod/api:hidden\n"
        "  --allow-incomplete writes the rest.\n"
    )
    assert not is_there
    assert 0 == allowed.code
    assert "#   team/none: the registry does not hold it\n" in (tmp_path / "part.yaml").read_text()
    assert 0 == named.code
    assert "listEnabled: false" in named.stdout


def test_what_contradicts_itself_is_refused_before_anything_is_read(reconciler):
    """A name that no repository can have, rules for many with a digest for each, and a file without a name."""
    pattern, both, nameless = (
        reconciler("export", *arguments, "--registry", "http://127.0.0.1:9")
        for arguments in (["Prod/*"], ["--rules", "--digests"], ["--out", ""])
    )

    assert pattern.stderr.startswith('error: PATTERN "Prod/*" matches no repository\n')
    assert "error: --digests says something of each tag, and --rules of many at once\n" in both.stderr
    assert "error: --out: the name is empty\n  Is a variable not set?\n" == nameless.stderr
    assert (1, 1, 1) == (pattern.code, both.code, nameless.code)
