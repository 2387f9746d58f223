"""Which lock forbids what."""

import pytest

from reconciler.emulator import Settings

DISALLOWED = {
    "errors": [
        {
            "code": "REGISTRY_DISALLOWED_OPERATION",
            "message": "The operation is disallowed on this registry, repository or image. View troubleshooting steps "
            "at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation",
            "detail": {},
        }
    ]
}


def _attempt(http, operation, digest):
    """Try to do something to `web/api:v1`, or around it; `web/api:other` holds something else."""
    tag, manifest = "/acr/v1/web/api/_tags/v1", f"/acr/v1/web/api/_manifests/{digest}"
    other = http.get("/v2/web/api/manifests/other").content
    return {
        "overwrite": lambda: http.put("web/api", "v1", other),
        "new tag": lambda: http.put("web/api", "v2", other),
        "upload": lambda: http.post("/v2/web/api/blobs/uploads/"),
        "delete tag": lambda: http.delete(tag),
        "delete manifest": lambda: http.delete(f"/v2/web/api/manifests/{digest}"),
        "delete repository": lambda: http.delete("/acr/v1/web/api"),
        "pull tag": lambda: http.get("/v2/web/api/manifests/v1"),
        "pull digest": lambda: http.get(f"/v2/web/api/manifests/{digest}"),
        "patch tag": lambda: http.patch(tag, json={"listEnabled": False}),
        "patch manifest": lambda: http.patch(manifest, json={"listEnabled": False}),
        "patch repository": lambda: http.patch("/acr/v1/web/api", json={"writeEnabled": True}),
    }[operation]()


DELETES = ["delete tag", "delete manifest", "delete repository"]
REFUSED = [
    ("web/api:v1", "writeEnabled", ["overwrite", *DELETES]),
    ("web/api:v1", "deleteEnabled", DELETES),
    ("web/api:v1", "readEnabled", ["pull tag"]),
    ("web/api@", "writeEnabled", ["delete manifest", "delete repository"]),
    ("web/api@", "deleteEnabled", ["delete manifest", "delete repository"]),
    ("web/api@", "readEnabled", ["pull tag", "pull digest"]),
    ("web/api", "writeEnabled", ["overwrite", "new tag", "upload", *DELETES, "patch tag", "patch manifest"]),
    ("web/api", "deleteEnabled", ["delete repository"]),
    ("web/api", "readEnabled", ["pull tag", "pull digest"]),
]


@pytest.mark.parametrize(
    ("locked", "attribute", "operation"),
    [(locked, attribute, operation) for locked, attribute, operations in REFUSED for operation in operations],
)
def test_a_lock_refuses(emulator, http, locked, attribute, operation):
    """The refusal is 405 with the registry's own words, and the tag is still where it was."""
    emulator.push("web/api:other", b"other")
    digest = emulator.push("web/api:v1")
    emulator.patch(locked + digest if locked.endswith("@") else locked, **{attribute: False})
    before = emulator.tag("web/api:v1")

    answer = _attempt(http, operation, digest)

    assert (405, DISALLOWED) == (answer.status_code, answer.json())
    assert before == emulator.tag("web/api:v1")


@pytest.mark.parametrize(
    ("locked", "attribute", "operation"),
    [
        ("web/api:v1", "deleteEnabled", "overwrite"),
        ("web/api:v1", "deleteEnabled", "new tag"),
        ("web/api:v1", "writeEnabled", "new tag"),
        ("web/api:v1", "writeEnabled", "patch tag"),
        ("web/api:v1", "readEnabled", "pull digest"),
        ("web/api@", "writeEnabled", "delete tag"),
        ("web/api@", "writeEnabled", "patch manifest"),
        ("web/api", "deleteEnabled", "delete tag"),
        ("web/api", "deleteEnabled", "patch tag"),
        ("web/api", "writeEnabled", "patch repository"),
        ("web/api", "writeEnabled", "pull tag"),
    ],
)
def test_a_lock_permits_what_it_does_not_speak_of(emulator, http, locked, attribute, operation):
    """Attributes of tag, manifest and repository are independent, and unlocking is always possible."""
    emulator.push("web/api:other", b"other")
    digest = emulator.push("web/api:v1")
    emulator.patch(locked + digest if locked.endswith("@") else locked, **{attribute: False})

    answer = _attempt(http, operation, digest)

    assert answer.is_success


def test_locking_one_tag_does_not_protect_another_of_the_same_manifest(emulator, http):
    """Source: sample of azure-sdk-for-net."""
    emulator.push("web/api:v1")
    emulator.push("web/api:latest")
    emulator.patch("web/api:v1", deleteEnabled=False, writeEnabled=False)

    answer = http.delete("/acr/v1/web/api/_tags/latest")

    assert 202 == answer.status_code


def test_patches_in_a_locked_repository_can_be_allowed(start_emulator, connect):
    """The rule that no recording shows can be switched off."""
    emulator = start_emulator(Settings(strict_repository_lock=False))
    emulator.push("web/api:v1")
    emulator.patch("web/api", writeEnabled=False)

    answer = connect(emulator).patch("/acr/v1/web/api/_tags/v1", json={"deleteEnabled": False})

    assert 200 == answer.status_code
    assert emulator.tag("web/api:v1")["deleteEnabled"] is False
