"""
The metrics that there are: names, labels and help, in the order in which they are written.

Each of them bears the registry and the command: two jobs of one machine then never write the
same series, and neither does a job that looks and one that applies. docs/metrics.md
shows this table; a test compares the two.
"""

from __future__ import annotations

from typing import Literal

import attrs

COMMON = ("registry", "command")


@attrs.frozen
class Family:
    """A metric, with all of its series."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()  # besides the common ones


BUILD_INFO = Family("reconciler_build_info", "gauge", "The version that ran; always 1.", ("version",))
LAST_RUN = Family("reconciler_last_run_timestamp_seconds", "gauge", "When the last run ended, in Unix time.")
LAST_SUCCESS = Family(
    "reconciler_last_success_timestamp_seconds", "gauge", "When the last run that succeeded ended, in Unix time."
)
SUCCESS = Family(
    "reconciler_last_run_success",
    "gauge",
    "1 where the last run did what it was asked, whatever it found, otherwise 0.",
)
DURATION = Family("reconciler_last_run_duration_seconds", "gauge", "How long the last run took.")
COMPLETE = Family("reconciler_complete", "gauge", "1 where the last run could read everything, otherwise 0.")
DRIFTING = Family(
    "reconciler_drifting_resources",
    "gauge",
    "Resources that somebody changed behind our back, as last seen.",
    ("cause", "severity"),
)
MANAGED = Family("reconciler_managed_resources", "gauge", "Resources that some rule declares, as last seen.")
UNMANAGED = Family("reconciler_unmanaged_resources", "gauge", "Resources that no rule declares, as last seen.")
UNREAD = Family("reconciler_unread_resources", "gauge", "Resources that could not be read in full, as last seen.")
PLANNED = Family(
    "reconciler_planned_changes", "gauge", "Changes in the plan of the last run that made one.", ("action",)
)
CHANGES = Family("reconciler_changes_total", "counter", "Changes of all runs, by how they ended.", ("action", "status"))
REQUESTS = Family(
    "reconciler_requests_total",
    "counter",
    "Requests to the registry, repeats included, by the status of the answer; none where no answer came.",
    ("class", "status"),
)
THROTTLED = Family(
    "reconciler_throttled_seconds_total",
    "counter",
    "Time in which no request of a class was sent, because the registry had answered 429.",
    ("class",),
)
LAST_THROTTLED = Family(
    "reconciler_last_run_throttled_seconds",
    "gauge",
    "Time of the last run in which no request of a class was sent, because the registry had answered 429.",
    ("class",),
)

FAMILIES = (
    BUILD_INFO,
    LAST_RUN,
    LAST_SUCCESS,
    SUCCESS,
    DURATION,
    COMPLETE,
    DRIFTING,
    MANAGED,
    UNMANAGED,
    UNREAD,
    PLANNED,
    CHANGES,
    REQUESTS,
    THROTTLED,
    LAST_THROTTLED,
)
