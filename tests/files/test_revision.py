"""Git as memory: the files of a commit, and the ref that says which was applied."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import DesiredStateError, RevisionError
from reconciler.files.committed import committed_files, locate
from reconciler.files.revision import load_desired_at, prepare_mark

REF = "refs/reconciler/prod"
ONE = 'version: 1\nrepositories: [{match: "one", attributes: {deleteEnabled: false}}]\n'
TWO = 'version: 1\nrepositories: [{match: "two", attributes: {deleteEnabled: false}}]\n'


class Checkout:
    """A Git repository with a work tree."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str) -> str:
        """What git prints."""
        named = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env={**os.environ, **named}, capture_output=True, check=False
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout.decode().strip()

    def commit(self, **files: str | None) -> str:
        """Commit files, `a__b` being a/b.yaml; None deletes one. The id of the commit."""
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, text: str | None) -> Path:
        """Write a file, or delete it."""
        path = self.folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True) if text is None else path.write_text(text)
        return path


@pytest.fixture(autouse=True)
def _git_of_nobody(monkeypatch):
    """What whoever runs the tests has set for Git, for themselves or for a hook, does not count."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository, with its folder as the current one."""
    made = Checkout(tmp_path / "files")
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Put a git first in the PATH that notes its arguments and is the real one; returns what it noted."""
    noted, real = tmp_path / "noted", shutil.which("git")
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$1" >> "{noted}"\nexec "{real}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return lambda: noted.read_text().split()


def _matches(revision) -> list[str]:
    return [rule.match[0].text for rule in revision.desired.repositories]


def _refusal(call, *arguments) -> str:
    with pytest.raises(RevisionError) as refused:
        call(*arguments)
    return str(refused.value)


@pytest.mark.parametrize("spelled", ["{0}", "{1}", "HEAD~1", "applied", "refs/tags/applied"])
def test_a_file_is_read_as_it_stood_at_a_revision(checkout, spelled):
    """Whatever it says now; by any name that Git has for the commit, a tag object too."""
    first = checkout.commit(prod=ONE)
    checkout.git("tag", "-a", "-m", "a tag object", "applied")
    checkout.commit(prod=TWO)
    checkout.write("prod", "broken: [")

    then = load_desired_at(spelled.format(first, first[:10]), ["prod.yaml"])

    assert (first, ["one"]) == (then.commit, _matches(then))


@pytest.mark.parametrize("named", ["deploy", "deploy/", "./deploy", "other/../deploy"])
def test_a_folder_stands_for_the_files_that_were_in_it(checkout, named):
    """In the order of their paths; deleted ones too, and nothing that is hidden or no desired state."""
    files = {"deploy__b": TWO, "deploy__a__x": ONE, "deploy__a__.y": "broken: [", "deploy__.git-like__z": "broken: ["}
    (checkout.folder / "deploy").mkdir()
    (checkout.folder / "deploy/notes.txt").write_text("broken: [")
    then = checkout.commit(**files, other__c=TWO)
    checkout.commit(deploy__a__x=None)

    read = load_desired_at(then, [named])

    assert ["one", "two"] == _matches(read)


def test_the_order_in_a_folder_is_that_of_the_files_of_now(checkout):
    """Paths are plain text: a.x.yaml stands before a/b.yaml. The paths that were named keep their order."""
    texts = {name: ONE.replace("one", name.replace("__", "-").replace(".", "-")) for name in ("z__a.x", "z__a__b", "c")}
    then = checkout.commit(**texts)

    read = load_desired_at(then, ["z", "c.yaml"])

    assert ["z-a-x", "z-a-b", "c"] == _matches(read)


def test_the_whole_repository_is_a_folder_too(checkout):
    """Named from its top."""
    then = checkout.commit(a=ONE, deploy__b=TWO)

    read = load_desired_at(then, ["."])

    assert ["one", "two"] == _matches(read)


@pytest.mark.parametrize("named", ["prod.yaml", "../deploy/prod.yaml", "{}/deploy/prod.yaml", ".", ".."])
def test_from_a_folder_below_and_by_a_whole_path_it_is_the_same(checkout, monkeypatch, named):
    """Paths are as on the command line."""
    then = checkout.commit(deploy__prod=ONE)
    monkeypatch.chdir(checkout.folder / "deploy")

    read = load_desired_at(then, [named.format(checkout.folder)])

    assert ["one"] == _matches(read)


def test_a_file_that_is_reached_twice_counts_once(checkout):
    """Where it is named first."""
    then = checkout.commit(deploy__a=ONE, deploy__b=TWO)

    read = load_desired_at(then, ["deploy/b.yaml", "deploy"])

    assert ["two", "one"] == _matches(read)


def test_what_did_not_exist_declared_nothing(checkout):
    """A file that is new is no error: all that it says is new."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=None, staging=TWO)

    read = load_desired_at(then, ["prod.yaml", "staging.yaml"])

    assert ["one"] == _matches(read)


