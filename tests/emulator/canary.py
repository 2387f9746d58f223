"""A repository that must outlive whatever a test sends."""

from __future__ import annotations

import json

from content import Http

from reconciler.emulator import EmbeddedEmulator

CANARY = "canary/locked"
FLAGS = ("deleteEnabled", "writeEnabled", "readEnabled", "listEnabled")
OFF = dict.fromkeys(FLAGS, False)


class Canary:
    """A repository that was locked in every way before; nothing that is sent may change it."""

    def __init__(self, emulator: EmbeddedEmulator, http: Http) -> None:
        self._emulator, self._http = emulator, http
        self.digest = emulator.push(f"{CANARY}:v1", b"shared")
        self._manifest = http.get(f"/v2/{CANARY}/manifests/v1").content
        self.layer = json.loads(self._manifest)["layers"][0]["digest"]
        self._layer = http.get(f"/v2/{CANARY}/blobs/{self.layer}").content
        for place in self._places():
            emulator.patch(place, **OFF)

    def must_be_as_it_was(self) -> None:
        """Attributes, digest, timestamps and bytes, which can be read once reading is permitted again."""
        tag = self._http.get(f"/acr/v1/{CANARY}/_tags/v1").json()["tag"]
        manifest = self._http.get(f"/acr/v1/{CANARY}/_manifests/{self.digest}").json()["manifest"]
        repository = self._http.get(f"/acr/v1/{CANARY}").json()
        assert [OFF] * 3 == [found["changeableAttributes"] for found in (tag, manifest, repository)]
        assert (self.digest, ["v1"]) == (tag["digest"], manifest["tags"])
        assert tag["createdTime"] == tag["lastUpdateTime"]
        assert (1, 1) == (repository["manifestCount"], repository["tagCount"])
        for place in self._places():
            self._emulator.patch(place, readEnabled=True)
        assert self._manifest == self._http.get(f"/v2/{CANARY}/manifests/v1").content
        assert self._layer == self._http.get(f"/v2/{CANARY}/blobs/{self.layer}").content

    def _places(self) -> tuple[str, str, str]:
        return f"{CANARY}@{self.digest}", f"{CANARY}:v1", CANARY
