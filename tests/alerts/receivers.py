"""The sinks that speak HTTP, each in front of a server that takes what its service takes."""

from __future__ import annotations

import attrs
import services
from servers import Answer, ScriptedServer

from reconciler.alerts.posting import Patience
from reconciler.alerts.settings import sinks_from_file
from reconciler.alerts.sink import Sink

SECRET_PATH = "/services/T0123456/B0123456/s3cr3tw0rds3cr3t"
QUICK = Patience(request_s=60, total_s=120, pause_s=0.001, attempts=3)


@attrs.frozen
class Service:
    """One service, and the sink that tells it."""

    check: services.Check
    status: int
    entry: str  # of the file of alerts; URL stands for where it is, SECRET for a URL with a secret


SERVICES = {
    "slack": Service(services.slack, 200, "slack: {url: {env: SECRET}}"),
    "teams": Service(services.teams, 202, "teams: {url: {env: SECRET}}"),
    "pagerduty": Service(services.pagerduty, 202, "pagerduty: {routing_key: {env: KEY}, url: URL}"),
    "alertmanager": Service(services.alertmanager, 200, "alertmanager: {url: URL}"),
    "webhook": Service(services.webhook, 204, "webhook: {url: {env: SECRET}, secret: {env: KEY}}"),
    "webhook, one by one": Service(services.webhook, 202, "webhook: {url: {env: SECRET}, mode: structured}"),
}


def sink_at(server: ScriptedServer, name: str, tmp_path, patience: Patience = QUICK) -> Sink:
    """The sink of that service, in front of a server."""
    path = tmp_path / "alerts.yaml"
    entry = SERVICES[name].entry.replace("URL", f'"{server.url}"')
    path.write_text(f"version: 1\nsinks:\n  - {entry}\n")
    environment = {"SECRET": f"{server.url}{SECRET_PATH}", "KEY": services.KEY}
    (sink,) = sinks_from_file(str(path), environment, patience).sinks
    return sink


def open_for(server: ScriptedServer, name: str, *before: Answer) -> None:
    """The server takes what the service takes, after it has answered otherwise."""
    service = SERVICES[name]
    server.on("*", *before, services.taking(service.check, status=service.status))
