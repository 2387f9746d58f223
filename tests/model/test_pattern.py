"""Which names a pattern selects, and which patterns are refused because no name could match them."""

import re

import pytest
from examples import some
from hypothesis import given, settings, strategies as st

from reconciler.errors import PatternError
from reconciler.model.pattern import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        # exact names
        ("1.10", ["1.10"], ["1.1", "1x10", "1.100", "01.10", ""]),
        ("0123", ["0123"], ["123"]),
        ("on", ["on"], ["On", "one", "true"]),
        ("2024-01-01", ["2024-01-01"], ["2024-01-01T00"]),
        ("v1+2", ["v1+2"], ["v12", "vv2"]),
        ("!v1", ["!v1"], ["v1"]),
        ("team/app", ["team/app"], ["team/App", "team/app/x", "xteam/app"]),
        # one star stays within a part
        ("*", ["a", ".a", "a.b-c_d"], ["", "a/b"]),
        ("v*", ["v", "v1", "v1.2.3-rc"], ["V1", "av1", "v1/x"]),
        ("team/*", ["team/a", "team/.a"], ["team", "team/a/b", "xteam/a"]),
        ("*/app", ["team/app"], ["app", "a/b/app"]),
        ("a*b", ["ab", "axb", "a.b"], ["a/b", "a/xb"]),
        ("*-rc*", ["v1-rc1", "-rc"], ["v1rc", "a/b-rc"]),
        ("*a*a*b", ["aab", "xaxaxb", "aaab"], ["ab", "aaba", "a/ab"]),
        # a question mark is one character, and no slash
        ("v?", ["v1", "v."], ["v", "v12", "v/"]),
        ("?", ["a", "_"], ["", "/", "ab"]),
        ("a?b", ["axb"], ["a/b", "ab"]),
        # two stars cross, wherever they stand
        ("**", ["a", "a/b", "a/b/c", ".a/.b"], []),
        ("***", ["a", "a/b/c"], []),
        ("prod**", ["prod", "production", "prod/a", "prod/a/b", "prod-x/y"], ["xprod", "pro"]),
        ("prod/**", ["prod/a", "prod/a/b", "prod/.a"], ["prod", "production", "xprod/a"]),
        ("**/app", ["app", "a/app", "a/b/app"], ["xapp", "a/xapp", "app/x"]),
        ("**-rc", ["-rc", "a-rc", "a/b-rc", "a-rc/b-rc"], ["a-rc/b", "rc"]),
        ("a**b", ["ab", "axb", "a/b", "ax/b", "a/xb", "ax/y/zb"], ["a", "b", "xab", "abx"]),
        ("a***b", ["ab", "a/b", "ax/yb"], ["a"]),
        ("a**/b", ["a/b", "ax/b", "a/x/b", "ax/y/b"], ["ab", "axb"]),
        ("a/**b", ["a/b", "a/xb", "a/x/b", "a/x/yb"], ["ab", "axb", "ax/b"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "a"]),
        ("**/x/**", ["x/a", "a/x/b", "a/b/x/c/d"], ["x", "a/x", "xx/a"]),
        ("{a**,b}", ["a", "a/x", "b"], ["b/x"]),
        ("{a,b}**", ["a", "a/x", "b/x/y"], ["c"]),
        ("x/{**,y}", ["x/a", "x/a/b", "x/y"], ["x", "y"]),
        # classes
        ("v[0-9]", ["v0", "v9"], ["v", "vx", "v10"]),
        ("v[!0-9]", ["vx", "v-"], ["v1", "v/", "v"]),
        ("v[^0-9]", ["vx"], ["v1", "v/"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[abc]*[0-9]", ["a1", "cx9"], ["d1", "a"]),
        ("[[:digit:]]*", ["1", "2x"], ["x"]),
        ("a[.-0]c", ["a.c", "a0c"], ["a/c"]),
        ("[A-Z]*", ["V1"], ["v1"]),
        # braces
        ("{stable,latest}", ["stable", "latest"], ["stabl", "stable,latest", "STABLE"]),
        ("v{1,2}.*", ["v1.0", "v2."], ["v3.0", "v12.0"]),
        ("{,pre-}v1", ["v1", "pre-v1"], ["-v1"]),
        ("{a,{b,c}}d", ["ad", "bd", "cd"], ["d"]),
        ("{a,b/**}", ["a", "b/c/d"], ["a/c", "b"]),
        ("v{1..3}", ["v1", "v3"], ["v0", "v4", "v1..3"]),
        # what other globs give a meaning, and these do not
        ("@(a|b)*", ["@(a|b)"], ["a", "b"]),
        ("a|b*", ["a|bx"], ["a", "bx"]),
        ("!v*", ["!v1"], ["x", "v1"]),
        ("~*", ["~a"], ["a", "/root"]),
        (".*", [".a"], ["a", "xa"]),
        # regular expressions
        ("regex:v[0-9]+", ["v1", "v10"], ["v", "av1", "v1b", "V1"]),
        ("regex:v1|v10", ["v1", "v10"], ["v100", "xv1"]),
        ("regex:.*", ["a", "a/b"], []),
        ("regex:(?i)v.*", ["v1", "V1"], ["x"]),
        ("regex:^v1$", ["v1"], ["v1x"]),
        (r"regex:\d+\.\d+", ["1.10"], ["1x10", "٣.٣"]),
        ("regex:[/]", ["/"], ["a"]),
        ("regex:{a}", ["{a}"], ["a"]),
    ],
)
def test_a_pattern_matches_whole_names_case_sensitively(pattern, matching, others):
    """Every name on the left is selected and none on the right."""
    compiled = compile_pattern(pattern)

    selected = [name for name in (*matching, *others) if compiled.matches(name)]

    assert matching == selected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "an empty pattern matches nothing"),
        ("regex:", "an empty expression matches nothing"),
        ("[]", "an empty [] matches nothing"),
        ("a[!]b", "an empty [] matches nothing"),
        ("[", "a [ without its ]"),
        ("v[0-9", "a [ without its ]"),
        ("v0-9]", "a [ without its ]"),
        ("{a,b", "a { without its }"),
        ("a,b}", "a { without its }"),
        ("{a{b,c}", "a { without its }"),
        ("{stable}", "no name holds a bracket or a brace; a class is [a-z], alternatives are {a,b}"),
        ("v{}", "no name holds a bracket or a brace; a class is [a-z], alternatives are {a,b}"),
        ("]v[", "no name holds a bracket or a brace; a class is [a-z], alternatives are {a,b}"),
        ("}a,b{", "no name holds a bracket or a brace; a class is [a-z], alternatives are {a,b}"),
        ("[^]", "no name holds a bracket or a brace; a class is [a-z], alternatives are {a,b}"),
        ("[z-a]", "a range that runs backwards matches nothing"),
        ("a[/]b", "a / cannot stand in []; braces can hold one: {a,b/c}"),
        ("a[!x/]b", "a / cannot stand in []; braces can hold one: {a,b/c}"),
        ("a\\*b", "a backslash cannot stand in a name, and a pattern needs none"),
        ("a*\n", "a character that does not print cannot stand in a name"),
        ("regex:\x00", "a character that does not print cannot stand in a name"),
        ("regex:\ud800", "a character that does not print cannot stand in a name"),
        ("v1\u200b", "a character that does not print cannot stand in a name"),
        ("**a**b**c**", "more than 3 times ** in one pattern; write several patterns"),
        ("{a,b}" * 10, "more than 100 alternatives in one pattern; write several patterns"),
        ("{1..101}", "more than 100 alternatives in one pattern; write several patterns"),
        ("{0..100000000}", "more than 100 alternatives in one pattern; write several patterns"),
        ("**a**{1..17}", "more than 16 alternatives in one pattern with 2 times **; write several patterns"),
        ("**a**a**{1..3}", "more than 2 alternatives in one pattern with 3 times **; write several patterns"),
        ("{}" * 500, "more than 30 braces in one pattern; write several patterns"),
        ("{" * 500 + "}" * 500, "more than 30 braces in one pattern; write several patterns"),
        ("*" + "a" * 1000, "a pattern of 1,001 characters; at most 1,000 are allowed"),
        ("regex:" + "a" * 1000, "a pattern of 1,006 characters; at most 1,000 are allowed"),
        ("regex:(", "not a regular expression that RE2 takes: missing ): ("),
        ("regex:(?=a)", "not a regular expression that RE2 takes: invalid perl operator: (?="),
        (r"regex:(a)\1", r"not a regular expression that RE2 takes: invalid escape sequence: \1"),
        ("regex:a{1001}", "not a regular expression that RE2 takes: invalid repetition size: {1001}"),
        ("regex:*", "not a regular expression that RE2 takes: no argument for repetition operator: *"),
    ],
)
def test_a_pattern_that_cannot_match_as_meant_is_refused(pattern, reason):
    """A rule that would quietly protect nothing, or never end, is an error that says why."""
    with pytest.raises(PatternError) as refused:
        compile_pattern(pattern)

    assert reason == str(refused.value)


