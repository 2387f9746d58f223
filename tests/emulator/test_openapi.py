"""The document of the embedded registry's calls, compared with the registry."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import openapi_spec_validator
import pytest
import yaml
from content import OCI_INDEX, OCI_MANIFEST, Http, digest_of
from described import DOCUMENT, OPERATIONS, SCHEMA, call, statuses, those_with

from reconciler.emulator import EmbeddedEmulator, Settings
from reconciler.emulator.app import create_app
from reconciler.emulator.faults import Faults
from reconciler.emulator.store import Store

BYTES = "application/octet-stream"
CONFIG = "application/vnd.oci.image.config.v1+json"
EVERY_CALL = [operation.definition.raw["operationId"] for operation in OPERATIONS]
SIGN_IN = ["exchange", "getToken", "buyToken"]
MANY_BYTES = 5 << 20  # more than the registry takes of anything but a blob


def test_the_document_is_valid():
    """It is OpenAPI 3.1, each operation has a name of its own, and nothing is defined that nothing refers to."""
    text = DOCUMENT.read_text()
    document = yaml.safe_load(text)

    openapi_spec_validator.validate(document)

    assert "3.1.0" == document["openapi"]
    assert len(EVERY_CALL) == len(set(EVERY_CALL))
    defined = {f"#/components/{kind}/{name}" for kind, found in document["components"].items() for name in found}
    unused = {place for place in defined if f'"{place}"' not in text}
    assert {"#/components/securitySchemes/bearer", "#/components/securitySchemes/basic"} == unused


async def test_the_document_has_every_call_and_no_other():
    """Methods and paths are those that the registry routes; HEAD goes with every GET."""
    document = yaml.safe_load(DOCUMENT.read_text())
    described = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method not in ("parameters", "head")
    }

    routed = await _routes()

    assert described == {(method, path) for method, path in routed if method != "HEAD"}
    assert {path for method, path in described if method == "GET"} == {
        path for method, path in routed if method == "HEAD"
    }


async def _routes() -> set[tuple[str, str]]:
    """Methods and paths that an emulated registry knows; what is under `/emulator` is not the registry's."""
    store = Store(None)
    app = create_app(store, Settings(), Faults(), None)
    scope = {"type": "http", "method": "GET", "path": "/v2/", "raw_path": b"/v2/", "headers": [], "query_string": b""}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http", "http_version": "1.1"}

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(_message: object) -> None:
        return None

    await app(scope, receive, send)
    store.close()
    routes = scope["app"].routes  # Starlette leaves itself there for whoever comes after
    return {
        (method, route.path_format)
        for route in routes
        for method in route.methods
        if not route.path_format.startswith("/emulator")
    }


@pytest.fixture
def there(emulator: EmbeddedEmulator, http: Http) -> dict[str, str]:
    """A registry with an image, and an upload under way; parts of paths that lead to them."""
    digest = emulator.push("web/api:v1")
    upload = http.post("/v2/web/api/blobs/uploads/").headers["docker-upload-uuid"]
    layer = http.get("/v2/web/api/manifests/v1").json()["layers"][0]["digest"]
    return {"name": "web/api", "tag": "v1", "digest": digest, "reference": digest, "upload": upload, "layer": layer}


def _path(operation_id: str, there: dict[str, str], **instead: str) -> dict[str, str]:
    """The parts that the path of a call needs."""
    known = there | ({"digest": there["layer"]} if operation_id.endswith("Blob") else {}) | instead
    path = SCHEMA.find_operation_by_id(operation_id).path
    return {name: value for name, value in known.items() if f"{{{name}}}" in path}


@pytest.mark.parametrize("operation_id", [name for name in EVERY_CALL if name not in SIGN_IN])
def test_without_a_token_a_call_is_challenged_for_the_scope_of_the_document(start_emulator, there, operation_id):
    """`x-scope` is what the challenge says, in its order; a ping needs a token and no scope."""
    emulator = start_emulator(Settings(auth="token"))
    scope = SCHEMA.find_operation_by_id(operation_id).definition.raw.get("x-scope")
    wanted = f',scope="{scope}"'.replace("{name}", "web/api") if scope else ""

    answer = call(emulator.url, operation_id, **_path(operation_id, there))

    challenge = f'Bearer realm="{emulator.url}/oauth2/token",service="{emulator.host}"{wanted}'
    assert (401, [challenge]) == (answer.status_code, answer.headers.get("www-authenticate"))


