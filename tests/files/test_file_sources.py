"""Paths become files: a file, a folder, standard input; and nothing that could hang or be read twice."""

from __future__ import annotations

import io
import os

import pytest

from reconciler.errors import DesiredStateError
from reconciler.files import load_desired
from reconciler.files.sources import MAX_FILE_BYTES, Source, read_source


def declare(path, name):
    """Write a file that declares something about the repository `name`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"version: 1\nrepositories:\n- match: {name}\n  attributes: {{readEnabled: true}}\n")


def names(desired):
    """The first pattern of each repository entry."""
    return [rule.match[0].text for rule in desired.repositories]


def complaints(*paths, **options):
    """What is said about paths that are refused, one text for each problem."""
    with pytest.raises(DesiredStateError) as caught:
        load_desired([str(path) for path in paths], **options)
    return [str(problem) for problem in caught.value.problems]


def test_a_folder_stands_for_its_files_in_order(tmp_path):
    """All .yaml, .yml and .json below a folder are read, sorted by path; what is hidden is not."""
    for name in ("b.yaml", "a/z.yml", "a.json.yaml", "a/b/c.json", ".hidden.yaml", ".git/x.yaml", "notes.md"):
        declare(tmp_path / name, "".join(letter for letter in name if letter.isalnum()))

    desired = load_desired([str(tmp_path)])

    assert ["ajsonyaml", "abcjson", "azyml", "byaml"] == names(desired)
    assert f"{tmp_path}/a/b/c.json" == desired.repositories[1].origin.file


def test_a_folder_of_links_ends(tmp_path):
    """A link back to a folder above is not followed for ever, and a link to another folder is."""
    declare(tmp_path / "i.yaml", "inside")
    declare(tmp_path / ".hidden" / "o.yaml", "other")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "other").symlink_to(tmp_path / ".hidden")

    desired = load_desired([str(tmp_path)])

    assert ["inside", "other"] == names(desired)


def test_a_mounted_config_map_is_a_folder(tmp_path):
    """Links that stay in the folder are read, through however many links, and however the folder is named."""
    declare(tmp_path / "mount" / "..2024" / "registry.yaml", "a")
    (tmp_path / "mount" / "..data").symlink_to("..2024")
    (tmp_path / "mount" / "registry.yaml").symlink_to("..data/registry.yaml")
    (tmp_path / "link").symlink_to("mount")

    desired = load_desired([f"{tmp_path}/link/"])

    assert ["a"] == names(desired)


def test_a_link_in_a_folder_does_not_lead_out_of_it(tmp_path):
    """Whoever may add a file to a folder cannot have another file of the machine read and shown."""
    declare(tmp_path / "folder-of-others" / "o.yaml", "secret")
    declare(tmp_path / "folder" / "b" / "i.yaml", "inside")
    (tmp_path / "folder" / "a.yaml").symlink_to(tmp_path / "folder-of-others" / "o.yaml")
    (tmp_path / "folder" / "b" / "c.yaml").symlink_to("../../gone")
    (tmp_path / "folder" / "d").symlink_to("../folder-of-others")
    (tmp_path / "folder" / "notes.md").symlink_to("../folder-of-others/o.yaml")

    said = complaints(tmp_path / "folder")

    reason = "a link that leads out of the folder\n  a path that is named itself may be such a link"
    assert [f"{tmp_path}/folder/{name}: {reason}" for name in ("a.yaml", "b/c.yaml", "d")] == said


def test_a_link_that_is_named_itself_leads_anywhere(tmp_path):
    """Who starts the command decides what it reads."""
    declare(tmp_path / "a" / "b.yaml", "a")
    (tmp_path / "link.yaml").symlink_to("a/b.yaml")

    desired = load_desired([str(tmp_path / "link.yaml")])

    assert ["a"] == names(desired)


def test_standard_input_is_a_file(tmp_path):
    """A dash reads standard input, and its rules have the dash as their file."""
    declare(tmp_path / "a.yaml", "a")
    stdin = io.BytesIO(b"version: 1\nrepositories: [{match: b, attributes: {readEnabled: true}}]\n")

    desired = load_desired([str(tmp_path / "a.yaml"), "-"], stdin=stdin)

    assert ["a", "b"] == names(desired)
    assert "-:2:17" == str(desired.repositories[1].origin)


def test_a_file_is_named_once(tmp_path):
    """The same file by two ways is refused, since it is open which of its places counts."""
    declare(tmp_path / "a.yaml", "a")
    (tmp_path / "link").symlink_to(tmp_path / "a.yaml")

    said = complaints(tmp_path, tmp_path / "link", "-", "-", stdin=io.BytesIO(b"version: 1\nrepositories: []"))

    assert [
        f'{tmp_path}/link: the same file as "{tmp_path}/a.yaml"\n  name each file once',
        '-: the same file as "-"\n  name each file once',
    ] == said


def test_what_cannot_be_read_is_told(tmp_path):
    """Each path that leads to no file is a problem of its own, and none of them waits."""
    (tmp_path / "empty" / "below").mkdir(parents=True)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.yaml").symlink_to(tmp_path / "broken" / "gone")
    os.mkfifo(tmp_path / "pipe.yaml")

    said = complaints(
        tmp_path / "none", tmp_path / "empty", tmp_path / "broken", tmp_path / "pipe.yaml", "/dev/zero", "a\0b"
    )

    assert [
        f"{tmp_path}/none: no such file or folder",
        f"{tmp_path}/empty: a folder without desired-state files\n  they end in .yaml, .yml, .json",
        f"{tmp_path}/broken/x.yaml: no such file or folder",
        f"{tmp_path}/pipe.yaml: not a regular file\n  - reads standard input",
        "/dev/zero: not a regular file\n  - reads standard input",
        "a\\x00b: not a path: it holds a NUL character",
    ] == said


def test_a_hostile_file_name_cannot_forge_a_line(tmp_path):
    """The name of a file is shown on one line."""
    (tmp_path / "a\n::error::.yaml").write_text("")

    said = complaints(tmp_path)

    assert said[0].startswith(f"{tmp_path}/a\\n::error::.yaml: the file is empty\n")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    """A file beyond the limit is refused by its size, however much it claims to hold."""
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(MAX_FILE_BYTES * 1000)

    said = complaints(tmp_path / "large.yaml")

    assert [
        f"{tmp_path}/large.yaml: a file of more than 268,435,456 bytes\n  split it, or say more with patterns"
    ] == said


def test_standard_input_has_the_same_limit():
    """What has no size is read as far as the limit, and no further."""
    stdin = io.BytesIO(bytes(100))

    with pytest.raises(DesiredStateError, match="a file of more than 10 bytes"):
        read_source(Source("-", None), stdin=stdin, limit=10)

    assert 11 == stdin.tell()
