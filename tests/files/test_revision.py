"""Git as memory: the files as they stood at a commit."""

from __future__ import annotations

import shutil

import pytest
from checkouts import ONE, TWO, matches, refusal

from reconciler.files.committed import committed_files, locate
from reconciler.files.revision import load_desired_at

pytestmark = pytest.mark.usefixtures("git_of_nobody")
REF = "refs/reconciler/prod"


@pytest.mark.parametrize("spelled", ["{0}", "{1}", "HEAD~1", "applied", "refs/tags/applied"])
def test_a_file_is_read_as_it_stood_at_a_revision(checkout, spelled):
    """Whatever it says now; by any name that Git has for the commit, a tag object too."""
    first = checkout.commit(prod=ONE)
    checkout.git("tag", "-a", "-m", "a tag object", "applied")
    checkout.commit(prod=TWO)
    checkout.write("prod", "broken: [")

    then = load_desired_at(spelled.format(first, first[:10]), ["prod.yaml"])

    assert (first, ["one"]) == (then.commit, matches(then))


@pytest.mark.parametrize("named", ["deploy", "deploy/", "./deploy", "other/../deploy"])
def test_a_folder_stands_for_the_files_that_were_in_it(checkout, named):
    """In the order of their paths; deleted ones too, and nothing that is hidden or no desired state."""
    files = {"deploy__b": TWO, "deploy__a__x": ONE, "deploy__a__.y": "broken: [", "deploy__.git-like__z": "broken: ["}
    (checkout.folder / "deploy").mkdir()
    (checkout.folder / "deploy/notes.txt").write_text("broken: [")
    then = checkout.commit(**files, other__c=TWO)
    checkout.commit(deploy__a__x=None)

    read = load_desired_at(then, [named])

    assert ["one", "two"] == matches(read)


def test_the_order_in_a_folder_is_that_of_the_files_of_now(checkout):
    """Paths are plain text: a.x.yaml stands before a/b.yaml. The paths that were named keep their order."""
    texts = {name: ONE.replace("one", name.replace("__", "-").replace(".", "-")) for name in ("z__a.x", "z__a__b", "c")}
    then = checkout.commit(**texts)

    read = load_desired_at(then, ["z", "c.yaml"])

    assert ["z-a-x", "z-a-b", "c"] == matches(read)


def test_the_whole_repository_is_a_folder_too(checkout):
    """Named from its top."""
    then = checkout.commit(a=ONE, deploy__b=TWO)

    read = load_desired_at(then, ["."])

    assert ["one", "two"] == matches(read)


@pytest.mark.parametrize("named", ["prod.yaml", "../deploy/prod.yaml", "{}/deploy/prod.yaml", ".", ".."])
def test_from_a_folder_below_and_by_a_whole_path_it_is_the_same(checkout, monkeypatch, named):
    """Paths are as on the command line."""
    then = checkout.commit(deploy__prod=ONE)
    monkeypatch.chdir(checkout.folder / "deploy")

    read = load_desired_at(then, [named.format(checkout.folder)])

    assert ["one"] == matches(read)


def test_a_file_that_is_reached_twice_counts_once(checkout):
    """Where it is named first."""
    then = checkout.commit(deploy__a=ONE, deploy__b=TWO)

    read = load_desired_at(then, ["deploy/b.yaml", "deploy"])

    assert ["two", "one"] == matches(read)


def test_what_did_not_exist_declared_nothing(checkout):
    """A file that is new is no error: all that it says is new."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=None, staging=TWO)

    read = load_desired_at(then, ["prod.yaml", "staging.yaml"])

    assert ["one"] == matches(read)


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

    read = [matches(load_desired_at(then, [name])) for name in ("old.yaml", "new.yaml")]

    assert [["one"], []] == read


def test_a_folder_that_is_gone_is_read_as_it_was(checkout):
    """Nothing of it has to be there now."""
    then = checkout.commit(deploy__eu__prod=ONE)
    checkout.commit(deploy__eu__prod=None, other=TWO)
    shutil.rmtree(checkout.folder / "deploy", ignore_errors=True)

    read = load_desired_at(then, ["deploy/eu"])

    assert ["one"] == matches(read)


def test_a_worktree_is_a_repository(checkout, tmp_path):
    """With the revisions that all worktrees share."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=TWO)
    checkout.git("worktree", "add", "-q", "--detach", str(tmp_path / "second"))

    read = load_desired_at(then, [str(tmp_path / "second/prod.yaml")])

    assert ["one"] == matches(read)


