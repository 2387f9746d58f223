"""Who may do what: every way of signing in, against one call of each class."""

import pytest
from signing_in import (
    anonymously,
    bearer,
    exchange,
    statuses,
    statuses_with,
    with_password,
    with_refresh_token,
)

from reconciler.emulator import EmulatorError, Identity, Settings

EVERY_ACTION = ("pull", "push", "delete", "metadata_read", "metadata_write")

READER = Identity("reader", "scope-map", "r-word", {"team/*": ("content/read", "metadata/read")})
WRITER = Identity("writer", "scope-map", "w-word", {"team/app": ("content/read", "content/write")})
BLIND_WRITER = Identity("blind", "scope-map", "b-word", {"team/app": ("content/write",)})
LOCKER = Identity("locker", "scope-map", "l-word", {"team/app": ("metadata/read", "metadata/write")})
CLEANER = Identity("cleaner", "scope-map", "c-word", {"team/app": ("content/delete",), "te*": ("metadata/read",)})
OWNER = Identity("owner", "scope-map", "o-word", {"*": EVERY_ACTION})
PULLER = Identity("puller", "entra", "p-word", {"*": ("pull",)})
PUSHER = Identity("pusher", "entra", "s-word", {"*": ("pull", "push")})
LISTER = Identity("lister", "entra", repositories={"team/app": ("metadata_read",)}, catalog=True)
KEEPER = Identity("keeper", "entra", repositories={"team/*": EVERY_ACTION})
IDENTITIES = (READER, WRITER, BLIND_WRITER, LOCKER, CLEANER, OWNER, PULLER, PUSHER, LISTER, KEEPER)


def _known(auth="token", **options):
    return Settings(auth=auth, username="ci", password="secret", identities=IDENTITIES, **options)


@pytest.fixture
def start(start_emulator, connect):
    """Starts an emulator that holds team/app:v1 and other/app:v1, and connects to it."""

    def started(settings):
        emulator = start_emulator(settings)
        emulator.push("team/app:v1")
        emulator.push("other/app:v1")
        return emulator, connect(emulator)

    return started


# Columns: catalog, metadata read, metadata write, pull, push, delete.
@pytest.mark.parametrize(
    ("settings", "sign_in", "in_team", "elsewhere"),
    [
        pytest.param(
            Settings(auth="token"),
            anonymously,
            [200, 200, 200, 200, 202, 202],
            [200, 200, 200, 200, 202, 202],
            id="anybody where nobody is known",
        ),
        pytest.param(
            _known(),
            with_password("ci", "secret"),
            [200, 200, 200, 200, 202, 202],
            [200, 200, 200, 200, 202, 202],
            id="admin",
        ),
        pytest.param(
            _known("basic"),
            with_password("ci", "secret"),
            [200, 200, 200, 200, 202, 202],
            [200, 200, 200, 200, 202, 202],
            id="admin where basic is taken too",
        ),
        pytest.param(
            _known(),
            with_password("reader", "r-word"),
            [401, 200, 401, 200, 401, 401],
            [401, 401, 401, 401, 401, 401],
            id="scope map that reads",
        ),
        pytest.param(
            _known(),
            with_password("writer", "w-word"),
            [401, 401, 401, 200, 202, 401],
            [401, 401, 401, 401, 401, 401],
            id="scope map that writes",
        ),
        pytest.param(
            _known(),
            with_password("blind", "b-word"),
            [401, 401, 401, 401, 401, 401],
            [401, 401, 401, 401, 401, 401],
            id="scope map that pushes without pulling",
        ),
        pytest.param(
            _known(),
            with_password("locker", "l-word"),
            [401, 200, 200, 401, 401, 401],
            [401, 401, 401, 401, 401, 401],
            id="scope map that locks",
        ),
        pytest.param(
            _known(),
            with_password("cleaner", "c-word"),
            [401, 200, 401, 401, 401, 202],
            [401, 401, 401, 401, 401, 401],
            id="scope map whose patterns add up",
        ),
        pytest.param(
            _known(),
            with_password("owner", "o-word"),
            [200, 200, 200, 200, 202, 202],
            [200, 200, 200, 200, 202, 202],
            id="scope map of everything",
        ),
        pytest.param(
            _known(),
            with_password("puller", "p-word"),
            [401, 401, 401, 200, 401, 401],
            [401, 401, 401, 200, 401, 401],
            id="service principal that pulls",
        ),
        pytest.param(
            _known(),
            with_password("pusher", "s-word"),
            [401, 401, 401, 200, 202, 401],
            [401, 401, 401, 200, 202, 401],
            id="service principal that pushes",
        ),
        pytest.param(
            Settings(auth="token", anonymous_pull=True),
            anonymously,
            [200, 200, 401, 200, 401, 401],
            [200, 200, 401, 200, 401, 401],
            id="anonymous pull",
        ),
        pytest.param(
            _known(anonymous_pull=True, abac=True),
            anonymously,
            [200, 200, 401, 200, 401, 401],
            [200, 200, 401, 200, 401, 401],
            id="anonymous pull beside others and with ABAC",
        ),
    ],
)
def test_a_token_for_the_challenged_scope_opens_what_its_owner_may(start, settings, sign_in, in_team, elsewhere):
    """And nothing more: what is missing is 401 and never 403."""
    _, http = start(settings)

    got = [statuses(http, "team/app", sign_in), statuses(http, "other/app", sign_in)]

    assert [in_team, elsewhere] == got


