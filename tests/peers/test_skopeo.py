"""skopeo, which is no Python package: it pushes a multi-arch image, we protect it, it finds it protected."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.peer

OCI = "application/vnd.oci.image"


@pytest.fixture(scope="module", autouse=True)
def _skopeo_is_there() -> None:
    assert shutil.which("skopeo"), "skopeo is not installed; `make test-peers` installs it, or: apt-get install skopeo"


def _skopeo(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["skopeo", *arguments], capture_output=True, timeout=60, check=False)


def _reconciler(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "reconciler", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)


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

    def tag(self, name: str, *architectures: str) -> None:
        """Put `name` on an index of images."""
        images = [self.image(architecture) for architecture in architectures]
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": images}
        top = self.document(index, f"{OCI}.index.v1+json")
        top["annotations"] = {"org.opencontainers.image.ref.name": name}
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))


@pytest.fixture
def pushed(emulator, tmp_path: Path):
    """A registry to which skopeo pushed a multi-arch image, and the file that protects it."""
    Layout(tmp_path / "image").tag("v1", "amd64", "arm64")
    target = f"docker://{emulator.host}/web/api:v1"
    done = _skopeo("copy", "--all", "--dest-tls-verify=false", f"oci:{tmp_path / 'image'}:v1", target)
    assert 0 == done.returncode, done.stderr
    (tmp_path / "registry.yaml").write_text(
        "version: 1\n"
        "repositories:\n"
        '  - match: "**"\n'
        "    attributes: {deleteEnabled: false}\n"
        '    tags: [{match: "v*", attributes: {deleteEnabled: false, writeEnabled: false}}]\n'
    )
    return target


def test_what_skopeo_pushed_is_planned_applied_and_planned_empty(emulator, pushed, tmp_path: Path):
    """Three manifests behind one tag; two changes; then none; and the bytes are what they were."""
    registry = ("registry.yaml", "--registry", emulator.url)
    before = _skopeo("inspect", "--raw", "--tls-verify=false", pushed)

    planned = _reconciler(tmp_path, "plan", *registry, "--format", "json")
    applied = _reconciler(tmp_path, "apply", *registry, "--auto-approve")
    again = _reconciler(tmp_path, "plan", *registry, "--detailed-exitcode")
    after = _skopeo("inspect", "--raw", "--tls-verify=false", pushed)

    assert ["web/api", "web/api:v1"] == [change["address"] for change in json.loads(planned.stdout)["changes"]]
    assert (0, 0) == (applied.returncode, again.returncode), applied.stderr
    assert before.stdout == after.stdout != b""


def test_skopeo_can_neither_overwrite_nor_delete_what_was_applied(emulator, pushed, tmp_path: Path):
    """The lock is the registry's, so it holds for everybody."""
    _reconciler(tmp_path, "apply", "registry.yaml", "--registry", emulator.url, "--auto-approve")
    before = emulator.tag("web/api:v1")
    shutil.rmtree(tmp_path / "image")
    Layout(tmp_path / "image").tag("v1", "riscv64")

    overwritten = _skopeo("copy", "--all", "--dest-tls-verify=false", f"oci:{tmp_path / 'image'}:v1", pushed)
    deleted = _skopeo("delete", "--tls-verify=false", pushed)

    assert overwritten.returncode != 0
    assert deleted.returncode != 0
    assert before == emulator.tag("web/api:v1")
