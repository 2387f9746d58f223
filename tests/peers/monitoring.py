"""
Prometheus, Alertmanager and a Pushgateway, as they are installed, with nothing in them.

Each is a process of its own with its data in a folder that the test gives, and is asked over HTTP. What is
waited for has a deadline: these programs act on intervals of their own.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import attrs
import httpx
from clients import program
from servers import free_port

RULES = Path(__file__).parent.parent.parent / "specs" / "monitoring" / "alert-rules.yaml"
DEADLINE_S = 30.0
_POLL_S = 0.1
Found = TypeVar("Found")


def until(look: Callable[[], Found], is_it: Callable[[Found], bool] = bool) -> Found:
    """What `look` finds, as soon as it is what was waited for; fails with what it found last."""
    give_up_s = time.monotonic() + DEADLINE_S
    while not is_it(found := look()):
        assert time.monotonic() < give_up_s, found
        time.sleep(_POLL_S)
    return found


@attrs.frozen
class Service:
    """A program that runs, by its URL."""

    url: str

    def json(self, path: str, **query: str) -> Any:
        """What it answers to a GET."""
        return httpx.get(f"{self.url}{path}", params=query).raise_for_status().json()


class Alertmanager(Service):
    """Keeps alerts, and sends them nowhere."""

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are firing, as its API tells them."""
        return self.json("/api/v2/alerts", active="true")


class Prometheus(Service):
    """Scrapes one target each second, and evaluates our rules more often."""

    def value(self, query: str) -> float | None:
        """The value of the one series that a query finds; None: it finds none."""
        result = self.json("/api/v1/query", query=query)["data"]["result"]
        return float(result[0]["value"][1]) if len(result) == 1 else None


class Pushgateway(Service):
    """Keeps what is pushed."""

    def metrics(self) -> str:
        """All of it, in the text format."""
        return httpx.get(f"{self.url}/metrics").raise_for_status().text


@contextlib.contextmanager
def running_alertmanager(folder: Path) -> Iterator[Alertmanager]:
    """One that tells nobody, and groups without waiting."""
    (folder / "alertmanager.yml").write_text(
        "route: {receiver: nobody, group_wait: 0s, group_interval: 1s}\nreceivers: [{name: nobody}]\n"
    )
    options = (
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager",
        "--cluster.listen-address=",
    )
    with _running(folder, "prometheus-alertmanager", *options) as url:
        yield Alertmanager(url)


@contextlib.contextmanager
def running_pushgateway(folder: Path) -> Iterator[Pushgateway]:
    """One that forgets all when it ends."""
    with _running(folder, "prometheus-pushgateway", "--persistence.file=") as url:
        yield Pushgateway(url)


@contextlib.contextmanager
def running_prometheus(folder: Path, target: str, alertmanager: Alertmanager) -> Iterator[Prometheus]:
    """One that scrapes `target`, a host and port, and tells the alertmanager."""
    told = alertmanager.url.partition("://")[2]
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 250ms}\n"
        f"rule_files: [{RULES}]\n"
        f"scrape_configs: [{{job_name: node, static_configs: [{{targets: ['{target}']}}]}}]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{told}']}}]}}]}}\n"
    )
    options = (
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/prometheus",
        "--rules.alert.resend-delay=250ms",
    )
    with _running(folder, "prometheus", *options) as url:
        yield Prometheus(url)


@contextlib.contextmanager
def _running(folder: Path, name: str, *options: str) -> Iterator[str]:
    host = f"127.0.0.1:{free_port()}"
    log = folder / f"{name}.log"
    with log.open("wb") as written:
        command = [program(name), f"--web.listen-address={host}", *options]
        process = subprocess.Popen(command, cwd=folder, stdout=written, stderr=subprocess.STDOUT)
        try:
            until(lambda: _is_ready(process, host, log))
            yield f"http://{host}"
        finally:
            process.kill()
            process.wait()


def _is_ready(process: subprocess.Popen[bytes], host: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://{host}/-/ready").is_success
    return False
