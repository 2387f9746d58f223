"""Git as memory: the files of a commit, and the ref that says which was applied."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import RevisionError
from reconciler.files.revision import load_desired_at, prepare_mark

REF = "refs/reconciler/prod"
ONE = 'version: 1\nrepositories: [{match: "one", attributes: {deleteEnabled: false}}]\n'
TWO = 'version: 1\nrepositories: [{match: "two", attributes: {deleteEnabled: false}}]\n'


class Checkout:
    """A Git repository with a work tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """What git prints."""
        own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        named = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env={**os.environ, **own, **named}, capture_output=True, check=False
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout.decode().strip()

    def commit(self, **files: str | None) -> str:
        """Commit files, `a__b` being a/b.yaml; None deletes one. The id of the commit."""
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, text: str | None) -> Path:
        """Write a file, or delete it."""
        path = self.folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True) if text is None else path.write_text(text)
        return path


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository, with its folder as the current one."""
    made = Checkout(tmp_path / "files")
    monkeypatch.chdir(made.folder)
    return made


def _matches(revision) -> list[str]:
    return [rule.match[0].text for rule in revision.desired.repositories]


def test_a_file_is_read_as_it_stood_at_a_revision(checkout):
    """Whatever it says now; by any name that git has for the commit."""
    first = checkout.commit(prod=ONE)
    checkout.git("tag", "-a", "-m", "a tag object", "applied")
    checkout.commit(prod=TWO)
    checkout.write("prod", "broken: [")

    for name in (first, first[:10], "HEAD~1", "applied"):
        then = load_desired_at(name, ["prod.yaml"])

        assert (first, ["one"]) == (then.commit, _matches(then))


def test_a_folder_stands_for_the_files_that_were_in_it(checkout):
    """In the order of their paths; deleted ones too, and nothing that is hidden or no desired state."""
    checkout.commit(deploy__b=TWO, deploy__a__x=ONE, deploy__a____hidden__y="broken: [", other=TWO)
    (checkout.folder / "deploy/.hidden").mkdir()
    (checkout.folder / "deploy/.hidden/z.yaml").write_text("broken: [")
    (checkout.folder / "deploy/notes.txt").write_text("broken: [")
    checkout.git("rm", "-rq", "--cached", "deploy/a")
    checkout.write("deploy__a____hidden__y", None)
    checkout.git("add", "deploy/.hidden", "deploy/notes.txt", "deploy/a/x.yaml", "-f")
    then = checkout.commit()
    checkout.commit(deploy__a__x=None)

    assert ["one", "two"] == _matches(load_desired_at(then, ["deploy"]))
    assert ["one", "two"] == _matches(load_desired_at(then, ["deploy/"]))


def test_from_a_folder_below_and_by_a_whole_path_it_is_the_same(checkout, monkeypatch):
    """Paths are as on the command line."""
    then = checkout.commit(deploy__prod=ONE)
    monkeypatch.chdir(checkout.folder / "deploy")

    for path in ("prod.yaml", "../deploy/prod.yaml", str(checkout.folder / "deploy/prod.yaml"), "."):
        assert ["one"] == _matches(load_desired_at(then, [path]))


def test_what_did_not_exist_declared_nothing(checkout):
    """A file that is new is no error: all that it says is new."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=None, staging=TWO)

    assert ["one"] == _matches(load_desired_at(then, ["prod.yaml", "staging.yaml"]))
    assert [] == _matches(load_desired_at(then, ["staging.yaml"]))


def test_many_files_are_asked_for_together(checkout):
    """Two thousand of them."""
    then = checkout.commit(**{f"deploy__f{number:04}": ONE for number in range(2000)})

    assert 2000 == len(_matches(load_desired_at(then, ["deploy"])))


@pytest.mark.parametrize(
    "name", ["--upload-pack=touch /tmp/x", "-h", "nowhere", "", "HEAD:prod.yaml", "a\nb", "HEAD^{tree}"]
)
def test_what_is_no_commit_is_refused(checkout, name):
    """And never becomes an option of git."""
    checkout.commit(prod=ONE)

    with pytest.raises(RevisionError):
        load_desired_at(name, ["prod.yaml"])


def test_a_file_that_cannot_be_read_names_the_revision(checkout):
    """Nobody must look for the mistake in the file of today."""
    then = checkout.commit(prod="version: 1\nrepositories: [{match: one, atributes: {}}]\n")
    checkout.commit(prod=ONE)

    with pytest.raises(RevisionError, match=rf"1 problems in the files of then, the first:\n{then}:prod.yaml:2:\d+"):
        load_desired_at(then, ["prod.yaml"])