@pytest.mark.parametrize("named", ["staging.yaml", "new/folder", "prod.yaml/below"])
def test_nothing_at_all_is_an_empty_desired_state(checkout, named):
    """Before the first file was there, nothing was declared."""
    then = checkout.commit(prod=ONE)

    read = load_desired_at(then, [named])

    assert ((), None) == (read.desired.repositories, read.desired.registry)


def test_a_renamed_file_is_not_followed(checkout):
    """Its old name is what was applied; the new one did not exist."""
    then = checkout.commit(old=ONE)
    checkout.git("mv", "old.yaml", "new.yaml")
    checkout.commit()

    read = [_matches(load_desired_at(then, [name])) for name in ("old.yaml", "new.yaml")]

    assert [["one"], []] == read


def test_a_folder_that_is_gone_is_read_as_it_was(checkout):
    """Nothing of it has to be there now."""
    then = checkout.commit(deploy__eu__prod=ONE)
    checkout.commit(deploy__eu__prod=None, other=TWO)
    shutil.rmtree(checkout.folder / "deploy", ignore_errors=True)

    read = load_desired_at(then, ["deploy/eu"])

    assert ["one"] == _matches(read)


def test_a_worktree_is_a_repository(checkout, tmp_path):
    """With the revisions that all worktrees share."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=TWO)
    checkout.git("worktree", "add", "-q", "--detach", str(tmp_path / "second"))

    read = load_desired_at(then, [str(tmp_path / "second/prod.yaml")])

    assert ["one"] == _matches(read)


def test_the_registry_of_then_is_told_and_two_contradict(checkout):
    """As for files that are there now."""
    then = checkout.commit(a=f"registry: a.example.com\n{ONE}", b=f"registry: b.example.com\n{TWO}")

    said = _refusal(load_desired_at, then, ["a.yaml", "b.yaml"])

    assert "a.example.com" == load_desired_at(then, ["a.yaml"]).desired.registry
    assert f'{then}:b.yaml:1:11: registry: "b.example.com" is another registry than "a.example.com"' in said


@pytest.mark.parametrize("by_name", [False, True])
def test_many_files_are_asked_for_together(checkout, commands, by_name):
    """Two thousand of them take no process each, whether a folder or each of them is named."""
    names = [f"deploy/f{number:04}.yaml" for number in range(2000)]
    then = checkout.commit(**{name[:-5].replace("/", "__"): ONE for name in names})
    before = len(commands())

    read = load_desired_at(then, names if by_name else ["deploy"])

    started = commands()[before:]
    assert 2000 == len(_matches(read))
    assert 2 == started.count("cat-file")
    assert (16 if by_name else 6) >= len(started)


def test_only_what_is_named_is_walked(checkout):
    """What else is in the commit is not even looked at: here it is damaged."""
    then = checkout.commit(deploy__prod=ONE, huge__other=TWO)
    tree = checkout.git("rev-parse", f"{then}:huge")
    (checkout.folder / ".git/objects" / tree[:2] / tree[2:]).unlink()

    read = load_desired_at(then, ["deploy"])

    assert ["one"] == _matches(read)


@pytest.mark.parametrize(
    "revision",
    [
        *("--upload-pack=x", "-h", "--all", "nowhere", "", "HEAD:prod.yaml", "HEAD^{tree}", "^HEAD", "HEAD..HEAD"),
        *("0" * 40, "a\nb", "\x1b[31m"),
    ],
)
def test_what_is_no_commit_is_refused(checkout, revision):
    """It never becomes an option of git, and is shown on one line."""
    checkout.commit(prod=ONE)

    said = _refusal(load_desired_at, revision, ["prod.yaml"])

    assert any(words in said.splitlines()[0] for words in ("has no such commit", "not a revision of Git"))
    assert said.replace("\n", "").isprintable()


def test_a_ref_that_a_clone_leaves_out_is_to_be_fetched(checkout):
    """Only branches and tags are cloned."""
    checkout.commit(prod=ONE)

    said = _refusal(load_desired_at, REF, ["prod.yaml"])

    assert f"git fetch origin +{REF}:{REF}" in said


def test_a_shallow_clone_is_told_what_it_lacks(checkout, tmp_path):
    """Pipelines make such clones."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=TWO)
    checkout.git("clone", "-q", "--depth", "1", f"file://{checkout.folder}", str(tmp_path / "shallow"))

    said = _refusal(load_desired_at, then, [str(tmp_path / "shallow/prod.yaml")])

    assert f"{then}: the repository at {tmp_path}/shallow has no such commit" == said.splitlines()[0]
    assert "git fetch --unshallow, or clone with all commits (fetch-depth: 0)" in said


