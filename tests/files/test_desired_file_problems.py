"""What is wrong in a file is told at its place, in words that help, and all of it at once."""

from __future__ import annotations

import pytest

from reconciler.errors import DesiredStateError
from reconciler.files import load_desired

HEAD = "version: 1\nrepositories:\n"
MINIMAL = "\n  the least that a file holds:\n    version: 1\n    repositories: []"
NOTHING = (
    "3:3: repositories[0]: the entry declares nothing\n  say what must hold, such as attributes: {deleteEnabled: false}"
)
FILE_KEYS = "version, registry, repositories, exceptions"
TAG_KEYS = "match, exclude, attributes, protect, digest, ensure, unlock, keep"
REPOSITORY_ATTRIBUTES = "deleteEnabled, writeEnabled, listEnabled, readEnabled, teleportEnabled"

# The text of a file, and all that is said about it.
FILES = [
    ("", [f"registry.yaml: the file is empty{MINIMAL}"]),
    ("# nothing\n---\n", [f"registry.yaml: the file is empty{MINIMAL}"]),
    ("just words", [f'registry.yaml:1:1: must be a mapping, not "just words"{MINIMAL}']),
    ("[]", [f"registry.yaml:1:1: must be a mapping, not a list{MINIMAL}"]),
    ("repositories: []", [f"registry.yaml:1:1: version is required{MINIMAL}"]),
    ("version: 1", [f"registry.yaml:1:1: repositories is required{MINIMAL}"]),
    (
        "version: 1.0\nrepositories: []",
        ['registry.yaml:1:10: version: must be 1, not "1.0"\n  this tool reads version 1'],
    ),
    ("version:\nrepositories: []", ["registry.yaml:1:9: version: needs a value"]),
    ("version: [1]\nrepositories: []", ["registry.yaml:1:10: version: must be a text, not a list"]),
    (
        "version: 1\nrepositories: {}",
        [
            (
                "registry.yaml:2:15: repositories: must be a list of entries, not a mapping\n"
                "  each entry starts with - match:"
            )
        ],
    ),
    (
        "version: 1\nrepositories:\n",
        ["registry.yaml:2:14: repositories: needs a value\n  each entry starts with - match:"],
    ),
    (
        "version: 1\nversion: 1\nrepositories: []\n",
        ['registry.yaml:2:1: "version" stands here twice; first at 1:1'],
    ),
    (
        "version: 1\nrepositorys: []\nrepositories: []\n",
        [
            (
                'registry.yaml:2:1: unknown key "repositorys"; did you mean "repositories"?\n'
                "  known keys: version, registry, repositories, exceptions"
            )
        ],
    ),
]

