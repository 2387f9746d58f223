"""Answers become documents, refusals become errors; what is there and wrong is refused."""

from __future__ import annotations

import httpx
import orjson
import pytest
from servers import DIGEST, FLAGS, tag_object

from reconciler.errors import (
    ApiError,
    DisallowedError,
    NotFoundError,
    ProtocolError,
    ThrottledError,
    UnauthorizedError,
)
from reconciler.model.address import Address
from reconciler.registry.exchange import Answer, printable
from reconciler.registry.refusals import api_error
from reconciler.registry.shapes import repository_names, repository_of, tag_of, tags_of


def _answer(body: object, status: int = 200, kind: str = "application/json; charset=utf-8") -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer("GET", "https://r/x", status, httpx.Headers({"content-type": kind}), content)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (FLAGS, FLAGS),
        ({**FLAGS, "teleportEnabled": False}, {**FLAGS, "teleportEnabled": False}),
        ({**FLAGS, "quarantineState": "Passed", "newInTwoYears": {}}, FLAGS),
        ({"deleteEnabled": False}, {"deleteEnabled": False}),
        ({"deleteEnabled": None}, {}),
        ({}, {}),
    ],
)
def test_a_repository_has_the_attributes_that_it_reports(attributes, expected):
    """Unknown ones are not ours, and what is absent or null is not reported."""
    answer = _answer(
        {"imageName": "a", "createdTime": "2022-01-12T23:07:41.1234567Z", "changeableAttributes": attributes}
    )

    assert expected == repository_of(answer, "a").document


@pytest.mark.parametrize("value", ["true", "false", "", 0, 1, 1.0, [], {}, [True]])
def test_a_flag_is_true_or_false(value):
    """Not a text and not a number: `"false"` is true in too many languages."""
    with pytest.raises(ProtocolError, match="not true or false"):
        repository_of(_answer({"changeableAttributes": {**FLAGS, "writeEnabled": value}}), "a")

    with pytest.raises(ProtocolError, match="not true or false"):
        tags_of(_answer({"tags": [tag_object("v1", changeableAttributes={**FLAGS, "writeEnabled": value})]}), "a")


@pytest.mark.parametrize("attributes", [None, [], "x", 1, True])
def test_a_document_has_changeable_attributes(attributes):
    """Without them nothing is known, which is not the same as in sync."""
    with pytest.raises(ProtocolError, match="changeableAttributes is missing"):
        repository_of(_answer({"changeableAttributes": attributes}), "a")

    with pytest.raises(ProtocolError, match="changeableAttributes is missing"):
        tags_of(_answer({"tags": [tag_object("v1", changeableAttributes=attributes)]}), "a")


@pytest.mark.parametrize(
    "names",
    [
        "team/app",
        {"a": 1},
        {},
        False,
        0,
        "",
        [None],
        [1],
        [["a"]],
        [""],
        ["A"],
        ["a/../b"],
        ["a//b"],
        ["/a"],
        ["a" * 257],
    ],
)
def test_a_page_of_the_catalog_is_a_list_of_names(names):
    """Anything else is refused as a whole: what could be left out is not known."""
    with pytest.raises(ProtocolError, match=r"is not a list|is not the name of a repository"):
        repository_names(_answer({"repositories": names}))


@pytest.mark.parametrize(
    "tag",
    [
        None,
        "v1",
        1,
        [],
        {},
        {"name": "v1"},
        {"digest": DIGEST},
        tag_object(None),
        tag_object(1),
        tag_object(""),
        tag_object(".."),
        tag_object("a/b"),
        tag_object("a\nb"),
        tag_object("a" * 129),
        tag_object("v1", digest=None),
        tag_object("v1", digest=""),
        tag_object("v1", digest="sha256:" + "A" * 64),
        tag_object("v1", digest=DIGEST + "0"),
        tag_object("v1", digest="md5:" + "a" * 32),
    ],
)
def test_a_tag_has_a_name_and_a_digest(tag):
    """Both in the form in which they can be sent back."""
    with pytest.raises(ProtocolError, match="is not a tag"):
        tags_of(_answer({"tags": [tag]}), "a")

    with pytest.raises(ProtocolError, match="is not a tag"):
        tag_of(_answer({"tag": tag}), Address("a", tag="v1"))


