"""The demonstration on a terminal: a live panel where somebody watches, plain lines elsewhere."""

from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lineside.cli.demo_texts import TEXTS
from lineside.cli.output import say
from lineside.inspection.verdict import Verdict
from lineside.statistics.rates import RateInterval
from lineside.workflows.demo import DemoPlan, DemoSite, DemoSummary, Outcome, Passage, RunRate, SinkStanding, Tally

_LAST = 8
_REFRESH_PER_S = 8
_STYLE = {Verdict.OK: "green", Verdict.NG: "bold red", Verdict.NOT_INSPECTED: "yellow"}
_WRONG = {Outcome.ESCAPE: "bold red", Outcome.FALSE_CALL: "magenta"}


class PlainView:
    """One line a stage and a line now and then while the line runs, on stderr.

    Args:
        plan: what runs.
    """

    def __init__(self, plan: DemoPlan) -> None:
        self._plan = plan
        self._texts = TEXTS[plan.language]

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    def stage(self, name: str) -> None:
        """Say what begins."""
        say(stage_text(self._texts, name, self._plan))

    def running(self, site: DemoSite) -> None:
        """Say where to look."""
        for line in where_to_look(site, self._texts):
            say(line)

    def judged(self, passage: Passage, tally: Tally) -> None:
        """Say which part did not pass, and for every tenth how it stands."""
        part, answer = passage.part, passage.answer
        if answer is None or answer.verdict is not Verdict.OK:
            verdict = self._texts["unanswered"] if answer is None else answer.verdict.value
            truth = self._texts["defective" if part.is_defective else "good"]
            why = "" if passage.failure is None else f" {passage.failure}"
            say(f"{part.part_id} {verdict} ({self._texts['truth']}: {truth}) {passage.latency_ms:.0f} ms{why}")
        if tally.parts % 10 == 0:
            counts = ", ".join(f"{tally.verdicts[verdict]} {verdict.value}" for verdict in Verdict)
            say(f"{tally.parts} {self._texts['parts']}: {counts}; {rate_text(tally.detector_rate(), self._texts)}")


