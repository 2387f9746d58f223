"""Who is to be told, from a file and from the command line; and what is wrong with that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.alerts.settings import sinks_from_file
from reconciler.alerts.short import sink_from_text
from reconciler.errors import DesiredStateError, RefusedError

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "alerts.md"
HOOK = "https://hooks.slack.com/services/T0123456/B0123456/s3cr3tw0rds"
ENVIRONMENT = {"HOOK": HOOK, "KEY": "s3cr3tk3y", "EMPTY": " ", "TWO": "s3cr3t words", "WORD": "s3cr3t"}

EVERYTHING = """\
version: 1
repeat: 24h
sinks:
  - slack: {url: {env: HOOK}}
    name: release-team
    severity: critical
  - teams: {url: {file: FILE}}
  - pagerduty: {routing_key: {env: KEY}, url: "https://events.eu.pagerduty.com"}
  - alertmanager: {url: "http://alertmanager:9093", interval: 15m}
  - webhook: {url: "https://example.com/hook", secret: {env: KEY}, mode: structured}
  - webhook: {url: "http://example.com/hook", insecure: true}
    name: the old one
  - github: {}
  - jsonlines: {path: drift.jsonl}
  - apprise: {url: {env: KEY}}
    severity: warning
"""


def read(tmp_path, text, path="alerts.yaml"):
    """What a file of that text says."""
    (tmp_path / path).write_text(text)
    return sinks_from_file(str(tmp_path / path), ENVIRONMENT)


def problems(tmp_path, text):
    """What is wrong with it, without the folder."""
    with pytest.raises(DesiredStateError) as caught:
        read(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_a_file_with_every_sink(tmp_path):
    """Names are for people; a key is what is remembered, and stays when a secret is replaced."""
    (tmp_path / "teams").write_text(f"{HOOK}\n")

    settings = read(tmp_path, EVERYTHING.replace("FILE", str(tmp_path / "teams")))

    assert 86_400 == settings.repeat_s
    assert [
        ("release-team", "slack:release-team:critical"),
        (f"teams file:{tmp_path}/teams", f"teams:file:{tmp_path}/teams"),
        ("pagerduty env:KEY", "pagerduty:env:KEY"),
        ("alertmanager http://alertmanager:9093", "alertmanager:http://alertmanager:9093"),
        ("webhook https://example.com/…19f1352238b91533", "webhook:https://example.com/…19f1352238b91533"),
        ("the old one", "webhook:the old one"),
        ("github", "github:"),
        ("jsonlines drift.jsonl", "jsonlines:drift.jsonl"),
        ("apprise env:KEY", "apprise:env:KEY"),
    ] == [(sink.name, sink.key) for sink in settings.sinks]
    assert "s3cr3t" not in repr(settings)


def test_the_file_that_the_page_shows(tmp_path):
    """It can be copied."""
    shown = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    (tmp_path / "teams").write_text(HOOK)

    settings = read(tmp_path, re.sub("env: [A-Z_]+", "env: HOOK", shown).replace("/run/secrets", str(tmp_path)))

    assert 8 == len(settings.sinks)


def test_all_problems_are_told_at_once(tmp_path):
    """Each with its place, and none with what it is about where that may be a secret."""
    text = f"""\
version: 2
repeat: often
sinks:
  - slack: {{url: {HOOK}}}
  - slack: {{url: {{env: "{HOOK}"}}}}
  - teams: {{url: {{file: "{HOOK}"}}}}
  - teams: {{url: {{env: NOWHERE}}}}
  - pagerduty: {{routing_key: {{env: EMPTY}}}}
  - pagerduty: {{routing_key: {{env: TWO}}}}
  - slack: {{url: {{env: WORD}}}}
  - webhook: {{url: "https://me:s3cr3t@example.com/"}}
  - webhook: {{url: "http://example.com/"}}
  - webhook: {{url: "https://example.com/", mode: binary, sekret: {{env: KEY}}}}
  - alertmanager: {{}}
  - jsonlines: {{path: "-"}}
  - jsonlines: {{path: a}}
    slack: {{url: {{env: HOOK}}}}
  - name: nobody
    severity: high
  - github:
  - github:
  - [github]
  - slack: {{url: {{envy: HOOK}}}}
  - slack: {{url: [HOOK]}}
  - teams: {{url: {{file: /nowhere/teams}}}}
  - github: {{}}
    name: "two\\nlines"
  - mail: {{}}
  - pagerduty: {{routing_key: {{env: s3cr3t4c0ffee}}}}
  - pagerduty: {{routing_key: {{file: s3cr3t4c0ffee}}}}
