"""Plan and apply from end to end: the real command line against the emulator, over a socket."""

from __future__ import annotations

import json
from pathlib import Path

PROTECTED = {"deleteEnabled": False, "writeEnabled": False, "readEnabled": True, "listEnabled": True}


def _attributes(emulator, tag: str) -> dict[str, bool]:
    return {name: value for name, value in emulator.tag(tag).items() if name != "digest"}


def test_plan_shows_what_apply_would_change(emulator, reconciler, releases):
    """The plan names every change, who asked for it, and adds them up; nothing is changed."""
    emulator.push("team/app:v1", content=b"one")
    emulator.push("team/app:latest", content=b"one")

    done = reconciler("plan", releases, "--registry", emulator.url)

    assert (
        "team/app\n"
        "  ~ (repository)  deleteEnabled  true → false   registry.yaml:4:17\n"
        "  ~ :v1           deleteEnabled  true → false   registry.yaml:7:21\n"
        "                  writeEnabled   true → false\n"
        "\n"
        f"Plan for {emulator.url}: 2 to update (2 tighten).\n"
        "  0 in sync, 1 unmanaged.\n"
    ) == done.stdout
    assert 0 == done.code
    assert [] == emulator.requests("PATCH")


def test_exit_code_two_says_that_there_are_changes(emulator, reconciler, releases):
    """A pipeline can tell "changes" from "in sync" when it asks for it."""
    emulator.push("team/app:v1", content=b"one")

    before = reconciler("plan", releases, "--registry", emulator.url, "--detailed-exitcode")
    reconciler("apply", releases, "--registry", emulator.url, "--auto-approve")
    after = reconciler("plan", releases, "--registry", emulator.url, "--detailed-exitcode")

    assert (2, 0) == (before.code, after.code)


def test_planning_what_was_applied_shows_nothing(emulator, reconciler, releases):
    """Apply converges: tags and repositories are what the files declare, and the next plan is empty."""
    emulator.push("team/app:v1", content=b"one")

    applied = reconciler("apply", releases, "--registry", emulator.url, "--auto-approve")
    planned = reconciler("plan", releases, "--registry", emulator.url)

    assert 0 == applied.code
    assert f"Applied to {emulator.url}: 2 verified.\n" == applied.stdout.splitlines(keepends=True)[-1]
    assert PROTECTED == _attributes(emulator, "team/app:v1")
    assert f"Plan for {emulator.url}: no changes.\n  2 in sync, 0 unmanaged.\n" == planned.stdout


def test_a_change_behind_our_back_is_shown_and_healed(emulator, reconciler, releases):
    """An unlocked release appears in the next plan, and only that; apply locks it again."""
    emulator.push("team/app:v1", content=b"one")
    reconciler("apply", releases, "--registry", emulator.url, "--auto-approve")
    emulator.patch("team/app:v1", writeEnabled=True)

    planned = reconciler("plan", releases, "--registry", emulator.url, "--format", "json")
    healed = reconciler("apply", releases, "--registry", emulator.url, "--auto-approve")

    assert ["team/app:v1"] == [change["address"] for change in json.loads(planned.stdout)["changes"]]
    assert 0 == healed.code
    assert PROTECTED == _attributes(emulator, "team/app:v1")


def test_a_saved_plan_is_applied_and_nothing_else(emulator, reconciler, releases):
    """What was reviewed is what happens: a tag pushed after the plan is left alone."""
    emulator.push("team/app:v1", content=b"one")
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")
    emulator.push("team/app:v2", content=b"two")

    done = reconciler("apply", "plan.json", "--auto-approve")

    assert 0 == done.code
    assert PROTECTED == _attributes(emulator, "team/app:v1")
    assert emulator.tag("team/app:v2")["writeEnabled"]


def test_a_saved_plan_does_not_lock_a_tag_that_moved(emulator, reconciler, releases):
    """A tag that was pushed again since is not the one that was reviewed: stale, told, and not touched."""
    emulator.push("team/app:v1", content=b"reviewed")
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")
    emulator.push("team/app:v1", content=b"other")

    done = reconciler("apply", "plan.json", "--auto-approve")

    assert 1 == done.code
    assert "stale          team/app:v1\n    digest was sha256:" in done.stdout
    assert emulator.tag("team/app:v1")["writeEnabled"]


def test_show_says_what_plan_said(emulator, reconciler, releases, tmp_path):
    """A saved plan reads like the one that was made; and at its end stands what `apply --expect` takes."""
    emulator.push("team/app:v1", content=b"one")
    planned = reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")

    shown = reconciler("show", "plan.json")

    fingerprint = json.loads((tmp_path / "plan.json").read_text())["fingerprint"]
    assert f"{planned.stdout}Fingerprint {fingerprint}\n" == shown.stdout


