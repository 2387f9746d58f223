"""A desired-state file on disk, loaded, and what is said about it."""

from __future__ import annotations

import pytest

from reconciler.errors import DesiredStateError
from reconciler.files import load_desired


@pytest.fixture
def load(tmp_path):
    """Write a text (or bytes) to registry.yaml and load it."""

    def load_text(text):
        path = tmp_path / "registry.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_desired([str(path)])

    return load_text


@pytest.fixture
def complaints(load, tmp_path):
    """Load a text that is refused; what is said about it, one text for each problem."""

    def complaints_about(text):
        with pytest.raises(DesiredStateError) as caught:
            load(text)
        return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]

    return complaints_about
