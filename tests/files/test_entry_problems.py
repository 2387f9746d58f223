"""What an entry cannot say, or not at once, is told at its place and with what to write instead."""

from __future__ import annotations

import pytest

HEAD = "version: 1\nrepositories:\n"
DIGEST = f"sha256:{'a' * 64}"
ABSENT = "what must not be there has nothing else; write another entry for what is to stay"
EXACT = "name each tag and its repository without wildcards"
DURATION = "a duration is a whole number and h, d or w: 12h, 30d, 2w"
A_DIGEST = "a digest is sha256: and 64 hexadecimal digits in lower case, or sha512: and 128"
DIGESTS = 'digests look like sha256:9f2c… in lower case; some of them are "sha256:9f*"'
TYPES = "such as application/vnd.oci.image.index.v1+json, or application/vnd.oci.**; not more than * and **"
REPOSITORY_KEYS = "match, exclude, attributes, protect, ensure, unlock, tags, manifests"
TAG_KEYS = "match, exclude, attributes, protect, digest, ensure, unlock, keep"
MANIFEST_KEYS = "match, exclude, tagged, mediaType, attributes, protect, ensure, unlock, keep"

# An entry under `repositories` in flow style; its first character stands at 3:3.
REPOSITORIES = [
    (
        "{match: a, protect: immutable}",
        [
            (
                "3:23: repositories[0].protect: immutable is no level of a repository\n"
                '  say it of the tags: tags: [{match: "**", protect: immutable}]'
            )
        ],
    ),
    (
        "{match: a, protect: frosen}",
        [
            (
                '3:23: repositories[0].protect: unknown level "frosen"; did you mean "frozen"?\n'
                "  levels of a repository: undeletable, frozen, open"
            )
        ],
    ),
    ("{match: a, protect: }", ["3:23: repositories[0].protect: needs a value"]),
    ("{match: a, protect: [open]}", ["3:23: repositories[0].protect: must be a text, not a list"]),
    (
        "{match: 'a*', ensure: absent}",
        [
            (
                "3:17: repositories[0]: ensure needs exact names under match\n"
                "  name each repository that is to go without wildcards"
            )
        ],
    ),
    (
        "{match: [a, 'regex:b'], ensure: absent}",
        [
            (
                "3:27: repositories[0]: ensure needs exact names under match\n"
                "  name each repository that is to go without wildcards"
            )
        ],
    ),
    (
        "{match: a, ensure: absent, tags: [{match: b, protect: open}], manifests: [{match: '**', protect: open}]}",
        [
            f"3:30: repositories[0]: tags contradicts ensure: absent\n  {ABSENT}",
            f"3:65: repositories[0]: manifests contradicts ensure: absent\n  {ABSENT}",
        ],
    ),
    (
        "{match: a, digest: b, keep: {last: 1}, retention: 3, attributes: {readEnabled: true}}",
        [
            (
                '3:14: repositories[0]: unknown key "digest"\n  digest stands in entries under tags:\n'
                f"  known keys: {REPOSITORY_KEYS}"
            ),
            (
                '3:25: repositories[0]: unknown key "keep"\n  keep stands in entries under tags: or manifests:\n'
                f"  known keys: {REPOSITORY_KEYS}"
            ),
            (
                '3:42: repositories[0]: unknown key "retention"\n  keep stands in entries under tags: or manifests:\n'
                f"  known keys: {REPOSITORY_KEYS}"
            ),
        ],
    ),
    (
        f"{{match: 'a/*', tags: [{{match: b, digest: '{DIGEST}'}}]}}",
        [f"3:36: repositories[0].tags[0]: digest needs an exact name of the repository around it\n  {EXACT}"],
    ),
    (
        "{match: a, manifests: {}}",
        [
            (
                "3:25: repositories[0].manifests: must be a list of entries, not a mapping\n"
                "  each entry says which manifests: match, tagged, mediaType"
            )
        ],
    ),
]