def test_content_that_is_missing_is_told(checkout):
    """A damaged repository does not declare less."""
    then = checkout.commit(prod=ONE)
    blob = checkout.git("rev-parse", f"{then}:prod.yaml")
    (checkout.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()

    said = _refusal(load_desired_at, then, ["prod.yaml"])

    assert "prod.yaml: Git does not have its content here" == said.splitlines()[0]


def test_content_that_is_too_large_is_refused_unread(checkout):
    """By the size that Git knows."""
    then = checkout.commit(prod=ONE)
    repository, named = locate(["prod.yaml"])
    files = committed_files(repository, then, named)

    said = _refusal(lambda: list(repository.contents(files, limit=10)))

    assert "prod.yaml: its content in Git is more than 10 bytes" == said


def test_a_partial_clone_fetches_nothing(checkout, tmp_path):
    """What it left out is told, and not asked of the network."""
    then = checkout.commit(prod=ONE)
    checkout.git("config", "uploadpack.allowFilter", "true")
    clone = ["clone", "-q", "--no-checkout", "--filter=blob:none"]
    checkout.git(*clone, f"file://{checkout.folder}", str(tmp_path / "partial"))

    said = _refusal(load_desired_at, then, [str(tmp_path / "partial/prod.yaml")])

    assert "This clone left content out, and nothing is fetched here. Clone without --filter." in said


def test_every_problem_of_the_files_of_then_names_the_revision(checkout):
    """Nobody must look for the mistake in the file of today."""
    checkout.commit(a="version: 1\nrepositories: [{match: one, atributes: {}}]\n", b="broken: [")
    checkout.commit(a=ONE, b=TWO)

    said = _refusal(load_desired_at, "HEAD~1", ["a.yaml", "b.yaml"])

    places = [line for line in said.splitlines() if not line.startswith(" ")]
    assert places[0].startswith("HEAD~1:a.yaml:2:29: repositories[0]: unknown key")
    assert places[1].startswith("HEAD~1:b.yaml:2:1: not valid YAML")
    assert said.endswith("That is how the files were at HEAD~1. Name another revision, or --state none.")


def test_a_name_that_is_not_utf8_is_read(checkout):
    """Names are bytes to Git, and may hold a new line as well."""
    (checkout.folder / "deploy").mkdir()
    for name in (b"deploy/\xff.yaml", b"deploy/a\nb.yaml"):
        Path(os.fsdecode(os.fsencode(checkout.folder) + b"/" + name)).write_text("broken: [")
    then = checkout.commit()

    said = _refusal(load_desired_at, then, ["deploy", os.fsdecode(b"deploy/\xff.yaml")])

    assert [f"{then}:deploy/a\\nb.yaml", f"{then}:deploy/\\udcff.yaml"] == [
        line.split(":2:1: ")[0] for line in said.splitlines() if line.startswith(then)
    ]


@pytest.mark.parametrize("name", ["*.yaml", ":(glob)**.yaml", "-r.yaml", ":!x.yaml", "[ab].yaml"])
def test_a_name_is_no_pattern_and_no_option(checkout, name):
    """Only the file of that very name is read."""
    (checkout.folder / name).write_text(ONE)
    then = checkout.commit(a=TWO, b=TWO)

    read = load_desired_at(then, [name])

    assert ["one"] == _matches(read)


def test_a_link_that_is_named_is_not_followed(checkout):
    """Where it led at the revision may not be in Git at all."""
    (checkout.folder / "link.yaml").symlink_to("/etc/passwd")
    then = checkout.commit(prod=ONE)

    said = _refusal(load_desired_at, then, ["link.yaml"])

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

    said = _refusal(load_desired_at, then, ["current/prod.yaml"])

    assert "current: a link, which is not followed in Git" == said.splitlines()[0]


def test_a_link_to_the_repository_is_a_way_to_it(checkout, tmp_path):
    """It is not in the repository, so no revision has another one."""
    then = checkout.commit(deploy__prod=ONE)
    (tmp_path / "link").symlink_to(checkout.folder / "deploy")

    read = load_desired_at(then, [str(tmp_path / "link/prod.yaml")])

    assert ["one"] == _matches(read)


def test_a_link_in_a_folder_is_an_error_where_it_would_be_read(checkout):
    """One that is no desired-state file by its name, or is hidden, is left out."""
    for name in ("notes", ".hidden.yaml"):
        (checkout.folder / name).symlink_to("/etc/passwd")
    then = checkout.commit(prod=ONE)
    (checkout.folder / "a.yaml").symlink_to("prod.yaml")
    later = checkout.commit()

    read = load_desired_at(then, ["."])
    said = _refusal(load_desired_at, later, ["."])

    assert ["one"] == _matches(read)
    assert "a.yaml: a link, which is not followed in Git" == said.splitlines()[0]


@pytest.mark.parametrize("named", [".", "shared", "shared/prod.yaml"])
def test_a_repository_inside_is_not_followed(checkout, tmp_path, named):
    """What was in a submodule is not known here."""
    other = Checkout(tmp_path / "other")
    other.commit(prod=ONE)
    checkout.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.folder), "shared")
    then = checkout.commit(here=TWO)
    checkout.git("submodule", "--quiet", "deinit", "--force", "shared")

    said = _refusal(load_desired_at, then, [named])

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

    said = _refusal(load_desired_at, "HEAD", ["prod.yaml", str(tmp_path / "others/prod.yaml")])

    assert f"{tmp_path}/others/prod.yaml: in another Git repository than prod.yaml" == said