def test_a_link_is_not_followed(checkout):
    """What it leads to may not be in Git at all."""
    checkout.write("prod", ONE)
    (checkout.folder / "link.yaml").symlink_to("/etc/passwd")
    then = checkout.commit()

    with pytest.raises(RevisionError, match=r"link\.yaml: a link, which is not followed"):
        load_desired_at(then, ["link.yaml"])


@pytest.mark.parametrize("paths", [["-"], []])
def test_without_a_file_there_is_no_revision(checkout, paths):
    """Standard input is in no commit."""
    checkout.commit(prod=ONE)

    with pytest.raises(RevisionError):
        load_desired_at("HEAD", paths)


def test_files_of_two_repositories_have_no_common_revision(checkout, tmp_path):
    """Nor have those that are in none."""
    checkout.commit(prod=ONE)
    Checkout(tmp_path / "others").commit(prod=ONE)
    (tmp_path / "alone.yaml").write_text(ONE)

    with pytest.raises(RevisionError, match="in another Git repository than"):
        load_desired_at("HEAD", ["prod.yaml", str(tmp_path / "others/prod.yaml")])
    with pytest.raises(RevisionError, match="not a git repository"):
        load_desired_at("HEAD", [str(tmp_path / "alone.yaml")])


def test_a_shallow_clone_is_told_what_it_lacks(checkout, tmp_path):
    """Pipelines make such clones."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=TWO)
    checkout.git("clone", "-q", "--depth", "1", f"file://{checkout.folder}", str(tmp_path / "shallow"))

    with pytest.raises(RevisionError, match=r"git fetch --unshallow"):
        load_desired_at(then, [str(tmp_path / "shallow/prod.yaml")])


def test_a_mark_is_moved_to_what_is_checked_out(checkout):
    """The first time it is made; when it is there already nothing happens."""
    first = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()
    second = checkout.commit(prod=TWO)

    mark = prepare_mark(REF, ["prod.yaml"])
    mark.move()
    prepare_mark(REF, ["prod.yaml"]).move()

    assert (first, second) == (mark.previous, mark.commit)
    assert second == checkout.git("rev-parse", REF)
    assert "reconciler apply" in checkout.git("reflog", "show", REF)


def test_of_two_runs_that_marked_at_the_same_time_the_second_is_told(checkout):
    """Where the ref is now, and that the registry is as its report says."""
    checkout.commit(prod=ONE)
    late = prepare_mark(REF, ["prod.yaml"])
    checkout.commit(prod=TWO)
    prepare_mark(REF, ["prod.yaml"]).move()
    now = checkout.git("rev-parse", REF)

    with pytest.raises(RevisionError, match=f"it was absent when this run began and is {now[:12]} now"):
        late.move()
    assert now == checkout.git("rev-parse", REF)


@pytest.mark.parametrize("state", ["modified", "staged", "untracked", "ignored", "deleted"])
def test_what_is_not_committed_is_not_marked(checkout, state):
    """The ref would say that something was applied that was not."""
    checkout.commit(deploy__prod=ONE, deploy__old=ONE)
    (checkout.folder / ".gitignore").write_text("ignored.yaml\n")
    checkout.git("add", ".gitignore")
    checkout.commit()
    name = {"untracked": "new", "ignored": "ignored", "deleted": "old"}.get(state, "prod")
    checkout.write(f"deploy__{name}", None if state == "deleted" else TWO)
    if state == "staged":
        checkout.git("add", "-A")

    with pytest.raises(RevisionError, match=rf"--mark: deploy/{name}\.yaml: not as in HEAD"):
        prepare_mark(REF, ["deploy"])


def test_what_is_not_applied_need_not_be_committed(checkout):
    """Other files of the repository are nobody's business here."""
    head = checkout.commit(prod=ONE, other=ONE)
    checkout.write("other", TWO)

    assert head == prepare_mark(REF, ["prod.yaml"]).commit


@pytest.mark.parametrize("ref", ["prod", "heads/main", "refs/", "refs/a..b", "--all", "refs/heads/main", "HEAD", ""])
def test_a_ref_that_may_not_be_moved_is_refused(checkout, ref):
    """It must be a full name, and no branch that somebody works on."""
    checkout.commit(prod=ONE)

    with pytest.raises(RevisionError, match="--mark"):
        prepare_mark(ref, ["prod.yaml"])


def test_a_detached_head_can_be_marked(checkout):
    """Pipelines check out a commit, not a branch."""
    head = checkout.commit(prod=ONE)
    checkout.git("checkout", "-q", "--detach")

    prepare_mark(REF, ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", REF)
