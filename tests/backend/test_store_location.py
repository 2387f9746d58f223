"""Which store a location names, and which text is no location."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reconciler.backend.location import open_store
from reconciler.errors import BackendError


@pytest.mark.parametrize(
    ("location", "kind", "name"),
    [
        (".reconciler/state.json", "FileStore", ".reconciler/state.json"),
        ("/var/lib/prod.json", "FileStore", "/var/lib/prod.json"),
        ("file:///var/lib/prod.json", "FileStore", "/var/lib/prod.json"),
        ("az://state/prod/state.json", "ObjectStore", "az://state/prod/state.json"),
        ("s3://state/prod.json", "ObjectStore", "s3://state/prod.json"),
        ("gs://state/prod.json", "ObjectStore", "gs://state/prod.json"),
    ],
)
def test_a_location_names_a_store(location, kind, name):
    """A path, or an object in a bucket; nothing is asked yet."""
    store = open_store(location)

    assert (kind, name) == (type(store).__name__, store.name)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("", "the location is empty"),
        ("azure://state/prod.json", "azure:// is not known"),
        ("https://account.blob.core.windows.net/state/prod.json", "https:// is not known"),
        ("az://state", "az://state names no object"),
        ("az://state/", "az://state/ names no object"),
        ("s3:///prod.json", "s3:///prod.json names no object"),
        ("s3://state/a/../b.json", "names no object"),
        ("s3://state/a//b.json", "names no object"),
        ("state/", "state/: a folder, not a file"),
        (".", ".: a folder, not a file"),
        ("a\x1b[31m", "a character that does not print"),
        ("a\0b", "a character that does not print"),
        ("az://../state.json", "what stands after az:// is no name of a container or bucket"),
        ("s3://a b/state.json", "what stands after s3:// is no name of a container or bucket"),
        ("file://", "is file:///PATH"),
        ("file://host/state.json", "is file:///PATH"),
    ],
)
def test_what_is_no_location_is_refused(location, said):
    """The message says what is allowed."""
    with pytest.raises(BackendError) as raised:
        open_store(location)

    assert said in str(raised.value)
    assert "\n  " in str(raised.value)


@pytest.mark.parametrize(
    "location",
    [
        "az://key:hunter2@state/a.json",
        "az://key:hunter2/a.json",
        "az://state/a.json?sig=hunter2",
        "s3://state/a#hunter2",
        "file:///a?sig=hunter2",
    ],
)
def test_a_secret_in_a_location_is_not_repeated(location):
    """It would end up in a log."""
    with pytest.raises(BackendError) as raised:
        open_store(location)

    assert "hunter2" not in str(raised.value)


def test_a_name_that_is_too_long_is_one_error():
    """Of reading, like everything that the file system refuses."""
    with pytest.raises(BackendError, match="cannot be read: file name too long"):
        open_store("x" * 5000).read("")


def test_a_folder_that_one_may_not_look_into_is_one_error(tmp_path):
    """For root there is none, so root looks as somebody else."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    script = (
        "import os, sys\n"
        "import reconciler.backend.local\n"
        "from reconciler.backend.location import open_store\n"
        "from reconciler.errors import BackendError\n"
        "os.getuid() or os.setuid(65534)\n"
        "try:\n"
        "    open_store(sys.argv[1]).read('')\n"
        "except BackendError as error:\n"
        "    print(error)\n"
    )

    command = [sys.executable, "-c", script, f"{closed}/state.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert f"{closed}/state.json: cannot be read: permission denied" in done.stdout, done.stderr


def test_an_object_store_that_cannot_be_reached_ends_in_one_error():
    """Where, what, what now; and no secret of the environment, nor of an address, in it."""
    script = (
        "from reconciler.backend.location import open_store\n"
        "from reconciler.errors import BackendError\n"
        "try:\n"
        "    open_store('s3://state/prod.json').read('')\n"
        "except BackendError as error:\n"
        "    print(error)\n"
    )
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "hunter2-secret",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "eu-west-1",
    }

    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("s3://state/prod.json: cannot be read: ")
    assert ": Connection refused\n  " in done.stdout
    assert "hunter2" not in done.stdout
    assert "AKIAEXAMPLE" not in done.stdout
