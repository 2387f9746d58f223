"""Lists that are wrong: partial, in disorder, or leading in circles."""

import pytest

CATALOGS = ["/acr/v1/_catalog", "/v2/_catalog"]
TAG_LISTS = ["/acr/v1/web/api/_tags", "/v2/web/api/tags/list"]


def _items(answer):
    document = answer.json()
    items = next((document[member] for member in ("repositories", "tags", "manifests") if document.get(member)), [])
    return [item if isinstance(item, str) else item.get("name") or item["digest"] for item in items]


def _walk(http, path):
    """The items of all pages from `path` on."""
    pages = []
    while path:
        answer = http.get(path)
        assert 200 == answer.status_code
        pages.append(_items(answer))
        path = answer.links.get("next", {}).get("url")
    return pages


def _fill(emulator, *names):
    for name in names:
        emulator.push(f"{name}:v1")


@pytest.mark.parametrize("path", CATALOGS)
def test_a_catalog_leaves_names_out_without_a_word(emulator, http, path):
    """Those that were given, wherever they stand; a direct GET still answers."""
    _fill(emulator, "a", "b", "c", "d")
    emulator.faults.catalog_without = ("b", "d")

    pages = _walk(http, f"{path}?n=2")

    assert [["a"], ["c"]] == pages
    assert 200 == http.get("/acr/v1/b").status_code
    assert emulator.repository("d") is not None


@pytest.mark.parametrize("path", CATALOGS)
@pytest.mark.parametrize(
    ("last", "pages"),
    [
        (1, [["a", "b"], ["c", "d"]]),
        (2, [["a", "b"], ["c"]]),
        (3, [["a", "b"]]),
        (4, [["a"]]),
        (5, [[]]),
        (9, [[]]),
    ],
)
def test_a_catalog_ends_early_as_if_it_were_complete(emulator, http, path, last, pages):
    """The page before the first name that is missing is the last one: 200, and no link."""
    _fill(emulator, "a", "b", "c", "d", "e")
    emulator.faults.catalog_without_last = last

    assert pages == _walk(http, f"{path}?n=2")


@pytest.mark.parametrize("path", TAG_LISTS)
def test_a_tag_list_leaves_tags_out(emulator, http, path):
    """Those that were given, and so many at the end; those of other repositories are not meant."""
    emulator.push_many("web/api", ["a", "b", "c", "d", "e"])
    emulator.faults.tags_without = ("web/api:b", "web/ui:a")
    emulator.faults.tags_without_last = 2

    assert [["a"], ["c"]] == _walk(http, f"{path}?n=2")
    assert 200 == http.get("/acr/v1/web/api/_tags/e").status_code


def test_a_tag_list_by_time_leaves_out_the_same(emulator, http):
    """The last by name, whatever the order of the list."""
    for tag in ("a", "c", "b"):
        emulator.push(f"web/api:{tag}")
    emulator.faults.tags_without_last = 1

    assert [["b"], ["a"], []] == sorted(_walk(http, "/acr/v1/web/api/_tags?n=1&orderby=timedesc"), reverse=True)


@pytest.mark.parametrize("path", CATALOGS)
@pytest.mark.parametrize(
    ("ghosts", "pages"),
    [
        (["a"], [["a", "b"], ["d", "f"]]),
        (["c"], [["b", "c"], ["d", "f"]]),
        (["g"], [["b", "d"], ["f", "g"]]),
        (["a", "c", "e", "g"], [["a", "b"], ["c", "d"], ["e", "f"], ["g"]]),
        (["b"], [["b", "d"], ["f"]]),
    ],
)
def test_ghosts_are_in_the_catalog(emulator, http, path, ghosts, pages):
    """In their place, each once, and no page is too long."""
    _fill(emulator, "b", "d", "f")
    emulator.faults.ghosts = tuple(ghosts)

    assert pages == _walk(http, f"{path}?n=2")


