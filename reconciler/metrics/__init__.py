"""What runs come to, as metrics for Prometheus: in a file, at a Pushgateway, or as a page of a process that stays."""

from reconciler.metrics.facts import RunFacts, Seen, seen_in
from reconciler.metrics.observing import Metrics, observe

__all__ = ["Metrics", "RunFacts", "Seen", "observe", "seen_in"]