# An entry under `repositories` in flow style, its first character at 3:3, and all that is said about it.
ENTRIES = [
    ("", ["3:2: repositories[0]: needs a value\n  each entry starts with - match:"]),
    ("team/app", ['3:3: repositories[0]: must be a mapping, not "team/app"\n  each entry starts with - match:']),
    (
        "{attributes: {deleteEnabled: false}}",
        ["3:3: repositories[0]: match is required\n  each entry starts with - match:"],
    ),
    (
        "{match: a}",
        [NOTHING],
    ),
    (
        "{match: a, attributes: {}, tags: []}",
        [NOTHING],
    ),
    (
        "{match: a, attributes: {deleteEnabld: false}}",
        [
            (
                '3:27: repositories[0].attributes: unknown attribute "deleteEnabld"; did you mean "deleteEnabled"?\n'
                f"  known attributes: {REPOSITORY_ATTRIBUTES}"
            )
        ],
    ),
    (
        "{match: a, attributes: {quarantine: false}}",
        [
            (
                '3:27: repositories[0].attributes: unknown attribute "quarantine"\n'
                f"  known attributes: {REPOSITORY_ATTRIBUTES}"
            )
        ],
    ),
    (
        '{match: a, attributes: {deleteEnabled: "no", readEnabled: True, listEnabled: , writeEnabled: [x]}}',
        [
            '3:42: repositories[0].attributes: deleteEnabled must be true or false, not "no"',
            '3:61: repositories[0].attributes: readEnabled must be true or false, not "True"',
            "3:80: repositories[0].attributes: listEnabled needs a value\n  true or false",
            "3:96: repositories[0].attributes: writeEnabled must be true or false, not a list",
        ],
    ),
    (
        "{match: a, attributes: {deleteEnabled: true, deleteEnabled: false}}",
        ['3:48: repositories[0].attributes: "deleteEnabled" stands here twice; first at 3:27'],
    ),
    ("{match: a, attributes: true}", ['3:26: repositories[0].attributes: must be a mapping, not "true"']),
    (
        "{match: a, attributes: {<<: {readEnabled: true}}}",
        [
            (
                "3:27: repositories[0].attributes: merge keys are not supported\n"
                "  give the whole mapping an anchor (&name), and use its alias (*name) in its place"
            )
        ],
    ),
    (
        "{match: a, tags: [{match: b, attributes: {teleportEnabled: true}}]}",
        [
            (
                "3:45: repositories[0].tags[0].attributes: teleportEnabled exists on repositories only\n"
                "  known attributes: deleteEnabled, writeEnabled, listEnabled, readEnabled"
            )
        ],
    ),
    (
        "{match: a, tags: [{match: b, tags: []}]}",
        [f'3:32: repositories[0].tags[0]: unknown key "tags"\n  known keys: {TAG_KEYS}'],
    ),
    (
        "{match: 'team/app:v1', attributes: {readEnabled: true}}",
        [
            (
                '3:11: repositories[0].match: "team/app:v1" names a tag or a manifest, not a repository\n'
                "  tags have entries under tags:"
            )
        ],
    ),
    (
        "{match: Team/App, attributes: {readEnabled: true}}",
        [
            (
                '3:11: repositories[0].match: "Team/App" matches no repository\n'
                '  repository names are lower case: "team/app"'
            )
        ],
    ),
    (
        "{match: [a, 'Team/*'], attributes: {readEnabled: true}}",
        ['3:15: repositories[0].match[1]: "Team/*" matches no repository\n  repository names are lower case: "team/*"'],
    ),
    (
        "{match: a//b, attributes: {readEnabled: true}}",
        [
            (
                '3:11: repositories[0].match: "a//b" cannot be the name of a repository\n'
                "  repository names are lower-case letters and digits, with . - _ and / between them"
            )
        ],
    ),
    (
        "{match: a, tags: [{match: [v1, .v, 'x/*', ''], attributes: {readEnabled: true}}]}",
        [
            (
                '3:34: repositories[0].tags[0].match[1]: ".v" cannot be the name of a tag\n'
                "  tag names are letters, digits, . - and _, at most 128, and start with none of . and -"
            ),
            (
                '3:38: repositories[0].tags[0].match[2]: "x/*" matches no tag: "/" stands in no name\n'
                "  tags have no /; the entry around tags: says which repository"
            ),
            '3:45: repositories[0].tags[0].match[3]: "": an empty pattern matches nothing',
        ],
    ),
    (
        "{match: [], exclude: [[x], ], attributes: {readEnabled: true}}",
        [
            "3:11: repositories[0].match: an empty list of patterns matches nothing",
            "3:25: repositories[0].exclude[0]: must be a text, not a list",
        ],
    ),
    (
        "{match: {a,b}, exclude: , attributes: {readEnabled: true}}",
        [
            (
                "3:11: repositories[0].match: must be a pattern or a list of patterns, not a mapping\n"
                "  a pattern that starts with { or * stands in quotes"
            ),
            "3:27: repositories[0].exclude: needs a value",
        ],
    ),
    ("{match: '[a', attributes: {readEnabled: true}}", ['3:11: repositories[0].match: "[a": a [ without its ]']),
]