def test_files_in_no_repository_have_no_revision(tmp_path):
    """That is told in the words of Git."""
    (tmp_path / "alone.yaml").write_text(ONE)

    said = _refusal(load_desired_at, "HEAD", [str(tmp_path / "alone.yaml")])

    assert said.startswith(f"git rev-parse in {tmp_path}: not a git repository")


def test_without_git_there_is_no_revision(checkout, monkeypatch):
    """What is missing is told, and what needs it."""
    checkout.commit(prod=ONE)
    monkeypatch.setenv("PATH", str(checkout.folder))

    said = _refusal(load_desired_at, "HEAD", ["prod.yaml"])

    assert "git is not installed, and --base and --mark need it" == said


def test_a_repository_of_somebody_else_is_told_in_the_words_of_git(checkout, monkeypatch):
    """They say which command lets it be read."""
    checkout.commit(prod=ONE)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    said = _refusal(load_desired_at, "HEAD", ["prod.yaml"])

    assert "detected dubious ownership in repository" in said.splitlines()[0]
    assert f"\n  git config --global --add safe.directory {checkout.folder}" in said


def test_the_environment_may_name_the_repository(checkout, tmp_path, monkeypatch):
    """GIT_DIR and GIT_WORK_TREE are relative to the current folder, as they are for Git."""
    then = checkout.commit(deploy__prod=ONE)
    (checkout.folder / ".git").rename(tmp_path / "elsewhere.git")
    monkeypatch.setenv("GIT_DIR", "../elsewhere.git")
    monkeypatch.setenv("GIT_WORK_TREE", ".")

    read = load_desired_at(then, ["deploy/prod.yaml"])
    said = _refusal(load_desired_at, then, [str(tmp_path / "outside.yaml")])

    assert ["one"] == _matches(read)
    assert f"{tmp_path}/outside.yaml: not in the Git repository at {checkout.folder}" == said


