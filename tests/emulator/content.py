"""Content to push, and a plain HTTP client that pushes it."""

import hashlib
import json

import httpx

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Http(httpx.Client):
    """httpx with the few steps that pushing takes."""

    def upload(self, name: str, content: bytes) -> dict:
        """Send a blob; its descriptor."""
        digest = digest_of(content)
        answer = self.post(f"/v2/{name}/blobs/uploads/", params={"digest": digest}, content=content)
        assert 201 == answer.status_code
        return {"mediaType": "application/octet-stream", "digest": digest, "size": len(content)}

    def image(self, name: str, content: bytes = b"layer", **members: object) -> bytes:
        """Send the blobs of an image; the bytes of its manifest."""
        config = self.upload(name, b"{}") | {"mediaType": "application/vnd.oci.image.config.v1+json"}
        layers = [self.upload(name, content)]
        return json.dumps({"schemaVersion": 2, "config": config, "layers": layers, **members}).encode()

    def put(self, name: str, reference: str, manifest: bytes, media_type: str = OCI_MANIFEST) -> httpx.Response:
        """Send a manifest."""
        path = f"/v2/{name}/manifests/{reference}"
        return self.request("PUT", path, content=manifest, headers={"content-type": media_type})


def digest_of(content: bytes) -> str:
    """The digest that names `content`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