# A text that YAML cannot take, or that we do without, and what is said about it.
SYNTAX = [
    ("version: 1\n\trepositories: []", "2:1: not valid YAML: a tab in the indentation\n  indent with spaces"),
    (
        f"{HEAD}- match: **\n",
        '3:11: not valid YAML: a * without quotes\n  a pattern that starts with * stands in quotes: "*"',
    ),
    (
        f"{HEAD}- match: *-rc\n",
        '3:10: the alias "*-rc" names nothing\n  a pattern that starts with * stands in quotes: "*"',
    ),
    (f"{HEAD}- match: @x\n", '3:10: not valid YAML: a text cannot start with "@"\n  put it in quotes'),
    (
        f'{HEAD}- match: "regex:\\d"\n',
        "3:17: not valid YAML: a backslash that YAML does not know\n  use single quotes: 'regex:v\\d+'",
    ),
    (f"{HEAD}- match: 'x\n", "3:10: not valid YAML: a quote that is never closed"),
    (
        "version: 1 repositories: []",
        (
            "1:24: not valid YAML: a colon where none can stand\n"
            '  a text with ": " in it stands in quotes, and a key stands alone on its line or in front of its value'
        ),
    ),
    (
        f"{HEAD} - match: x\n  tags: []\n",
        (
            "4:3: not valid YAML: did not find expected '-' indicator "
            "while parsing a block collection that starts in line 3\n"
            "  check the indentation; a text that starts with one of [{*&!%@` or a quote stands in quotes"
        ),
    ),
    (
        '{"version": 1, "x": "\\ud83d\\ude00"}',
        (
            "1:24: not valid YAML: an escape that is no character\n"
            "  this JSON is no YAML: a key and its colon share a line, and \\u escapes come without surrogates"
        ),
    ),
    ("a: 1\n---\nb: 2\n", "2:1: a second document in one file\n  write one file for each"),
    ("a: &a [*a]\n", '1:8: the alias "*a" stands within what it names'),
    (
        "a: !!python/object:os.system x\n",
        (
            '1:4: the YAML tag "tag:yaml.org,2002:python/object:os.system" is not supported\n'
            "  every value is read as text; a text that starts with ! stands in quotes"
        ),
    ),
    ("? [a]\n: b\n", "1:3: a key must be a text, not a list"),
    ("?\n: b\n", "1:2: a value without its key"),
    ("%TAG ! x\n---\n", "1:1: %TAG is not supported\n  remove the line"),
    ("[" * 40, "1:33: nested deeper than 32 levels"),
    (b"a: \xff", "1:4: byte 3 (0xff) is not UTF-8\n  save the file as UTF-8"),
    ("a: b".encode("utf-16"), "1:1: the file is in UTF-16 or UTF-32\n  save the file as UTF-8"),
    (
        b"a: b\nc\x00",
        "2:2: the control character U+0000 is not allowed\n  is the file in UTF-16? save it as UTF-8",
    ),
    (b"\r\n\x1b[31m", "2:1: the control character U+001B is not allowed\n  remove it"),
    ("a: b # \u2028c: d", "1:8: the character U+2028 shows the file other than it is\n  remove it"),
    ("a: b # \u202e", "1:8: the character U+202E shows the file other than it is\n  remove it"),
]


@pytest.mark.parametrize(("text", "expected"), FILES)
def test_a_file_that_is_not_one_is_refused(complaints, text, expected):
    """What a file must have and may have is said with its place."""
    assert expected == complaints(text)


@pytest.mark.parametrize(("entry", "expected"), ENTRIES)
def test_an_entry_that_is_not_one_is_refused(complaints, entry, expected):
    """Every problem of an entry is told at its place and with its path."""
    assert [f"registry.yaml:{text}" for text in expected] == complaints(f"{HEAD}- {entry}\n")


@pytest.mark.parametrize(("text", "expected"), SYNTAX)
def test_what_is_not_our_yaml_is_refused(complaints, text, expected):
    """A mistake in the YAML is told in one line that a person understands."""
    assert [f"registry.yaml:{expected}"] == complaints(text)


@pytest.mark.parametrize(
    "registry",
    [
        "contoso",
        "contoso.azurecr.io/",
        "contoso.azurecr.io/team",
        "contoso.azurecr.io:443",
        "https://contoso.azurecr.io/",
        "https://user@contoso.azurecr.io",
        "https://contoso.azurecr.io?x=1",
        "https://contoso.azurecr.io:70000",
        "ftp://contoso.azurecr.io",
        "-a.azurecr.io",
        "a..b",
        "emulator2",
        "'a.b\n\n  x'",
    ],
)
def test_what_names_no_registry_is_refused(complaints, registry):
    """A path, a user, a query, a port without a scheme: none of them is the name of a registry."""
    said = complaints(f"version: 1\nregistry: {registry}\nrepositories: []\n")

    assert 1 == len(said)
    assert said[0].startswith("registry.yaml:2:11: registry: ")
    assert said[0].endswith(
        "  allowed: a host name such as contoso.azurecr.io, emulator, or http(s)://host:port without a path"
    )