def test_a_ghost_has_attributes_and_nothing_else(emulator, http):
    """GET answers with counts of 0, its lists are missing, and it cannot be deleted."""
    emulator.push("web/api:v1")
    emulator.faults.ghosts = ("old/thing", "web/api")

    ghost = http.get("/acr/v1/old/thing").json()
    lists = [http.get(f"/acr/v1/old/thing/{name}") for name in ("_tags", "_manifests")]
    refused = [http.delete("/acr/v1/old/thing"), http.patch("/acr/v1/old/thing", json={"deleteEnabled": False})]

    enabled = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
    assert (0, 0, enabled) == (ghost["manifestCount"], ghost["tagCount"], ghost["changeableAttributes"])
    assert [(200, {"registry": emulator.host, "imageName": "old/thing"})] * 2 == [
        (answer.status_code, answer.json()) for answer in lists
    ]
    assert [(404, "NAME_UNKNOWN")] * 2 == [
        (answer.status_code, answer.json()["errors"][0]["code"]) for answer in refused
    ]
    assert 404 == http.get("/v2/old/thing/tags/list").status_code
    assert 404 == http.get("/acr/v1/old/thing/_tags/v1").status_code
    assert 1 == http.get("/acr/v1/web/api").json()["tagCount"]


def test_a_ghost_becomes_a_repository_by_a_push(emulator, http):
    """Then it is one, and leaves the catalog when it is hidden."""
    emulator.faults.ghosts = ("web/api",)
    emulator.push("web/api:v1")
    emulator.patch("web/api", listEnabled=False)

    assert [[]] == _walk(http, "/acr/v1/_catalog")
    assert 404 == http.get("/acr/v1/web/api/_tags/none").status_code
    emulator.delete("web/api")
    assert [["web/api"]] == _walk(http, "/acr/v1/_catalog")


@pytest.mark.parametrize("path", [*CATALOGS, "/acr/v1/a/_tags", "/v2/a/tags/list", "/acr/v1/a/_manifests"])
def test_a_list_can_be_in_disorder(emulator, http, path):
    """Backwards, or shuffled; the same each time, and complete."""
    for name in "abcdefgh":
        _fill(emulator, name)
        emulator.push(f"a:{name}", name.encode())
    right = _items(http.get(path))

    emulator.faults.list_order = "reversed"
    backwards = _items(http.get(path))
    emulator.faults.list_order = "shuffled"
    shuffled, again = _items(http.get(path)), _items(http.get(path))

    assert len(right) >= 8
    assert right[::-1] == backwards
    assert shuffled == again
    assert right not in (shuffled, shuffled[::-1])
    assert right == sorted(shuffled)


@pytest.mark.parametrize("path", [*CATALOGS, "/acr/v1/a/_tags", "/v2/a/tags/list", "/acr/v1/a/_manifests"])
def test_a_link_can_lead_to_the_same_page_again(emulator, http, path):
    """Once each, and then on."""
    for name in "abc":
        emulator.push(f"{name}:{name}", b"content")
        emulator.push(f"a:{name}", name.encode())
    right = _walk(http, f"{path}?n=1")

    emulator.faults.links = "repeat"
    repeated = _walk(http, f"{path}?n=1")

    assert len(right) >= 3
    assert [page for page in right[:-1] for _ in range(2)] + right[-1:] == repeated


def test_a_page_of_any_size_can_be_repeated(emulator, http):
    """One that was asked for without a query, too."""
    emulator.push_many("web/api", [f"v{number:03}" for number in range(101)])
    emulator.faults.links = "repeat"

    assert [100, 100, 1] == [len(page) for page in _walk(http, "/acr/v1/web/api/_tags")]


@pytest.mark.parametrize("query", ["", "?n=1", "?n=1&last=a"])
def test_a_link_can_lead_to_its_own_page_for_ever(emulator, http, query):
    """From the only page too, and from the last, but not from one that is empty."""
    _fill(emulator, "a", "b")
    emulator.faults.links = "loop"

    answer = http.get(f"/acr/v1/_catalog{query}")

    assert f'</acr/v1/_catalog{query}>; rel="next"' == answer.headers["link"]
    assert "link" not in http.get("/acr/v1/_catalog?last=b").headers


def test_a_link_can_lead_to_another_host(emulator, http):
    """With the path and query of the right one."""
    _fill(emulator, "a", "b")
    emulator.faults.link_origin = "https://elsewhere.example"

    first, last = http.get("/acr/v1/_catalog?n=1"), http.get("/acr/v1/_catalog?n=1&last=a")

    assert '<https://elsewhere.example/acr/v1/_catalog?last=a&n=1&orderby=>; rel="next"' == first.headers["link"]
    assert "link" not in last.headers


def test_faults_of_lists_leave_refusals_alone(emulator, http):
    """A list that cannot be asked for is refused as always."""
    emulator.faults.list_order = "reversed"

    assert [400, 404] == [http.get(path).status_code for path in ("/acr/v1/_catalog?n=x", "/acr/v1/web/_tags")]