def test_an_answer_about_something_else_is_refused():
    """A cache in between may mix them up; planning on it would change the wrong one."""
    other = {"imageName": "b", "tags": [], "tag": tag_object("v1"), "changeableAttributes": FLAGS}

    for read in (
        lambda: repository_of(_answer(other), "a"),
        lambda: tags_of(_answer(other), "a"),
        lambda: tag_of(_answer(other), Address("a", tag="v1")),
        lambda: tag_of(_answer({"imageName": "a", "tag": tag_object("v2")}), Address("a", tag="v1")),
    ):
        with pytest.raises(ProtocolError, match=r"asked for .*, and got '(b|v2)'"):
            read()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ApiError),
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (404, NotFoundError),
        (405, ApiError),
        (409, ApiError),
        (429, ThrottledError),
        (500, ApiError),
        (503, ApiError),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_registry(status, kind):
    """With method, address, status, code and message."""
    error = api_error(_answer({"errors": [{"code": "CODE", "message": "why", "detail": [{}]}]}, status))

    assert kind is type(error)
    assert f"GET https://r/x: {status} CODE: why" == str(error).splitlines()[0]


def test_a_lock_is_told_from_a_call_that_there_is_none_of():
    """Both are 405; only the code tells them apart (recording of DELETE `/v2/{name}/manifests/{tag}`)."""
    locked = api_error(_answer({"errors": [{"code": "REGISTRY_DISALLOWED_OPERATION", "message": "no"}]}, 405))
    unsupported = api_error(_answer({"errors": [{"code": "UNSUPPORTED", "message": "no"}]}, 405))

    assert (DisallowedError, ApiError) == (type(locked), type(unsupported))
    assert ("A lock on it" in str(locked), "A lock on it" in str(unsupported)) == (True, False)


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"", "text/html", "an empty body"),
        (b" \n", "application/json", "an empty body"),
        (b"<html>", "text/html; charset=utf-8", "an HTML page"),
        (b"404 page not found\n", "text/plain", "plain text"),
        (b"\xff", "application/octet-stream", "application/octet-stream"),
        (b"x", "", "something else"),
        (b"x", "a\x1b[31m", "a\ufffd[31m"),
        (b"[]", "application/json", "JSON of another shape"),
        (b"null", "application/json", "JSON of another shape"),
        (b'{"errors": []}', "application/json", "JSON of another shape"),
        (b'{"errors": null}', "application/json", "JSON of another shape"),
        (b'{"errors": [1]}', "application/json", "JSON of another shape"),
        (b'{"errors": [{"code": 1}]}', "application/json", "JSON of another shape"),
    ],
)
def test_a_refusal_in_other_words_is_described_and_not_repeated(body, kind, expected):
    """Never a whole body; and it is somebody else who answers so."""
    error = api_error(_answer(body, 404, kind))

    assert f"GET https://r/x: 404 {expected} instead of ACR's answer" == str(error).splitlines()[0]
    assert "Is this the registry's own address?" in str(error)
    assert "" == error.code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ö 日本", "plain ö 日本"),
        ("a\nb\r\tc", "a\ufffdb\ufffd\ufffdc"),
        ("\x1b[2J\x07\x00\x9b", "\ufffd[2J\ufffd\ufffd\ufffd"),
        ("\u202eevil\u2028", "\ufffdevil\ufffd"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_what_comes_from_the_network_is_one_harmless_line(text, expected):
    """Cut, and without anything that a terminal would obey."""
    assert expected == printable(text)