@pytest.mark.parametrize("registry", ["https://ci:secret@host", "ci:secret@host", "'ci:secret@host extra'"])
def test_a_password_in_a_registry_is_not_shown(complaints, registry):
    """Messages end in logs: a registry that may hold a password is refused without a word of it."""
    said = complaints(f"version: 1\nregistry: {registry}\nrepositories: []\n")

    assert [
        (
            "registry.yaml:2:11: registry: a registry must not hold a user or password\n"
            "  allowed: a host name such as contoso.azurecr.io, emulator, or http(s)://host:port without a path"
        )
    ] == said


def test_all_problems_of_all_files_are_told_at_once(tmp_path):
    """One run shows everything that is wrong, in the order of files and lines."""
    (tmp_path / "a.yaml").write_text("version: 2\nrepositories: [x]\nregistri: y\n")
    (tmp_path / "b.yaml").write_text("version: 1\nrepositories: [\n")
    (tmp_path / "c.yaml").write_text("version: 3\nrepositories: []\n")

    with pytest.raises(DesiredStateError) as caught:
        load_desired(
            [str(tmp_path / "a.yaml"), str(tmp_path / "none.yaml"), *(str(tmp_path / f"{n}.yaml") for n in "bc")]
        )

    places = [(problem.file[-6:], problem.line, problem.column) for problem in caught.value.problems]
    assert [
        ("a.yaml", 1, 10),
        ("a.yaml", 2, 16),
        ("a.yaml", 3, 1),
        ("e.yaml", 0, 0),
        ("b.yaml", 3, 1),
        ("c.yaml", 1, 10),
    ] == places


def test_files_about_different_registries_are_refused(tmp_path):
    """Two registries in one run are told with both places."""
    for name, registry in (("a", "a.azurecr.io"), ("b", ""), ("c", "c.azurecr.io"), ("d", "a.azurecr.io")):
        line = f"registry: {registry}\n" if registry else ""
        (tmp_path / f"{name}.yaml").write_text(f"version: 1\n{line}repositories: []\n")

    with pytest.raises(DesiredStateError) as caught:
        load_desired([str(tmp_path)])

    assert [
        (
            f'{tmp_path}/c.yaml:2:11: registry: "c.azurecr.io" is another registry than "a.azurecr.io" '
            f"in {tmp_path}/a.yaml:2:11\n  files that are loaded together are about one registry"
        )
    ] == [str(problem) for problem in caught.value.problems]


def test_a_hostile_text_cannot_forge_a_line(complaints):
    """Escapes and line breaks out of a file are shown as escapes, and long texts are cut."""
    text = '"a\\n::error::\\e[2J\\u202e": x\nversion: 1\nrepositories: []\n' + "k" * 500 + ": x\n"

    said = complaints(text)

    assert [
        f'registry.yaml:1:1: unknown key "a\\n::error::\\x1b[2J\\u202e"\n  known keys: {FILE_KEYS}',
        f'registry.yaml:4:1: unknown key "{"k" * 79}…"\n  known keys: {FILE_KEYS}',
    ] == said


def test_aliases_cannot_explode(complaints):
    """A short file that asks for billions of nodes is refused before they are made."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]

    said = complaints("\n".join(lines))

    assert ["registry.yaml:6:45: aliases that make the file more than a million nodes larger\n  write patterns"] == said


def test_aliases_cannot_nest_without_end(complaints):
    """A chain of aliases counts as the depth that it stands for."""
    lines = ["a0: &a0 [x]"] + [f"a{level}: &a{level} [*a{level - 1}]" for level in range(1, 5000)]

    said = complaints("\n".join(lines))

    assert ["registry.yaml:32:12: nested deeper than 32 levels"] == said


def test_the_place_of_a_problem_behind_an_alias_is_where_it_is_written(complaints):
    """What is wrong in an anchored mapping is told at the mapping, with the path that uses it."""
    text = f"{HEAD}- match: a\n  attributes: &x {{no: true}}\n- match: b\n  attributes: *x\n"

    said = complaints(text)

    assert ["registry.yaml:4:19: repositories[0]", "registry.yaml:4:19: repositories[1]"] == [
        line.split(".attributes")[0] for line in said
    ]
