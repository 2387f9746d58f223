"""The cases themselves: that they sign in, tell what they find, and leave nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from cleaning import Workshop
from servers import challenge, scripted
from speaking import ALL_OFF, Speaker, Target

from reconciler.emulator import Settings

FOLDER = Path(__file__).parent
PASSWORD = "not-to-be-seen-4711"
PROTECTED = Settings(auth="token", username="ci", password=PASSWORD)


def _run(emulator, *arguments, **environment):
    """Run cases against the emulator as a person would run them against a registry."""
    named = {"RECONCILER_CONTRACT_URL": emulator.url, "RECONCILER_USERNAME": "", "RECONCILER_PASSWORD": ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command,
        cwd=FOLDER,
        env=os.environ | named | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _repositories(emulator):
    with Speaker(Target(emulator.url, "ci", PASSWORD)) as speaker:
        return speaker.get("/acr/v1/_catalog").json()["repositories"]


def test_a_registry_is_examined_with_a_user_name_and_a_password(start_emulator):
    """The cases pass, what was there stays as it was, nothing is left, and the password is not shown."""
    emulator = start_emulator(PROTECTED)
    emulator.push("team/app:v1")
    emulator.patch("team/app:v1", **ALL_OFF)
    before = emulator.tag("team/app:v1")

    done = _run(
        emulator,
        "test_recorded_attributes.py",
        "test_recorded_images.py",
        RECONCILER_USERNAME="ci",
        RECONCILER_PASSWORD=PASSWORD,
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert f"contract: {emulator.url}" in done.stdout
    assert PASSWORD not in done.stdout
    assert (["team/app"], before) == (_repositories(emulator), emulator.tag("team/app:v1"))
    assert [] == [sent.path for sent in emulator.requests() if "team/app" in sent.path]


def test_a_case_that_fails_tells_what_that_means_and_leaves_nothing(start_emulator):
    """The name of its file does too. One fails here when it has just locked its tag, and one for another registry."""
    emulator = start_emulator(Settings(strict_repository_lock=False))
    emulator.faults.fail_next(1, 418, method="DELETE", path_prefix="/acr/v1/reconciler-contract")

    done = _run(
        emulator,
        "test_recorded_attributes.py",
        "test_documented.py",
        "-k",
        "a_locked_tag_is or patched_in_a_repository",
    )

    assert "3 failed" in done.stdout
    assert "either that registry has changed since, or it is not Azure Container Registry" in done.stdout
    assert "no recording shows it: the registry knows better" in done.stdout
    assert _repositories(emulator) is None


def test_a_wrong_password_is_told_before_anything_is_made(start_emulator):
    """With what is needed, and without the password."""
    emulator = start_emulator(PROTECTED)

    with (
        Speaker(Target(emulator.url, "ci", "wrong-4711")) as speaker,
        pytest.raises(RuntimeError, match="RECONCILER_USERNAME needs to read, write and delete") as refused,
    ):
        Workshop(speaker).claim()

    assert "wrong-4711" not in str(refused.value)
    assert [] == emulator.requests("PUT")


def test_nobody_signs_in_without_a_user_name(start_emulator):
    """The token is asked for all the same."""
    emulator = start_emulator(Settings(auth="token"))
    emulator.push("team/app:v1")

    with Speaker(Target(emulator.url)) as speaker:
        answers = [speaker.get(f"/acr/v1/team/app/{rest}") for rest in ("_tags/v1", "_tags/v1")]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert ["/oauth2/token"] == [sent.path for sent in emulator.requests("POST")]


def test_a_password_goes_to_the_registry_alone():
    """A realm on another host is refused."""
    with scripted() as server, Speaker(Target(server.url, "ci", PASSWORD)) as speaker:
        server.on("GET /acr/v1/_catalog", challenge("https://elsewhere.example/oauth2/token"))

        with pytest.raises(ValueError, match=r"elsewhere\.example/oauth2/token, which is not itself") as refused:
            speaker.get("/acr/v1/_catalog")

    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "url", "patience_s"),
    [
        ("contoso.azurecr.io", "https://contoso.azurecr.io", 60),
        ("https://contoso.azurecr.io/", "https://contoso.azurecr.io", 60),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", 0),
    ],
)
def test_a_registry_is_named_in_the_environment(given, url, patience_s):
    """With or without https; one on another machine is given time to show what it was told."""
    target = Target.from_environment({"RECONCILER_CONTRACT_URL": given, "RECONCILER_USERNAME": "ci"})

    assert Target(url, "ci", "", patience_s) == target


def test_no_registry_in_the_environment_is_none():
    """The cases take the emulator then, whoever the user is."""
    assert Target.from_environment({"RECONCILER_USERNAME": "ci", "RECONCILER_PASSWORD": PASSWORD}) is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("http://contoso.azurecr.io", "speak https"),
        ("https://ci:secret@contoso.azurecr.io", "RECONCILER_USERNAME and RECONCILER_PASSWORD"),
    ],
)
def test_a_registry_that_would_give_the_password_away_is_refused(given, problem):
    """The error tells what to do, and not the password."""
    with pytest.raises(ValueError, match=problem) as refused:
        Target.from_environment({"RECONCILER_CONTRACT_URL": given})

    assert "secret" not in str(refused.value)


def test_a_target_does_not_show_its_password():
    """In a traceback, say."""
    assert PASSWORD not in repr(Target("https://contoso.azurecr.io", "ci", PASSWORD))


def test_what_was_not_made_here_is_neither_taken_nor_removed(emulator):
    """Both say so, and nothing has been written."""
    emulator.push("team/app:v1")
    with Speaker(Target(emulator.url)) as speaker:
        workshop = Workshop(speaker)

        with pytest.raises(FileExistsError, match="team/app: is there already"):
            workshop.claim("team/app")
        with pytest.raises(PermissionError, match="team/app: was not made by these cases"):
            workshop.remove("team/app")

    assert ["GET"] == [sent.method for sent in emulator.requests()]


def test_everything_hidden_and_locked_is_removed(emulator):
    """Whatever a case has switched off, and wherever."""
    with Speaker(Target(emulator.url)) as speaker:
        workshop = Workshop(speaker)
        made = workshop.claim()
        digest = made.push("v1", "v2")
        for path in (made.manifest(digest), made.tag("v1"), made.tag("v2"), made.path):
            made.patch(path, **ALL_OFF)

        workshop.remove_all()

    assert emulator.repository(made.name) is None


def test_one_that_cannot_be_removed_does_not_keep_the_others(emulator):
    """The error names it and tells what to do."""
    with Speaker(Target(emulator.url)) as speaker:
        workshop = Workshop(speaker)
        first, second = workshop.claim(), workshop.claim()
        first.push("v1")
        second.push("v1")
        emulator.faults.fail_next(1, 409, method="DELETE")

        with pytest.raises(RuntimeError, match=f"{first.name}: is left behind, 409"):
            workshop.remove_all()

    assert (True, None) == (emulator.repository(first.name) is not None, emulator.repository(second.name))


def test_a_write_that_is_seen_late_is_waited_for(emulator):
    """As long as the patience lasts; then the last answer stands."""
    emulator.faults.visible_after_reads = 2
    with Speaker(Target(emulator.url, patience_s=10, pause_s=0.01)) as patient, Speaker(Target(emulator.url)) as hasty:
        waiting, rushing = Workshop(patient).claim(), Workshop(hasty).claim()
        for made in (waiting, rushing):
            made.push("v1")
            made.patch(made.tag("v1"), writeEnabled=False)

        seen = [_attribute(made.speaker.get(made.tag("v1"))) for made in (waiting, rushing)]

    assert [False, True] == seen


def _attribute(answer: httpx.Response) -> bool:
    found: bool = answer.json()["tag"]["changeableAttributes"]["writeEnabled"]
    return found
