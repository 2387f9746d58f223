"""What many have in common as one rule, and exactly the same said of each: what folding makes, and where it stops."""

from __future__ import annotations

from builders import OPEN, index, plan_of, repository, selection, tag
from exporting import export, loaded, typical

from reconciler.model.selection import EVERYTHING
from reconciler.planning.exported import exported
from reconciler.planning.folding_registry import Known, Most, says_just


def test_what_lists_do_not_show_is_named():
    """A pattern would not find a hidden repository or tag, however many there are of them and however alike."""
    hidden = {**OPEN, "listEnabled": False}
    tags = {f"pr-{number}": tag(listEnabled=False) for number in (1, 2, 3)}
    live = [repository(f"app{number}", hidden, {**tags, "v1": tag()}) for number in (1, 2)]
    live += [repository(f"web{number}", OPEN, {"v1": tag(), "v2": tag()}) for number in (1, 2)]

    text = export(live, folded=True)

    expected = "".join(
        f"\n  - match: {name}\n"
        "    attributes: {listEnabled: false}\n"
        "    tags:\n"
        "      - match: [pr-1, pr-2, pr-3]\n"
        "        attributes: {listEnabled: false}\n"
        for name in ("app1", "app2")
    )
    assert text.endswith(f"listEnabled: true, readEnabled: true}}\n{expected}")


def test_tags_that_are_all_hidden_are_not_folded():
    """There is no rule that would find them."""
    live = repository("app", OPEN, {f"pr-{number}": tag(listEnabled=False) for number in (1, 2, 3)})

    assert export([live], folded=False) == export([live], folded=True)


def test_attributes_that_some_lack_are_said_of_the_others():
    """A rule for all says only what each of them has; here most lack some."""
    little = {"digest": tag()["digest"], "deleteEnabled": True}
    live = [
        *(repository(name, OPEN, {"a": little, "b": little}) for name in ("db", "dc")),
        repository("app", {**OPEN, "teleportEnabled": True}, {"a": tag(), "b": tag(), "c": tag(), "d": tag()}),
        repository("web", OPEN, {"a": tag(), "b": tag(), "c": little}),
    ]

    text = export(live, folded=True)

    assert text.endswith(
        '  - match: "**"\n'
        "    attributes: {deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true}\n"
        "    tags:\n"
        '      - match: "**"\n'
        "        attributes: {deleteEnabled: true}\n"
        "\n"
        "  - match: app\n"
        "    attributes: {teleportEnabled: true}\n"
        "    tags:\n"
        '      - match: "**"\n'
        "        attributes: {writeEnabled: true, listEnabled: true, readEnabled: true}\n"
        "\n"
        "  - match: web\n"
        "    tags:\n"
        "      - match: [a, b]\n"
        "        attributes: {writeEnabled: true, listEnabled: true, readEnabled: true}\n"
    )


def test_what_a_folded_export_looks_like():
    """What most have in common stands once; behind it what differs, by prefix or by name, with just what differs."""
    assert (
        "# A comment.\n"
        "version: 1\n"
        "registry: contoso.azurecr.io\n"
        "\n"
        "repositories:\n"
        '  - match: "**"\n'
        "    attributes: {deleteEnabled: false, writeEnabled: true, listEnabled: true, readEnabled: true}\n"
        "    tags:\n"
        '      - match: "**"\n'
        "        attributes: {deleteEnabled: false, writeEnabled: false, listEnabled: true, readEnabled: true}\n"
        "\n"
        "  - match: prod/api\n"
        "    tags:\n"
        "      - match: [latest, pr-7]\n"
        "        attributes: {deleteEnabled: true, writeEnabled: true}\n"
        "\n"
        "  - match: prod/web\n"
        "    tags:\n"
        '      - match: "1.10"\n'
        "        attributes: {deleteEnabled: true, writeEnabled: true}\n"
        "\n"
        "  - match: sandbox\n"
        "    attributes: {deleteEnabled: true, teleportEnabled: false}\n"
        "    tags:\n"
        "      - match: latest\n"
        "        attributes: {deleteEnabled: true, writeEnabled: true}\n"
    ) == export(typical(), folded=True)


