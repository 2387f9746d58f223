"""The examples of the documentation are files that load."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.files.load import desired_from_texts

DOCUMENT = Path(__file__).parents[2] / "docs" / "desired-state.md"


def test_the_examples_are_loaded_alone_and_together():
    """The file says what it shows, and the overlay can be applied to it."""
    base, overlay = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    texts = [("base", base.encode())], [("overlay", overlay.encode())]

    alone, together = desired_from_texts(texts[0]), desired_from_texts(*texts)

    assert ("contoso.azurecr.io", 3, 1) == (alone.registry, len(alone.repositories), len(alone.exceptions))
    assert "contosoprod.azurecr.io" == together.registry
    assert ["v*", "pr-*", "hotfix-*"] == [tag.match[0].text for tag in together.repositories[0].tags]