@pytest.mark.parametrize("operation_id", ["getToken", "buyToken"])
def test_wrong_credentials_buy_no_token(start_emulator, operation_id):
    """There is nothing better to try, so there is no challenge."""
    emulator = start_emulator(Settings(auth="token", username="somebody", password="secret"))

    answer = call(emulator.url, operation_id, headers={"Authorization": "Basic c29tZWJvZHk6d3Jvbmc="})

    assert (401, None) == (answer.status_code, answer.headers.get("www-authenticate"))


@pytest.mark.parametrize("status", [403, 429])
def test_every_call_can_be_kept_out_or_throttled(emulator, there, status):
    """The document says of each call what a firewall and an empty budget answer."""
    emulator.faults.fail_next(len(EVERY_CALL), status, retry_after_s=7)

    answers = [call(emulator.url, operation_id, **_path(operation_id, there)) for operation_id in EVERY_CALL]

    assert {status} == {answer.status_code for answer in answers}


@pytest.mark.parametrize("operation_id", those_with("404"))
def test_a_name_that_is_none_is_no_path(emulator, there, operation_id):
    """Upper case is not allowed in the name of a repository, whatever the call."""
    answer = call(emulator.url, operation_id, **_path(operation_id, there, name="Web/Api"))

    is_head = operation_id.startswith("find")
    assert (404, "" if is_head else "404 page not found\n") == (answer.status_code, answer.text)


@pytest.mark.parametrize("operation_id", [name for name in those_with("400") if name in those_with("404")])
def test_a_name_that_is_too_long_is_refused(emulator, there, operation_id):
    """256 characters are one too many for the name of a repository, whatever the call."""
    answer = call(emulator.url, operation_id, **_path(operation_id, there, name="a" * 256))

    assert 400 == answer.status_code


@pytest.mark.parametrize("operation_id", those_with("405"))
def test_what_is_locked_altogether_is_refused(emulator, there, operation_id):
    """Whatever the document says that a lock can forbid, a lock of everything forbids."""
    manifest = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    body = {"body": manifest, "media_type": OCI_INDEX} if operation_id == "pushManifest" else {}
    body = {"body": {"readEnabled": True}, "media_type": "application/json"} if "update" in operation_id else body
    for reference in (f"web/api@{there['digest']}", "web/api:v1", "web/api"):
        emulator.patch(reference, deleteEnabled=False, writeEnabled=False, readEnabled=False, listEnabled=False)
    instead = {"reference": "v1"} if operation_id == "pushManifest" else {}

    answer = call(emulator.url, operation_id, **_path(operation_id, there, **instead), **body)

    assert 405 == answer.status_code


@pytest.mark.parametrize("operation_id", [name for name in those_with("413") if "pload" not in name])
def test_a_body_that_is_too_large_is_refused(emulator, there, operation_id):
    """Five mebibytes are more than any call takes but those that bring a blob."""
    content = next(iter(SCHEMA.find_operation_by_id(operation_id).definition.raw["requestBody"]["content"]))
    body = b"a" * MANY_BYTES

    answer = call(emulator.url, operation_id, **_path(operation_id, there), body=body, media_type=content)

    assert 413 == answer.status_code


@pytest.mark.parametrize("operation_id", those_with("416"))
def test_what_is_out_of_range_or_out_of_order_is_refused(emulator, there, operation_id):
    """Bytes behind the end of a blob, and a chunk that comes with no state."""
    request = {"headers": {"Range": "bytes=999999-"}} if operation_id.endswith("Blob") else {"query": {"_state": ""}}

    answer = call(emulator.url, operation_id, **_path(operation_id, there), **request)

    assert 416 == answer.status_code


def test_every_success_of_the_document_can_be_had(emulator):
    """One day of a registry: each call succeeds in each way that the document says it can."""
    promised = {
        (operation.definition.raw["operationId"], status)
        for operation in OPERATIONS
        for status in statuses(operation)
        if status.startswith("2")
    }

    day = Day(emulator.url)
    day.push()
    day.look()
    day.protect()
    day.sign_in()
    day.clean_up()

    assert promised == day.met


