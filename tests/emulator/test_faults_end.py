"""What a fault began ends with it, however it is turned off."""

from __future__ import annotations

import json

import pytest

HIDES = [{"visible_after_reads": 99}, {"reverts_after_reads": 1}]


@pytest.mark.parametrize("off", ["put", "patch", "delete"])
@pytest.mark.parametrize("fault", HIDES, ids=["shows late", "reverts"])
def test_nothing_is_left_of_a_fault_that_is_turned_off(http, emulator, fault, off):
    """A change that was held back shows, and one that would be undone stays."""
    emulator.push("team/app:v1", content=b"one")
    http.request("PUT", "/emulator/faults", content=json.dumps(fault))
    http.patch("/acr/v1/team/app/_tags/v1", content=b'{"writeEnabled": false}')

    turned_off = {"put": {}, "patch": dict.fromkeys(fault), "delete": None}[off]
    http.request(off.upper(), "/emulator/faults", content=json.dumps(turned_off))

    shown = [http.get("/acr/v1/team/app/_tags/v1").json()["tag"]["changeableAttributes"] for _ in range(3)]
    assert [False] * 3 == [attributes["writeEnabled"] for attributes in shown]