def test_a_plan_file_that_was_edited_is_refused(emulator, reconciler, releases, tmp_path: Path):
    """Neither shown nor applied: the fingerprint does not fit any more."""
    emulator.push("team/app:v1", content=b"one")
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")
    content = (tmp_path / "plan.json").read_text()
    (tmp_path / "plan.json").write_text(content.replace("team/app:v1", "team/app:v9"))

    done = reconciler("apply", "plan.json", "--auto-approve")

    assert (
        "error: plan.json: the plan does not match its fingerprint\n  It was changed or damaged; make a new one.\n"
    ) == done.stderr
    assert (1, []) == (done.code, emulator.requests("PATCH"))


def test_the_plan_of_the_same_input_has_the_same_bytes(emulator, reconciler, releases, tmp_path: Path):
    """Whatever the hash seed and the order of answers."""
    for number in range(20):
        emulator.push(f"team/app-{number}:v1", content=b"one")

    for seed in ("1", "2", "3"):
        reconciler("plan", releases, "--registry", emulator.url, "--out", f"{seed}.json", PYTHONHASHSEED=seed)

    assert 1 == len({(tmp_path / f"{seed}.json").read_bytes() for seed in "123"})


def test_apply_without_a_terminal_stops_before_it_reads(emulator, reconciler, releases):
    """Nobody can be asked, and nobody said --auto-approve."""
    done = reconciler("apply", releases, "--registry", emulator.url)

    assert (
        "error: there is no terminal to ask on\n  --auto-approve applies without asking; plan only looks\n"
        == done.stderr
    )
    assert (1, []) == (done.code, emulator.requests())


def test_a_plan_that_loosens_much_is_shown_and_not_applied(emulator, reconciler, tmp_path: Path):
    """A glob typo does not open every release: plan has a finding, apply stops, the flag lets it pass."""
    for number in range(12):
        emulator.push(f"team/app:v{number}", content=b"one")
        emulator.patch(f"team/app:v{number}", writeEnabled=False)
    (tmp_path / "open.yaml").write_text(
        "version: 1\nrepositories:\n  - match: team/app\n    tags: [{match: v*, attributes: {writeEnabled: true}}]\n"
    )

    planned = reconciler("plan", "open.yaml", "--registry", emulator.url)
    refused = reconciler("apply", "open.yaml", "--registry", emulator.url, "--auto-approve")
    patches = emulator.requests("PATCH")
    allowed = reconciler("apply", "open.yaml", "--registry", emulator.url, "--auto-approve", "--max-loosen", "12")

    assert (0, 1, 0) == (planned.code, refused.code, allowed.code)
    assert "12 of 12 managed resources would be loosened" in planned.stdout
    assert [] == patches


def test_an_empty_desired_state_is_not_applied_by_accident(emulator, reconciler, tmp_path: Path):
    """Files that declare nothing at all are more likely a mistake."""
    (tmp_path / "empty.yaml").write_text("version: 1\nrepositories: []\n")

    done = reconciler("apply", "empty.yaml", "--registry", emulator.url, "--auto-approve")

    assert 1 == done.code
    assert "--allow-empty" in done.stdout


def test_what_is_not_there_is_missing_and_no_error(emulator, reconciler, tmp_path: Path):
    """Files are merged before images are pushed."""
    emulator.push("team/app:v1", content=b"one")
    (tmp_path / "exact.yaml").write_text(
        "version: 1\n"
        "repositories:\n"
        "  - match: team/app\n"
        "    tags: [{match: [v1, v9], attributes: {deleteEnabled: false}}]\n"
        "  - match: team/none\n"
        "    attributes: {deleteEnabled: false}\n"
    )

    done = reconciler("plan", "exact.yaml", "--registry", emulator.url, "--format", "json")

    assert 0 == done.code
    assert ["team/app:v9", "team/none"] == json.loads(done.stdout)["missing"]


def test_a_hidden_tag_that_is_named_is_found(emulator, reconciler, tmp_path: Path):
    """Lists leave out what has listEnabled false; a name in the file is asked for directly."""
    emulator.push("team/app:v1", content=b"one")
    emulator.push("team/app:v2", content=b"two")
    emulator.patch("team/app:v2", listEnabled=False)
    (tmp_path / "exact.yaml").write_text(
        "version: 1\nrepositories: [{match: team/app, tags: [{match: [v1, v2], attributes: {deleteEnabled: false}}]}]\n"
    )

    done = reconciler("apply", "exact.yaml", "--registry", emulator.url, "--auto-approve")

    assert 0 == done.code
    assert not emulator.tag("team/app:v2")["deleteEnabled"]


def test_the_embedded_registry_runs_inside_the_command(reconciler, tmp_path: Path):
    """`registry: emulator` needs no server; its data stays in .reconciler, and the run says what it is."""
    (tmp_path / "registry.yaml").write_text(
        'version: 1\nregistry: emulator\nrepositories: [{match: "**", attributes: {deleteEnabled: false}}]\n'
    )

    done = reconciler("plan", "registry.yaml")

    assert "Plan for emulator: no changes.\n  0 in sync, 0 unmanaged.\n" == done.stdout
    assert done.stderr.startswith("Registry  the embedded emulator, not a real registry")
    assert (tmp_path / ".reconciler" / "emulator.db").exists()
