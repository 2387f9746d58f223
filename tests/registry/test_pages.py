"""Chains of pages that are whole, and those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import httpx
import pytest
from examples import some
from hypothesis import given, settings, strategies as st

from reconciler.errors import ProtocolError
from reconciler.registry.exchange import Answer
from reconciler.registry.location import parse_location
from reconciler.registry.pages import Chain

URL = "https://r/acr/v1/_catalog?n=1000"
TARGET = "/acr/v1/_catalog?n=1000"
NAMES = st.lists(st.text("abAB19-_./", min_size=1, max_size=4), max_size=40, unique=True)


def _chain(*, is_sorted: bool = True) -> Chain:
    return Chain(parse_location("r"), TARGET, is_sorted=is_sorted)


def _page(link: str = "", body: bytes = b"{}", url: str = URL) -> Answer:
    return Answer("GET", url, 200, httpx.Headers({"link": link} if link else {}), body)


def _check(pages: Sequence[Sequence[str]], *, is_sorted: bool = True) -> None:
    chain = _chain(is_sorted=is_sorted)
    for names in pages:
        chain.check_names(_page(), names)


def test_a_list_ends_where_no_link_is():
    """However short the page."""
    assert "" == _chain().next_target(_page())


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('</acr/v1/_catalog?last=b&n=2&orderby=>; rel="next"', "/acr/v1/_catalog?last=b&n=2&orderby="),
        ('<https://r/acr/v1/_catalog?last=b>; rel="next"', "/acr/v1/_catalog?last=b"),
        ('<https://r:443/x>; rel="next"', "/x"),
        ('<//r/x?last=b>; rel="next"', "/x?last=b"),
        ('<?last=b>; rel="next"', "/acr/v1/_catalog?last=b"),
        ('<_catalog?last=b>; rel="next"', "/acr/v1/_catalog?last=b"),
        (' </x?last=a%252Fb>;rel="next"', "/x?last=a%252Fb"),
        ('</x?last=a>; rel="next"; title="y"', "/x?last=a"),
    ],
)
def test_a_link_may_be_written_in_many_ways(link, expected):
    """Relative or absolute; what it says about `last` is the registry's and is sent back as it is."""
    assert expected == _chain().next_target(_page(link))


@pytest.mark.parametrize(
    "link", ["x", "<", "<>", "</x>", '</x>; rel="prev"', "</x>; rel=next", 'rel="next"', '<//[::1/x>; rel="next"']
)
def test_a_link_that_cannot_be_understood_is_refused(link):
    """The rest of the list is behind it."""
    with pytest.raises(ProtocolError, match="the Link header cannot be understood"):
        _chain().next_target(_page(link))


@pytest.mark.parametrize(
    "link",
    [
        '<https://evil.example/acr/v1/_catalog?last=b>; rel="next"',
        '<//evil.example/x>; rel="next"',
        '<http://r/x>; rel="next"',
        '<https://r:8443/x>; rel="next"',
        '<https://r@evil.example/x>; rel="next"',
        '<https://evil.example@r/x>; rel="next"',
        '<file:///etc/passwd>; rel="next"',
    ],
)
def test_a_link_to_another_host_is_refused_and_not_shown(link):
    """A token would go along."""
    with pytest.raises(ProtocolError, match="on another host") as raised:
        _chain().next_target(_page(link))

    assert "evil" not in str(raised.value)


@pytest.mark.parametrize(
    "links",
    [
        ["/acr/v1/_catalog?n=1000"],
        ["/x?last=a", "/acr/v1/_catalog?n=1000"],
        ["/x?last=a", "/x?last=b", "/x?last=a"],
        ["/x?last=a", "https://r/x?last=a"],
    ],
    ids=range(4),
)
def test_a_chain_that_leads_back_is_refused(links):
    """To the first page or to any other one, however it is spelt."""
    chain = _chain()
    *onward, back = (_page(f'<{link}>; rel="next"', body=link.encode()) for link in links)
    for page in onward:
        chain.next_target(page)

    with pytest.raises(ProtocolError, match="it has no end"):
        chain.next_target(back)


def test_the_same_page_twice_in_a_row_is_refused():
    """Though its link is another one."""
    chain = _chain()
    chain.next_target(_page('</x?last=a>; rel="next"', b"same"))

    with pytest.raises(ProtocolError, match="it has no end"):
        chain.next_target(_page('</x?last=b>; rel="next"', b"same"))


def test_a_last_page_may_look_like_the_one_before():
    """An empty list is always the same; without a link there is nothing to go round."""
    chain = _chain()
    chain.next_target(_page('</x?last=a>; rel="next"', b"{}"))

    assert "" == chain.next_target(_page(body=b"{}"))


def test_a_chain_of_more_pages_than_there_can_be_is_refused():
    """Ten thousand pages are ten million names."""
    chain = _chain()
    for number in range(9_999):
        chain.next_target(_page(f'</x?last={number}>; rel="next"', str(number).encode()))

    with pytest.raises(ProtocolError, match="more than 10,000 pages"):
        chain.next_target(_page('</x?last=more>; rel="next"', b"more"))