def test_the_registry_of_then_is_told_and_two_contradict(checkout):
    """As for files that are there now."""
    then = checkout.commit(a=f"registry: a.example.com\n{ONE}", b=f"registry: b.example.com\n{TWO}")

    said = refusal(load_desired_at, then, ["a.yaml", "b.yaml"])

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
    assert 2000 == len(matches(read))
    assert 2 == started.count("cat-file")
    assert (16 if by_name else 6) >= len(started)


def test_only_what_is_named_is_walked(checkout):
    """What else is in the commit is not even looked at: here it is damaged."""
    then = checkout.commit(deploy__prod=ONE, huge__other=TWO)
    tree = checkout.git("rev-parse", f"{then}:huge")
    (checkout.folder / ".git/objects" / tree[:2] / tree[2:]).unlink()

    read = load_desired_at(then, ["deploy"])

    assert ["one"] == matches(read)


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

    said = refusal(load_desired_at, revision, ["prod.yaml"])

    assert any(words in said.splitlines()[0] for words in ("has no such commit", "not a revision of Git"))
    assert said.replace("\n", "").isprintable()


def test_a_ref_that_a_clone_leaves_out_is_to_be_fetched(checkout):
    """Only branches and tags are cloned."""
    checkout.commit(prod=ONE)

    said = refusal(load_desired_at, REF, ["prod.yaml"])

    assert f"git fetch origin +{REF}:{REF}" in said


def test_a_shallow_clone_is_told_what_it_lacks(checkout, tmp_path):
    """Pipelines make such clones."""
    then = checkout.commit(prod=ONE)
    checkout.commit(prod=TWO)
    checkout.git("clone", "-q", "--depth", "1", f"file://{checkout.folder}", str(tmp_path / "shallow"))

    said = refusal(load_desired_at, then, [str(tmp_path / "shallow/prod.yaml")])

    assert f"{then}: the repository at {tmp_path}/shallow has no such commit" == said.splitlines()[0]
    assert "git fetch --unshallow, or clone with all commits (fetch-depth: 0)" in said


def test_content_that_is_missing_is_told(checkout):
    """A damaged repository does not declare less."""
    then = checkout.commit(prod=ONE)
    blob = checkout.git("rev-parse", f"{then}:prod.yaml")
    (checkout.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()

    said = refusal(load_desired_at, then, ["prod.yaml"])

    assert "prod.yaml: Git does not have its content here" == said.splitlines()[0]


def test_content_that_is_too_large_is_refused_unread(checkout):
    """By the size that Git knows."""
    then = checkout.commit(prod=ONE)
    repository, named = locate(["prod.yaml"])
    files = committed_files(repository, then, named)

    said = refusal(lambda: list(repository.contents(files, limit=10)))

    assert "prod.yaml: its content in Git is more than 10 bytes" == said


def test_a_partial_clone_fetches_nothing(checkout, tmp_path):
    """What it left out is told, and not asked of the network."""
    then = checkout.commit(prod=ONE)
    checkout.git("config", "uploadpack.allowFilter", "true")
    clone = ["clone", "-q", "--no-checkout", "--filter=blob:none"]
    checkout.git(*clone, f"file://{checkout.folder}", str(tmp_path / "partial"))

    said = refusal(load_desired_at, then, [str(tmp_path / "partial/prod.yaml")])

    assert "This clone left content out, and nothing is fetched here. Clone without --filter." in said


def test_every_problem_of_the_files_of_then_names_the_revision(checkout):
    """Nobody must look for the mistake in the file of today."""
    checkout.commit(a="version: 1\nrepositories: [{match: one, atributes: {}}]\n", b="broken: [")
    checkout.commit(a=ONE, b=TWO)

    said = refusal(load_desired_at, "HEAD~1", ["a.yaml", "b.yaml"])

    places = [line for line in said.splitlines() if not line.startswith(" ")]
    assert places[0].startswith("HEAD~1:a.yaml:2:29: repositories[0]: unknown key")
    assert places[1].startswith("HEAD~1:b.yaml:2:1: not valid YAML")
    assert said.endswith("That is how the files were at HEAD~1. Name another revision, or --state none.")
