"""Small pieces of text: what is made safe, how it is wrapped, how things are counted."""

import pytest
from builders import digest
from hypothesis import given, strategies as st

from reconciler.model.address import Address
from reconciler.render.words import count, painter, paragraph, safe, sentence, short_name, shown

ADDRESS = {
    "(repository)": Address("team/app"),
    ":v1": Address("team/app", tag="v1"),
    "@sha256:aaaaaa": Address("team/app", digest=digest("a")),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, ümlaut, 漢字", "plain text, ümlaut, 漢字"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("one\ntwo\r\nthree", "one�two��three"),
        ("a\u202eb\u2066c\u200bd\ufeffe", "a�b�c�d�e"),
        ("\x00\x07\x08\x7f\x9b\u2028\u2029\t\xa0\xad", "�" * 10),
        ("\ud800\udcff", "��"),
        ("", ""),
    ],
)
def test_only_what_prints_as_itself_is_let_through(text, expected):
    """Control, format and invisible characters become a visible mark, newlines among them."""
    assert expected == safe(text)


@given(st.text())
def test_safe_text_is_one_line_of_the_same_length(text):
    """Whatever it is given, the result prints, has one line, and loses no character unseen."""
    result = safe(text)

    assert result.isprintable()
    assert len(text) == len(result)


@given(st.text(max_size=300), st.integers(min_value=1, max_value=8))
def test_every_line_of_a_paragraph_is_indented(text, margin):
    """No line of somebody else's message begins at the margin of ours."""
    lines = paragraph(text, margin=margin).split("\n")

    assert [] == [line for line in lines if line and not line.startswith(" " * margin)]
    assert [] == [line for line in lines if not line.isprintable()]


def test_a_paragraph_is_wrapped_between_words_and_never_within_one():
    """80 columns are kept where words allow it; hyphens, addresses and links stay whole."""
    link = "https://aka.ms/acr/" + "troubleshooting-" * 5 + "steps"

    text = paragraph(f"one two {link} three\n  advice " + "word " * 20, margin=4)

    assert (
        "    one two\n"
        f"    {link}\n"
        "    three\n"
        "      advice word word word word word word word word word word word word word\n"
        "      word word word word word word word"
    ) == text


@pytest.mark.parametrize(
    ("head", "parts", "remark", "expected"),
    [
        ("Plan:", ["no changes"], "", "Plan: no changes."),
        ("Plan:", ["1 to update", "2 to move"], "(1 loosen)", "Plan: 1 to update, 2 to move (1 loosen)."),
        ("x" * 60, ["a" * 19], "", f"{'x' * 60}\n  {'a' * 19}."),
        ("x" * 60, ["a" * 18], "", f"{'x' * 60} {'a' * 18}."),
        ("x" * 90, ["a", "b"], "(c)", f"{'x' * 90}\n  a, b (c)."),
    ],
)
def test_a_sentence_is_broken_between_its_parts(head, parts, remark, expected):
    """80 columns fit, full stop included, and 81 do not."""
    assert expected == sentence(head, parts, remark)


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, ("change",), "0 changes"),
        (1, ("change",), "1 change"),
        (2, ("change",), "2 changes"),
        (1, ("repository", "repositories"), "1 repository"),
        (1234567, ("repository", "repositories"), "1,234,567 repositories"),
    ],
)
def test_things_are_counted_as_people_say_them(number, words, expected):
    """One is singular, and thousands are set apart."""
    assert expected == count(number, *words)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, "true"), (False, "false"), (digest("a"), "sha256:aaaaaa"), ("a\nb\x1b", "a�b�")],
)
def test_values_are_shown_as_in_a_file(value, expected):
    """Booleans as YAML spells them, digests by their first digits, anything else safely."""
    assert expected == shown(value)


@pytest.mark.parametrize("expected", ADDRESS)
def test_a_resource_has_a_short_name_within_its_repository(expected):
    """The repository stands above; what is left distinguishes its resources."""
    assert expected == short_name(ADDRESS[expected])


def test_without_colour_nothing_is_added():
    """Plain text stays as it is."""
    assert ("x", "\x1b[31mx\x1b[0m") == (painter(color=False)("x", "red"), painter(color=True)("x", "red"))