def test_an_expression_that_needs_too_much_memory_is_refused():
    """RE2 bounds what an expression may unfold to."""
    with pytest.raises(PatternError, match="not a regular expression that RE2 takes"):
        compile_pattern("regex:" + "(" * 3 + "a{100}" + "){100}" * 3)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a" * 30 + "*b", "a" * 256),
        ("a*" * 60 + "b", "a" * 256),
        ("?*" * 30 + "b", "a" * 256),
        ("{a*,*a}" * 6 + "b", "a" * 128),
        ("**a**a**b", "a/" * 127 + "a"),
        ("**a**a**{b,c}x", "a/" * 127 + "a"),
        ("**a**{1..16}x", "a/" * 127 + "a"),
        ("**a" * 3 + "*a" * 5 + "c", "a/" * 127 + "a"),
        ("**/a/**/a/**/ab", "a/" * 127 + "a"),
        ("regex:(a*)*b", "a" * 256),
        ("regex:(a|aa)+b", "a" * 256),
        ("regex:" + "a?" * 200 + "a" * 200, "a" * 199),
    ],
)
def test_no_pattern_hangs_on_a_hostile_name(pattern, name):
    """Patterns made to backtrack for ages answer: this test ends."""
    assert not compile_pattern(pattern).matches(name)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("1.10", True), ("team/app", True), ("regex", True), ("v*", False), ("regex:v1", False), ("{a,b}", False)],
)
def test_a_pattern_without_wildcards_is_an_exact_name(pattern, expected):
    """Exact names are looked up and reported as missing; patterns are not."""
    assert expected == compile_pattern(pattern).is_exact