"""

    told = problems(tmp_path, text)

    assert (HERE / "problems.txt").read_text() == f"{told}\n"
    assert "s3cr3t" not in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "alerts.yaml: the file is empty"),
        ("version: 1\nsinks: []\n", "alerts.yaml:2:8: sinks: names nobody"),
        ("version: 1\n", "alerts.yaml:1:1: sinks is required"),
        ("version: 1\nsinks: [", "alerts.yaml:3:1: not valid YAML: "),
    ],
)
def test_a_file_that_tells_nobody(tmp_path, text, says):
    """It is refused: whoever wrote it meant somebody."""
    assert problems(tmp_path, text).startswith(says)


def test_a_period_longer_than_a_year_is_refused(tmp_path):
    """A time so far ahead is in no calendar."""
    entry = '{{alertmanager: {{url: "http://localhost:9093", interval: {}}}}}'.format
    text = f"version: 1\nrepeat: 367d\nsinks: [{entry('999999w')}, {entry('366d')}]\n"

    told = problems(tmp_path, text)

    hint = "\n  a whole number and s, m, h, d or w: 15m, 24h, 7d"
    assert [
        f'alerts.yaml:2:9: repeat: "367d" is longer than 366 days{hint}',
        f'alerts.yaml:3:65: sinks[0].alertmanager.interval: "999999w" is longer than 366 days{hint}',
    ] == re.split(r"\n(?=alerts)", told)


def test_a_file_that_is_not_there(tmp_path):
    """By its name."""
    with pytest.raises(DesiredStateError, match=r"nowhere\.yaml: cannot be read: No such file or directory"):
        sinks_from_file(str(tmp_path / "nowhere.yaml"), ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("slack+env:HOOK", "slack:env:HOOK"),
        (HOOK, "slack:https://hooks.slack.com/…ad3705568a524180"),
        (f"teams+{HOOK}", "teams:https://hooks.slack.com/…ad3705568a524180"),
        ("pagerduty+env:KEY", "pagerduty:env:KEY"),
        ("alertmanager+http://alertmanager:9093", "alertmanager:http://alertmanager:9093"),
        ("webhook+https://example.com", "webhook:https://example.com"),
        ("webhook+http://127.0.0.1:8080", "webhook:http://127.0.0.1:8080"),
        ("github:", "github:"),
        ("jsonlines:a+b.jsonl", "jsonlines:a+b.jsonl"),
        ("jsonlines:./a//b.jsonl", "jsonlines:a/b.jsonl"),
        ("apprise+env:KEY", "apprise:env:KEY"),
    ],
)
def test_a_sink_in_one_text(text, key):
    """The same sink as from a file: what was told there is not told again."""
    sink = sink_from_text(text, ENVIRONMENT)

    assert key == sink.key
    assert "s3cr3t" not in repr(sink)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "https://me:s3cr3t@example.com/s3cr3t",
            'alert "https://example.com/…": there is no such sink; there are:\n  slack+env:SLACK_WEBHOOK\n',
        ),
        ("s3cr3t", 'alert "…": there is no such sink'),
        ("mail+env:HOOK", 'alert "…": there is no such sink'),
        ("http://[s3cr3t", 'alert "http://…": there is no such sink'),
        ("slack+env:NOWHERE", "alert slack: NOWHERE is not set in the environment"),
        ("slack+env:s3cr3t/", "alert slack: this is not the name of a variable"),
        ("pagerduty+env:s3cr3t4c0ffee", "alert pagerduty: no variable of this name is set in the environment\n  it is"),
        ("pagerduty+file:s3cr3t4c0ffee", "alert pagerduty: there is no file of this name\n  it is not shown"),
        ("pagerduty+file:no/where", "alert pagerduty: no/where cannot be read: No such file or directory"),
        ("slack+s3cr3t", "alert slack: it is not said where it is\n  such as slack+env:SLACK_WEBHOOK"),
        ("pagerduty+https://s3cr3t", "alert pagerduty: it is not said where it is"),
        ("webhook+http://example.com/s3cr3t", "alert webhook: plain http to another machine"),
        ("webhook+https://me:s3cr3t@example.com", "alert webhook: a URL must not hold a user or password"),
        ("teams+https://", "alert teams: this is no http or https URL"),
        ("jsonlines:-", "alert jsonlines: - is stdout, and that is for the answer"),
        ("jsonlines:", "alert jsonlines: needs a value"),
    ],
)
def test_a_text_that_names_no_sink(text, says):
    """It says what there is, and shows nothing that may be a secret."""
    with pytest.raises(RefusedError) as caught:
        sink_from_text(text, ENVIRONMENT)

    assert str(caught.value).startswith(says)
    assert "s3cr3t" not in str(caught.value)
