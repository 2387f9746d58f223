"""
The kinds of sinks that there are: what each is told about itself, and how it is made.

`settings` reads a file or an option by this table, so a new kind is a row here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping as AnyMapping
from typing import Any, TypeAlias

import attrs

from reconciler.alerts.posting import Patience
from reconciler.alerts.references import Url, checked_url, secret, secret_url, url
from reconciler.alerts.secret import Secret
from reconciler.alerts.sink import Sink
from reconciler.alerts.sinks import pagerduty, webhook
from reconciler.alerts.sinks.alertmanager import PATH, alertmanager_requests
from reconciler.alerts.sinks.apprise import Apprise
from reconciler.alerts.sinks.critical_only import CriticalOnly
from reconciler.alerts.sinks.github import VARIABLE, GitHub
from reconciler.alerts.sinks.jsonlines import JsonLines
from reconciler.alerts.sinks.over_http import HttpSink
from reconciler.alerts.sinks.slack import slack_requests
from reconciler.alerts.sinks.teams import teams_requests
from reconciler.files.nodes import Node
from reconciler.files.values import FLAGS, Refused, text_of
from reconciler.files.wording import printable, quote, suggestion

Environment: TypeAlias = AnyMapping[str, str]
Values: TypeAlias = AnyMapping[str, Any]

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PERIOD = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_MAX_PERIOD_S = 366 * 86_400  # longer is a mistake, and calendars end
_PERIOD_HINT = "a whole number and s, m, h, d or w: 15m, 24h, 7d"
_PLAIN_HTTP = "plain http to another machine shows a secret to everybody on the way"
_EVENTS = "/v2/enqueue"


@attrs.frozen
class Naming:
    """What a sink is called."""

    name: str  # as messages call it
    key: str


@attrs.frozen
class Kind:
    """One kind of sink."""

    fields: AnyMapping[str, Callable[[Node, Environment], Any]]  # how each value is read
    make: Callable[[Naming, Values, Environment, Patience], Sink]
    main: str = ""  # the field that is required, tells it from others, and is named in the short form
    example: str = ""  # of the short form

    @property
    def name(self) -> str:
        """As files call it."""
        return re.split("[+:]", self.example)[0]


def period_s(text: str) -> int:
    """
    The seconds that a text such as `15m`, `24h` or `7d` stands for.

    Raises:
        Refused: it stands for none, or for more than 366 days.
    """
    found = _PERIOD.fullmatch(text)
    if found is None or not int(found[1]):
        raise Refused(f"{quote(text)} is no duration", _PERIOD_HINT)
    seconds = int(found[1]) * _UNITS_S[found[2]]
    if seconds > _MAX_PERIOD_S:
        raise Refused(f"{quote(text)} is longer than 366 days", _PERIOD_HINT)
    return seconds


def one_of(*known: str) -> Callable[[Node, Environment], str]:
    """The function that reads one of these words."""

    def read(node: Node, _: Environment) -> str:
        text = text_of(node)
        if text not in known:
            raise Refused(f"must be {' or '.join(known)}, not {quote(text)}{suggestion(text, known)}")
        return text

    return read


def _period(node: Node, _: Environment) -> int:
    return period_s(text_of(node))


def _path(node: Node, _: Environment) -> str:
    text = text_of(node)
    if text == "-":
        raise Refused("- is stdout, and that is for the answer", "name a file, or /dev/stderr")
    return text


def _checked(address: Url, values: Values) -> Url:
    if not address.is_encrypted and values.get("insecure") != "true":
        raise Refused(_PLAIN_HTTP, "use https, or let this machine pass it on")
    return address


def _slack(naming: Naming, values: Values, _: Environment, patience: Patience) -> Sink:
    address = _checked(values["url"], values)
    return HttpSink(naming.name, naming.key, address.target(), slack_requests, patience)


def _teams(naming: Naming, values: Values, _: Environment, patience: Patience) -> Sink:
    address = _checked(values["url"], values)
    return HttpSink(naming.name, naming.key, address.target(), teams_requests, patience)


def _pagerduty(naming: Naming, values: Values, _: Environment, patience: Patience) -> Sink:
    routing_key: Secret = values["routing_key"]
    target = _checked(values.get("url") or checked_url(pagerduty.BASE, ""), values).below(_EVENTS)
    target = attrs.evolve(target, secrets=(*target.secrets, routing_key.value))
    return pagerduty.PagerDuty(naming.name, naming.key, target, routing_key, patience)


def _alertmanager(naming: Naming, values: Values, _: Environment, patience: Patience) -> Sink:
    # Nothing secret goes there, and within a cluster it listens on plain http; so that is fine.
    requests = alertmanager_requests(values.get("interval"))
    return HttpSink(naming.name, naming.key, values["url"].below(PATH), requests, patience, wants_each_run=True)


def _webhook(naming: Naming, values: Values, _: Environment, patience: Patience) -> Sink:
    signed: Secret | None = values.get("secret")
    address = _checked(values["url"], values)
    is_structured = values.get("mode") == "structured"
    return HttpSink(
        naming.name,
        naming.key,
        address.target(*([signed.value] if signed else [])),
        webhook.structured_requests if is_structured else webhook.batched_requests,
        patience,
        sign=webhook.signer(signed.value) if signed else None,
        parallel=webhook.PARALLEL,
    )


def _github(naming: Naming, _: Values, environment: Environment, __: Patience) -> Sink:
    return GitHub(naming.name, naming.key, environment.get(VARIABLE, ""))


def _jsonlines(naming: Naming, values: Values, _: Environment, patience: Patience) -> Sink:
    return JsonLines(naming.name, naming.key, values["path"], wait_s=patience.request_s)


def _apprise(naming: Naming, values: Values, _: Environment, __: Patience) -> Sink:
    return Apprise(naming.name, naming.key, values["url"])


KINDS: AnyMapping[str, Kind] = {
    "slack": Kind({"url": secret_url}, _slack, "url", "slack+env:SLACK_WEBHOOK"),
    "teams": Kind({"url": secret_url}, _teams, "url", "teams+env:TEAMS_WEBHOOK"),
    "pagerduty": Kind({"routing_key": secret, "url": url}, _pagerduty, "routing_key", "pagerduty+env:PD_KEY"),
    "alertmanager": Kind(
        {"url": url, "interval": _period}, _alertmanager, "url", "alertmanager+http://alertmanager:9093"
    ),
    "webhook": Kind(
        {"url": url, "secret": secret, "mode": one_of(*webhook.MODES), "insecure": one_of(*FLAGS)},
        _webhook,
        "url",
        "webhook+https://example.com/hook",
    ),
    "github": Kind({}, _github, "", "github:"),
    "jsonlines": Kind({"path": _path}, _jsonlines, "path", "jsonlines:drift.jsonl"),
    "apprise": Kind({"url": secret}, _apprise, "url", "apprise+env:APPRISE_URL"),
}
NAMES = tuple(KINDS)


def made(kind: str, values: AnyMapping[str, Any], environment: Environment, patience: Patience) -> Sink:
    """
    The sink of these values, which may have the `name` and `severity` that each sink may have.

    Raises:
        Refused: they do not go together.
    """
    identity = _identity(values.get(KINDS[kind].main))
    default = f"{kind} {identity}".strip()
    name = values.get("name") or default
    key = f"{kind}:{values.get('name') or identity}"
    if values.get("severity") != "critical":
        return KINDS[kind].make(Naming(name, key), values, environment, patience)
    key = f"{key}:critical"  # who is to hear of more from now on has not heard of it
    sink = KINDS[kind].make(Naming(name, key), values, environment, patience)
    return CriticalOnly(sink, name, key, sink.wants_each_run)


def _identity(value: Secret | Url | str | None) -> str:
    """What tells a sink from others of its kind: where its secret comes from, its host, its path."""
    if isinstance(value, Secret):
        return value.reference
    if isinstance(value, Url):
        return value.identity
    return (
        printable(posixpath.normpath(value)) if value else ""
    )  # it is opened as it was said, for links lead elsewhere