class LivePanel:
    """A panel that is drawn anew several times a second.

    Args:
        plan: what runs.
        console: the terminal.
    """

    def __init__(self, plan: DemoPlan, console: Console) -> None:
        self._plan = plan
        self._texts = TEXTS[plan.language]
        self._console = console
        self._stage = ""
        self._site: DemoSite | None = None
        self._tally = Tally()
        self._last: deque[Passage] = deque(maxlen=_LAST)
        self._live = Live(
            get_renderable=self._panel, console=console, refresh_per_second=_REFRESH_PER_S, transient=True
        )  # asks for the panel at once

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the panel."""
        self._live.__exit__(kind, error, trace)

    def stage(self, name: str) -> None:
        """Show what begins."""
        self._stage = stage_text(self._texts, name, self._plan)

    def running(self, site: DemoSite) -> None:
        """Show where to look."""
        self._site = site

    def judged(self, passage: Passage, tally: Tally) -> None:
        """Remember for the next drawing."""
        self._last.append(passage)
        self._tally = tally

    def _panel(self) -> RenderableType:
        lines: list[RenderableType] = [Text(self._stage, style="bold")]
        if self._site is not None:
            lines += [Text(line) for line in where_to_look(self._site, self._texts)]
        if self._tally.parts:
            lines += [Text(), Columns([self._figures(), self._confusion()], padding=(0, 4)), Text(), self._last_parts()]
        return Panel(Group(*lines), title="lineside demo", subtitle=self._texts["stop"], border_style="cyan")

    def _figures(self) -> Table:
        tally, texts = self._tally, self._texts
        total = "" if self._plan.parts is None else f" / {self._plan.parts}"
        table = Table.grid(padding=(0, 2))
        table.add_row(texts["parts"], f"{tally.parts}{total}")
        counts = Text("  ").join(
            Text(f"{tally.verdicts[verdict]} {verdict.value}", style=_STYLE[verdict]) for verdict in Verdict
        )
        table.add_row(texts["verdicts"], counts)
        table.add_row(texts["detector_rate"], interval_text(tally.detector_rate(), texts))
        table.add_row(texts["true_rate"], f"{tally.defective / tally.parts:.1%}")
        table.add_row(texts["latency"], latency_text(tally.latency_ms(0.5), tally.latency_ms(0.99)))
        answers = [passage.answer for passage in self._last if passage.answer is not None]
        if answers:
            table.add_row(texts["thresholds"], texts[answers[-1].threshold_status])
        return table

    def _confusion(self) -> Table:
        return confusion_table(self._tally.outcomes, self._texts)

    def _last_parts(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for passage in reversed(self._last):
            part, answer = passage.part, passage.answer
            verdict = Text("-") if answer is None else Text(answer.verdict.value, style=_STYLE[answer.verdict])
            found = passage.failure or ""
            if answer is not None:
                found = ", ".join(sorted({defect.class_name for defect in answer.defects}))
            truth = self._texts["defective" if part.is_defective else "good"]
            table.add_row(
                part.part_id,
                verdict,
                f"{passage.latency_ms:.0f} ms",
                Text(f"{self._texts['truth']}: {truth}", style=_WRONG.get(passage.outcome, "dim")),
                found,
            )
        return table


def print_summary(summary: DemoSummary, console: Console, *, language: str) -> None:
    """Print the closing summary."""
    texts = TEXTS[language]
    console.print(confusion_table(summary.outcomes, texts, title=texts["summary"]))
    console.print(rates_table(summary, texts))
    figures = Table.grid(padding=(0, 2))
    figures.add_row(texts["parts"], f"{summary.parts}: {_made_of(summary, texts)}")
    figures.add_row(texts["rests"], _rests_on(summary.rate, texts))
    figures.add_row(texts["latency"], latency_text(summary.latency_p50_ms, summary.latency_p99_ms))
    reviews = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.reviews.items()))
    figures.add_row(texts["reviews"], reviews or texts["none"])
    for sink in summary.sinks:
        figures.add_row(texts["told"].format(name=sink.name), delivery_text(sink, texts))
    console.print(figures)


def where_to_look(site: DemoSite, texts: Mapping[str, str]) -> list[str]:
    """The addresses of everything that runs, one a line."""
    peers = site.peers
    lines = []
    if site.page_url is not None:
        lines.append(texts["page"].format(url=site.page_url, key=site.viewer_key))
    if peers.mes_page_url is not None:
        lines.append(texts["mes"].format(url=peers.mes_page_url))
    lines.append(texts["twin"].format(url=site.url))
    if peers.broker_port is not None:
        lines.append(texts["broker"].format(port=peers.broker_port))
    if peers.opcua is not None:
        door = peers.opcua
        lines.append(texts["opcua"].format(endpoint=door.endpoint, user=door.user, file=door.password_file))
    if site.mlops_key is not None:
        lines.append(texts["deploy"].format(url=site.url, key=site.mlops_key))
    return lines


def delivery_text(sink: SinkStanding, texts: Mapping[str, str]) -> str:
    """How far a sink is, in its own word of proof."""
    said = f"{sink.delivered} {texts[sink.proof]}"
    if sink.parked:
        said += ", " + texts["parked"].format(count=sink.parked)
    if sink.waiting:
        said += ", " + texts["waiting"].format(count=sink.waiting)
    return said if sink.trouble is None else f"{said} ({sink.trouble})"


def confusion_table(outcomes: Mapping[Outcome, int], texts: Mapping[str, str], *, title: str | None = None) -> Table:
    """Counts of each outcome."""
    table = Table(title=title, show_header=False, box=None, padding=(0, 2))
    names = {
        Outcome.HIT: "hits",
        Outcome.ESCAPE: "escapes",
        Outcome.FALSE_CALL: "false_calls",
        Outcome.CORRECT_PASS: "passes",
        Outcome.NOT_INSPECTED: "not_inspected",
        Outcome.UNANSWERED: "unanswered",
    }
    for outcome, name in names.items():
        count = outcomes.get(outcome, 0)
        table.add_row(texts[name], Text(str(count), style=_WRONG.get(outcome, "") if count else "dim"))
    return table


def stage_text(texts: Mapping[str, str], name: str, plan: DemoPlan) -> str:
    """A stage in words."""
    return texts[name].format(data=plan.data_dir, rate=plan.defect_rate, seed=plan.seed)


def rate_text(rate: RateInterval, texts: Mapping[str, str]) -> str:
    """A rate with its name, its interval and the counts behind it."""
    return f"{texts['detector_rate']}: {interval_text(rate, texts)}"


def interval_text(rate: RateInterval, texts: Mapping[str, str]) -> str:
    """A rate with its interval and the counts behind it."""
    if rate.estimate is None:
        return texts["none"]
    return f"{rate.estimate:.1%} [{rate.lower:.1%}, {rate.upper:.1%}] ({rate.events}/{rate.units})"


def _made_of(summary: DemoSummary, texts: Mapping[str, str]) -> str:
    return texts["made_of"].format(
        defective=summary.defective, rate=summary.defect_rate, faint=summary.faint, marked=summary.marked
    )


def rates_table(summary: DemoSummary, texts: Mapping[str, str]) -> Table:
    """The true rate, the detector rate and the rate, and of each interval whether it holds the truth."""
    table = Table(title=texts["rates"], box=None, padding=(0, 2))
    for name in ("", "share", "interval", "truth_in"):
        table.add_column(texts[name] if name else "")
    truth, detector, estimate = summary.true_rate_inspected, summary.detector_rate, summary.rate.estimate
    table.add_row(texts["true_rate"], _share(truth, texts), "", "")
    for name, point, lower, upper, holds in (
        ("detector_rate", detector.estimate, detector.lower, detector.upper, summary.is_truth_in_detector_rate),
        ("rate", estimate.point, estimate.lower, estimate.upper, summary.is_truth_in_rate),
    ):
        mark = Text() if holds is None else Text(texts["inside"], style="green")
        if holds is False:
            mark = Text(texts["outside"], style="bold red")
        table.add_row(texts[name], _share(point, texts), f"{lower:.1%} .. {upper:.1%}", mark)
    return table


def _share(share: float | None, texts: Mapping[str, str]) -> str:
    return texts["unknown"] if share is None else f"{share:.1%}"


def _rests_on(rate: RunRate, texts: Mapping[str, str]) -> str:
    return texts["rests_on"].format(
        confirmed=rate.estimate.confirmed,
        escapes=rate.escapes_found,
        audited=rate.audited,
        open=rate.estimate.unconfirmed,
    )


def latency_text(p50_ms: float | None, p99_ms: float | None) -> str:
    """Two quantiles in milliseconds."""
    return "-" if p50_ms is None or p99_ms is None else f"{p50_ms:.0f} / {p99_ms:.0f} ms"
