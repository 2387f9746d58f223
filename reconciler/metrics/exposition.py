"""Metrics as Prometheus' text format, and back; the one place that knows the library for it."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from reconciler.errors import RefusedError
from reconciler.metrics.families import COMMON, FAMILIES, Family
from reconciler.metrics.observing import Key, Metrics

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_INSTALL = "the package prometheus-client is not installed\n  pip install 'acr-reconciler[metrics]' installs it."
_BY_NAME = {family.name: family for family in FAMILIES}


def check_installed(asked_by: str) -> None:
    """
    Find out, before anything is done, whether metrics can be written.

    Raises:
        RefusedError: the library for it is not installed.
    """
    if not is_installed():
        raise RefusedError(f"{asked_by}: {_INSTALL}")


def is_installed() -> bool:
    """The library for them is there."""
    return importlib.util.find_spec("prometheus_client") is not None


def exposition(metrics: Metrics) -> bytes:
    """All of them in the text format, version 0.0.4, sorted."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(metrics))
    return generate_latest(registry)


def metrics_from(content: bytes) -> Metrics:
    """
    The metrics in a file that `exposition` wrote, of an earlier version too.

    Raises:
        RefusedError: it holds something else, which is not ours to replace.
    """
    from prometheus_client.parser import text_string_to_metric_families

    try:
        found = [sample for family in text_string_to_metric_families(content.decode()) for sample in family.samples]
    except (ValueError, LookupError, TypeError, AttributeError):  # the parser is not particular about what it raises
        raise RefusedError("not metrics in Prometheus' text format") from None
    samples = {}
    for name, labels, value, *_ in found:
        if not name.startswith("reconciler_"):
            raise RefusedError(f'holds metrics of something else, such as "{name}"')
        if (family := _BY_NAME.get(name)) and 0 <= value < math.inf:
            samples[_key(family, labels)] = value
    return Metrics(samples)


def _key(family: Family, labels: dict[str, str]) -> Key:
    return family.name, tuple(labels.get(label, "") for label in (*COMMON, *family.labels))


@attrs.frozen(eq=False)
class _Collected:
    """What prometheus-client asks for its metrics."""

    metrics: Metrics

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
        for family in FAMILIES:
            own = sorted(item for item in self.metrics.samples.items() if item[0][0] == family.name)
            if own:
                told = kinds[family.kind](family.name, family.help, labels=(*COMMON, *family.labels))
                for (_, labels), value in own:
                    told.add_metric(labels, value)
                yield told
