"""Which texts name a registry, and which URLs are on it."""

from __future__ import annotations

import pytest

from reconciler.errors import RefusedError
from reconciler.registry.location import origin_of, parse_location


@pytest.mark.parametrize(
    ("text", "name", "origin"),
    [
        ("contoso.azurecr.io", "contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("Contoso.AzureCR.io", "contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("https://contoso.azurecr.io/", "contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("HTTPS://CONTOSO.azurecr.io", "contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("contoso.azurecr.io:443", "contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("contoso.azurecr.io:8443", "contoso.azurecr.io:8443", "https://contoso.azurecr.io:8443"),
        ("localhost:5000", "localhost:5000", "https://localhost:5000"),
        ("http://localhost:5000", "http://localhost:5000", "http://localhost:5000"),
        ("http://127.0.0.1", "http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.8.9.1:5000", "http://127.8.9.1:5000", "http://127.8.9.1:5000"),
        ("http://[::1]:5000", "http://[::1]:5000", "http://[::1]:5000"),
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000", "https://[2001:db8::1]:5000"),
        ("my_registry:5000", "my_registry:5000", "https://my_registry:5000"),
    ],
)
def test_a_registry_is_named_by_its_host(text, name, origin):
    """Case and a default port do not matter; https goes without saying."""
    location = parse_location(text)

    assert (name, origin) == (location.name, location.origin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "/",
        "https://",
        "contoso.azurecr.io/team/app",
        "https://contoso.azurecr.io//",
        "https://contoso.azurecr.io/?x",
        "https://contoso.azurecr.io?x",
        "https://contoso.azurecr.io#x",
        "https://contoso.azurecr.io\\",
        "contoso.azurecr.io:port",
        "contoso.azurecr.io:",
        "contoso.azurecr.io:99999",
        "contoso.azurecr.io:0443",
        "contoso.azurecr.io:+443",
        "ftp://contoso.azurecr.io",
        "file:///etc/passwd",
        "https:/contoso.azurecr.io",
        "https://https://contoso.azurecr.io",
        "conto so.azurecr.io",
        "contoso\n.azurecr.io",
        "contoso\t.azurecr.io",
        "contoso\x00.azurecr.io",
        "contoso\x1b[31m.azurecr.io",
        " contoso.azurecr.io",
        "contoso.azurecr.io\r\nx-evil: 1",
        "contoso%2eazurecr.io",
        "cont\u00f6so.azurecr.io",
        "c\u043entoso.azurecr.io",  # a Cyrillic o
        "contoso\u3002azurecr.io",
        "contoso\uff0eazurecr.io",
        ".azurecr.io",
        "-",
        "[::1",
        "::1",
        "[::1%25lo]:5000",
        "evil[::1]:5000",
        "a,b",
        "*.azurecr.io",
    ],
)
def test_anything_else_is_refused(text):
    """The error repeats the text in a form that a terminal can show."""
    with pytest.raises(RefusedError) as raised:
        parse_location(text)

    assert str(raised.value).endswith(" is not a registry; say a host such as contoso.azurecr.io")
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "text", ["ci:hunter2@contoso.azurecr.io", "https://ci:hunter2@contoso.azurecr.io", "https://ci:hunter2@[::1", "@"]
)
def test_a_user_in_the_name_is_refused_and_not_repeated(text):
    """What stands before the @ may be a password."""
    with pytest.raises(RefusedError, match="named without a user") as raised:
        parse_location(text)

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "http://contoso.azurecr.io",
        "http://10.0.0.1:5000",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.1",
        "http://2130706433",
        "http://0.0.0.0:5000",
        "http://[::]:5000",
        "http://[2001:db8::1]",
    ],
)
def test_plain_http_stays_on_this_machine(text):
    """Whoever is on the way to another machine would read the password; --insecure permits it all the same."""
    with pytest.raises(RefusedError, match="--insecure"):
        parse_location(text)

    assert parse_location(text, insecure=True).origin == text


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://contoso.azurecr.io/acr/v1/_catalog?last=a%2Fb&n=2", "/acr/v1/_catalog?last=a%2Fb&n=2"),
        ("https://contoso.azurecr.io:443/x", "/x"),
        ("HTTPS://CONTOSO.AZURECR.IO/x", "/x"),
        ("https://contoso.azurecr.io", "/"),
        ("https://contoso.azurecr.io?n=2", "/?n=2"),
        ("https://contoso.azurecr.io/x#y", "/x"),
        ("https://contoso.azurecr.io//evil.example/x", "//evil.example/x"),
        ("http://contoso.azurecr.io/x", ""),
        ("https://contoso.azurecr.io:8443/x", ""),
        ("https://evil.example/x", ""),
        ("https://contoso.azurecr.io.evil.example/x", ""),
        ("https://evil.example/https://contoso.azurecr.io/x", ""),
        ("https://contoso.azurecr.io@evil.example/x", ""),
        ("https://evil.example@contoso.azurecr.io/x", ""),
        ("https://evil.example\\@contoso.azurecr.io/x", ""),
        ("https://contoso.azurecr.io\\.evil.example/x", ""),
        ("https://contoso.azurecr.io/x\x00", ""),
        ("https://contoso.azurecr.io/x y", ""),
        ("https://contoso.azurecr.io/\u00f6", ""),
        ("ht\ttps://contoso.azurecr.io/x", ""),
        ("\x01https://contoso.azurecr.io/x", ""),
        ("//contoso.azurecr.io/x", ""),
        ("/x", ""),
        ("", ""),
        ("https://[::1", ""),
        ("https://contoso.azurecr.io:x/", ""),
    ],
)
def test_only_the_path_of_a_url_on_the_registry_is_taken_over(url, target):
    """Same scheme, host and port, and nothing that two readers could understand differently."""
    assert target == parse_location("contoso.azurecr.io").target_of(url)


def test_an_origin_has_no_default_port():
    """A default port may be written or left out."""
    assert "http://a" == origin_of("http://A:80/x") == origin_of("http://a")
    assert "https://a:80" == origin_of("https://a:80")
