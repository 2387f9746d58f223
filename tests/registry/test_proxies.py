"""
Registries behind a company's proxy and a company's own authority.

The registry is `contoso.azurecr.io`, which only the proxy can find: CONNECT carries the
name, and this machine never looks it up. What the proxy leads to listens on loopback.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import trustme
from servers import Reply, ScriptedServer, html, raw, reply, repository, scripted, tag
from small_proxy import SmallProxy, small_proxy

from reconciler.emulator import EmbeddedEmulator, Settings
from reconciler.errors import RefusedError, UnreachableError
from reconciler.model.address import Address
from reconciler.registry.accounts import only
from reconciler.registry.client import Client
from reconciler.registry.credentials import Password
from reconciler.registry.location import parse_location
from reconciler.registry.route import trusted
from reconciler.registry.transport import Transport

HOST = "contoso.azurecr.io"
APP, V1 = Address("team/app"), Address("team/app", tag="v1")
PASSWORD, PROXY_PASSWORD = "correct-horse-battery", "p@ss:w/rd-\u65e5"
PROXY_USER = "ci:p%40ss%3Aw%2Frd-%E6%97%A5"
PROXY_HEADER = f"Basic {base64.b64encode(f'ci:{PROXY_PASSWORD}'.encode()).decode()}"
Connect = Callable[..., Client]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The company's own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_bundle(authority, tmp_path_factory) -> str:
    """The file that holds it."""
    path = tmp_path_factory.mktemp("authority") / "company.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(scope="module")
def tls(authority) -> ssl.SSLContext:
    """With it, a server is the registry, or the proxy at 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def secure_registry(tls) -> Iterator[ScriptedServer]:
    """The registry, over TLS."""
    with scripted(tls) as server:
        server.on("*", repository("team/app"))
        yield server


@pytest.fixture
def start_proxy() -> Iterator[Callable[..., SmallProxy]]:
    """Starts proxies, and stops them after the test."""
    with ExitStack() as running:

        def start(port: int, **options: object) -> SmallProxy:
            return running.enter_context(small_proxy({f"{HOST}:443": port}, **options))

        yield start


@pytest.fixture
def through(ca_bundle) -> Connect:
    """A function that makes a client of the registry, for a machine with these variables."""

    def make(
        *,
        name: str = HOST,
        ca_bundle: str | None = ca_bundle,
        password: str = "",
        timeout_s: float = 3.0,
        **environment: str,
    ) -> Client:
        transport = Transport(
            parse_location(name, insecure=True),
            timeout_s=timeout_s,
            concurrency=8,
            on_pause=lambda _: None,
            ca_bundle=ca_bundle,
            environment=environment,
        )
        return Client(transport, only(Password("ci", password) if password else None))

    return make


async def test_a_registry_is_reached_through_the_proxy(authority, start_emulator, start_proxy, through, tmp_path):
    """Signing in, reading and changing go through the tunnel, of which the proxy sees the name alone."""
    issued = authority.issue_cert(HOST)
    (tmp_path / "registry.pem").write_bytes(issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes())
    settings = Settings(auth="token", username="ci", password=PASSWORD)
    emulator: EmbeddedEmulator = start_emulator(settings, certificate=tmp_path / "registry.pem")
    emulator.push("team/app:v1")
    proxy = start_proxy(int(emulator.url.rpartition(":")[2]))

    async with through(password=PASSWORD, HTTPS_PROXY=f"http://{proxy.host}") as client:
        await client.update(V1, {"writeEnabled": False})
        document = await client.read(V1)

    assert (False, False) == (document["writeEnabled"], emulator.tag("team/app:v1")["writeEnabled"])
    assert {f"CONNECT {HOST}:443 HTTP/1.1"} == {first for first, _ in proxy.asked}
    assert [] == [headers for _, headers in proxy.asked if "authorization" in headers]