@pytest.mark.parametrize("abac", [False, True])
@pytest.mark.parametrize(
    ("name", "in_team", "elsewhere"),
    [
        ("lister", [200, 200, 401, 401, 401, 401], [200, 401, 401, 401, 401, 401]),
        ("keeper", [401, 200, 200, 200, 202, 202], [401, 401, 401, 401, 401, 401]),
        ("puller", [401, 401, 401, 200, 401, 401], [401, 401, 401, 200, 401, 401]),
    ],
)
def test_an_entra_identity_opens_what_it_may_after_the_exchange(start, name, in_team, elsewhere, abac):
    """Repository by repository, with ABAC and without; the catalog is a permission of its own."""
    emulator, http = start(_known(abac=abac))
    refresh = exchange(http, emulator.entra_token(name)).json()["refresh_token"]
    sign_in = with_refresh_token(refresh)

    got = [statuses(http, "team/app", sign_in), statuses(http, "other/app", sign_in)]

    assert [in_team, elsewhere] == got


@pytest.mark.parametrize(
    ("settings", "credentials", "expected"),
    [
        pytest.param(Settings(auth="none"), None, [200, 200, 200, 200, 202, 202], id="nobody has to sign in"),
        pytest.param(_known("none"), ("reader", "wrong"), [200, 200, 200, 200, 202, 202], id="nor is a password read"),
        pytest.param(Settings(auth="token"), None, [401] * 6, id="tokens are needed"),
        pytest.param(_known("token"), ("ci", "secret"), [401] * 6, id="tokens are needed by the admin too"),
        pytest.param(Settings(auth="token", anonymous_pull=True), None, [401] * 6, id="anonymous pull takes a token"),
        pytest.param(_known("basic"), ("ci", "secret"), [200, 200, 200, 200, 202, 202], id="admin"),
        pytest.param(_known("basic"), ("ci", "wrong"), [401] * 6, id="wrong password"),
        pytest.param(_known("basic"), ("nobody", "secret"), [401] * 6, id="unknown user"),
        pytest.param(_known("basic"), ("lister", ""), [401] * 6, id="an identity without a password"),
        pytest.param(_known("basic"), ("owner", "o-word"), [401] * 6, id="scope map (Azure/acr#676)"),
        pytest.param(_known("basic"), ("puller", "p-word"), [401, 401, 401, 200, 401, 401], id="service principal"),
        pytest.param(_known("basic"), ("pusher", "s-word"), [401, 401, 401, 200, 202, 401], id="another"),
    ],
)
def test_a_password_straight_on_data_calls_is_taken_from_some(start, settings, credentials, expected):
    """From the admin and from service principals, where that is switched on."""
    _, http = start(settings)

    assert expected == statuses_with(http, "team/app", auth=credentials)


