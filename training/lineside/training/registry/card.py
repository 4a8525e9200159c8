"""The model card of a release: what it is, what was measured of it, and what nobody measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineside.inspection.release import InputKind, Release
from lineside.training.registry.thresholds import Thresholds

_INPUT = {
    InputKind.SINGLE: "single images",
    InputKind.REFERENCE: "a frame, the golden image registered to it, and their absolute difference",
}


@dataclass(frozen=True, slots=True, eq=False)
class CardFacts:
    """What the card is written from.

    Attributes:
        name: of the model line.
        version: of the release.
        release: the model as it is served.
        run: the training run's record.
        thresholds: defaults, and where they come from.
        metrics: of the manifest; empty where nothing was measured.
        parity: of the manifest; empty where nothing was measured.
        classes_without_canary: those that no canary frame shows.
    """

    name: str
    version: str
    release: Release
    run: Mapping[str, Any]
    thresholds: Thresholds
    metrics: Mapping[str, Any]
    parity: Mapping[str, Any]
    classes_without_canary: Sequence[str]


def render_card(facts: CardFacts) -> str:
    """The card as Markdown."""
    run, release = facts.run, facts.release
    width, height = release.input_size_wh_px
    thresholds = ", ".join(f"{name} {value:g}" for name, value in facts.thresholds.by_class.items())
    lines = [
        f"# {facts.name} {facts.version}",
        "",
        f"Finds {', '.join(release.classes)}.",
        "",
        f"- **Input**: {_INPUT[release.input_kind]}, {width}x{height} px; larger frames are tiled.",
        f"- **Data**: dataset revision `{run['dataset_revision']}`.",
        f"- **Start**: {run.get('start', 'unknown')}, parent `{run.get('parent') or 'none'}`.",
        f"- **Model**: {run.get('architecture')}, {run.get('epochs_done', '?')} epochs, seed {run.get('seed')}.",
        f"- **Command**: `{run.get('command', 'unknown')}`",
        f"- **Time**: {run.get('seconds', '?')} s on {run.get('machine', 'an unknown machine')}.",
        f"- **Thresholds** ({facts.thresholds.source}; uncertified): {thresholds}.",
        "- **Licence**: AGPL-3.0-only, as weights trained with ultralytics are; see LICENSE beside this card.",
        "",
        "## Figures",
        "",
        *_figures(facts.metrics),
        "",
        "## Engines",
        "",
        *_engines(facts.parity),
        "",
        "## Limits",
        "",
        *_limits(facts),
    ]
    return "\n".join(lines) + "\n"


def _figures(metrics: Mapping[str, Any]) -> list[str]:
    if not metrics:
        return ["Nothing was measured of this release when it was built."]
    detection, counts = metrics.get("detection", {}), metrics.get("counts", {})
    size = f"{counts.get('parts', '?')} parts, {counts.get('defects', '?')} defects"
    where = f"split {', '.join(metrics['splits']) or 'all images'} of revision `{metrics['revision']}`"
    lines = [
        f"On {where} ({size}), engine {metrics['engine']}. Brackets hold 95 % intervals.",
        "",
        "| figure | value |",
        "|---|---|",
        f"| escapes (defective parts passed) | {_share(metrics.get('escapes'))} |",
        f"| overkill (good parts rejected) | {_share(metrics.get('overkill'))} |",
        f"| mAP50 | {_triple(detection.get('map50'))} |",
        f"| mAP50-95 | {_triple(detection.get('map50_95'))} |",
    ]
    by_class = metrics.get("defects_by_class", {})
    if by_class:
        lines += ["", "| class | found |", "|---|---|"]
        lines += [f"| {name} | {_share(shares.get('found'))} |" for name, shares in by_class.items()]
    by_product = metrics.get("by_product", {})
    if by_product:
        lines += ["", "| product | escapes | overkill |", "|---|---|---|"]
        lines += [
            f"| {name} | {_share(figures.get('escapes'))} | {_share(figures.get('overkill'))} |"
            for name, figures in by_product.items()
        ]
    return lines


def _engines(parity: Mapping[str, Any]) -> list[str]:
    engines: Mapping[str, Mapping[str, Any]] = parity.get("engines", {})
    if not engines:
        return ["Not compared with the trained network; only float32 engines are offered."]
    lines = ["| engine | mean box difference, px | mAP50-95 difference | offered |", "|---|---|---|---|"]
    for name, figures in engines.items():
        delta = figures.get("delta_map50_95")
        precision = "-" if delta is None else f"{delta:+.4f}"
        offered = "yes" if figures.get("is_offered") else figures.get("reason") or "no"
        lines.append(f"| {name} | {figures.get('mean_box_difference_px', 0):.3f} | {precision} | {offered} |")
    return lines


def _limits(facts: CardFacts) -> list[str]:
    lines = ["Thresholds are uncertified defaults. What was not in the data was not shown."]
    if facts.classes_without_canary:
        missing = ", ".join(facts.classes_without_canary)
        lines += ["", f"No canary frame shows {missing}: a copy that lost only these is not found out at loading."]
    return lines


def _share(share: Mapping[str, Any] | None) -> str:
    if share is None or share.get("rate") is None:
        return "not measured"
    return (
        f"{share['events']} of {share['units']}, {100 * share['rate']:.2f} % "
        f"[{100 * share['lower']:.2f}, {100 * share['upper']:.2f}]"
    )


def _triple(values: Sequence[float] | None) -> str:
    return "not measured" if values is None else f"{values[0]:.4f} [{values[1]:.4f}, {values[2]:.4f}]"
