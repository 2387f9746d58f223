"""What is peculiar to one sink: incidents, ends of alerts, signatures, files, GitHub, Apprise."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import json
import re
import resource
import time
from pathlib import Path

import attrs
import pytest
from happened import AT, TIGHTENED, batch, event, events, resolved
from receivers import open_for, sink_at
from servers import reply, scripted
from services import KEY

from reconciler.alerts.appending import append
from reconciler.alerts.delivery import deliver
from reconciler.alerts.secret import Secret
from reconciler.alerts.sinks.alertmanager import alertmanager_requests
from reconciler.alerts.sinks.apprise import Apprise
from reconciler.alerts.sinks.github import GitHub, commands
from reconciler.alerts.sinks.jsonlines import JsonLines
from reconciler.alerts.sinks.pagerduty import pagerduty_requests
from reconciler.errors import AlertError

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
quietly = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise imports it


async def tell(sink, told):
    """The error that comes of it; empty: none."""
    (delivery,) = await deliver([(sink, told)])
    return delivery.error


def actions(told):
    """What PagerDuty is told: action and key of each incident."""
    sent = [json.loads(each.body) for each in pagerduty_requests(told, KEY)]
    return [(each["event_action"], each["dedup_key"]) for each in sent]


def test_one_incident_for_all_of_a_cause_and_a_severity():
    """Thousands of tags wake somebody once; a conflict is another matter."""
    told = batch(*events(["a:v1", "a:v2"]), event("a:v3", TIGHTENED), event("a:v4", cause="conflict"))

    found = actions(told)

    assert ["trigger"] * 3 == [action for action, _ in found]
    assert 3 == len({key for _, key in found})


def test_an_incident_is_resolved_when_nothing_of_it_fires():
    """By the same key; and not before."""
    first, second = events(["a:v1", "a:v2"])
    ((_, key),) = actions(batch(first, second))

    assert [] == actions(batch(resolved(first), firing=[second]))
    assert [("resolve", key)] == actions(batch(resolved(second), firing=[]))
    assert [("trigger", key)] == actions(batch(resolved(second), event("a:v3")))


async def test_a_run_that_is_not_complete_resolves_nothing(tmp_path):
    """It says so, so that it is told again; else the incident would stay open for ever."""
    with scripted() as server:
        open_for(server, "pagerduty")

        error = await tell(
            sink_at(server, "pagerduty", tmp_path), batch(resolved(event("a:v1")), firing=[], is_complete=False)
        )

    assert "not everything could be read, so no incident is resolved; the next run tries again" == error
    assert [] == server.requests


@pytest.mark.parametrize(
    ("said_s", "known_s", "end"),
    [
        (None, None, "2026-11-28T20:10:03+00:00"),
        (None, 900, "2026-11-26T20:40:03+00:00"),
        (3600, 900, "2026-11-26T22:10:03+00:00"),
    ],
)
def test_an_alert_ends_after_two_runs(said_s, known_s, end):
    """What the file says goes before what the run knows; without either it is a day."""
    (request,) = alertmanager_requests(said_s)(batch(event(), interval_s=known_s))

    assert [end] == [alert["endsAt"] for alert in json.loads(request.body)]


def test_alertmanager_is_given_all_that_fires_and_what_is_over():
    """Also without news; and what is over ends now."""
    still = attrs.evolve(event("a:v1"), first_seen="2026-11-20T08:00:00Z")
    over = resolved(event("a:v2"), AT)

    (request,) = alertmanager_requests(None)(batch(over, firing=[still]))

    first, second = json.loads(request.body)
    assert ("a:v1", "2026-11-20T08:00:00+00:00") == (first["labels"]["address"], first["startsAt"])
    assert ("a:v2", "2026-11-26T20:10:03+00:00") == (second["labels"]["address"], second["endsAt"])


@pytest.mark.parametrize("first_seen", ["2030-01-01T00:00:00Z", "yesterday", "2026-11-26T20:10:03"])
def test_an_alert_never_starts_after_now(first_seen):
    """Alertmanager would refuse it, and all that is sent with it."""
    (request,) = alertmanager_requests(None)(batch(attrs.evolve(event(), first_seen=first_seen)))

    assert ["2026-11-26T20:10:03+00:00"] == [alert["startsAt"] for alert in json.loads(request.body)]


async def test_a_signature_is_verified_as_the_page_says(tmp_path):
    """Whoever exchanges the body, or sends it again an hour later, is found out."""
    names = {"hmac": hmac, "hashlib": hashlib, "time": time}
    exec(re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1], names)
    verify = names["verify"]
    with scripted() as server:
        open_for(server, "webhook")
        await tell(sink_at(server, "webhook", tmp_path), batch(event()))

    (request,) = server.requests
    signature = request.header("x-reconciler-signature")
    assert verify(KEY.encode(), signature, request.body)
    assert not verify(b"another", signature, request.body)
    assert not verify(KEY.encode(), signature, request.body + b" ")
    assert not verify(KEY.encode(), f"t={int(time.time()) - 3600},{signature.partition(',')[2]}", request.body)


async def test_a_file_gets_a_line_for_each_event(tmp_path):
    """At its end; what was there stays."""
    path = tmp_path / "drift.jsonl"
    path.write_text('{"specversion": "1.0"}\n')
    sink = JsonLines("jsonlines", "jsonlines:", str(path))

    error = await tell(sink, batch(event("a:v1"), resolved(event("a:v2"), replaced_by="sha256:x")))

    kept, *told = map(json.loads, path.read_text().splitlines())
    assert ("", {"specversion": "1.0"}) == (error, kept)
    assert [("a:v1", "firing"), ("a:v2", "resolved")] == [(each["subject"], each["data"]["status"]) for each in told]


async def test_a_file_that_cannot_be_written_is_said(tmp_path):
    """By its name."""
    error = await tell(JsonLines("jsonlines", "jsonlines:", str(tmp_path)), batch(event()))

    assert f"{tmp_path}: cannot be written: Is a directory" == error


def test_a_line_that_does_not_fit_is_taken_back(tmp_path):
    """And all that was written with it, so that the next run tells none of it twice."""
    path = tmp_path / "drift.jsonl"
    path.write_bytes(b"kept\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 + 64 + 10, limits[1]))

    try:
        with pytest.raises(AlertError, match=r"drift\.jsonl: cannot be written: No space left on device"):
            append(str(path), [b"a" * 63 + b"\n", b"b" * 63 + b"\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert b"kept\n" == path.read_bytes()


async def test_a_full_disk_is_said():
    """Nothing is told in part."""
    error = await tell(JsonLines("jsonlines", "jsonlines:", "/dev/full"), batch(event()))

    assert "/dev/full: cannot be written: No space left on device" == error


async def test_a_job_on_github_is_told(tmp_path, capsys):
    """Annotations on stderr, the rest in the summary of the step, after what is there."""
    path = tmp_path / "summary.md"
    path.write_text("before\n")

    error = await tell(GitHub("github", "github:", str(path)), batch(firing=[event("a:v1")]))

    output = capsys.readouterr()
    assert ("", "") == (error, output.out)
    assert output.err.startswith("::error file=registry.yaml,line=9,col=18,title=drift%3A a%3Av1::a:v1: whoever")
    assert path.read_text().startswith("before\n### `contoso.azurecr.io`: 1 resource drifted")


@pytest.mark.parametrize("stderr", [None, "closed"])
async def test_a_job_without_stderr_has_its_summary(tmp_path, stderr):
    """The annotations are gone, and nothing else."""
    path = tmp_path / "summary.md"
    closed = io.StringIO()
    closed.close()

    with contextlib.redirect_stderr(closed if stderr else None):
        error = await tell(GitHub("github", "github:", str(path)), batch(event("a:v1")))

    assert "" == error
    assert path.read_text().startswith("### `contoso.azurecr.io`: 1 resource drifted")


async def test_a_summary_without_drift_says_so(tmp_path):
    """The job ran, and that is what it found."""
    path = tmp_path / "summary.md"

    await tell(GitHub("github", "github:", str(path)), batch())

    assert "### `contoso.azurecr.io`: no drift\n\n" == path.read_text()


async def test_a_summary_that_is_full_is_said(tmp_path):
    """GitHub would show nothing of it."""
    path = tmp_path / "summary.md"
    path.write_bytes(b" " * 1024 * 1024)

    error = await tell(GitHub("github", "github:", str(path)), batch())

    assert "the summary of this step is full: GitHub takes 1 MiB" == error
    assert 1024 * 1024 == path.stat().st_size


async def test_elsewhere_there_is_no_job_to_tell():
    """The sink is of no use on a laptop."""
    error = await tell(GitHub("github", "github:", ""), batch(event()))

    assert "GITHUB_STEP_SUMMARY is not set\n  GitHub Actions sets it; this sink works nowhere else." == error


def test_github_shows_ten_of_each_kind():
    """More than that it drops without a word."""
    names = [f"a:v{number}" for number in range(15)]

    lines = list(commands([*events(names), *events(names, TIGHTENED)]))

    assert (10, 10) == tuple(sum(line.startswith(f"::{each} ") for line in lines) for each in ("error", "warning"))


@pytest.mark.parametrize("origin", ["", "base.yaml"])
def test_an_annotation_without_a_place_has_none(origin):
    """GitHub shows it at the job."""
    (line,) = commands([attrs.evolve(event("a:v1"), origins=(origin,) if origin else ())])

    assert line.startswith("::error title=drift%3A a%3Av1::a:v1: whoever may delete")


@quietly
async def test_apprise_delivers():
    """Its own protocol for JSON, to a real server; the type goes with the severity."""
    with scripted() as server:
        server.on("*", reply(200))

        error = await tell(apprise_at(f"json://{server.host}/s3cr3t"), batch(event("a:v1")))

    (request,) = server.requests
    told = json.loads(request.body)
    assert "" == error
    assert ("failure", "contoso.azurecr.io: 1 resource drifted, 1 loosened") == (told["type"], told["title"])
    assert told["message"].startswith("critical: a:v1 (loosened)\nwhoever may delete can delete it.\n")


@quietly
async def test_what_apprise_cannot_deliver_shows_no_url(capfd, caplog):
    """Neither in the error nor in a log."""
    with scripted() as server:
        server.on("*", reply(500))

        error = await tell(apprise_at(f"json://{server.host}/s3cr3t"), batch(event("a:v1")))

    said = "Apprise could not deliver it; what it says about that may hold the URL, so it is not shown"
    assert said == error
    assert "s3cr3t" not in f"{capfd.readouterr()}{caplog.text}"


@quietly
async def test_a_url_that_apprise_does_not_know_is_said(capfd, caplog):
    """Without the URL."""
    error = await tell(apprise_at("nonsense://s3cr3t"), batch(event("a:v1")))

    assert "Apprise does not know this kind of URL" == error
    assert "s3cr3t" not in f"{capfd.readouterr()}{caplog.text}"


def apprise_at(url):
    """The sink with that URL."""
    return Apprise("apprise", "apprise:env:X", Secret(url, "env:X"))
