"""Exceptions: what holds for a while, for whom, until when and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from reconciler.files import load_desired
from reconciler.files.targets import target_of
from reconciler.files.times import moment_ns
from reconciler.files.values import Refused
from reconciler.model.address import is_digest

HEAD = "version: 1\nrepositories: []\nexceptions:\n"
MOMENT = "write date, time and time zone: 2026-12-01T18:00:00Z, or 2026-12-01T18:00:00+01:00"
FULL = "an exception has match, attributes, until and reason"
ADDRESS = "write a pattern of addresses, such as prod/*:v1.*"
REST = "attributes: {writeEnabled: true}, until: 2026-12-01T18:00:00Z, reason: x"

# An entry under `exceptions`; its first character stands at 4:3.
ENTRIES = [
    (
        "{match: a}",
        [f"4:3: exceptions[0]: {key} is required\n  {FULL}" for key in ("attributes", "until", "reason")],
    ),
    ("{}", [f"4:3: exceptions[0]: {key} is required\n  {FULL}" for key in ("match", "attributes", "until", "reason")]),
    ("a", [f'4:3: exceptions[0]: must be a mapping, not "a"\n  {FULL}']),
    (
        "{match: a, attributes: {}, until: 2026-12-01T18:00:00Z, reason: x}",
        [
            (
                "4:3: exceptions[0]: the exception declares nothing\n"
                "  say what holds for a while, such as attributes: {writeEnabled: true}"
            )
        ],
    ),
    (
        f"{{match: a, protect: open, {REST}}}",
        ['4:14: exceptions[0]: unknown key "protect"\n  known keys: match, attributes, until, reason'],
    ),
    (
        "{match: [a, b:c], attributes: {teleportEnabled: true}, until: 2026-12-01T18:00:00Z, reason: x}",
        [
            (
                "4:34: exceptions[0].attributes: teleportEnabled exists on repositories only\n"
                "  write an exception of its own for the repository"
            )
        ],
    ),
    (
        "{match: a, attributes: {writeEnabled: on}, until: , reason: }",
        [
            '4:41: exceptions[0].attributes: writeEnabled must be true or false, not "on"',
            "4:53: exceptions[0].until: needs a value",
            "4:63: exceptions[0].reason: needs a value",
        ],
    ),
    (
        "{match: [], attributes: {writeEnabled: true}, until: [x], reason: {}}",
        [
            "4:11: exceptions[0].match: an empty list of patterns matches nothing",
            "4:56: exceptions[0].until: must be a text, not a list",
            "4:69: exceptions[0].reason: must be a text, not a mapping",
        ],
    ),
]

# A pattern of addresses, and what is said about it.
TARGETS = [
    (
        "regex:a",
        f'"regex:a": a regular expression cannot stand for an address\n  {ADDRESS}',
    ),
    (
        "a:regex:v.*",
        f'"a:regex:v.*": a regular expression cannot stand in an address\n  {ADDRESS}',
    ),
    ("a:", '"a:" is no address\n  such as prod/api, prod/api:v1.* or prod/api@sha256:9f*'),
    (":v1", '":v1" is no address\n  such as prod/api, prod/api:v1.* or prod/api@sha256:9f*'),
    ("a@", '"a@" is no address\n  such as prod/api, prod/api:v1.* or prod/api@sha256:9f*'),
    ("a:v1@sha256:9f", '"a:v1@sha256:9f" names a tag and a manifest\n  write one of the two'),
    ("Prod/*:v1", '"Prod/*" matches no repository\n  repository names are lower case: "prod/*"'),
    ("a:v1/x", '"v1/x" cannot be the name of a tag\n  tags have no /; the entry around tags: says which repository'),
    (
        "a@9f*",
        '"9f*" matches no manifest\n  digests look like sha256:9f2c… in lower case; some of them are "sha256:9f*"',
    ),
]

MOMENTS = [
    ("1970-01-01T00:00:00Z", 0),
    ("2026-12-01T18:00:00Z", 1_796_148_000_000_000_000),
    ("2026-12-01t18:00:00z", 1_796_148_000_000_000_000),
    ("2026-12-01 19:00:00+01:00", 1_796_148_000_000_000_000),
    ("2026-12-01T12:30:00-05:30", 1_796_148_000_000_000_000),
    ("2026-12-01T18:00:00.5Z", 1_796_148_000_500_000_000),
    ("2026-12-01T18:00:00.1234567891Z", 1_796_148_000_123_456_789),
    ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
    ("1969-12-31T23:59:59Z", -1_000_000_000),
    ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000_000),
]
NO_MOMENTS = [
    ("2026-12-01", " is a date without a time"),
    ("2026-12-01T18:00:00", " has no time zone"),
    ("2026-12-01T18:00Z", " is no moment"),
    ("2026-12-01T18:00:00+0100", " is no moment"),
    ("tomorrow", " is no moment"),
    ("1796148000", " is no moment"),
    ("2026-12-01T18:00:00.Z", " is no moment"),
    ("٢٠٢٦-12-01T18:00:00Z", " is no moment"),
    ("2026-02-29T18:00:00Z", ": there is no such moment"),
    ("2026-12-01T24:00:00Z", ": there is no such moment"),
    ("2026-12-01T18:60:00Z", ": there is no such moment"),
    ("2026-12-01T18:00:00+24:00", ": there is no such moment"),
    ("0000-12-01T18:00:00Z", ": there is no such moment"),
]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def test_an_exception_is_read_whole(load, tmp_path):
    """Each of its patterns is taken apart, and the moment is kept as written and as a number."""
    text = f"""\
{HEAD}\
  - match: [prod/api, "prod/**:v1.*", "prod/[a-c]{{x,y}}:latest", prod/api@sha256:{"9" * 64}]
    attributes: {{writeEnabled: true}}
    until: 2026-12-01T18:00:00Z
    reason: >-
      INC-4711,
      vendor re-push