class Day:
    """Calls that all succeed; `met` are the calls and their statuses."""

    def __init__(self, url: str) -> None:
        self.met: set[tuple[str, str]] = set()
        self._url = url
        self._image = self._index = ""
        self._layer = digest_of(b"layer")

    def push(self) -> None:
        """An image whose layer comes in chunks and whose config comes whole, and an index of it."""
        config = json.dumps({"architecture": "arm64", "os": "linux"}).encode()
        whole = {"query": {"digest": digest_of(config)}, "body": config, "media_type": BYTES}
        self._call("startUpload", "201", **whole)
        self._upload_in_chunks(b"lay", b"er")
        self._call("cancelUpload", "204", **self._upload())
        layers = [{"mediaType": BYTES, "digest": self._layer, "size": 5}]
        about = {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)}
        self._image = self._put("v1", OCI_MANIFEST, config=about, layers=layers)
        entry = {"mediaType": OCI_MANIFEST, "digest": self._image, "size": 1}
        self._index = self._put("all", OCI_INDEX, manifests=[entry])

    def look(self) -> None:
        """Every list, and everything in them; `Link` where a page is short."""
        for name in ("listRepositories", "catalog", "ping", "pingWithoutSlash"):
            self._call(name, "200", name=None)
        for name in ("listTags", "listManifests", "listTagNames"):
            answer = self._call(name, "200", query={"n": 1})
            assert 'rel="next"' in answer.headers["link"][0]
        self._call("getRepository", "200")
        self._call("getTag", "200", tag="v1")
        single = self._call("getManifestAttributes", "200", digest=self._index).json()["manifest"]
        assert [{"digest": self._image}] == single["references"]
        self._call("pullManifest", "200", reference="v1")
        self._call("findManifest", "200", reference=self._index)
        self._call("listReferrers", "200", digest=self._image, query={"artifactType": "text/plain"})
        for name in ("pullBlob", "findBlob"):
            self._call(name, "200", digest=self._layer)
            self._call(name, "206", digest=self._layer, headers={"Range": "bytes=1-2"})

    def protect(self) -> None:
        """An attribute of each kind off, and on again."""
        for enabled in (False, True):
            changes = {"body": {"deleteEnabled": enabled}, "media_type": "application/json"}
            self._call("updateTag", "200", tag="v1", **changes)
            self._call("updateManifest", "200", digest=self._index, **changes)
            self._call("updateRepository", "200", **changes)

    def sign_in(self) -> None:
        """Tokens, which an open registry hands out too."""
        form = {"grant_type": "access_token", "service": "r", "access_token": "a.b.c"}
        self._call("exchange", "200", name=None, body=form, media_type="application/x-www-form-urlencoded")
        form = {"grant_type": "password", "service": "r", "scope": "repository:web/api:pull"}
        self._call("buyToken", "200", name=None, body=form, media_type="application/x-www-form-urlencoded")
        self._call("getToken", "200", name=None, query={"service": "r", "scope": "registry:catalog:*"})

    def clean_up(self) -> None:
        """Nothing is left."""
        self._call("deleteTag", "202", tag="all")
        self._call("deleteManifest", "202", reference=self._index)
        self._call("deleteBlob", "202", digest=self._layer)
        deleted = self._call("deleteRepository", "202").json()
        assert {"manifestsDeleted": [self._image], "tagsDeleted": ["v1"]} == deleted
        self._call("listRepositories", "200", name=None)

    def _upload_in_chunks(self, first: bytes, last: bytes) -> None:
        upload = self._upload()
        upload = _next(self._call("appendToUpload", "202", **upload, body=first, media_type=BYTES))
        upload = _next(self._call("getUpload", "204", upload=upload["upload"])) | upload
        upload["query"]["digest"] = digest_of(first + last)
        self._call("finishUpload", "201", **upload, body=last, media_type=BYTES)

    def _upload(self) -> dict:
        return _next(self._call("startUpload", "202"))

    def _put(self, tag: str, media_type: str, **members: object) -> str:
        body = {"schemaVersion": 2, "mediaType": media_type, **members}
        answer = self._call("pushManifest", "201", reference=tag, body=body, media_type=media_type)
        return answer.headers["docker-content-digest"][0]

    def _call(self, operation_id: str, status: str, **parts: object):
        named = {"name": "web/api"} | parts
        answer = call(self._url, operation_id, **{part: value for part, value in named.items() if value is not None})
        assert status == str(answer.status_code)
        self.met.add((operation_id, status))
        return answer


def _next(answer) -> dict:
    """The upload and the query of the next call, as `Location` names them."""
    place = urlsplit(answer.headers["location"][0])
    query = {name: values[0] for name, values in parse_qs(place.query).items()}
    return {"upload": place.path.rpartition("/")[2], "query": {"_state": query["_state"]}}
