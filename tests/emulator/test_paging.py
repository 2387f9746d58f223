"""Lists, page by page."""

import pytest


def _names(answer):
    return [tag["name"] for tag in answer.json()["tags"] or []]


def _walk(http, path):
    """All pages from `path` on."""
    pages = []
    while path:
        pages.append(http.get(path))
        path = pages[-1].links.get("next", {}).get("url")
    return pages


@pytest.mark.parametrize("path", ["/acr/v1/web%2Fapi/_tags", "/acr/v1/web/api/_tags"])
def test_link_repeats_the_path_as_it_was_encoded(emulator, http, path):
    """Its query is `last`, `n` and an empty `orderby`; nothing of `digest` or `api-version` is left."""
    digest = emulator.push_many("web/api", ["a", "b", "c"])

    answer = http.get(path, params={"n": 2, "digest": digest, "api-version": "2021-07-01"})

    assert f'<{path}?last=b&n=2&orderby=>; rel="next"' == answer.headers["link"]


def test_catalog_link_escapes_names(emulator, http):
    """A slash in `last` is %2F, as recorded."""
    for name in ("library/alpine", "library/busybox", "library/hello-world"):
        emulator.push(f"{name}:latest")

    answer = http.get("/acr/v1/_catalog?n=2")

    assert {"repositories": ["library/alpine", "library/busybox"]} == answer.json()
    assert '</acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=>; rel="next"' == answer.headers["link"]


def test_the_last_page_has_no_link(emulator, http):
    """Even where it is full."""
    emulator.push_many("web/api", ["a", "b", "c", "d"])

    pages = _walk(http, "/acr/v1/web/api/_tags?n=2")

    assert [["a", "b"], ["c", "d"]] == [_names(page) for page in pages]


def test_a_page_past_the_end_has_no_list(emulator, http):
    """The list is null, never empty."""
    emulator.push("web/api:v1")

    answer = http.get("/acr/v1/web/api/_tags?last=v1")

    assert answer.json()["tags"] is None


@pytest.mark.parametrize(("query", "size"), [("", 100), ("?n=1000", 1000), ("?n=5000", 1000), ("?n=7", 7)])
def test_a_page_has_a_hundred_rows_unless_asked_and_a_thousand_at_most(emulator, http, query, size):
    """A larger `n` is cut without a word."""
    emulator.push_many("web/api", [f"v{number}" for number in range(1001)])

    answer = http.get(f"/acr/v1/web/api/_tags{query}")

    assert size == len(_names(answer))
    assert f"&n={size}&" in answer.headers["link"]


@pytest.mark.parametrize("n", ["0", "-1", "many", "1" * 30, "½"])
def test_a_page_size_that_is_none_is_refused(emulator, http, n):
    """The answer is 400, not a page of some other size."""
    emulator.push("web/api:v1")

    answer = http.get("/acr/v1/web/api/_tags", params={"n": n})

    assert (400, "PAGINATION_NUMBER_INVALID") == (answer.status_code, answer.json()["errors"][0]["code"])


@pytest.mark.parametrize(
    ("orderby", "expected"), [("timeasc", ["c", "a", "b", "d"]), ("timedesc", ["d", "b", "a", "c"])]
)
def test_a_list_by_time_pages_with_a_cursor_of_its_own(emulator, http, orderby, expected):
    """`last` is not the name of the last tag, and the pages are the whole list."""
    for tag in ("c", "a", "b", "d"):
        emulator.push(f"web/api:{tag}")

    pages = _walk(http, f"/acr/v1/web/api/_tags?n=1&orderby={orderby}")

    assert expected == [name for page in pages for name in _names(page)]
    assert f"last={expected[0]}&" not in pages[0].headers["link"]
    assert f"&n=1&orderby={orderby}>" in pages[0].headers["link"]


def test_manifests_are_listed_by_digest_or_by_time(emulator, http):
    """Both orders page to their end."""
    digests = [emulator.push(f"web/api:v{number}", b"%d" % number) for number in range(5)]

    by_digest = _walk(http, "/acr/v1/web/api/_manifests?n=2")
    by_time = _walk(http, "/acr/v1/web/api/_manifests?n=2&orderby=timedesc")

    assert sorted(digests) == [found["digest"] for page in by_digest for found in page.json()["manifests"]]
    assert digests[::-1] == [found["digest"] for page in by_time for found in page.json()["manifests"]]


def test_a_cursor_that_is_a_name_is_refused_in_a_list_by_time(emulator, http):
    """A client that computes `last` itself finds out."""
    emulator.push("web/api:v1")

    answer = http.get("/acr/v1/web/api/_tags?orderby=timedesc&last=v1")

    assert 400 == answer.status_code


def test_tags_can_be_asked_for_by_digest(emulator, http):
    """Only those that point there are listed."""
    digest = emulator.push_many("web/api", ["a", "c"], b"one")
    emulator.push("web/api:b", b"two")

    answer = http.get("/acr/v1/web/api/_tags", params={"digest": digest})

    assert ["a", "c"] == _names(answer)


def test_what_may_not_be_listed_is_hidden_from_lists_only(emulator, http):
    """The direct GET answers, for repositories, tags and manifests."""
    digest = emulator.push("web/api:v1")
    for reference in ("web/api", "web/api:v1", f"web/api@{digest}"):
        emulator.patch(reference, listEnabled=False)

    listed = [
        http.get("/acr/v1/_catalog").json()["repositories"],
        http.get("/v2/_catalog").json()["repositories"],
        http.get("/acr/v1/web/api/_tags").json()["tags"],
        http.get("/v2/web/api/tags/list").json()["tags"],
        http.get("/acr/v1/web/api/_manifests").json()["manifests"],
    ]
    direct = [http.get(f"/acr/v1/web/api{path}").status_code for path in ("", "/_tags/v1", f"/_manifests/{digest}")]

    assert [None, None, None, None, None] == listed
    assert [200, 200, 200] == direct


def test_the_lists_of_v2_page_too(emulator, http):
    """With the same kind of link."""
    emulator.push_many("web/api", ["a", "b", "c"])
    emulator.push("web/ui:v1")

    tags = http.get("/v2/web/api/tags/list?n=2")
    catalog = http.get("/v2/_catalog?n=1")

    assert {"name": "web/api", "tags": ["a", "b"]} == tags.json()
    assert '</v2/web/api/tags/list?last=b&n=2&orderby=>; rel="next"' == tags.headers["link"]
    assert '</v2/_catalog?last=web%2Fapi&n=1&orderby=>; rel="next"' == catalog.headers["link"]