def test_a_family_is_a_prefix_that_no_other_tag_has():
    """`pr-*` are three tags alike; `v*` would take one along that differs; two `rc` are too few."""
    tags = {
        **{f"pr-{number}": tag(readEnabled=False) for number in (1, 2, 3)},
        **{f"v1.{number}": tag(writeEnabled=False) for number in (0, 1, 2)},
        **{name: tag() for name in ("v2", "stable", "beta", "edge", "main", "next")},
        **{f"rc{number}": tag(writeEnabled=False, readEnabled=False) for number in (1, 2)},
    }

    text = export([repository("app", OPEN, tags)], folded=True)

    assert text.endswith(
        "    tags:\n"
        '      - match: "**"\n'
        "        attributes: {deleteEnabled: true, writeEnabled: true, listEnabled: true, readEnabled: true}\n"
        '      - match: "pr-*"\n'
        "        attributes: {readEnabled: false}\n"
        "      - match: [rc1, rc2]\n"
        "        attributes: {writeEnabled: false, readEnabled: false}\n"
        '      - match: "v1.*"\n'
        "        attributes: {writeEnabled: false}\n"
    )


def test_no_pattern_speaks_of_what_was_not_exported():
    """A rule for all is one for what was selected, leaving out what was excluded, looked at in part or not readable."""
    live = [each for each in typical() if each.name != "sandbox"]
    live += [repository(f"prod/{name}", {**OPEN, "deleteEnabled": False}) for name in ("db", "dc", "dd", "de", "old")]
    chosen = selection("prod/**", exclude=["prod/tmp", "prod/db:v*"])

    desired = loaded(export(live, folded=True, chosen=chosen, apart=("prod/old", "prod/gone")))

    common = desired.repositories[0]
    assert ["prod/**"] == [pattern.text for pattern in common.match]
    assert ["prod/db", "prod/gone", "prod/old", "prod/tmp"] == [pattern.text for pattern in common.exclude]
    assert () == plan_of(desired, *live, repository("sandbox", OPEN, {"latest": tag()})).changes


def test_what_is_more_than_a_file_may_hold_is_written_in_full():
    """Patterns are limited in number, names are not."""
    live = [
        repository(f"app{number}", OPEN, {name: tag(readEnabled=bool(number % 2)) for name in ("a", "b", "c")})
        for number in range(4)
    ]

    text = export(live, folded=True, most=Most(patterns=3, characters=100))

    desired = loaded(text)
    patterns = [p for rule in desired.repositories for each in (rule, *rule.tags) for p in each.match if not p.is_exact]
    assert 0 < len(patterns) <= 3
    assert () == plan_of(desired, *live).changes


def test_rules_that_say_anything_else_are_seen():
    """Folding rests on this: a changed value, one left to chance, one that is not there, a hidden tag not named."""
    live = repository("app", OPEN, {"v1": tag(), "v2": tag()})
    known = Known(live, exported(live, EVERYTHING, digests=False))
    all_of = {"match": "**", **OPEN}

    def said(*tags, **attributes):
        return says_just(index({"match": "**", **OPEN, **attributes, "tags": tags}).for_repository("app"), known)

    hidden = repository("app", OPEN, {"v1": tag(listEnabled=False)})
    assert said(all_of)
    assert not said({**all_of, "readEnabled": False})
    assert not said({**all_of, "match": "v1"})
    assert not said(all_of, teleportEnabled=True)
    by_pattern = index({"match": "app", **OPEN, "tags": [{**all_of, "listEnabled": False}]}).for_repository("app")
    assert not says_just(by_pattern, Known(hidden, exported(hidden, EVERYTHING, digests=False)))