@pytest.mark.parametrize(
    "pages",
    [
        [[]],
        [["a"], ["b"]],
        [["a", "b"], [], ["c"]],
        [["A", "B", "a", "b"]],
        [["A", "Z"], ["a", "z"]],
        [["a", "B", "c", "D"]],
        [["a", "B"], ["c", "D"]],
        [["A", "a"]],
        [["a", "A"]],
        [["a", "A"], ["b", "B"]],
        [["b"], ["B", "c"]],
        [["V1", "v1", "v1-arm", "V2"]],
    ],
    ids=str,
)
def test_names_go_up_by_code_or_without_regard_to_case(pages):
    """Which of the two ACR does is not recorded."""
    _check(pages)


@pytest.mark.parametrize(
    ("pages", "how"),
    [
        ([["a", "a"]], "a is in it twice"),
        ([["a", "b"], ["b", "c"]], "b is in it twice"),
        ([["b", "a"]], "a comes after b"),
        ([["b"], ["a"]], "a comes after b"),
        ([["a", "c"], ["b", "d"]], "b comes after c"),
        ([["a", "C"], ["b", "d"]], "b comes after C"),
        ([["a", "B", "c"], ["A"]], "A comes after c"),
        ([["a", "B"], ["C", "C"]], "C is in it twice"),
        ([["b"], [], ["a"]], "a comes after b"),
        ([["", "a"]], " is in it twice"),
        ([["1B", "1b"], ["1B", "1b"]], "1B is in it twice"),
        ([["a", "b1"], ["B1"], ["b1"]], "b1 is in it twice"),
        ([["B"], ["b"], ["B"]], "B is in it twice"),
        ([["AB"], ["Ab"], ["aB"], ["AB"]], "AB is in it twice"),
        ([["B", "a"], ["B"]], "B comes after a"),
        ([["B", "a"], ["b"], ["B"]], "B comes after b"),
    ],
    ids=str,
)
def test_names_that_go_back_or_are_repeated_are_refused(pages, how):
    """Such a list may lack others as well."""
    with pytest.raises(ProtocolError, match=f"the list is not in order: (a name|{how})"):
        _check(pages)


@pytest.mark.parametrize("pages", [[["b", "a"], ["c"]], [["b"], ["a"]], [["z", "y"], [], ["x"]]], ids=str)
def test_names_in_the_order_of_time_go_as_they_like(pages):
    """The order is not that of the names."""
    _check(pages, is_sorted=False)


@pytest.mark.parametrize("pages", [[["a", "a"]], [["b", "a"], ["c", "b"]]], ids=str)
def test_nor_are_they_repeated_then(pages):
    """What is pushed while we read moves to the other end."""
    with pytest.raises(ProtocolError, match="is in it twice"):
        _check(pages, is_sorted=False)


def test_a_name_that_a_terminal_would_obey_is_harmless_in_the_error():
    """Names are checked elsewhere; errors are always one line."""
    with pytest.raises(ProtocolError) as raised:
        _check([["b", "a\x1b[2J\n"]])

    assert str(raised.value).splitlines()[0].isprintable()


@given(NAMES, st.integers(1, 7), st.booleans())
def test_every_sorted_list_is_taken_however_it_is_cut(names, size, ignores_case):
    """In either order."""
    in_order = sorted(names, key=lambda name: (name.casefold(), name)) if ignores_case else sorted(names)

    _check([in_order[start : start + size] for start in range(0, len(in_order), size)])


@given(NAMES.filter(lambda names: len(names) > 1), st.data(), st.booleans())
def test_every_list_that_repeats_a_page_is_refused(names, data, ignores_case):
    """In either order, wherever it is cut and begins again."""
    in_order = sorted(names, key=lambda name: (name.casefold(), name)) if ignores_case else sorted(names)
    cut = data.draw(st.integers(1, len(in_order)))
    again = data.draw(st.integers(0, cut - 1))
    first = data.draw(st.integers(0, cut))

    with pytest.raises(ProtocolError, match="the list is not in order"):
        _check([in_order[:first], in_order[first:cut], in_order[again:]])


@given(st.lists(st.text("aAbB", min_size=1, max_size=2), max_size=6), st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=some(250))
def test_what_is_taken_does_not_depend_on_where_the_pages_end(names, first, second):
    """All of it goes up by code, or without regard to case with nothing twice."""
    folded = [name.casefold() for name in names]
    is_in_order = len(set(names)) == len(names) and (sorted(names) == names or sorted(folded) == folded)

    cut = (0, *sorted((first, second)), len(names))
    try:
        _check([names[start:end] for start, end in pairwise(cut)])
    except ProtocolError:
        assert not is_in_order
    else:
        assert is_in_order


def test_a_repeated_page_whose_names_differ_in_case_alone_is_refused():
    """Both orders take them any way round, so that the order does not tell."""
    for cut in range(5):
        with pytest.raises(ProtocolError, match="the list is not in order"):
            _check([["AB", "Ab", "aB", "ab"][:cut], ["AB", "Ab", "aB", "ab"][cut:], ["AB", "Ab", "aB", "ab"]])