def test_a_repository_with_sha256_is_read_and_marked(tmp_path, monkeypatch):
    """Its ids are longer."""
    made = Checkout(tmp_path / "sha256", "--object-format=sha256")
    monkeypatch.chdir(made.folder)
    then = made.commit(prod=ONE)

    prepare_mark(REF, ["prod.yaml"]).move()
    read = load_desired_at(REF, ["prod.yaml"])

    assert (64, then, ["one"]) == (len(read.commit), read.commit, _matches(read))


def test_what_this_clone_has_in_place_of_a_commit_is_not_read(checkout):
    """A commit is what its id says, whatever `git replace` says here."""
    then, other = checkout.commit(prod=ONE), checkout.commit(prod=TWO)
    checkout.git("replace", then, other)

    read = load_desired_at(then, ["prod.yaml"])

    assert ["one"] == _matches(read)


def test_a_mark_is_made_and_moved(checkout):
    """The ref need not be there before; its log says who moved it."""
    first = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()
    second = checkout.commit(prod=TWO)

    mark = prepare_mark(REF, ["prod.yaml"])
    mark.move()

    assert (REF, first, second) == (mark.ref, mark.previous, mark.commit)
    assert second == checkout.git("rev-parse", REF)
    assert 2 == checkout.git("reflog", "show", REF).count("reconciler apply")


def test_preparing_a_mark_moves_nothing(checkout):
    """That waits until all was applied."""
    checkout.commit(prod=ONE)

    mark = prepare_mark(REF, ["prod.yaml"])

    assert mark.previous is None
    assert "" == checkout.git("for-each-ref", "refs/reconciler")


