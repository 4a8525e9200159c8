"""`lineside evaluate`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, StoreOption
from lineside.cli.output import print_json, print_table, say
from lineside.cli.progress import progress_of
from lineside.cli.release_options import DEFAULT_REGISTRY, RegistryOption
from lineside.cli.releases import named_release_folder

if TYPE_CHECKING:
    from lineside.training.evaluation import Evaluation

# As `lineside.training.evaluation.Truth` has them, whose import would slow every other command down; a test compares.
TruthName = Literal["labels", "recipe"]


def evaluate(
    release: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE", help="A release folder, the folder of a training run, or `starter:pcb-reference`."
        ),
    ],
    data: Annotated[
        str, typer.Option(metavar="REV[:SPLIT,...]", help="Dataset revision, and the splits to judge; all if none.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for evaluation.json and report.html.", file_okay=False)],
    store: StoreOption = DEFAULT_STORE,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="The recipe (YAML) whose rules make the verdicts; without one any defect makes a part NG.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(
            help="The defect catalogue (YAML) that the recipe names; the built-in `pcb` if not given.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    truth: Annotated[
        TruthName,
        typer.Option(
            help="What makes a part defective: any labelled defect, or labelled defects that the recipe does not allow."
        ),
    ] = "labels",
    engine: Annotated[str, typer.Option(help="`auto` (measured once, then remembered), or an engine's name.")] = "auto",
    confidence: Annotated[
        float,
        typer.Option(
            help="Least confidence that counts, of a training run; a release has its own.", min=0.001, max=1.0
        ),
    ] = 0.25,
    registry: RegistryOption = DEFAULT_REGISTRY,
    sealed: Annotated[
        str | None,
        typer.Option(help="Who looks at sealed parts; every look is logged.", metavar="NAME"),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Judge labelled parts as the line would: escapes, overkill, and every figure behind them.

    Uses the detector that serves, with its registration, image health and recipe rules. OUT gets evaluation.json, which
    the release gate reads, and report.html with a picture of every escape and every false call.
    """
    from lineside.datasets.revisions import RevisionSelection
    from lineside.training.evaluation import Truth
    from lineside.workflows.evaluating import EVALUATION_NAME, REPORT_NAME, EvaluationTask, evaluate_into
    from lineside.workflows.folders import engine_cache_folder

    if truth == "recipe" and recipe is None:
        raise typer.BadParameter("give the recipe as well, by --recipe", param_hint="--truth")
    task = EvaluationTask(
        subject=named_release_folder(release),
        data=RevisionSelection.parse(data),
        store=store,
        recipe=recipe,
        catalogue=catalogue,
        truth=Truth(truth),
        engine=engine,
        engine_cache=engine_cache_folder(),
        run_threshold=confidence,
        registry=registry,
        sealed_by=sealed,
    )
    with progress_of("judging") as on_part:
        evaluation = evaluate_into(task, out, now=datetime.now(UTC), on_part=on_part).evaluation
    if as_json:
        print_json(_document(evaluation, out / EVALUATION_NAME, out / REPORT_NAME))
    else:
        _print_headlines(evaluation)
    say(f"report: {out / REPORT_NAME}")


def _print_headlines(evaluation: "Evaluation") -> None:
    from lineside.training.evaluation.report import remarks, tiles

    print_table(
        ("figure", "value", "of what, how sure"), [(one.name, one.value, one.note) for one in tiles(evaluation)]
    )
    for remark in remarks(evaluation.figures):
        say(remark)


def _document(evaluation: "Evaluation", file: Path, report: Path) -> dict[str, Any]:
    release = evaluation.release
    figures = {name: value for name, value in evaluation.figures.items() if name not in ("curves", "froc")}
    return {
        "release": {"name": release.name, "version": release.version, "digest": release.digest},
        "revision": evaluation.revision,
        "splits": list(evaluation.splits),
        "engine": evaluation.engine,
        "escapes": [part.part_id for part in evaluation.escapes],
        "overkill": [part.part_id for part in evaluation.overkills],
        "figures": figures,
        "evaluation": str(file),
        "report": str(report),
    }
