"""Patterns that would not do what they seem to are refused where they stand, with what was probably meant."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from reconciler.files.patterns import PatternReader
from reconciler.files.values import Refused
from reconciler.model.address import is_repository_name, is_tag_name

LIST = 'several patterns are a list: ["v*", "r*"]'
REGEX = "a regular expression needs regex: in front"
TAG = "tag names are letters, digits, . - and _, at most 128, and start with none of . and -"
REPOSITORY = "repository names are lower-case letters and digits, with . - _ and / between them"
AROUND = "the entry around tags: says which repository; here stands the tag alone"
NO_SLASH = "tags have no /; the entry around tags: says which repository"
SPENT = "write fewer patterns with wildcards, or without braces; plain names are not counted"
HOST = "write the name alone; registry: at the top of the file says which registry"

# What stands in place of a character, which is written as _ here.
SIGNS = ["_", "_", "?", "*", "[_]", "{_,x}"]

# A pattern for tags, what is said about it behind its text, and the hint.
TAGS = [
    ("v*, r*", ' matches no tag: "," stands in no name', LIST),
    ("v1,v2", " cannot be the name of a tag", LIST),
    ("v*|r*", ' matches no tag: "|" stands in no name', f"{LIST}; {REGEX}"),
    ("v* ", ' matches no tag: " " stands in no name', "no name holds a space"),
    ("v{1, 2}", ' matches no tag: " " stands in no name', "no name holds a space"),
    ("^v*", ' matches no tag: "^" stands in no name', REGEX),
    ("v[0-9]+", ' matches no tag: "+" stands in no name', REGEX),
    ("(v1|v2)*", ' matches no tag: "(" stands in no name', REGEX),
    ("@(v1|v2)*", ' matches no tag: "@" stands in no name', REGEX),
    ("!v*", ' matches no tag: "!" stands in no name', "what is not meant stands under exclude:, without !"),
    ("app:v*", ' matches no tag: ":" stands in no name', AROUND),
    ("app:v1", " cannot be the name of a tag", AROUND),
    (
        "team/*",
        ' matches no tag: "/" stands in no name',
        "tags have no /; the entry around tags: says which repository",
    ),
    ("é*", ' matches no tag: "é" stands in no name', TAG),
    ("[a,b]*", ' matches no tag: "," stands in no name', LIST),
    ("[ab!]*", ' matches no tag: "!" stands in no name', "what is not meant stands under exclude:, without !"),
    ("-*", " matches no tag", TAG),
    ("{v,.}*", ' matches no tag: none matches its alternative ".*"', TAG),
    ("[!A-Za-z0-9_.-]*", " matches no tag", TAG),
    ("a" * 100 + "?" * 29, None, TAG),
    ("regex: v.*", ": no name begins or ends with white space", "write regex:v[0-9]+"),
    ("REGEX:v.*", " is no regular expression, and no name", "write regex:"),
    ("Regex:v1", " is no regular expression, and no name", "write regex:"),
    ("regex :v.*", " is no regular expression, and no name", "write regex:"),
]
REPOSITORIES = [
    ("prod/*, test/*", ' matches no repository: "," stands in no name', LIST),
    ("prod/*|test/*", ' matches no repository: "|" stands in no name', f"{LIST}; {REGEX}"),
    ("/prod/*", " matches no repository", REPOSITORY),
    ("prod*/", " matches no repository", REPOSITORY),
    ("prod//*", " matches no repository", REPOSITORY),
    ("./*", " matches no repository", REPOSITORY),
    ("prod/../*", " matches no repository", REPOSITORY),
    ("*-/app", " matches no repository", REPOSITORY),
    ("{prod/,/test}*", ' matches no repository: none matches its alternative "/test*"', REPOSITORY),
    ("Prod/*", " matches no repository", 'repository names are lower case: "prod/*"'),
    ("Regex:prod/.*", " is no regular expression, and no name", "write regex:"),
    ("contoso.azurecr.io/prod/*", ": names do not begin with the registry", HOST),
    ("contoso.azurecr.io/prod/api", ": names do not begin with the registry", HOST),
    ("*.azurecr.cn/prod", ": names do not begin with the registry", HOST),
    ("contoso.azurecr.us/**", ": names do not begin with the registry", HOST),
]


@pytest.mark.parametrize(("pattern", "expected", "hint"), TAGS)
def test_a_pattern_that_no_tag_can_match_is_refused(pattern, expected, hint):
    """What is foreign to the names of tags is told, with what was probably meant."""
    with pytest.raises(Refused) as refused:
        PatternReader().tags(pattern)

    shown = f'"{pattern[:79]}…" matches no tag' if expected is None else f'"{pattern}"{expected}'
    assert (shown, hint) == (refused.value.message, refused.value.hint)


@pytest.mark.parametrize(("pattern", "expected", "hint"), REPOSITORIES)
def test_a_pattern_that_no_repository_can_match_is_refused(pattern, expected, hint):
    """Likewise for repositories, whose names have parts and no registry in front."""
    with pytest.raises(Refused) as refused:
        PatternReader().repositories(pattern)

    assert (f'"{pattern}"{expected}', hint) == (refused.value.message, refused.value.hint)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("v{1..3}", "v2"),
        ("{,pre-}v[!a-z]*", "v1"),
        ("{v1,v2}", "v1"),
        ("[^v]*", "1"),
        ("[[:digit:]]*", "1"),
        ("*.", "a."),
        ("[a-]x", "ax"),
        ("[.-0]*", "0"),
        ("V?", "V1"),
    ],
)
def test_a_pattern_that_some_tag_matches_is_read(pattern, name):
    """Every sign that a pattern may hold stands in one that is not refused."""
    (read,) = PatternReader().tags(pattern)

    assert read.matches(name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("**", "a"),
        ("**/app", "app"),
        ("a/**/b", "a/b"),
        ("a**b", "a/b"),
        ("prod/**", "prod/a"),
        ("{,team/}app", "app"),
        ("a[.-]b", "a-b"),
        ("*--*", "a--b"),
        ("regex:contoso.azurecr.io/.*", "contoso.azurecr.io/a"),
    ],
)
def test_a_pattern_that_some_repository_matches_is_read(pattern, name):
    """Likewise for repositories, with what crosses their parts."""
    (read,) = PatternReader().repositories(pattern)

    assert read.matches(name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("**", f"sha256:{'9' * 64}"),
        ("sha256:9f*", f"sha256:9f{'0' * 62}"),
        ("*:9*", f"sha512:9{'0' * 127}"),
        ("sha{256,512}:[!0]*", f"sha256:1{'0' * 63}"),
        (f"sha256:{'?' * 64}", f"sha256:{'a' * 64}"),
        (f"{'?' * 135}", f"sha512:{'a' * 128}"),
        ("regex:sha256:.*", f"sha256:{'a' * 64}"),
    ],
)
def test_a_pattern_that_some_digest_matches_is_read(pattern, name):
    """Likewise for manifests, whose digests have one of two lengths."""
    (read,) = PatternReader().digests(pattern)

    assert read.matches(name)


@pytest.mark.parametrize(
    "pattern", ["?" * 70, "?" * 72, f"sha256:*{'?' * 65}", f"s*:{'0' * 129}*", f"*sha256:*a*{'?' * 64}"]
)
def test_a_pattern_that_is_too_short_or_too_long_for_digests_is_refused(pattern):
    """A digest has 71 or 135 characters."""
    with pytest.raises(Refused) as refused:
        PatternReader().digests(pattern)

    assert "matches no manifest" in refused.value.message


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("**", True),
        ("application/**", True),
        ("application/vnd.docker.*", True),
        ("*/*", True),
        ("**+json", True),
        ("application/vnd.docker.distribution.manifest.v2+json", True),
        ("application/vnd.oci.**", False),
    ],
)
def test_media_types_are_matched_as_a_whole(pattern, matches):
    """A star stays within its half; two cross the slash."""
    (read,) = PatternReader().media_types(pattern)

    assert matches == read.matches("application/vnd.docker.distribution.manifest.v2+json")


def test_all_patterns_together_stand_for_a_limited_number_of_alternatives(complaints):
    """A small file that asks for a million alternatives is refused at the pattern that is too much, and only there."""
    lines = [f"- match: ['a{number}{{1..100}}*', plain]\n" for number in range(3000)]
    entries = "".join(f"{line}  attributes: {{readEnabled: true}}\n" for line in lines)

    said = complaints(f"version: 1\nrepositories:\n{entries}")

    path = "registry.yaml:203:11: repositories[100].match[0]"
    assert [f"{path}: more than 10,000 alternatives of all patterns together\n  {SPENT}"] == said


def test_all_alternatives_together_have_a_limited_length(complaints):
    """Long alternatives are limited too, since each of their characters has to be compiled."""
    entries = "".join(
        f"- match: 'a{number:02}{'b' * 146}{{1..100}}*'\n  attributes: {{readEnabled: true}}\n" for number in range(90)
    )

    said = complaints(f"version: 1\nrepositories:\n{entries}")

    path = "registry.yaml:55:10: repositories[26].match"
    assert [f"{path}: more than 400,000 characters in the alternatives of all patterns together\n  {SPENT}"] == said


def test_each_load_has_a_budget_of_its_own(load):
    """What was loaded before costs nothing."""
    entries = "".join(f"- match: 'c{number}{{1..100}}*'\n  attributes: {{readEnabled: true}}\n" for number in range(60))

    loaded = [load(f"version: 1\nrepositories:\n{entries}") for _ in range(2)]

    assert [60, 60] == [len(desired.repositories) for desired in loaded]


@st.composite
def globs(draw, names):
    """A name, and a glob that was made of it by putting wildcards in place of some of its characters."""
    name = draw(names)
    braces = draw(st.integers(0, 3))
    glob = ""
    for letter in name:
        sign = draw(st.sampled_from(SIGNS)) if letter != "/" else letter
        braces -= sign.startswith("{")
        glob += (sign if braces >= 0 or not sign.startswith("{") else "?").replace("_", letter)
    return name, re.sub(r"\*+", "*", glob)


@given(pair=globs(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True).filter(is_tag_name)))
def test_no_pattern_is_refused_that_matches_a_tag(pair):
    """Whatever is put in place of the characters of a tag, the pattern is read and matches it."""
    name, glob = pair

    (read,) = PatternReader().tags(glob)

    assert read.matches(name)


@given(pair=globs(st.from_regex(r"[a-z0-9]{1,3}([._-][a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,4}){0,2}", fullmatch=True)))
def test_no_pattern_is_refused_that_matches_a_repository(pair):
    """Likewise for repositories."""
    name, glob = pair
    assert is_repository_name(name)

    (read,) = PatternReader().repositories(glob)

    assert read.matches(name)


@given(
    digest=st.sampled_from([f"sha256:{'0123456789abcdef' * 4}", f"sha512:{'fe' * 64}"]),
    signs=st.dictionaries(st.integers(0, 70), st.sampled_from(["?", "*", "[_]", "{_,_}", "_*", "**"]), max_size=3),
)
def test_no_pattern_is_refused_that_matches_a_digest(digest, signs):
    """Likewise for digests."""
    glob = "".join(signs.get(at, "_").replace("_", letter) for at, letter in enumerate(digest))

    (read,) = PatternReader().digests(glob)

    assert read.matches(digest)
