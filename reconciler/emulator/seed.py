"""
Fill an empty emulator from a JSON file.

    {"repositories": {
        "team/app": {
            "attributes": {"deleteEnabled": false},
            "tags": {
                "v1":    {"content": "any text", "attributes": {"writeEnabled": false}},
                "v2":    {"content": "other text", "manifest": {"deleteEnabled": false}},
                "multi": {"index": ["v1", "v2"]}}}}}

Each different content is an image of its own; two tags with the same content share
one. `index` names tags of the same repository that stand before it. `attributes` are
those of the tag, `manifest` those of the manifest that it points at. An emulator
that holds anything already is left as it is, so that a restart keeps what was done.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.images import push_image, push_index
from reconciler.emulator.json_file import Object, object_of, read_json
from reconciler.emulator.names import Reference, parse_reference
from reconciler.emulator.permissions import REPOSITORY_ATTRIBUTES
from reconciler.emulator.registry import Registry
from reconciler.emulator.store import Manifest, Store


def seed_from_file(store: Store, path: Path) -> None:
    """
    Fill the store from the file, if the store is empty.

    Raises:
        EmulatorError: the file cannot be read, or is not a seed; the store is unchanged.
    """
    document = read_json(path)
    try:
        seed(store, document)
    except EmulatorError as error:
        raise EmulatorError(f"{path}: {error}") from error


def seed(store: Store, document: object) -> None:
    """
    Fill the store from a parsed seed, if the store is empty.

    Raises:
        EmulatorError: `document` is not a seed; the store is unchanged.
    """
    with store.transaction():
        if not store.is_empty():
            return
        registry = Registry(store)
        content = object_of(document, "the seed", ("repositories",))
        for name, repository in object_of(content.get("repositories", {}), "repositories").items():
            _seed_repository(registry, name, repository)


def _seed_repository(registry: Registry, name: str, given: object) -> None:
    place = f"repositories.{name}"
    repository = object_of(given, place, ("attributes", "tags"))
    _reference(name, name, place)
    tags = object_of(repository.get("tags", {}), f"{place}.tags")
    if not tags:
        raise EmulatorError(f"{place}.tags: empty\n  a repository exists only as long as something is in it")
    for tag, entry in tags.items():
        _seed_tag(registry, _reference(f"{name}:{tag}", name, f"{place}.tags.{tag}"), entry)
    for tag, entry in tags.items():
        _attribute_tag(registry, Reference(name, tag), entry)
    registry.patch_repository(name, _attributes(repository, "attributes", place))


def _seed_tag(registry: Registry, reference: Reference, given: object) -> None:
    place = f"repositories.{reference.repository}.tags.{reference.tag}"
    entry = object_of(given, place, ("content", "index", "attributes", "manifest"))
    if ("content" in entry) == ("index" in entry):
        raise EmulatorError(f"{place}: needs either `content` or `index`")
    if "index" in entry:
        push_index(registry, reference.repository, reference.tag, _children(registry, reference, entry["index"]))
        return
    if not isinstance(entry["content"], str):
        raise EmulatorError(f"{place}.content: not a text")
    push_image(registry, reference.repository, reference.tag, entry["content"].encode())


def _children(registry: Registry, reference: Reference, names: object) -> list[Manifest]:
    place = f"repositories.{reference.repository}.tags.{reference.tag}.index"
    if not isinstance(names, list):
        raise EmulatorError(f"{place}: not a list of tags")
    tags = [registry.store.tag(reference.repository, str(name)) for name in names]
    unknown = [str(name) for name, tag in zip(names, tags, strict=True) if tag is None]
    if unknown:
        raise EmulatorError(f'{place}: no tag "{unknown[0]}" stands before it')
    return [registry.manifest(reference.repository, tag.digest) for tag in tags if tag is not None]


def _attribute_tag(registry: Registry, reference: Reference, entry: Object) -> None:
    place = f"repositories.{reference.repository}.tags.{reference.tag}"
    tag = registry.tag(reference.repository, reference.tag)
    registry.patch_tag(reference.repository, tag.name, _attributes(entry, "attributes", place))
    registry.patch_manifest(reference.repository, tag.digest, _attributes(entry, "manifest", place))


def _attributes(entry: Object, member: str, place: str) -> dict[str, bool]:
    attributes = object_of(entry.get(member, {}), f"{place}.{member}", tuple(REPOSITORY_ATTRIBUTES))
    for name, value in attributes.items():
        if not isinstance(value, bool):
            raise EmulatorError(f"{place}.{member}.{name}: not true or false")
    return attributes


def _reference(text: str, repository: str, place: str) -> Reference:
    try:
        reference = parse_reference(text)
    except EmulatorError as error:
        raise EmulatorError(f"{place}: {error}") from error
    if reference.repository != repository or reference.digest:
        raise EmulatorError(f"{place}: a name holds no : and no @")
    return reference
