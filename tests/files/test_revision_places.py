"""Where the files of a commit are: names, links, repositories inside others, none at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from checkouts import ONE, TWO, Checkout, matches, refusal

from reconciler.errors import RevisionError
from reconciler.files.revision import load_desired_at, prepare_mark

pytestmark = pytest.mark.usefixtures("git_of_nobody")
REF = "refs/reconciler/prod"


def test_a_name_that_is_not_utf8_is_read(checkout):
    """Names are bytes to Git, and may hold a new line as well."""
    (checkout.folder / "deploy").mkdir()
    for name in (b"deploy/\xff.yaml", b"deploy/a\nb.yaml"):
        Path(os.fsdecode(os.fsencode(checkout.folder) + b"/" + name)).write_text("broken: [")
    then = checkout.commit()

    said = refusal(load_desired_at, then, ["deploy", os.fsdecode(b"deploy/\xff.yaml")])

    assert [f"{then}:deploy/a\\nb.yaml", f"{then}:deploy/\\udcff.yaml"] == [
        line.split(":2:1: ")[0] for line in said.splitlines() if line.startswith(then)
    ]


@pytest.mark.parametrize("name", ["*.yaml", ":(glob)**.yaml", "-r.yaml", ":!x.yaml", "[ab].yaml"])
def test_a_name_is_no_pattern_and_no_option(checkout, name):
    """Only the file of that very name is read."""
    (checkout.folder / name).write_text(ONE)
    then = checkout.commit(a=TWO, b=TWO)

    read = load_desired_at(then, [name])

    assert ["one"] == matches(read)


def test_a_link_that_is_named_is_not_followed(checkout):
    """Where it led at the revision may not be in Git at all."""
    (checkout.folder / "link.yaml").symlink_to("/etc/passwd")
    then = checkout.commit(prod=ONE)

    said = refusal(load_desired_at, then, ["link.yaml"])

    assert "link.yaml: a link, which is not followed in Git" == said.splitlines()[0]


@pytest.mark.parametrize("is_link_now", [True, False])
def test_a_link_on_the_way_is_not_followed(checkout, is_link_now):
    """Neither one of today, which may have led elsewhere then, nor one of then."""
    link = checkout.folder / "current"
    link.symlink_to("v1")
    then = checkout.commit(v1__prod=ONE)
    if not is_link_now:
        link.unlink()
        checkout.commit(current__prod=TWO)

    said = refusal(load_desired_at, then, ["current/prod.yaml"])

    assert "current: a link, which is not followed in Git" == said.splitlines()[0]


def test_a_link_to_the_repository_is_a_way_to_it(checkout, tmp_path):
    """It is not in the repository, so no revision has another one."""
    then = checkout.commit(deploy__prod=ONE)
    (tmp_path / "link").symlink_to(checkout.folder / "deploy")

    read = load_desired_at(then, [str(tmp_path / "link/prod.yaml")])

    assert ["one"] == matches(read)


def test_a_link_in_a_folder_is_an_error_where_it_would_be_read(checkout):
    """One that is no desired-state file by its name, or is hidden, is left out."""
    for name in ("notes", ".hidden.yaml"):
        (checkout.folder / name).symlink_to("/etc/passwd")
    then = checkout.commit(prod=ONE)
    (checkout.folder / "a.yaml").symlink_to("prod.yaml")
    later = checkout.commit()

    read = load_desired_at(then, ["."])
    said = refusal(load_desired_at, later, ["."])

    assert ["one"] == matches(read)
    assert "a.yaml: a link, which is not followed in Git" == said.splitlines()[0]


@pytest.mark.parametrize("named", [".", "shared", "shared/prod.yaml"])
def test_a_repository_inside_is_not_followed(checkout, tmp_path, named):
    """What was in a submodule is not known here."""
    other = Checkout(tmp_path / "other")
    other.commit(prod=ONE)
    checkout.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.folder), "shared")
    then = checkout.commit(here=TWO)
    checkout.git("submodule", "--quiet", "deinit", "--force", "shared")

    said = refusal(load_desired_at, then, [named])

    assert "shared: another repository, which is not followed in Git" == said.splitlines()[0]


@pytest.mark.parametrize("paths", [["-"], [], ["prod.yaml", "-"], ["a\0b"]])
def test_without_a_file_there_is_no_revision(checkout, paths):
    """Standard input is in no commit."""
    checkout.commit(prod=ONE)

    with pytest.raises(RevisionError):
        load_desired_at("HEAD", paths)


def test_files_of_two_repositories_have_no_common_revision(checkout, tmp_path):
    """Each has its own."""
    checkout.commit(prod=ONE)
    Checkout(tmp_path / "others").commit(prod=ONE)

    said = refusal(load_desired_at, "HEAD", ["prod.yaml", str(tmp_path / "others/prod.yaml")])

    assert f"{tmp_path}/others/prod.yaml: in another Git repository than prod.yaml" == said


def test_files_in_no_repository_have_no_revision(tmp_path):
    """That is told in the words of Git."""
    (tmp_path / "alone.yaml").write_text(ONE)

    said = refusal(load_desired_at, "HEAD", [str(tmp_path / "alone.yaml")])

    assert said.startswith(f"git rev-parse in {tmp_path}: not a git repository")


def test_without_git_there_is_no_revision(checkout, monkeypatch):
    """What is missing is told, and what needs it."""
    checkout.commit(prod=ONE)
    monkeypatch.setenv("PATH", str(checkout.folder))

    said = refusal(load_desired_at, "HEAD", ["prod.yaml"])

    assert "git is not installed, and --base and --mark need it" == said


def test_a_repository_of_somebody_else_is_told_in_the_words_of_git(checkout, monkeypatch):
    """They say which command lets it be read."""
    checkout.commit(prod=ONE)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    said = refusal(load_desired_at, "HEAD", ["prod.yaml"])

    assert "detected dubious ownership in repository" in said.splitlines()[0]
    assert f"\n  git config --global --add safe.directory {checkout.folder}" in said


def test_the_environment_may_name_the_repository(checkout, tmp_path, monkeypatch):
    """GIT_DIR and GIT_WORK_TREE are relative to the current folder, as they are for Git."""
    then = checkout.commit(deploy__prod=ONE)
    (checkout.folder / ".git").rename(tmp_path / "elsewhere.git")
    monkeypatch.setenv("GIT_DIR", "../elsewhere.git")
    monkeypatch.setenv("GIT_WORK_TREE", ".")

    read = load_desired_at(then, ["deploy/prod.yaml"])
    said = refusal(load_desired_at, then, [str(tmp_path / "outside.yaml")])

    assert ["one"] == matches(read)
    assert f"{tmp_path}/outside.yaml: not in the Git repository at {checkout.folder}" == said


def test_a_repository_with_sha256_is_read_and_marked(tmp_path, monkeypatch):
    """Its ids are longer."""
    made = Checkout(tmp_path / "sha256", "--object-format=sha256")
    monkeypatch.chdir(made.folder)
    then = made.commit(prod=ONE)

    prepare_mark(REF, ["prod.yaml"]).move()
    read = load_desired_at(REF, ["prod.yaml"])

    assert (64, then, ["one"]) == (len(read.commit), read.commit, matches(read))


def test_what_this_clone_has_in_place_of_a_commit_is_not_read(checkout):
    """A commit is what its id says, whatever `git replace` says here."""
    then, other = checkout.commit(prod=ONE), checkout.commit(prod=TWO)
    checkout.git("replace", then, other)

    read = load_desired_at(then, ["prod.yaml"])

    assert ["one"] == matches(read)
