"""Prometheus metrics of one app: a registry of its own, so that several apps in one process count apart."""

import math
from collections.abc import Mapping, Set
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from lineside.serving.inspections.schemas import InspectionOut

_LATENCY_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Fine between a fast CPU's frame (tens of milliseconds) and a slow line's deadline (a second or more)."""


SINK_STATES = ("delivering", "waiting", "person_needed", "stopped")


class Metrics:
    """What an app counts. Names start with `lineside_`; units are in the names."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._inspections = Counter(
            "lineside_inspections",
            "Judged attempts by verdict.",
            ["station", "verdict"],
            registry=self.registry,
        )
        self._reasons = Counter(
            "lineside_reasons",
            "Reasons given with verdicts, by code.",
            ["station", "code"],
            registry=self.registry,
        )
        self._audits = Counter(
            "lineside_audit_draws", "Passed parts drawn for review.", ["station"], registry=self.registry
        )
        self._stages = Histogram(
            "lineside_stage_seconds",
            "Time from a frame's arrival to its verdict, by stage.",
            ["stage"],
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._problems = Counter(
            "lineside_request_problems",
            "Requests answered with a problem, by kind; `shed` are those refused for want of room.",
            ["kind"],
            registry=self.registry,
        )
        self._images_not_stored = Counter(
            "lineside_images_not_stored",
            "Images that the disk did not take; their verdicts stand.",
            registry=self.registry,
        )
        self._queue_depth = Gauge(
            "lineside_queue_depth", "Frames admitted and not yet answered.", registry=self.registry
        )
        self._ledger_sequence = Gauge(
            "lineside_ledger_sequence", "Number of the last durable event.", registry=self.registry
        )
        self._deployments = Counter(
            "lineside_deployments",
            "Deployments accepted, refused and withdrawn.",
            ["state"],
            registry=self.registry,
        )
        self._expiry = Gauge(
            "lineside_deployment_expires_in_seconds",
            "Time to the end of each deployment in force; negative: ended, and its parts are NOT_INSPECTED.",
            ["serial", "release", "mode"],
            registry=self.registry,
        )
        self._shadow = Counter(
            "lineside_shadow_parts",
            "Parts that a second release was to look at, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self._rollbacks = Counter(
            "lineside_canary_rollbacks",
            "Canaries that the server took back by itself.",
            ["cause"],
            registry=self.registry,
        )
        self._drift_alarms = Gauge(
            "lineside_drift_alarms",
            "Open drift alarms.",
            ["line", "station", "release"],
            registry=self.registry,
        )
        self._label_suggestions = Counter(
            "lineside_label_suggestions",
            "Label tasks that Label Studio asked the live model about: a suggestion given, or none.",
            ["outcome"],
            registry=self.registry,
        )
        self._label_hints = Counter(
            "lineside_label_hints",
            "Webhooks of Label Studio that were believed, by what came of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._signals = Counter(
            "lineside_signals",
            "What was told to the MES and the twin beside the verdicts, by event type.",
            ["type", "station"],
            registry=self.registry,
        )
        self._station_states = Gauge(
            "lineside_station_state",
            "1 for the state that each station is in, in OPC 40100-1's words.",
            ["station", "state"],
            registry=self.registry,
        )
        self._image_alarms = Gauge(
            "lineside_image_alarm",
            "1 while a station's pictures are unfit to judge by.",
            ["station"],
            registry=self.registry,
        )
        self._window_rates = Gauge(
            "lineside_window_rate",
            "Of the last window told: share of NG parts (detector), estimated defect rate and its interval.",
            ["station", "product", "figure"],
            registry=self.registry,
        )
        self._sink_lag_events = Gauge(
            "lineside_delivery_lag_events",
            "Events of the log behind a sink's cursor.",
            ["sink"],
            registry=self.registry,
        )
        self._sink_lag_s = Gauge(
            "lineside_delivery_lag_seconds", "Age of the first event behind it.", ["sink"], registry=self.registry
        )
        self._sink_delivered = Gauge(
            "lineside_delivery_delivered",
            "Events delivered since the sink first began.",
            ["sink"],
            registry=self.registry,
        )
        self._sink_parked = Gauge(
            "lineside_delivery_parked", "Events that wait for a person's decision.", ["sink"], registry=self.registry
        )
        self._sink_state = Gauge(
            "lineside_delivery_state", "1 for the state that a sink is in.", ["sink", "state"], registry=self.registry
        )
        build = Gauge("lineside_build_info", "1, with the version.", ["version"], registry=self.registry)
        build.labels(version("lineside")).set(1)

    def inspection_closed(self, answer: InspectionOut) -> None:
        """Count one verdict."""
        self._inspections.labels(answer.station, answer.verdict.value).inc()
        for reason in answer.reasons:
            self._reasons.labels(answer.station, reason.code.value).inc()
        if answer.audit:
            self._audits.labels(answer.station).inc()
        for stage, taken_ms in answer.timings_ms.items():
            self._stages.labels(stage).observe(taken_ms / 1000.0)

    def sink_stands(self, sink: str, *, state: str, lag_events: int, lag_s: float, delivered: int, parked: int) -> None:
        """Show how a sink stands."""
        self._sink_lag_events.labels(sink).set(lag_events)
        self._sink_lag_s.labels(sink).set(lag_s)
        self._sink_delivered.labels(sink).set(delivered)
        self._sink_parked.labels(sink).set(parked)
        for known in SINK_STATES:
            self._sink_state.labels(sink, known).set(known == state)

    def request_problem(self, kind: str) -> None:
        """Count one request that was answered with a problem."""
        self._problems.labels(kind).inc()

    def image_not_stored(self) -> None:
        """Count one image that the disk did not take."""
        self._images_not_stored.inc()

    def deployment_changed(self, state: str) -> None:
        """Count one deployment that was accepted, refused or withdrawn."""
        self._deployments.labels(state).inc()

    def shadow_compared(self, outcome: str) -> None:
        """Count one part that a second release looked at, or did not."""
        self._shadow.labels(outcome).inc()

    def canary_rolled_back(self, cause: str) -> None:
        """Count one canary that the server took back by itself."""
        self._rollbacks.labels(cause).inc()

    def drift_alarms_stand(self, numbers: Mapping[tuple[str, str, str], int]) -> None:
        """Say how many drift alarms are open, by line, station and release."""
        self._drift_alarms.clear()
        for (line, station, release), number in numbers.items():
            self._drift_alarms.labels(line, station, release).set(number)

    def signal_told(self, event_type: str, station: str) -> None:
        """Count one rate, chart signal, state or image alarm that was told; a chart of several stations has none."""
        self._signals.labels(event_type, station).inc()

    def stations_stand(self, states: Mapping[str, str], *, alarming: Set[str]) -> None:
        """Say which state each station is in, and whose pictures are unfit."""
        self._station_states.clear()
        for station, state in states.items():
            self._station_states.labels(station, state).set(1)
            self._image_alarms.labels(station).set(station in alarming)

    def window_told(self, station: str, product: str, figures: Mapping[str, float | None]) -> None:
        """Say the rates of a station's last window, by figure; what is not known is NaN."""
        for figure, value in figures.items():
            self._window_rates.labels(station, product, figure).set(math.nan if value is None else value)

    def label_suggestion(self, outcome: str) -> None:
        """Count one label task that the live model was asked about."""
        self._label_suggestions.labels(outcome).inc()

    def label_hint(self, outcome: str) -> None:
        """Count one webhook that was believed."""
        self._label_hints.labels(outcome).inc()

    def exposition(
        self, *, queue_depth: int, ledger_sequence: int, expiry_s: Mapping[tuple[str, str, str], float]
    ) -> bytes:
        """All figures in Prometheus' text format, with what stands at this moment.

        Args:
            queue_depth: frames inside.
            ledger_sequence: of the last durable event.
            expiry_s: time left of each deployment in force, by serial, release and mode.
        """
        self._expiry.clear()
        for (serial, release, mode), left_s in expiry_s.items():
            self._expiry.labels(serial, release, mode).set(left_s)
        self._queue_depth.set(queue_depth)
        self._ledger_sequence.set(ledger_sequence)
        return generate_latest(self.registry)