def test_a_refresh_token_can_stand_in_for_the_password(start):
    """With the user name of zeros, on data calls and at the token endpoint, with GET too."""
    emulator, http = start(_known("basic"))
    zeros = ("00000000-0000-0000-0000-000000000000", emulator.refresh_token("keeper"))
    query = {"service": "x", "scope": "repository:team/app:pull"}

    posted = with_password(*zeros)(http, "repository:team/app:pull").json()["access_token"]
    fetched = http.get("/oauth2/token", params=query, auth=zeros).json()["access_token"]

    manifest = "/v2/team/app/manifests/v1"
    assert [200, 200] == [http.get(manifest, headers=bearer(token)).status_code for token in (posted, fetched)]
    assert [401, 200, 200, 200, 202, 202] == statuses_with(http, "team/app", auth=zeros)
    assert [401] * 6 == statuses_with(http, "team/app", auth=(zeros[0], "x"))


@pytest.mark.parametrize(
    ("name", "abac", "expected"),
    [
        ("ci", False, [200, 200, 200, 200, 202, 202]),
        ("ci", True, [200, 401, 401, 401, 401, 401]),
        ("puller", False, [401, 401, 401, 200, 401, 401]),
        ("puller", True, [401, 401, 401, 401, 401, 401]),
        ("keeper", False, [401, 401, 401, 401, 401, 401]),
        ("owner", False, [200, 401, 401, 401, 401, 401]),
    ],
)
def test_a_wildcard_scope_reaches_as_far_as_its_owner_over_all_repositories(start, name, abac, expected):
    """Nothing for who has some repositories only, for scope maps, and with ABAC, which says nothing about it."""
    emulator, http = start(_known(abac=abac))

    token = emulator.access_token(name, "repository:*:*", "registry:catalog:*")

    assert expected == statuses_with(http, "team/app", headers=bearer(token))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Identity("", "entra"), "an identity needs a name"),
        (lambda: Identity("x", "robot"), '"robot" is no kind of identity\n  known: admin, scope-map, entra'),
        (lambda: Identity("x", "admin"), "a password is missing\n  without one nobody can sign in as admin"),
        (lambda: Identity("x", "scope-map"), "a password is missing\n  without one nobody can sign in as scope-map"),
        (
            lambda: Identity("x", "admin", "-", {"*": ("pull",)}),
            "an admin may do everything: leave the repositories out",
        ),
        (
            lambda: Identity("x", "entra", repositories={"team/*/app": ("pull",)}),
            '"team/*/app" is no repository\n  a name, a beginning with * at its end, or * for all',
        ),
        (
            lambda: Identity("x", "entra", repositories={"": ("pull",)}),
            '"" is no repository\n  a name, a beginning with * at its end, or * for all',
        ),
        (
            lambda: Identity("x", "entra", repositories={"*": ("read",)}),
            (
                'unknown action "read"\n  known: content/read, content/write, content/delete, metadata/read, '
                "metadata/write, pull, push, delete, metadata_read, metadata_write"
            ),
        ),
    ],
)
def test_an_identity_that_makes_no_sense_is_refused(make, message):
    """It says what is wrong and what would do."""
    with pytest.raises(EmulatorError) as refused:
        make()

    assert message == str(refused.value)


def test_two_identities_of_one_name_are_refused(start_emulator):
    """The admin user is one of them."""
    with pytest.raises(EmulatorError) as refused:
        start_emulator(Settings(auth="token", username="ci", password="secret", identities=(Identity("ci", "entra"),)))

    assert 'two identities are named "ci"' == str(refused.value)


def test_a_token_for_nobody_cannot_be_made(start):
    """A mistyped name in a test is told."""
    emulator, _ = start(_known())

    with pytest.raises(EmulatorError, match='no identity is named "nobody"'):
        emulator.access_token("nobody", "registry:catalog:*")


def test_no_password_is_shown():
    """Not by the settings and not by an identity."""
    settings = _known(identity_header="h-word")

    shown = [word for word in ("secret", "r-word", "p-word", "h-word") if word in repr(settings)]

    assert [] == shown
