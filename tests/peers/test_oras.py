"""oras, the command line: it pushes artifacts, we protect them, it finds them protected."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from clients import PASSWORD, PROTECTED, REFUSED, USERNAME, WAYS, Way, program, reconciler, run

from reconciler.emulator import EmbeddedEmulator

pytestmark = pytest.mark.peer

TYPE = "application/vnd.example.notes"


class Oras:
    """oras, signed in to a registry in some way, with a folder of its own."""

    def __init__(self, registry: EmbeddedEmulator, way: Way, folder: Path) -> None:
        self.target = f"{registry.host}/web/notes:v1"
        self._folder = folder
        self._options = {"plain-http": "true"}
        self._options |= {"username": USERNAME, "password": PASSWORD} if way.is_known else {}

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command, such as `push` or `repo tags`; `cp` is told how to reach either end."""
        ends = ("from-", "to-") if command == "cp" else ("",)
        options = [f"--{end}{name}={value}" for end in ends for name, value in self._options.items()]
        return run(program("oras"), *command.split(), *options, *arguments, folder=self._folder, home=self._folder)

    def push(self, text: str) -> subprocess.CompletedProcess[bytes]:
        """Push a file with that text in it."""
        (self._folder / "notes.txt").write_text(text)
        return self.run("push", "--artifact-type", TYPE, self.target, "notes.txt:text/plain")


@pytest.fixture
def oras(registry: EmbeddedEmulator, way: Way, tmp_path: Path) -> Oras:
    """oras, after it pushed a file; a file that protects it is there."""
    client = Oras(registry, way, tmp_path)
    done = client.push("release notes")
    assert 0 == done.returncode, done.stderr
    (tmp_path / "registry.yaml").write_text(PROTECTED)
    return client


def test_oras_reads_back_what_it_pushed(oras, registry, tmp_path: Path):
    """The file comes back as it was, under its second tag too."""
    tagged = oras.run("tag", oras.target, "latest")
    listed = oras.run("repo tags", oras.target.removesuffix(":v1"))
    repositories = oras.run("repo ls", registry.host)
    pulled = oras.run("pull", "--output", "out", oras.target.replace(":v1", ":latest"))

    assert [0, 0, 0, 0] == [done.returncode for done in (tagged, listed, repositories, pulled)], pulled.stderr
    assert ["latest", "v1"] == listed.stdout.decode().split()
    assert ["web/notes"] == repositories.stdout.decode().split()
    assert "release notes" == (tmp_path / "out" / "notes.txt").read_text()
    assert registry.tag("web/notes:latest") == registry.tag("web/notes:v1") != None  # noqa: E711 - all three at once


def test_oras_attaches_and_discovers(oras, tmp_path: Path):
    """What was attached is found from what it is attached to, by its type, and goes when it is deleted."""
    (tmp_path / "bill.json").write_text("{}")
    attached = oras.run("attach", "--artifact-type", "application/vnd.example.bill", oras.target, "bill.json")
    oras.run("attach", "--artifact-type", "application/vnd.example.other", oras.target, "bill.json")

    everything = oras.run("discover", "--format", "json", oras.target)
    bills = oras.run("discover", "--format", "json", "--artifact-type", "application/vnd.example.bill", oras.target)
    digest = json.loads(bills.stdout)["referrers"][0]["digest"]
    deleted = oras.run("manifest delete", "--force", oras.target.replace(":v1", f"@{digest}"))
    rest = oras.run("discover", "--format", "json", oras.target)

    assert (0, 0) == (attached.returncode, deleted.returncode), deleted.stderr
    assert ["application/vnd.example.bill", "application/vnd.example.other"] == sorted(_types(everything))
    assert ["application/vnd.example.bill"] == _types(bills)
    assert ["application/vnd.example.other"] == _types(rest)


def test_oras_copies_between_repositories(oras, registry):
    """Both ends want to know who calls; the copy is the same to the byte."""
    done = oras.run("cp", oras.target, f"{registry.host}/web/copy:v1")

    assert 0 == done.returncode, done.stderr
    assert registry.tag("web/copy:v1") == registry.tag("web/notes:v1")


def test_what_oras_pushed_is_planned_applied_and_planned_empty(registry, oras, way, tmp_path: Path):
    """An artifact that is no image is protected like one; two changes, then none."""
    place = ("registry.yaml", "--registry", registry.url)

    planned = reconciler(tmp_path, "plan", *place, "--format", "json", way=way)
    applied = reconciler(tmp_path, "apply", *place, "--auto-approve", way=way)
    again = reconciler(tmp_path, "plan", *place, "--detailed-exitcode", way=way)
    pulled = oras.run("pull", "--output", "out", oras.target)

    assert ["web/notes", "web/notes:v1"] == [change["address"] for change in json.loads(planned.stdout)["changes"]]
    assert (0, 0, 0) == (applied.returncode, again.returncode, pulled.returncode), applied.stderr
    assert "release notes" == (tmp_path / "out" / "notes.txt").read_text()


def test_oras_can_neither_overwrite_nor_delete_what_was_applied(registry, oras, way, tmp_path: Path):
    """Neither by a push nor by a tag, and the registry's words reach whoever tries."""
    reconciler(tmp_path, "apply", "registry.yaml", "--registry", registry.url, "--auto-approve", way=way)
    before = registry.tag("web/notes:v1")

    overwritten = oras.push("other notes")
    other = oras.run("push", oras.target.replace(":v1", ":next"), "notes.txt:text/plain")
    moved = oras.run("tag", oras.target.replace(":v1", ":next"), "v1")
    deleted = oras.run("manifest delete", "--force", oras.target)

    assert (1, 0, 1, 1) == tuple(done.returncode for done in (overwritten, other, moved, deleted))
    assert [True] * 3 == [REFUSED in done.stderr.decode() for done in (overwritten, moved, deleted)]
    assert before == registry.tag("web/notes:v1") != None  # noqa: E711 - all three at once


def test_a_registry_of_basic_takes_the_password_on_every_call(start_emulator, tmp_path: Path):
    """A client that sends it at once never asks for a token."""
    registry = start_emulator(WAYS["basic"].settings)
    header = "Authorization: Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    (tmp_path / "notes.txt").write_text("release notes")
    command = (
        program("oras"),
        "push",
        "--plain-http",
        "--header",
        header,
        f"{registry.host}/web/notes:v1",
        "notes.txt",
    )

    done = run(*command, folder=tmp_path, home=tmp_path)

    assert 0 == done.returncode, done.stderr
    assert [] == [request for request in registry.requests() if "oauth2" in request.path]


@pytest.mark.parametrize("mode", ["token", "basic"])
def test_oras_with_a_wrong_password_pushes_nothing(start_emulator, tmp_path: Path, mode):
    """It is told so, and nothing is there."""
    registry = start_emulator(WAYS[mode].settings)
    client = Oras(registry, Way(WAYS["anonymous"].settings, is_known=False), tmp_path)

    done = client.run("push", "--username", USERNAME, "--password", "wrong", client.target)

    assert (1, None) == (done.returncode, registry.repository("web/notes"))
    assert "authentication required" in done.stderr.decode()


def _types(discovered: subprocess.CompletedProcess[bytes]) -> list[str]:
    return [found["artifactType"] for found in json.loads(discovered.stdout)["referrers"]]
