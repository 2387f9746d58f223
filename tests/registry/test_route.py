"""Which proxy the environment names for which registry, and for which none."""

from __future__ import annotations

import pytest

from reconciler.errors import RefusedError
from reconciler.registry.location import parse_location
from reconciler.registry.route import proxy_for, trusted

HOST = "contoso.azurecr.io"
PROXY = "http://proxy.contoso.com:3128"


def _proxy(name: str, **environment: str) -> str:
    """The proxy's URL; empty where the registry is reached directly."""
    found = proxy_for(parse_location(name, insecure=True), environment)
    return str(found.url) if found else ""


@pytest.mark.parametrize(
    ("name", "environment", "expected"),
    [
        (HOST, {}, ""),
        (HOST, {"HTTPS_PROXY": PROXY}, PROXY),
        (HOST, {"https_proxy": PROXY}, PROXY),
        (HOST, {"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, PROXY),
        (HOST, {"https_proxy": "", "HTTPS_PROXY": PROXY}, PROXY),
        (HOST, {"ALL_PROXY": PROXY}, PROXY),
        (HOST, {"all_proxy": PROXY}, PROXY),
        (HOST, {"ALL_PROXY": "http://other:1", "HTTPS_PROXY": PROXY}, PROXY),
        (HOST, {"HTTP_PROXY": PROXY}, ""),
        (HOST, {"HTTPS_PROXY": "proxy.contoso.com:3128"}, PROXY),
        (HOST, {"HTTPS_PROXY": "https://proxy.contoso.com"}, "https://proxy.contoso.com"),
        (HOST, {"HTTPS_PROXY": "http://[2001:db8::1]:3128"}, "http://[2001:db8::1]:3128"),
        (f"http://{HOST}", {"HTTP_PROXY": PROXY}, PROXY),
        (f"http://{HOST}", {"HTTPS_PROXY": PROXY}, ""),
        (f"http://{HOST}", {"ALL_PROXY": PROXY}, PROXY),
        ("http://127.0.0.1:5000", {"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, ""),
        ("localhost:5000", {"HTTPS_PROXY": PROXY}, ""),
        ("http://[::1]:5000", {"HTTP_PROXY": PROXY}, ""),
        ("127.8.9.1", {"HTTPS_PROXY": PROXY}, ""),
    ],
)
def test_the_environment_names_the_proxy_as_for_other_programs(name, environment, expected):
    """By scheme, the small letters first; this machine is never reached through one."""
    assert expected == _proxy(name, **environment)


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("*", True),
        ("contoso.azurecr.io", True),
        ("Contoso.AzureCR.io", True),
        ("azurecr.io", True),
        (".azurecr.io", True),
        ("*.azurecr.io", True),
        ("contoso.azurecr.io:443", False),
        ("other.example, contoso.azurecr.io ,third.example", True),
        ("other.example,", False),
        (",", False),
        (" ", False),
        ("", False),
        ("azurecr", False),
        ("toso.azurecr.io", False),
        ("azurecr.io.evil.example", False),
        ("team.contoso.azurecr.io", False),
        (".", False),
        ("*.", False),
        ("10.0.0.0/8", False),
        ("0.0.0.0/0", False),
    ],
)
def test_no_proxy_lists_hosts_and_domains(no_proxy, is_direct):
    """A domain covers what is in it, at a dot and nowhere else."""
    assert ("" if is_direct else PROXY) == _proxy(HOST, HTTPS_PROXY=PROXY, NO_PROXY=no_proxy)


@pytest.mark.parametrize(
    ("name", "no_proxy", "is_direct"),
    [
        ("contoso.azurecr.io:8443", "contoso.azurecr.io:8443", True),
        ("contoso.azurecr.io:8443", ".azurecr.io:8443", True),
        ("contoso.azurecr.io:8443", "contoso.azurecr.io", True),
        ("contoso.azurecr.io:8443", "contoso.azurecr.io:8444", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.0/33", False),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.1/24", True),
        ("10.1.2.3", "2001:db8::/32", False),
        ("[2001:db8::1]", "2001:db8::/32", True),
        ("[2001:db8::1]:5000", "2001:db8::1", True),
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000", True),
        ("[2001:db9::1]", "2001:db8::/32", False),
    ],
)
def test_no_proxy_lists_ports_addresses_and_networks(name, no_proxy, is_direct):
    """A port only where it is written."""
    assert ("" if is_direct else PROXY) == _proxy(name, HTTPS_PROXY=PROXY, no_proxy=no_proxy)


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://ci:hunter2@proxy.contoso.com",
        "ftp://ci:hunter2@proxy.contoso.com",
        "http://ci:hunter2@",
        "http://",
        "http://ci:hunter2@proxy.contoso.com:port",
        "http://ci:hunter2@proxy.contoso.com:99999",
        "http://ci:hunter2@[::1",
        "http://ci:hunter2\x00@proxy.contoso.com",
        "http://ci:hunter2@proxy.contoso.com:0",
        "/",
        "://ci:hunter2@proxy",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_and_not_shown(proxy):
    """It may hold a password; the error shows how it should look."""
    with pytest.raises(RefusedError, match=r"^HTTPS_PROXY or ALL_PROXY names no proxy that can be used\n") as raised:
        _proxy(HOST, HTTPS_PROXY=proxy)

    assert "hunter2" not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_plain_http_needs_no_authorities():
    """They are never looked at, and a bundle that is wrong does not matter."""
    assert 0 == trusted(parse_location("http://127.0.0.1:5000"), "/there/is/no/such.pem").cert_store_stats()["x509"]


def test_what_a_proxy_is_told_is_not_shown():
    """Its user and password are in neither its URL nor its text."""
    proxy = proxy_for(parse_location(HOST), {"HTTPS_PROXY": "http://ci:hunter2@proxy.contoso.com:3128"})

    assert (PROXY, "proxy.contoso.com:3128") == (str(proxy.url), proxy.host)
    assert {"proxy-authorization": "Basic Y2k6aHVudGVyMg=="} == proxy.headers
    assert [] == [secret for secret in ("hunter2", "Y2k6aHVudGVyMg") if secret in repr(proxy)]
