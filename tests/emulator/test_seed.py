"""Filling an empty emulator from a file."""

import json

import pytest

from reconciler.emulator import EmbeddedEmulator, EmulatorError

ALL = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
SEED = {
    "repositories": {
        "team/app": {
            "attributes": {"writeEnabled": False},
            "tags": {
                "v1": {"content": "one", "attributes": {"deleteEnabled": False}},
                "v2": {"content": "two", "manifest": {"deleteEnabled": False}},
                "stable": {"content": "one"},
                "multi": {"index": ["v1", "v2"]},
            },
        }
    }
}


def test_a_seed_becomes_images_indexes_and_attributes(tmp_path):
    """Tags of the same content share an image; attributes go where they are written."""
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(SEED))

    with EmbeddedEmulator(seed=path) as emulator:
        digest = emulator.tag("team/app:v1")["digest"]
        assert ALL | {"writeEnabled": False} == emulator.repository("team/app")
        assert {"digest": digest, **ALL, "deleteEnabled": False} == emulator.tag("team/app:v1")
        assert {"digest": digest, **ALL} == emulator.tag("team/app:stable")
        assert ALL | {"deleteEnabled": False} == emulator.manifest("team/app:v2")
        assert ALL == emulator.manifest("team/app:multi")


def test_an_emulator_that_holds_something_is_left_as_it_is(emulator):
    """So that a restart keeps what was done."""
    emulator.push("web/api:v1")

    emulator.seed(SEED)

    assert emulator.repository("team/app") is None


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ([], "the seed: not an object"),
        ({"repositories": []}, "repositories: not an object"),
        ({"repos": {}}, 'the seed: unknown "repos"\n  known: repositories'),
        ({"repositories": {"Team": {"tags": {"v1": {"content": ""}}}}}, 'repositories.Team: "Team": not a repository'),
        ({"repositories": {"a:b": {"tags": {"v1": {"content": ""}}}}}, "repositories.a:b: a name holds no : and no @"),
        ({"repositories": {"a": {}}}, "repositories.a.tags: empty"),
        ({"repositories": {"a": {"tags": {"": {"content": "x"}}}}}, 'repositories.a.tags.: "a:": not a repository'),
        ({"repositories": {"a": {"tags": {"v1": {}}}}}, "repositories.a.tags.v1: needs either `content` or `index`"),
        ({"repositories": {"a": {"tags": {"v1": {"content": 1}}}}}, "repositories.a.tags.v1.content: not a text"),
        ({"repositories": {"a": {"tags": {"v1": {"index": ["v0"]}}}}}, 'v1.index: no tag "v0" stands before it'),
        (
            {"repositories": {"a": {"tags": {"v1": {"content": "x", "attributes": {"locked": True}}}}}},
            'repositories.a.tags.v1.attributes: unknown "locked"',
        ),
        (
            {"repositories": {"a": {"tags": {"v1": {"content": "x"}}, "attributes": {"deleteEnabled": "no"}}}},
            "repositories.a.attributes.deleteEnabled: not true or false",
        ),
    ],
)
def test_a_seed_that_is_none_says_where(emulator, seed, message):
    """With the way to the mistake, and what is allowed there."""
    with pytest.raises(EmulatorError) as raised:
        emulator.seed(seed)

    assert message in str(raised.value)


def test_a_seed_with_a_mistake_leaves_nothing(emulator):
    """What stood before the mistake is not kept either."""
    with pytest.raises(EmulatorError):
        emulator.seed({"repositories": {**SEED["repositories"], "web/api": {}}})

    assert emulator.repository("team/app") is None


@pytest.mark.parametrize(("content", "message"), [(b"{", "seed.json: not JSON"), (None, "seed.json: cannot be read")])
def test_a_seed_file_that_cannot_be_read_is_named(tmp_path, content, message):
    """Before anything listens."""
    if content is not None:
        (tmp_path / "seed.json").write_bytes(content)

    with pytest.raises(EmulatorError, match=message), EmbeddedEmulator(seed=tmp_path / "seed.json"):
        pass