NAMES = st.from_regex(r"[abA.-]{1,3}(/[abA.-]{1,3}){0,3}", fullmatch=True)
PARTS = ["a", "b", "A", ".", "-", "/", "*", "?", "**", "[ab]", "[!a]", "[a-]"]
PATTERNS = (
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=8)
    .map("".join)
    .filter(lambda text: len(re.findall(r"\*{2,}", text)) <= 3 and "//" not in text)
    .filter(lambda text: not text.startswith("/") and not text.endswith("/"))
)
# Parts "." and ".." are directories to a glob; no name of ours has them.
REAL_NAMES = NAMES.filter(lambda name: not {".", ".."} & set(name.split("/")))


@settings(max_examples=some(250))
@given(pattern=PATTERNS, name=REAL_NAMES)
def test_patterns_mean_what_the_plain_definition_says(pattern, name):
    """For patterns and names of all sorts the answer is that of a definition written out naively."""
    assert _naively(pattern, name) == compile_pattern(pattern).matches(name)


def _naively(pattern: str, name: str) -> bool:
    """The definition: `**` is anything, `/**/` also nothing between, other wildcards are one part's."""
    expression = ""
    for token in re.findall(r"(?:(?<=/)|^)\*{2,}/|\*{2,}|\*|\?|\[!?[^\]]+\]|.", pattern):
        expression += _expression(token)
    return re.fullmatch(expression, name) is not None


def _expression(token: str) -> str:
    if token.startswith("**"):
        return "(?:.+/)?" if token.endswith("/") else ".*"
    plain = {"*": "[^/]*", "?": "[^/]"}
    if token in plain:
        return plain[token]
    if token.startswith("["):
        return "(?!/)" + token.replace("[!", "[^")
    return re.escape(token)