async def test_user_and_password_of_the_proxy_go_to_the_proxy_alone(secure_registry, start_proxy, through):
    """They stand percent-encoded in the variable, and are decoded for the header."""
    proxy = start_proxy(secure_registry.port, authorization=PROXY_HEADER)

    async with through(https_proxy=f"http://{PROXY_USER}@{proxy.host}") as client:
        await client.read(APP)

    assert PROXY_HEADER == proxy.asked[0][1]["proxy-authorization"]
    assert "" == secure_registry.requests[0].header("proxy-authorization")


async def test_a_proxy_may_speak_tls_itself(secure_registry, start_proxy, through, tls):
    """The same authorities tell who it is."""
    proxy = start_proxy(secure_registry.port, tls=tls)

    async with through(HTTPS_PROXY=f"https://{proxy.host}") as client:
        await client.read(APP)

    assert (1, 1) == (len(proxy.asked), secure_registry.count("GET"))


@pytest.mark.parametrize("user", ["", "ci:wrong-secret@", "ci@"])
async def test_a_proxy_that_wants_another_user_is_told_without_the_password(
    secure_registry, start_proxy, through, user
):
    """The error names the proxy and says where its user is named; asking again would not help."""
    proxy = start_proxy(secure_registry.port, authorization=PROXY_HEADER)

    async with through(HTTPS_PROXY=f"http://{user}{proxy.host}") as client:
        with pytest.raises(UnreachableError) as raised:
            await client.read(APP)

    first, advice = str(raised.value).splitlines()
    assert f"GET https://{HOST}/acr/v1/team%2Fapp: the proxy refused: 407 (through the proxy {proxy.host})" == first
    assert "HTTPS_PROXY" in advice
    assert "wrong-secret" not in repr(raised.value)
    assert (1, 0) == (len(proxy.asked), secure_registry.connections)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (html(502), "the proxy refused: 502"),
        (reply(403, b"not for you", content_type="text/plain"), "the proxy refused: 403"),
        (raw(), "the connection was closed without an answer"),
        (raw(b"220 mail.example ESMTP\r\n"), "no valid HTTP answer"),
        (raw(then="hold"), "no answer in time"),
    ],
    ids=["502", "403", "closed", "no http", "silence"],
)
async def test_a_proxy_that_is_of_no_use_is_told_as_such(elsewhere, through, answer: Reply, says):
    """In one line, with the proxy's host, and without its password."""
    elsewhere.on("*", answer)

    async with through(timeout_s=0.6, HTTPS_PROXY=f"http://{PROXY_USER}@{elsewhere.host}") as client:
        with pytest.raises(UnreachableError) as raised:
            await client.read(APP)

    first = str(raised.value).splitlines()[0]
    assert says in first
    assert re.search(r"\(through the proxy 127\.0\.0\.1:\d+\)$", first)
    _shows_no_secret(raised.value)


async def test_a_proxy_that_is_not_there_is_told_with_its_host(through):
    """It is the proxy that cannot be reached, not the registry."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"

        async with through(timeout_s=0.6, HTTPS_PROXY=f"http://{PROXY_USER}@{host}") as client:
            with pytest.raises(UnreachableError) as raised:
                await client.read(APP)

    first, advice = str(raised.value).splitlines()
    assert re.search(r": cannot connect: Connection refused \(through the proxy 127\.0\.0\.1:\d+\)$", first)
    assert "  The proxy is not reached: HTTPS_PROXY or ALL_PROXY names it, NO_PROXY goes past it." == advice
    _shows_no_secret(raised.value)


async def test_what_the_proxy_refused_never_reached_the_registry(secure_registry, start_proxy, through):
    """A PATCH that was not sent has not happened: nobody has to look what became of it."""
    proxy = start_proxy(secure_registry.port, authorization=PROXY_HEADER)

    async with through(HTTPS_PROXY=f"http://{proxy.host}") as client:
        with pytest.raises(UnreachableError) as raised:
            await client.update(V1, {"writeEnabled": False})

    assert ("PATCH", False) == (raised.value.method, raised.value.was_sent)


async def test_a_certificate_of_nobody_keeps_a_change_from_being_sent(secure_registry, start_proxy, through):
    """The error says which option names the company's authority; the registry was told nothing."""
    proxy = start_proxy(secure_registry.port)

    async with through(ca_bundle=None, HTTPS_PROXY=f"http://{proxy.host}") as client:
        with pytest.raises(UnreachableError, match=r"does not verify.*\n  --ca-bundle") as raised:
            await client.update(V1, {"writeEnabled": False})

    assert (False, []) == (raised.value.was_sent, secure_registry.requests)


