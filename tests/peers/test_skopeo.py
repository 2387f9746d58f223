"""skopeo, which is no Python package: it pushes a multi-arch image, we protect it, it finds it protected."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from clients import PASSWORD, PROTECTED, REFUSED, USERNAME, WAYS, Way, program, reconciler, run

from reconciler.emulator import EmbeddedEmulator

pytestmark = pytest.mark.peer

OCI = "application/vnd.oci.image"
SAME = "--preserve-digests"  # or else skopeo compresses layers, and a refused push ends in words of its own


class Skopeo:
    """skopeo, signed in to a registry in some way."""

    def __init__(self, registry: EmbeddedEmulator, way: Way, password: str = PASSWORD) -> None:
        self._credentials = f"{USERNAME}:{password}" if way.is_known else ""
        self.target = f"docker://{registry.host}/web/api:v1"

    def copy(self, source: str, target: str, *options: str) -> subprocess.CompletedProcess[bytes]:
        """Copy an image with all its platforms to or from the registry."""
        ours = "src" if source.startswith("docker://") else "dest"
        return self._run("copy", source, target, options=["--all", *options], prefix=f"{ours}-")

    def ask(self, command: str, *options: str, target: str = "") -> subprocess.CompletedProcess[bytes]:
        """`inspect`, `list-tags` or `delete` of what was pushed."""
        return self._run(command, target or self.target, options=options)

    def _run(self, *arguments: str, options: object, prefix: str = "") -> subprocess.CompletedProcess[bytes]:
        credentials = [f"--{prefix}creds", self._credentials] if self._credentials else []
        return run(program("skopeo"), *arguments, *options, f"--{prefix}tls-verify=false", *credentials)


class Layout:
    """An OCI image layout on disk. Source: OCI image specification 1.1, image-layout.md."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, content: bytes, media_type: str) -> dict[str, object]:
        """Keep `content`; its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def document(self, document: dict[str, object], media_type: str) -> dict[str, object]:
        """Keep `document` as JSON; its descriptor."""
        return self.blob(json.dumps(document).encode(), media_type)

    def image(self, architecture: str) -> dict[str, object]:
        """Keep an image for `architecture`; its descriptor, for an index."""
        layer = self.blob(f"layer for {architecture}".encode(), f"{OCI}.layer.v1.tar")
        root = {"type": "layers", "diff_ids": [layer["digest"]]}
        config = self.document(
            {"architecture": architecture, "os": "linux", "rootfs": root, "config": {}}, f"{OCI}.config.v1+json"
        )
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": config,
            "layers": [layer],
        }
        platform = {"platform": {"architecture": architecture, "os": "linux"}}
        return self.document(manifest, f"{OCI}.manifest.v1+json") | platform

    def tag(self, name: str, *architectures: str) -> str:
        """Put `name` on an index of images; where skopeo finds it."""
        images = [self.image(architecture) for architecture in architectures]
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": images}
        top = self.document(index, f"{OCI}.index.v1+json")
        top["annotations"] = {"org.opencontainers.image.ref.name": name}
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
        return f"oci:{self.folder}:{name}"


@pytest.fixture
def skopeo(registry: EmbeddedEmulator, way: Way, tmp_path: Path) -> Skopeo:
    """skopeo, after it pushed an image for two platforms; a file that protects it is there."""
    client = Skopeo(registry, way)
    done = client.copy(Layout(tmp_path / "image").tag("v1", "amd64", "arm64"), client.target, SAME)
    assert 0 == done.returncode, done.stderr
    (tmp_path / "registry.yaml").write_text(PROTECTED)
    return client


def test_skopeo_reads_back_what_it_pushed(skopeo, tmp_path: Path):
    """The index to the byte, one platform's config, the tags, and every blob of every platform."""
    raw = skopeo.ask("inspect", "--raw")
    inspected = skopeo.ask("inspect", "--override-arch=arm64", "--override-os=linux")
    listed = skopeo.ask("list-tags", target=skopeo.target.removesuffix(":v1"))
    copied = skopeo.copy(skopeo.target, f"oci:{tmp_path / 'copy'}:v1", SAME)

    pushed = _blobs(tmp_path / "image")
    assert [0, 0, 0, 0] == [done.returncode for done in (raw, inspected, listed, copied)], copied.stderr
    assert raw.stdout == pushed[hashlib.sha256(raw.stdout).hexdigest()]
    assert ("arm64", "linux") == (json.loads(inspected.stdout)["Architecture"], json.loads(inspected.stdout)["Os"])
    assert ["v1"] == json.loads(listed.stdout)["Tags"]
    assert pushed == _blobs(tmp_path / "copy")