def test_a_mark_that_is_there_already_stays(checkout):
    """Nothing is written, not even in its log."""
    head = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()

    prepare_mark(REF, ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", REF)
    assert 1 == checkout.git("reflog", "show", REF).count("reconciler apply")


def test_of_two_runs_that_marked_at_the_same_time_the_second_is_told(checkout):
    """Where the ref is now, and that the registry is as its report says."""
    checkout.commit(prod=ONE)
    late = prepare_mark(REF, ["prod.yaml"])
    now = checkout.commit(prod=TWO)
    prepare_mark(REF, ["prod.yaml"]).move()

    said = _refusal(late.move)

    assert f"{REF}: it is not moved: it was absent when this run began and is {now[:12]} now" == said.splitlines()[0]
    assert now == checkout.git("rev-parse", REF)


def test_a_mark_that_was_there_already_and_moved_away_is_told(checkout):
    """Nothing was to be moved, and yet it does not say what was applied."""
    first = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()
    late = prepare_mark(REF, ["prod.yaml"])
    now = checkout.commit(prod=TWO)
    prepare_mark(REF, ["prod.yaml"]).move()

    said = _refusal(late.move)

    assert f"it was {first[:12]} when this run began and is {now[:12]} now" in said


def test_two_runs_that_mark_the_same_commit_agree(checkout):
    """The second finds what it wanted."""
    head = checkout.commit(prod=ONE)
    late = prepare_mark(REF, ["prod.yaml"])
    prepare_mark(REF, ["prod.yaml"]).move()

    late.move()

    assert head == checkout.git("rev-parse", REF)


def test_a_mark_that_was_deleted_meanwhile_is_told(checkout):
    """It is not made anew: somebody did that on purpose."""
    first = checkout.commit(prod=ONE)
    prepare_mark(REF, ["prod.yaml"]).move()
    checkout.commit(prod=TWO)
    mark = prepare_mark(REF, ["prod.yaml"])
    checkout.git("update-ref", "-d", REF)

    said = _refusal(mark.move)

    assert f"it was {first[:12]} when this run began and is absent now" in said


def test_a_mark_that_git_cannot_write_is_told_as_it_is(checkout):
    """Nobody moved it, so nobody is blamed."""
    checkout.commit(prod=ONE)
    mark = prepare_mark(REF, ["prod.yaml"])
    checkout.git("update-ref", "refs/reconciler/prod/below", "HEAD")

    said = _refusal(mark.move)

    assert f"{REF}: it is not moved, and still absent" == said.splitlines()[0]


def test_a_mark_that_could_not_be_moved_is_told_before(checkout):
    """After everything was applied it would be too late."""
    checkout.commit(prod=ONE)
    checkout.git("update-ref", "refs/reconciler", "HEAD")

    said = _refusal(prepare_mark, REF, ["prod.yaml"])

    assert f"--mark {REF}: it could not be moved" == said.splitlines()[0]
    assert "'refs/reconciler' exists" in said


@pytest.mark.parametrize(
    ("state", "how"),
    [
        ("modified", "changed since"),
        ("staged", "changed since"),
        ("untracked", "not in it"),
        ("ignored", "not in it"),
        ("hidden-by-index", "changed since"),
        ("deleted", "deleted since"),
    ],
)
def test_what_is_not_committed_is_not_marked(checkout, state, how):
    """The ref would say that something was applied that was not. What Git thinks of the file does not count."""
    (checkout.folder / ".gitignore").write_text("ignored.yaml\n")
    head = checkout.commit(deploy__prod=ONE, deploy__old=ONE)
    name = {"untracked": "new", "ignored": "ignored", "deleted": "old"}.get(state, "prod")
    if state == "hidden-by-index":
        checkout.git("update-index", "--assume-unchanged", "deploy/prod.yaml")
    checkout.write(f"deploy__{name}", None if state == "deleted" else TWO)
    if state == "staged":
        checkout.git("add", "-A")

    said = _refusal(prepare_mark, REF, ["deploy"])

    assert f"--mark: deploy/{name}.yaml: not as in HEAD ({head[:12]}): {how}" == said.splitlines()[0]
    assert said.endswith("Commit them first.")


def test_all_that_is_not_committed_is_told(checkout):
    """Up to a number that a person reads."""
    head = checkout.commit(a=ONE)
    for number in range(13):
        checkout.write(f"b{number:02}", TWO)

    said = _refusal(prepare_mark, REF, ["."]).splitlines()

    assert f"--mark: b00.yaml: not as in HEAD ({head[:12]}): not in it" == said[0]
    assert ["  b01.yaml: not in it", "  and 2 more"] == [said[1], said[11]]


def test_what_is_not_applied_need_not_be_committed(checkout):
    """Other files of the repository are nobody's business here, nor is what is only staged."""
    head = checkout.commit(prod=ONE, other=ONE)
    checkout.write("other", TWO)
    checkout.write("prod", TWO)
    checkout.git("add", "prod.yaml")
    checkout.write("prod", ONE)

    mark = prepare_mark(REF, ["prod.yaml"])

    assert head == mark.commit


@pytest.mark.parametrize("settings", [{"core.autocrlf": "true"}, {"core.autocrlf": "false"}])
def test_how_lines_end_is_not_compared(checkout, settings):
    """Git may change that at a checkout, and YAML does not care."""
    head = checkout.commit(prod=ONE)
    for name, value in settings.items():
        checkout.git("config", name, value)
    checkout.write("prod", None).write_bytes(ONE.replace("\n", "\r\n").encode())

    mark = prepare_mark(REF, ["prod.yaml"])

    assert head == mark.commit


def test_what_a_filter_makes_of_a_file_is_not_what_is_committed(checkout):
    """The commit has to hold what is loaded; that a filter could make one of the other is not enough."""
    (checkout.folder / ".gitattributes").write_text("*.yaml filter=upper\n")
    checkout.git("config", "filter.upper.clean", "tr a-z A-Z")
    checkout.commit(prod=ONE)

    said = _refusal(prepare_mark, REF, ["prod.yaml"])

    assert "--mark: prod.yaml: not as in HEAD" in said


def test_what_cannot_be_loaded_is_told_as_always(checkout):
    """A name that is mistyped is not a matter of Git."""
    checkout.commit(prod=ONE)

    with pytest.raises(DesiredStateError, match=r"prdo\.yaml: no such file or folder"):
        prepare_mark(REF, ["prdo.yaml"])


@pytest.mark.parametrize(
    "ref",
    ["prod", "heads/main", "refs/", "refs/a..b", "--all", "--branch", "HEAD", "", "refs/a b", "refs/a\nb", "refs/\x00"],
)
def test_what_is_no_full_name_of_a_ref_is_refused(checkout, ref):
    """A short one could mean several."""
    checkout.commit(prod=ONE)

    said = _refusal(prepare_mark, ref, ["prod.yaml"])

    assert said.splitlines()[0].endswith(": not the full name of a ref")
    assert "such as refs/reconciler/prod" in said


@pytest.mark.parametrize("branch", ["main", "elsewhere"])
def test_a_branch_that_is_checked_out_is_not_moved(checkout, tmp_path, branch):
    """In whatever worktree: its files would not be those of the branch any more."""
    checkout.commit(prod=ONE)
    checkout.git("worktree", "add", "-q", "-b", "elsewhere", str(tmp_path / "second"))

    said = _refusal(prepare_mark, f"refs/heads/{branch}", ["prod.yaml"])

    assert f"--mark refs/heads/{branch}: that branch is checked out" == said.splitlines()[0]


def test_a_branch_that_nobody_works_on_can_be_a_mark(checkout):
    """It is a ref like others."""
    head = checkout.commit(prod=ONE)

    prepare_mark("refs/heads/applied", ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", "applied")


def test_a_ref_that_stands_for_another_is_not_moved(checkout):
    """The other may be the branch that somebody works on."""
    checkout.commit(prod=ONE)
    checkout.git("symbolic-ref", REF, "refs/heads/main")

    said = _refusal(prepare_mark, REF, ["prod.yaml"])

    assert f"--mark {REF}: it stands for another ref" == said.splitlines()[0]


def test_a_branch_with_the_whole_name_of_the_ref_is_another(checkout):
    """refs/heads/refs/reconciler/prod is not taken for the ref."""
    checkout.commit(prod=ONE)
    checkout.git("branch", REF)

    mark = prepare_mark(REF, ["prod.yaml"])

    assert mark.previous is None


def test_a_detached_head_can_be_marked(checkout):
    """Pipelines check out a commit, not a branch."""
    head = checkout.commit(prod=ONE)
    checkout.git("checkout", "-q", "--detach")

    prepare_mark(REF, ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", REF)


def test_a_mark_needs_no_name_of_a_committer(checkout):
    """Pipelines have none."""
    head = checkout.commit(prod=ONE)
    checkout.git("config", "user.useConfigOnly", "true")

    prepare_mark(REF, ["prod.yaml"]).move()

    assert head == checkout.git("rev-parse", REF)


def test_before_the_first_commit_there_is_nothing_to_mark(checkout):
    """Files have to be committed first."""
    checkout.write("prod", ONE)

    said = _refusal(prepare_mark, REF, ["prod.yaml"])

    assert "--mark: nothing is committed yet" == said.splitlines()[0]


ADD_TWO = "- {op: add, path: /repositories/-, value: {match: two, protect: open}}\n"
ADD_THREE = "- {op: add, path: /repositories/-, value: {match: three, protect: open}}\n"


def test_overlays_are_read_at_the_revision_too(checkout):
    """In the order given, whatever they say now."""
    then = checkout.commit(base=ONE, prod=ADD_TWO, eu=ADD_THREE)
    checkout.commit(base=TWO, prod="[]", eu="broken: [")

    read = load_desired_at(then, ["base.yaml"], ["eu.yaml", "prod.yaml"])

    assert ["one", "three", "two"] == _matches(read)
    assert f"{then}:prod.yaml" == read.desired.repositories[2].origin.file


def test_an_overlay_that_did_not_exist_changed_nothing(checkout):
    """Nor did one of a file that did not exist."""
    then = checkout.commit(base=ONE, eu=ADD_THREE)
    checkout.commit(prod=ADD_TWO)

    read = [load_desired_at(then, [base], ["prod.yaml", "eu.yaml"]) for base in ("base.yaml", "new.yaml")]

    assert [["one", "three"], []] == [_matches(each) for each in read]


def test_a_problem_of_an_overlay_of_then_names_the_revision(checkout):
    """A path that was not there, with its place in the overlay."""
    checkout.commit(base=ONE, prod="- {op: remove, path: /registry}\n")

    said = _refusal(load_desired_at, "HEAD", ["base.yaml"], ["prod.yaml"])

    assert 'HEAD:prod.yaml:1:22: [0].path: "/registry" is not there' == said.splitlines()[0]


def test_overlays_were_for_one_file_then_too(checkout):
    """A folder may have held more."""
    then = checkout.commit(deploy__a=ONE, deploy__b=TWO, prod="[]")

    said = _refusal(load_desired_at, then, ["deploy"], ["prod.yaml"])

    assert f"{then}:prod.yaml: an overlay is for one file, and 2 are named" == said.splitlines()[0]


@pytest.mark.parametrize(
    ("named", "what"), [("over", "a folder; an overlay is one file"), ("link.yaml", "a link, which")]
)
def test_an_overlay_of_then_was_a_file(checkout, named, what):
    """No folder, and no link."""
    (checkout.folder / "link.yaml").symlink_to("over/prod.yaml")
    then = checkout.commit(base=ONE, over__prod=ADD_TWO)

    said = _refusal(load_desired_at, then, ["base.yaml"], [named])

    assert said.startswith(f"{named}: {what}")


@pytest.mark.parametrize(("state", "how"), [(ADD_THREE, "changed since"), (None, "not in it")])
def test_an_overlay_that_is_not_committed_is_not_marked(checkout, state, how):
    """It is part of what is applied."""
    files = {} if state is None else {"prod": ADD_TWO}
    head = checkout.commit(base=ONE, **files)
    checkout.write("prod", state or ADD_TWO)

    said = _refusal(prepare_mark, REF, ["base.yaml"], ["prod.yaml"])

    assert f"--mark: prod.yaml: not as in HEAD ({head[:12]}): {how}" == said.splitlines()[0]


def test_a_commit_that_holds_the_file_and_its_overlays_is_marked(checkout):
    """Overlays that are not used need not be committed."""
    head = checkout.commit(base=ONE, prod=ADD_TWO)
    checkout.write("eu", ADD_THREE)

    mark = prepare_mark(REF, ["base.yaml"], ["prod.yaml"])

    assert head == mark.commit


def test_an_overlay_that_cannot_be_found_is_told_as_always(checkout):
    """Likewise a name that is mistyped."""
    checkout.commit(base=ONE)

    with pytest.raises(DesiredStateError, match=r"prdo\.yaml: no such file or folder"):
        prepare_mark(REF, ["base.yaml"], ["prdo.yaml"])