"""

    (exception,) = load(text).exceptions

    said = [tuple(part and part.text for part in (t.repository, t.tag, t.digest)) for t in exception.match]
    assert [
        ("prod/api", None, None),
        ("prod/**", "v1.*", None),
        ("prod/[a-c]{x,y}", "latest", None),
        ("prod/api", None, f"sha256:{'9' * 64}"),
    ] == said
    assert [("writeEnabled", True)] == [(each.attribute, each.value) for each in exception.attributes]
    assert ("2026-12-01T18:00:00Z", 1_796_148_000_000_000_000) == (exception.until, exception.until_ns)
    assert "INC-4711, vendor re-push" == exception.reason
    assert f"{tmp_path}/registry.yaml:4:5" == str(exception.origin)


def test_an_exception_that_has_ended_is_read(load):
    """Whether it still holds is not for the file to say."""
    desired = load(
        f"{HEAD}- {{match: a, attributes: {{writeEnabled: true}}, until: 1999-01-01T00:00:00Z, reason: x}}\n"
    )

    assert ["1999-01-01T00:00:00Z"] == [exception.until for exception in desired.exceptions]


def test_exceptions_of_several_files_stand_in_their_order(tmp_path):
    """As rules do."""
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(f"{HEAD}- {{match: {name}, {REST}}}\n")

    desired = load_desired([str(tmp_path / "b.yaml"), str(tmp_path / "a.yaml")])

    assert ["b", "a"] == [exception.match[0].repository.text for exception in desired.exceptions]


@pytest.mark.parametrize(("entry", "expected"), ENTRIES)
def test_what_is_no_exception_is_refused(complaints, entry, expected):
    """All that is missing and all that is wrong is told at once."""
    assert [f"registry.yaml:{text}" for text in expected] == complaints(f"{HEAD}- {entry}\n")


@pytest.mark.parametrize(("pattern", "expected"), TARGETS)
def test_what_is_no_pattern_of_addresses_is_refused(complaints, pattern, expected):
    """Each part is checked as a pattern of its sort."""
    said = complaints(f"{HEAD}- {{match: ['{pattern}'], {REST}}}\n")

    assert [f"registry.yaml:4:12: exceptions[0].match[0]: {expected}"] == said


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("' '", "must not be blank\n  say why, such as INC-4711, vendor re-push"),
        ('"a\\nb"', "must be one line of printable text\n  a text over several lines is one line with >- in front"),
        ('"\\e[2J"', "must be one line of printable text\n  a text over several lines is one line with >- in front"),
        ("x" * 501, "501 characters; at most 500 are allowed"),
    ],
)
def test_a_reason_is_one_line_for_people(complaints, reason, expected):
    """It is shown in plans and logs."""
    said = complaints(
        f"{HEAD}- match: a\n  attributes: {{writeEnabled: true}}\n  until: 2026-12-01T18:00:00Z\n  reason: {reason}\n"
    )

    assert [f"registry.yaml:7:11: exceptions[0].reason: {expected}"] == said


@pytest.mark.parametrize(("text", "expected"), MOMENTS)
def test_a_moment_is_nanoseconds_since_1970(text, expected):
    """In every zone, with fractions and with a leap second."""
    assert expected == moment_ns(text)


@pytest.mark.parametrize(("text", "expected"), NO_MOMENTS)
def test_what_leaves_open_when_is_no_moment(text, expected):
    """A date alone, or no time zone, means another moment to every reader."""
    with pytest.raises(Refused) as refused:
        moment_ns(text)

    assert (f'"{text}"{expected}', MOMENT) == (refused.value.message, refused.value.hint)


@given(moment=st.datetimes(timezones=offsets))
def test_a_moment_is_the_one_that_python_means(moment):
    """Whatever Python writes in RFC 3339 is read as the same moment."""
    read = moment_ns(moment.isoformat())

    since = moment - EPOCH
    assert (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000 == read


@given(
    repository=st.from_regex(r"[a-z0-9]{1,4}(/[a-z0-9]{1,4})?", fullmatch=True),
    tag=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True),
    digest=st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True).filter(is_digest),
)
def test_every_address_is_a_pattern_of_itself(repository, tag, digest):
    """A repository, a tag and a manifest are told apart by what stands between the parts."""
    targets = [target_of(text) for text in (repository, f"{repository}:{tag}", f"{repository}@{digest}")]

    assert [(repository, None, None), (repository, tag, None), (repository, None, digest)] == [
        tuple(part and part.text for part in (each.repository, each.tag, each.digest)) for each in targets
    ]