def test_skopeo_deletes_what_it_pushed(skopeo, registry):
    """The tag goes with its manifest; the images that it named stay."""
    deleted = skopeo.ask("delete")

    assert (0, None) == (deleted.returncode, registry.tag("web/api:v1")), deleted.stderr
    assert {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True} == (
        registry.repository("web/api")
    )


def test_what_skopeo_pushed_is_planned_applied_and_planned_empty(registry, skopeo, way, tmp_path: Path):
    """Three manifests behind one tag; two changes; then none; and the bytes are what they were."""
    place = ("registry.yaml", "--registry", registry.url)
    before = skopeo.ask("inspect", "--raw")

    planned = reconciler(tmp_path, "plan", *place, "--format", "json", way=way)
    applied = reconciler(tmp_path, "apply", *place, "--auto-approve", way=way)
    again = reconciler(tmp_path, "plan", *place, "--detailed-exitcode", way=way)
    after = skopeo.ask("inspect", "--raw")

    assert ["web/api", "web/api:v1"] == [change["address"] for change in json.loads(planned.stdout)["changes"]]
    assert (0, 0) == (applied.returncode, again.returncode), applied.stderr
    assert before.stdout == after.stdout != b""


def test_skopeo_can_neither_overwrite_nor_delete_what_was_applied(registry, skopeo, way, tmp_path: Path):
    """The lock is the registry's, so it holds for everybody, and its words reach whoever pushes."""
    reconciler(tmp_path, "apply", "registry.yaml", "--registry", registry.url, "--auto-approve", way=way)
    before = registry.tag("web/api:v1")
    shutil.rmtree(tmp_path / "image")

    overwritten = skopeo.copy(Layout(tmp_path / "image").tag("v1", "riscv64"), skopeo.target)
    deleted = skopeo.ask("delete")

    assert (1, 1) == (overwritten.returncode, deleted.returncode)
    assert REFUSED in overwritten.stderr.decode()
    assert before == registry.tag("web/api:v1") != None  # noqa: E711 - all three at once


def test_a_pinned_tag_is_moved_and_moved_back_byte_for_byte(registry, skopeo, way, tmp_path: Path):
    """An index and its children: what skopeo reads under the tag, and the digests, are what they were."""
    first = registry.tag("web/api:v1")["digest"]
    elsewhere = skopeo.target.replace(":v1", ":v2")
    other = Layout(tmp_path / "other").tag("v2", "riscv64", "s390x")
    assert 0 == skopeo.copy(other, elsewhere, SAME).returncode
    before, wanted = skopeo.ask("inspect", "--raw"), skopeo.ask("inspect", "--raw", target=elsewhere)
    second = registry.tag("web/api:v2")["digest"]

    raw = []
    for digest in (second, first):
        (tmp_path / "pinned.yaml").write_text(
            "version: 1\nrepositories:\n  - match: web/api\n    tags:\n"
            f"      - {{match: v1, digest: '{digest}', protect: immutable}}\n"
        )
        place = ("pinned.yaml", "--registry", registry.url)
        applied = reconciler(tmp_path, "apply", *place, "--auto-approve", way=way)
        again = reconciler(tmp_path, "plan", *place, "--detailed-exitcode", way=way)
        assert (0, 0) == (applied.returncode, again.returncode), applied.stderr
        raw.append((registry.tag("web/api:v1")["digest"], skopeo.ask("inspect", "--raw").stdout))

    copied = skopeo.copy(skopeo.target, f"oci:{tmp_path / 'copy'}:v1", SAME)
    assert [(second, wanted.stdout), (first, before.stdout)] == raw
    assert 0 == copied.returncode, copied.stderr
    assert _blobs(tmp_path / "image") == _blobs(tmp_path / "copy")


@pytest.mark.parametrize("mode", ["token", "basic"])
def test_skopeo_with_a_wrong_password_pushes_nothing(start_emulator, tmp_path: Path, mode):
    """It is told so, and nothing is there."""
    way = WAYS[mode]
    registry = start_emulator(way.settings)
    client = Skopeo(registry, way, password="wrong")

    done = client.copy(Layout(tmp_path / "image").tag("v1", "amd64"), client.target)

    assert (1, None) == (done.returncode, registry.repository("web/api"))
    assert "authentication required" in done.stderr.decode()


def _blobs(layout: Path) -> dict[str, bytes]:
    return {blob.name: blob.read_bytes() for blob in (layout / "blobs" / "sha256").iterdir()}
