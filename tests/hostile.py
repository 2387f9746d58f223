"""
Registries that are absent, broken or hostile, as scripts, and what is to be said about each.

The tests of the registry adapter run them inside one process, those of the command
line run some of them as a shell would.
"""

from __future__ import annotations

import atexit
import functools
import gzip
import socket
import zlib
from collections.abc import Callable
from operator import attrgetter

import attrs
from servers import (
    SILENCE,
    Reply,
    ScriptedServer,
    access_token,
    catalog,
    challenge,
    endless,
    html,
    raw,
    refusal,
    reply,
    repository,
    tag_object,
    tags,
)

Script = Callable[[ScriptedServer, ScriptedServer], None]  # is given the registry and another host


@attrs.frozen
class Case:
    """One bad registry, and what is to be said about it."""

    script: Script
    says: str
    seconds: float = 3.0  # until the command ends, with --timeout 3
    tls: bool = False
    named: Callable[[ScriptedServer], str] = attrgetter("url")  # what --registry says


def _closed(_: ScriptedServer) -> str:
    """The address of a port where nobody listens, nor can: a free one might be another server's a moment later."""
    return f"http://127.0.0.1:{_bound().getsockname()[1]}"


@functools.cache
def _bound() -> socket.socket:
    taken = socket.socket()
    atexit.register(taken.close)
    taken.bind(("127.0.0.1", 0))
    return taken


def _answers(*answers: Reply) -> Script:
    return lambda registry, _: registry.on("*", *answers) if answers else None


def _neighbours(registry: ScriptedServer) -> None:
    """Two repositories; there is something to change about the other one."""
    registry.on("/acr/v1/_catalog", catalog("team/app", "team/good"))
    registry.on("/acr/v1/team%2Fgood", repository("team/good", deleteEnabled=False))
    registry.on("/acr/v1/team%2Fgood/_tags", tags("team/good", "v1"))


def _repository(answer: Reply) -> Script:
    def script(registry: ScriptedServer, _: ScriptedServer) -> None:
        _neighbours(registry)
        registry.on("/acr/v1/team%2Fapp", answer)
        registry.on("/acr/v1/team%2Fapp/_tags", tags("team/app", "v1"))

    return script


def _tags(answer: Reply) -> Script:
    def script(registry: ScriptedServer, _: ScriptedServer) -> None:
        _neighbours(registry)
        registry.on("/acr/v1/team%2Fapp", repository("team/app"))
        registry.on("/acr/v1/team%2Fapp/_tags", answer)

    return script


def _link(header: str) -> Script:
    """The first page leads where `header` says; HOST and ELSEWHERE stand for the two servers."""

    def script(registry: ScriptedServer, elsewhere: ScriptedServer) -> None:
        registry.on("/acr/v1/team%2Fapp", repository("team/app"))
        link = header.replace("HOST", registry.host).replace("ELSEWHERE", elsewhere.host)
        _signed_in(registry, catalog("team/app", link=link))

    return script


def _redirect(status: int, location: str) -> Script:
    def script(registry: ScriptedServer, elsewhere: ScriptedServer) -> None:
        to = location.replace("HOST", registry.host).replace("ELSEWHERE", elsewhere.host)
        _signed_in(registry, reply(status, location=to))

    return script


def _signed_in(registry: ScriptedServer, answer: Reply) -> None:
    """The catalog answers only to those who bring a token."""
    registry.on("/oauth2/token", reply(200, {"access_token": access_token("catalog")}))
    registry.on("/acr/v1/_catalog", challenge(f"{registry.url}/oauth2/token", "registry:catalog:*"), answer)


def _realm(realm: str) -> Script:
    def script(registry: ScriptedServer, elsewhere: ScriptedServer) -> None:
        to = realm.replace("HOST", registry.host).replace("ELSEWHERE", elsewhere.host)
        registry.on("*", challenge(to, "registry:catalog:*"))

    return script


def _token(*answers: Reply) -> Script:
    """The registry asks for a token and answers so when it is asked for one."""

    def script(registry: ScriptedServer, _: ScriptedServer) -> None:
        registry.on("*", challenge(f"{registry.url}/oauth2/token", "registry:catalog:*"))
        registry.on("/oauth2/token", *answers)

    return script


def _redirected_token(registry: ScriptedServer, elsewhere: ScriptedServer) -> None:
    _token(reply(307, location=f"{elsewhere.url}/oauth2/token"))(registry, elsewhere)