# An entry under `tags`; its first character stands at 5:5.
TAGS = [
    (
        "{match: b, protect: frozen}",
        [
            (
                "5:25: repositories[0].tags[0].protect: frozen is no level of a tag\n"
                "  say it on the repository: protect: frozen in the entry around tags:"
            )
        ],
    ),
    (
        "{match: b, protect: locked}",
        [
            (
                '5:25: repositories[0].tags[0].protect: unknown level "locked"\n'
                "  levels of a tag: immutable, undeletable, open"
            )
        ],
    ),
    (
        "{match: b, digest: 'sha256:12'}",
        [f'5:24: repositories[0].tags[0].digest: "sha256:12" is no digest\n  {A_DIGEST}'],
    ),
    (
        f"{{match: 'b{{1,2}}', digest: '{DIGEST}'}}",
        [f"5:23: repositories[0].tags[0]: digest needs exact names under match\n  {EXACT}"],
    ),
    (
        "{match: b, ensure: present}",
        [
            (
                "5:24: repositories[0].tags[0].ensure: present cannot be asked for\n"
                "  what is not absent is left alone; digest: makes a tag be there"
            )
        ],
    ),
    ("{match: b, ensure: gone}", ['5:24: repositories[0].tags[0].ensure: must be absent, not "gone"']),
    (
        "{match: b, ensure: absent, unlock: yes}",
        ['5:40: repositories[0].tags[0]: unlock must be true or false, not "yes"'],
    ),
    ("{match: b, ensure: absent, unlock: }", ["5:40: repositories[0].tags[0]: unlock needs a value\n  true or false"]),
    (
        "{match: b, unlock: true, attributes: {readEnabled: true}}",
        ["5:16: repositories[0].tags[0]: unlock needs ensure: absent beside it\n  by itself it unlocks nothing"],
    ),
    (
        f"{{match: b, ensure: absent, protect: open, attributes: {{}}, digest: '{DIGEST}', keep: {{last: 1}}}}",
        [
            f"5:32: repositories[0].tags[0]: protect contradicts ensure: absent\n  {ABSENT}",
            f"5:47: repositories[0].tags[0]: attributes contradicts ensure: absent\n  {ABSENT}",
            f"5:63: repositories[0].tags[0]: digest contradicts ensure: absent\n  {ABSENT}",
            f"5:146: repositories[0].tags[0]: keep contradicts ensure: absent\n  {ABSENT}",
        ],
    ),
    (
        "{match: b, keep: {}}",
        [
            (
                "5:22: repositories[0].tags[0].keep: must hold last, newerThan or both\n"
                "  such as keep: {last: 10, newerThan: 30d}"
            )
        ],
    ),
    (
        "{match: b, keep: 10}",
        ['5:22: repositories[0].tags[0].keep: must be a mapping, not "10"\n  such as keep: {last: 10, newerThan: 30d}'],
    ),
    (
        "{match: b, keep: {last: 0, newerThn: 3}}",
        [
            (
                "5:29: repositories[0].tags[0].keep.last: 0 would keep nothing\n"
                "  if nothing is to stay, write ensure: absent in place of keep"
            ),
            (
                '5:32: repositories[0].tags[0].keep: unknown key "newerThn"; did you mean "newerThan"?\n'
                "  known keys: last, newerThan"
            ),
        ],
    ),
    (
        "{match: b, keep: {last: 1, last: 1000001}}",
        [
            '5:32: repositories[0].tags[0].keep: "last" stands here twice; first at 5:23',
            '5:38: repositories[0].tags[0].keep.last: must be a whole number from 1 to 1,000,000, not "1000001"',
        ],
    ),
    (
        "{match: b, keep: {last: -1}}",
        ['5:29: repositories[0].tags[0].keep.last: must be a whole number from 1 to 1,000,000, not "-1"'],
    ),
    *(
        (
            f"{{match: b, keep: {{newerThan: {written}}}}}",
            [f'5:34: repositories[0].tags[0].keep.newerThan: "{written}"{said}\n  {DURATION}'],
        )
        for written, said in (
            ("30", " is no duration"),
            ("3m", " is no duration"),
            ("1.5d", " is no duration"),
            ("P30D", " is no duration"),
            ("٣d", " is no duration"),
            ("0h", ": a duration is longer than nothing"),
            ("5218w", " is longer than 100 years"),
        )
    ),
    (
        "{match: b, keep: {last: 1}, unlock: true}",
        ["5:33: repositories[0].tags[0]: unlock needs ensure: absent beside it\n  keep never deletes what is locked"],
    ),
    *(
        (
            f"{{match: b, keep: {{last: 1}}, {lock}}}",
            [
                (
                    "5:16: repositories[0].tags[0]: keep contradicts what the same entry locks\n"
                    "  keep never deletes what is locked; leave out one of the two"
                )
            ],
        )
        for lock in ("protect: undeletable", "attributes: {writeEnabled: false}", "attributes: {deleteEnabled: false}")
    ),
    (
        f"{{match: b, keep: {{last: 1}}, digest: '{DIGEST}'}}",
        ["5:16: repositories[0].tags[0]: keep contradicts digest\n  a tag that must point somewhere stays"],
    ),
    (
        "{match: b, retention: {last: 1}, attributes: {readEnabled: true}}",
        [f'5:16: repositories[0].tags[0]: unknown key "retention"; did you mean "keep"?\n  known keys: {TAG_KEYS}'],
    ),
    (
        "{match: b, mediaType: c, protect: open}",
        [f'5:16: repositories[0].tags[0]: unknown key "mediaType"\n  known keys: {TAG_KEYS}'],
    ),
]

