"""The loop in one page: escapes before and after, what was labelled and why, what the gate said."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.workflows.demo.loop.summary import LoopSummary, Stretch
from lineside.workflows.figures.drawing import AMBER, BLUE, SOFT, new_figure, styled
from lineside.workflows.pages import Facts, Links, Notice, NoticeLevel, Paragraph, Picture, Section, Table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_NAME = "loop.html"
JSON_NAME = "loop.json"

_APART = 0.16  # of a row: the two rates lie above each other


def write_loop_page(summary: LoopSummary, folder: Path) -> Path:
    """Write `loop.html` and `loop.json`; returns the page.

    Raises:
        OSError: the folder cannot be written.
    """
    (folder / JSON_NAME).write_text(json.dumps(summary.to_json(), indent=2, allow_nan=False) + "\n", "utf-8")
    page = folder / PAGE_NAME
    plan = summary.plan
    write_page(
        "The labelling loop, shown on a virtual line",
        (
            Section("", (_verdict(summary),)),
            Section(
                "Escapes, by the truth that only the line knows",
                (
                    Picture(
                        escape_figure(summary.stretches),
                        "Share of the defective parts that passed, with its 95 % Wilson score interval.",
                    ),
                    Table(("the line", "parts", "escapes", "of films", "false calls"), summary.rows),
                    Paragraph(
                        f"{plan.defect_rate:.0%} of the parts are truly defective. From part {plan.steady_parts} on "
                        f"{plan.film_share:.0%} of these have thin films of copper instead of solid defects."
                    ),
                ),
            ),
            Section(
                "Labels",
                (
                    Facts(
                        (
                            ("Budget, spent by", f"{plan.budget}, {plan.arm.value}"),
                            ("Read in Label Studio", str(summary.labelled.parts)),
                            ("Truly defective, of these with films", _two(summary)),
                            ("Wrong readings", f"{summary.labelled.wrong} (set: {plan.annotator_errors:.0%})"),
                            ("Revision", summary.revision),
                        )
                    ),
                    Table(("reason", "parts"), [(name, str(count)) for name, count in summary.reasons.items()]),
                ),
            ),
            *((_refused(summary),) if summary.refusals else ()),
            Section(
                "Times",
                (Table(("step", "seconds"), [(name, f"{took:.0f}") for name, took in summary.seconds.items()]),),
            ),
            Section("More", (Links((("What was learnt from which labels", _beside(summary.retrain_page, folder)),)),)),
        ),
        page,
        subtitle=f"seed {plan.seed}; candidate {summary.candidate}",
    )
    return page


def escape_figure(stretches: "tuple[tuple[str, Stretch], ...]") -> "Figure":
    """Escape rates of all defects and of films, one row a run of the line."""
    with styled():
        figure = new_figure(height_in=1.4 + 0.6 * len(stretches))
        axis = figure.subplots()
        for place, (_, stretch) in enumerate(stretches):
            for offset, rate, colour, name in (
                (-_APART, stretch.escape_rate(), BLUE, "all defects"),
                (_APART, stretch.film_escape_rate(), AMBER, "films"),
            ):
                label = name if place == len(stretches) - 1 else None
                if rate.estimate is None:
                    continue
                at = place + offset
                axis.plot([100 * rate.lower, 100 * rate.upper], [at, at], color=colour, linewidth=3)
                axis.plot(100 * rate.estimate, at, "o", color=colour, markersize=7, clip_on=False, label=label)
        names = [f"{name}\n{stretch.films + stretch.solids} defective" for name, stretch in stretches]
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlim(0, 100)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("passed, % of the defective parts", color=SOFT)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _verdict(summary: LoopSummary) -> Notice:
    before, after = summary.before.escape_rate(), summary.after.escape_rate()
    if not summary.is_promoted:
        return Notice(
            f"The gate refused the candidate ({summary.gate.replace('_', ' ')}), for {len(summary.refusals)} reasons "
            "(below). The line went on with the model that it had.",
            NoticeLevel.BAD,
        )
    return Notice(
        f"The gate let {summary.candidate} pass, and it is live. Of the defective parts the line passed "
        f"{before.lower:.0%} to {before.upper:.0%} before, and {after.lower:.0%} to {after.upper:.0%} after.",
        NoticeLevel.GOOD,
    )


def _refused(summary: LoopSummary) -> Section:
    return Section("Why the gate refused", tuple(Paragraph(reason) for reason in summary.refusals))


def _two(summary: LoopSummary) -> str:
    return f"{summary.labelled.defective}, {summary.labelled.films}"


def _beside(path: Path, folder: Path) -> str:
    return path.absolute().relative_to(folder.absolute()).as_posix()