def _echo(registry: ScriptedServer, _: ScriptedServer) -> None:
    """Tell whoever asks what they sent, credentials and all."""
    said = challenge(f"{registry.url}/oauth2/token", "registry:catalog:*")
    echo = lambda request: refusal(403, "DENIED", f"you said {request.header('authorization')}")  # noqa: E731
    registry.on("*", said, echo)
    registry.on("/oauth2/token", reply(200, {"access_token": access_token("echoed")}))


def _echo_password(registry: ScriptedServer, _: ScriptedServer) -> None:
    registry.on("*", challenge(f"{registry.url}/oauth2/token", "registry:catalog:*"))
    registry.on("/oauth2/token", lambda request: refusal(401, "UNAUTHORIZED", f"you said {request.body.decode()}"))


def _bomb(*, layers: int) -> Reply:
    """A small answer that unpacks to gigabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(2**20)
    body = b"".join(packer.compress(zeros) for _ in range(48)) + packer.flush()
    for _ in range(layers - 1):
        body = gzip.compress(body, 9)
    return reply(200, body, content_encoding=", ".join(["gzip"] * layers))


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"

# Most of these are about waiting: nothing, half an answer, no HTTP, or a registry that has a problem.
NO_ANSWER = {
    "nobody listens": Case(_answers(), "cannot connect: Connection refused", named=_closed),
    "unknown host": Case(_answers(), "the host name is not known", named=lambda _: "registry.invalid"),
    "plain http where https is spoken": Case(
        _answers(), "the connection broke: Connection reset", tls=True, named=lambda registry: f"http://{registry.host}"
    ),
    "https where plain http is spoken": Case(_answers(), "no TLS there", named=attrgetter("host")),
    "a certificate of nobody": Case(_answers(), "the certificate does not verify: unable to get local", tls=True),
    "never answers": Case(_answers(SILENCE), "no answer in time"),
    "closes at once": Case(_answers(raw()), "the connection was closed without an answer"),
    "half a page": Case(_answers(raw(HEAD + b'content-length: 999\r\n\r\n{"repos')), "in the middle of the answer"),
    "half a chunk": Case(
        _answers(raw(HEAD + b"transfer-encoding: chunked\r\n\r\nff\r\n{")), "in the middle of the answer"
    ),
    "bad chunks": Case(_answers(raw(HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n{")), "no valid HTTP"),
    "half a header": Case(_answers(raw(HEAD)), "the connection was closed without an answer"),
    "stalls": Case(_answers(raw(HEAD + b"content-length: 999\r\n\r\n{", then="hold")), "no answer in time"),
    "one byte at a time": Case(
        _answers(raw(HEAD + b"content-length: 999\r\n\r\n", *[b" "] * 20, then="hold")), "no answer in time"
    ),
    "no http": Case(_answers(raw(b"220 mail.example ESMTP\r\n")), "no valid HTTP answer"),
    "garbage": Case(_answers(raw(b"\x00\x01\x02\xff" * 20 + b"\r\n\r\n")), "no valid HTTP answer"),
    "a huge header": Case(_answers(reply(200, b"{}", x_much="x" * 100_000)), "no valid HTTP answer"),
    "two lengths": Case(_answers(raw(HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}")), "no valid HTTP"),
    "interim answers for ever": Case(
        _answers(raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500, then="hold")), "no answer in time"
    ),
    "500 for ever": Case(_answers(refusal(500, "UNKNOWN", "oops")), "500 UNKNOWN: oops"),
    "502 page": Case(_answers(html(502)), "502 an HTML page instead of ACR's answer"),
    "503, come back in an hour": Case(_answers(refusal(503, "BUSY", retry_after="3600")), "503 BUSY"),
    "429, come back in an hour": Case(
        _answers(refusal(429, "TOOMANYREQUESTS", retry_after="3600")), "429 TOOMANYREQUESTS"
    ),
    "429 for ever": Case(_answers(refusal(429, "TOOMANYREQUESTS", retry_after="0")), "429 TOOMANYREQUESTS", seconds=12),
}

# An answer at once, and nothing of it can be used.
WRONG_ANSWER = {
    "html": Case(_answers(html(200)), "200: an HTML page instead of JSON"),
    "html 404": Case(_answers(html(404)), "404 an HTML page instead of ACR's answer"),
    "plain 404": Case(_answers(reply(404, b"404 page not found\n", content_type="text/plain")), "404 plain text"),
    "empty": Case(_answers(reply(200)), "200: an empty body instead of JSON"),
    "204": Case(_answers(reply(204)), "204 an empty body"),
    "206": Case(_answers(reply(206, {"repositories": []})), "206"),
    "101": Case(_answers(raw(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")), "101"),
    "invalid UTF-8": Case(_answers(reply(200, b'{"repositories": ["\xff\xfe"]}')), "damaged JSON"),
    "invalid JSON": Case(_answers(reply(200, b'{"repositories": [')), "damaged JSON"),
    "deep JSON": Case(_answers(reply(200, b"[" * 100_000)), "damaged JSON"),
    "a list": Case(_answers(reply(200, ["team/app"])), "the answer is not a JSON object"),
    "names in an object": Case(_answers(reply(200, {"repositories": {"a": 1}})), "repositories is not a list"),
    "names in an empty object": Case(_answers(reply(200, {"repositories": {}})), "repositories is not a list"),
    "a number for a name": Case(_answers(reply(200, {"repositories": [7]})), "7 is not the name of a repository"),
    "a path for a name": Case(_answers(catalog("../../v2/x")), "'../../v2/x' is not the name of a repository"),
    "a line break in a name": Case(_answers(catalog("a\r\nx: y")), "is not the name of a repository"),
    "an escape in a name": Case(_answers(catalog("a\x1b[31m")), "is not the name of a repository"),
    "an endless body": Case(
        _answers(endless(HEAD + b"transfer-encoding: chunked\r\n\r\n", CHUNK)),
        "more than 32 MiB",
    ),
    "a gzip bomb": Case(_answers(_bomb(layers=1)), "more than 32 MiB"),
    "a gzip bomb in a gzip bomb": Case(_answers(_bomb(layers=2)), "cannot be decoded"),
    "no gzip": Case(_answers(reply(200, b"{}", content_encoding="gzip")), "cannot be decoded"),
    "an encoding nobody asked for": Case(_answers(reply(200, b"{}", content_encoding="br")), "cannot be decoded"),
    "403": Case(
        _answers(refusal(403, "DENIED", "client with IP '192.0.2.1' is not allowed access.")),
        "403 DENIED: client with IP '192.0.2.1' is not allowed access.",
    ),
    "an error of another shape": Case(_answers(reply(400, {"errors": {"code": 1}})), "400"),
    "an error with a terminal in it": Case(_answers(refusal(400, "BAD", "\x1b[2J\r\nerror: fine")), "400 BAD"),
    "an error of many letters": Case(_answers(refusal(400, "BAD" * 5000, "x" * 5000)), "400 BADBAD"),
}

# Invitations to take a credential somewhere else, or to walk in circles.
ELSEWHERE = {
    "redirect": Case(_redirect(302, "http://ELSEWHERE/"), "302, a redirect to http://127.0.0.1:"),
    "redirect of a method": Case(
        _redirect(307, "http://ELSEWHERE/acr/v1/_catalog"), "307, a redirect to http://127.0.0.1:"
    ),
    "redirect to itself": Case(_redirect(308, "/acr/v1/_catalog"), "308, a redirect"),
    "redirect to garbage": Case(_redirect(301, "http://[::1"), "301, a redirect to another place"),
    "redirect to a port that is none": Case(_redirect(301, "http://a:b:c/"), "301, a redirect to another place"),
    "redirect of the token": Case(_redirected_token, "307, a redirect to http://127.0.0.1:"),
    "link": Case(_link('<http://ELSEWHERE/acr/v1/_catalog?last=b>; rel="next"'), "on another host"),
    "link without a scheme": Case(_link('<//ELSEWHERE/acr/v1/_catalog>; rel="next"'), "on another host"),
    "link to another scheme": Case(_link('<https://HOST/acr/v1/_catalog>; rel="next"'), "on another host"),
    "link to another port": Case(_link('<http://127.0.0.1:9/acr/v1/_catalog>; rel="next"'), "on another host"),
    "link with a user": Case(_link('<http://HOST@ELSEWHERE/acr/v1/_catalog>; rel="next"'), "on another host"),
    "link with a user and this host": Case(_link('<http://ELSEWHERE@HOST/acr/v1/_catalog>; rel="next"'), "on another"),
    "link with a backslash": Case(_link('<http://ELSEWHERE\\@HOST/acr/v1/_catalog>; rel="next"'), "on another host"),
    "link to a file": Case(_link('<file:///etc/passwd>; rel="next"'), "on another host"),
    "link to an address that is none": Case(_link('<//[::1/acr>; rel="next"'), "cannot be understood"),
    "link to itself": Case(_link('</acr/v1/_catalog?n=1000>; rel="next"'), "it has no end"),
    "link to itself, spelt differently": Case(
        _link('<http://HOST/acr/v1/x/../_catalog?n=1000>; rel="next"'), "it has no end"
    ),
    "link to the same page again and again": Case(_link('</acr/v1/_catalog?n=1&x=1>; rel="next"'), "it has no end"),
    "link with an escape": Case(_link('</acr/v1/\x1b[31m>; rel="next"'), "on another host"),
    "link that is garbage": Case(_link("next page please"), "the Link header cannot be understood"),
    "link that is not next": Case(_link('</acr/v1/_catalog?x>; rel="prev"'), "the Link header cannot be understood"),
    "realm": Case(_realm("http://ELSEWHERE/oauth2/token"), "asks to sign in at another host"),
    "realm on another scheme": Case(_realm("https://HOST/oauth2/token"), "asks to sign in at another host"),
    "realm with a user": Case(_realm("http://HOST@ELSEWHERE/oauth2/token"), "asks to sign in at another host"),
    "realm with a user and this host": Case(_realm("http://ELSEWHERE@HOST/oauth2/token"), "asks to sign in at another"),
    "realm with a backslash": Case(_realm("http://ELSEWHERE\\@HOST/token"), "asks to sign in at another host"),
    "realm that is garbage": Case(_realm("http://[::1"), "asks to sign in at another host"),
    "realm that is empty": Case(_realm(""), "asks to sign in at another host"),
    "realm that is very long": Case(_realm("http://" + "a" * 7000 + "/"), "asks to sign in at another host"),
}

# Registries that ask to sign in.
SIGN_IN = {
    "a token that is never enough": Case(_token(reply(200, {"access_token": access_token("t")})), "401 UNAUTHORIZED"),
    "wrong password": Case(_token(refusal(401, "UNAUTHORIZED", "nope")), "401 UNAUTHORIZED: nope"),
    "no token": Case(_token(reply(200, {"hello": "world"})), "the answer holds no access token"),
    "a list for a token": Case(_token(reply(200, [])), "the answer holds no access token"),
    "a token with a header in it": Case(
        _token(reply(200, {"access_token": "a\r\nx-evil: 1"})), "the answer holds no access token"
    ),
    "a token page": Case(_token(html(200)), "the answer holds no access token"),
    "a token endpoint that hangs": Case(_token(SILENCE), "no answer in time"),
    "basic that is never enough": Case(
        _answers(refusal(401, "UNAUTHORIZED", www_authenticate='Basic realm="r"')), "401 UNAUTHORIZED"
    ),
    "a scheme that is not known": Case(
        _answers(refusal(401, "UNAUTHORIZED", www_authenticate="Negotiate")), "401 UNAUTHORIZED"
    ),
    "a registry that repeats the token": Case(_echo, "403 DENIED: you said"),
    "a registry that repeats the password": Case(_echo_password, "401 UNAUTHORIZED: you said"),
}

# One repository of two cannot be read, and the other one can.
INCOMPLETE = {
    "flags that are texts": Case(_repository(repository("team/app", deleteEnabled="true")), "not true or false"),
    "flags that are numbers": Case(_repository(repository("team/app", writeEnabled=1)), "not true or false"),
    "no attributes": Case(_repository(reply(200, {"imageName": "team/app"})), "changeableAttributes is missing"),
    "another repository": Case(_repository(repository("team/other")), "asked for team/app, and got 'team/other'"),
    "a repository that is refused": Case(_repository(refusal(403, "DENIED")), "403 DENIED"),
    "a repository that needs a token": Case(_repository(refusal(401, "UNAUTHORIZED")), "401 UNAUTHORIZED"),
    "a repository that fails": Case(_repository(refusal(500, "UNKNOWN")), "500 UNKNOWN"),
    "a repository that a proxy does not know": Case(_repository(html(404)), "404 an HTML page"),
    "a repository that is redirected": Case(_repository(reply(302, location="http://a.invalid/")), "a redirect to"),
    "tags that are no list": Case(_tags(reply(200, {"tags": {"v1": {}}})), "tags is not a list"),
    "tags without a digest": Case(_tags(reply(200, {"tags": [{"name": "v1"}]})), "is not a tag"),
    "a digest that is none": Case(_tags(reply(200, {"tags": [tag_object("v1", digest="sha256:xyz")]})), "is not a tag"),
    "a tag that is a path": Case(_tags(reply(200, {"tags": [tag_object("../x")]})), "is not a tag"),
    "a tag that is null": Case(_tags(reply(200, {"tags": [None]})), "is not a tag"),
    "tags of another repository": Case(_tags(tags("team/other", "v1")), "asked for team/app, and got 'team/other'"),
}