# An entry under `manifests`; its first character stands at 5:5.
MANIFESTS = [
    (
        "{protect: open}",
        ['5:5: repositories[0].manifests[0]: match, tagged or mediaType is required\n  all of them are match: "**"'],
    ),
    (
        "{exclude: 'sha256:9*', protect: frozen}",
        [
            '5:5: repositories[0].manifests[0]: match, tagged or mediaType is required\n  all of them are match: "**"',
            (
                "5:37: repositories[0].manifests[0].protect: frozen is no level of a manifest\n"
                "  say it on the repository: protect: frozen in the entry around manifests:"
            ),
        ],
    ),
    (
        "{tagged: true}",
        [
            (
                "5:5: repositories[0].manifests[0]: the entry declares nothing\n"
                "  say what must hold, such as attributes: {deleteEnabled: false}"
            )
        ],
    ),
    (
        "{tagged: on, mediaType: , ensure: absent}",
        [
            '5:14: repositories[0].manifests[0].tagged: must be true or false, not "on"',
            "5:29: repositories[0].manifests[0].mediaType: needs a value",
        ],
    ),
    (
        f"{{match: '**', digest: '{DIGEST}', protect: open}}",
        [
            (
                '5:19: repositories[0].manifests[0]: unknown key "digest"\n  digest stands in entries under tags:\n'
                f"  known keys: {MANIFEST_KEYS}"
            )
        ],
    ),
    (
        "{match: '**', attributes: {teleportEnabled: true}}",
        [
            (
                "5:32: repositories[0].manifests[0].attributes: teleportEnabled exists on repositories only\n"
                "  known attributes: deleteEnabled, writeEnabled, listEnabled, readEnabled"
            )
        ],
    ),
    (
        "{match: '**', ensure: absent, keep: {last: 1}}",
        [f"5:35: repositories[0].manifests[0]: keep contradicts ensure: absent\n  {ABSENT}"],
    ),
    *(
        (
            f"{{match: '{pattern}', protect: open}}",
            [f'5:13: repositories[0].manifests[0].match: "{pattern}"{said}\n  {DIGESTS}'],
        )
        for pattern, said in (
            ("9f2c", " cannot be the digest of a manifest"),
            (DIGEST[:-1], " cannot be the digest of a manifest"),
            ("SHA256:*", ' matches no manifest: "S" stands in no digest'),
            ("sha256:x*", ' matches no manifest: "x" stands in no digest'),
            ("sha1:*", " matches no manifest"),
            ("sha256:?", " matches no manifest"),
            ("9f*", " matches no manifest"),
            ("*sha256:9f", " matches no manifest"),
            ("{sha256:9*,sha512*1:*}", ' matches no manifest: none matches its alternative "sha512*1:*"'),
        )
    ),
    *(
        (
            f"{{mediaType: '{pattern}', protect: open}}",
            [f'5:17: repositories[0].manifests[0].mediaType: "{pattern}"{said}\n  {TYPES}'],
        )
        for pattern, said in (
            ("*", " matches no manifest"),
            ("a/b/*", " matches no manifest"),
            ("json", " cannot be the media type of a manifest"),
            ("regex:a/b", " matches no media type"),
            ("a/{b,c}", " matches no media type"),
            ("a/b; charset=utf-8", " matches no media type"),
        )
    ),
]


@pytest.mark.parametrize(("entry", "expected"), REPOSITORIES)
def test_what_a_repository_entry_cannot_say_is_refused(complaints, entry, expected):
    """Every contradiction is told, each at the key that is too much."""
    assert [f"registry.yaml:{text}" for text in expected] == complaints(f"{HEAD}- {entry}\n")


@pytest.mark.parametrize(("entry", "expected"), TAGS)
def test_what_a_tag_entry_cannot_say_is_refused(complaints, entry, expected):
    """Likewise, with what to write instead."""
    said = complaints(f"{HEAD}- match: a\n  tags:\n  - {entry}\n")

    assert [f"registry.yaml:{text}" for text in expected] == said


@pytest.mark.parametrize(("entry", "expected"), MANIFESTS)
def test_what_a_manifest_entry_cannot_say_is_refused(complaints, entry, expected):
    """A pattern that no digest or no media type can match is among it."""
    said = complaints(f"{HEAD}- match: a\n  manifests:\n  - {entry}\n")

    assert [f"registry.yaml:{text}" for text in expected] == said


def test_a_contradiction_does_not_hide_other_problems(complaints):
    """What cannot stand together is told together with what cannot stand at all."""
    entry = f"{{match: 'v*', digest: '{DIGEST}', keep: {{last: x}}, atributes: {{}}}}"

    said = complaints(f"{HEAD}- match: 'a*'\n  tags:\n  - {entry}\n")

    assert [
        "digest needs an exact name of the repository around it",
        "digest needs exact names under match",
        "keep contradicts digest",
        'must be a whole number from 1 to 1,000,000, not "x"',
        'unknown key "atributes"; did you mean "attributes"?',
    ] == [text.splitlines()[0].split(": ", 2)[2] for text in said]


@pytest.mark.parametrize(
    "entry",
    [
        "keep: {last: 1}, protect: open",
        "keep: {last: 1}, protect: undeletable, attributes: {deleteEnabled: true}",
        "keep: {last: 1}, attributes: {listEnabled: false}",
    ],
)
def test_retention_stands_beside_what_locks_nothing(load, entry):
    """What may go can be said to be open, and `attributes` win over `protect`."""
    desired = load(f"{HEAD}- match: a\n  tags: [{{match: 'b*', {entry}}}]\n")

    assert 1 == desired.repositories[0].tags[0].keep.last