async def test_plain_http_is_asked_of_the_proxy_as_a_whole(elsewhere, through):
    """HTTP_PROXY is for registries that are named with http://, which takes --insecure."""
    elsewhere.on("*", repository("team/app"))

    proxy = f"http://{PROXY_USER}@{elsewhere.host}"
    async with through(name="http://registry.contoso.com:5000", HTTP_PROXY=proxy) as client:
        await client.read(APP)

    (request,) = elsewhere.requests
    assert PROXY_HEADER == request.header("proxy-authorization")
    assert "http://registry.contoso.com:5000/acr/v1/team%2Fapp" == request.target
    assert "registry.contoso.com:5000" == request.header("host")


async def test_this_machine_is_never_reached_through_a_proxy(registry, elsewhere, through):
    """Whatever the environment says."""
    registry.on("*", tag("team/app", "v1"))

    async with through(name=registry.url, HTTP_PROXY=elsewhere.url, ALL_PROXY=elsewhere.url) as client:
        await client.read(V1)

    assert (1, 0) == (registry.count(), elsewhere.connections)


def test_the_machines_own_authorities_are_believed_as_well(ca_bundle):
    """The company's come on top of them."""
    location = parse_location(HOST)

    own, with_bundle = (trusted(location, bundle).cert_store_stats()["x509_ca"] for bundle in (None, ca_bundle))

    assert own + 1 == with_bundle


def test_a_folder_of_authorities_is_not_taken_for_a_file_of_them(ca_bundle):
    """OpenSSL would look into it later, find nothing, and say nothing."""
    with pytest.raises(RefusedError, match="cannot be used: it is a folder"):
        trusted(parse_location(HOST), ca_bundle.rpartition("/")[0])


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file or directory"), (b"text", "it holds no certificates in PEM format")]
)
def test_what_ssl_cert_file_names_is_checked(tmp_path, monkeypatch, content, says):
    """OpenSSL reads it by itself, and says nothing where it cannot."""
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    with pytest.raises(RefusedError) as raised:
        trusted(parse_location(HOST), None)

    assert f"SSL_CERT_FILE {path}: cannot be used: {says}" == str(raised.value).splitlines()[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "no certificates in PEM format"),
        (b"not a certificate\n", "no certificates in PEM format"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificates in PEM format"),
        (b"\x00\xff" * 100, "no certificates in PEM format"),
        ("key", "no certificates in PEM format"),
    ],
    ids=["absent", "empty", "text", "damaged", "bytes", "a private key"],
)
def test_a_bundle_that_holds_no_certificate_is_refused(authority, tmp_path, content, reason):
    """Before anything is sent; the error names the file and shows nothing of it."""
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_bytes(authority.private_key_pem.bytes() if content == "key" else content)

    with pytest.raises(RefusedError) as raised:
        trusted(parse_location(HOST), str(path))

    assert str(raised.value).startswith(f"--ca-bundle {path}: cannot be used: ")
    assert reason in str(raised.value)
    assert "PRIVATE" not in str(raised.value)


def test_a_bundle_whose_name_is_none_is_refused():
    """A path cannot hold a zero byte."""
    with pytest.raises(RefusedError, match="cannot be used"):
        trusted(parse_location(HOST), "company\x00.pem")


def _shows_no_secret(error: BaseException) -> None:
    shown = f"{error!r} {error} {error.__cause__!r} {error.__context__!r}"
    spellings = (PROXY_PASSWORD, PROXY_USER, PROXY_HEADER.partition(" ")[2])
    assert [] == [secret for secret in spellings if secret in shown]
