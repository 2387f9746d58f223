"""Names of repositories, tags and manifests, and addresses that would turn into a request for something else."""

import pytest

from reconciler.errors import AddressError
from reconciler.model.address import Address, is_digest, is_repository_name, is_tag_name, parse_address

A64, A128 = "a" * 64, "a" * 128


@pytest.mark.parametrize(
    ("text", "expected", "kind"),
    [
        ("app", Address("app"), "repository"),
        ("team/app", Address("team/app"), "repository"),
        ("a/b/c/d", Address("a/b/c/d"), "repository"),
        ("0/9", Address("0/9"), "repository"),
        ("my--app__x", Address("my--app__x"), "repository"),
        ("team/app:v1", Address("team/app", tag="v1"), "tag"),
        ("team/app:V1.0-RC_2", Address("team/app", tag="V1.0-RC_2"), "tag"),
        ("app:1.10", Address("app", tag="1.10"), "tag"),
        ("app:_", Address("app", tag="_"), "tag"),
        ("app:" + "t" * 128, Address("app", tag="t" * 128), "tag"),
        (f"app@sha256:{A64}", Address("app", digest=f"sha256:{A64}"), "manifest"),
        (f"app@sha512:{A128}", Address("app", digest=f"sha512:{A128}"), "manifest"),
    ],
)
def test_an_address_is_written_as_images_are(text, expected, kind):
    """What is parsed names the right kind of resource and spells itself again."""
    address = parse_address(text)

    assert (expected, kind, text) == (address, address.kind, str(address))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "@",
        ":v1",
        "app:",
        "app@",
        f"@sha256:{A64}",
        "app:@",
        f"app:v1@sha256:{A64}",
        "app:v1:v2",
        "contoso.azurecr.io:443/app:v1",
        "https://contoso.azurecr.io/app",
        "/app",
        "app/",
        "team//app",
        "team/../app",
        "..",
        ".",
        "team/.app",
        "-app",
        "app-",
        "team/app.",
        "App",
        "team/APP",
        "tëam/app",
        "team%2Fapp",
        "team\\app",
        "team app",
        " app",
        "app\n",
        "app\x00",
        "app\x1b[2J",
        "app?n=1",
        "app#x",
        "٣",
        "a" * 257,
        "app:.hidden",
        "app:-rc",
        "app:v1/v2",
        "app:..",
        "app:v%31",
        "app:v1\n",
        "app:v1\u200b",
        "app:" + "t" * 129,
        "app:ü",
        "app@sha256:",
        f"app@sha256:{'a' * 63}",
        f"app@sha256:{'a' * 65}",
        f"app@sha256:{'A' * 64}",
        f"app@sha256:{'g' * 64}",
        f"app@SHA256:{A64}",
        f"app@md5:{'a' * 32}",
        f"app@sha512:{A64}",
        f"app@sha256:{A64}\n",
        f"app@sha256:{A64}@sha256:{A64}",
    ],
)
def test_what_is_no_address_is_refused(text):
    """Nothing that could become a request for something else passes as an address."""
    with pytest.raises(AddressError, match="not an address"):
        parse_address(text)


def test_an_empty_tag_is_not_the_repository():
    """`app:` would lock the whole repository if the empty tag were left out; the error says what is wrong."""
    with pytest.raises(AddressError) as refused:
        parse_address("app:")

    assert '"app:": not an address: "" cannot be the name of a tag' == str(refused.value)


def test_the_length_of_a_repository_name_is_bounded():
    """256 characters are a name and 257 are not, however they are divided by slashes."""
    answers = [is_repository_name(text) for text in ("a" * 256, "a" * 257, "a/" * 127 + "aa", "a/" * 128 + "a")]

    assert [True, False, True, False] == answers


def test_the_length_of_a_tag_is_bounded():
    """128 characters are a tag and 129 are not."""
    assert [True, False] == [is_tag_name("t" * 128), is_tag_name("t" * 129)]


def test_a_hostile_name_is_refused_quickly():
    """A name made to send a backtracking matcher astray is answered as any other: this test ends."""
    answers = [is_repository_name("a-" * 128), is_repository_name("a" * 100_000 + "!"), is_digest("sha256:" * 10_000)]

    assert [False, False, False] == answers


def test_nothing_stands_between_a_repository_and_its_tags():
    """Sorted, `app-2` and `app/x` come after all of `app`, and a repository comes before what is in it."""
    texts = ["app/x", "app-2", "app:v10", f"app@sha256:{A64}", "app", "app:V1", "app-2:v1", "app:v9", "ap"]

    ordered = sorted((parse_address(text) for text in texts), key=lambda address: address.order)

    assert [
        "ap",
        "app",
        "app:V1",
        "app:v10",
        "app:v9",
        f"app@sha256:{A64}",
        "app-2",
        "app-2:v1",
        "app/x",
    ] == [str(address) for address in ordered]
