"""`lineside release build`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, StoreOption
from lineside.cli.output import print_json, print_line, say
from lineside.cli.release_options import DEFAULT_REGISTRY, JsonOption, RegistryOption

if TYPE_CHECKING:
    from lineside.training.evaluation.outcomes import Evaluation


def build(
    run: Annotated[Path, typer.Option(help="Folder of a finished `lineside train`.", exists=True, file_okay=False)],
    name: Annotated[str, typer.Option(help="Of the model line; recipes name it.")],
    version: Annotated[str, typer.Option(help="Of this release, e.g. 1.2.0; never used twice.")],
    evaluation: Annotated[
        Path | None, typer.Option(help="evaluation.json of this run: its figures go into the release.", dir_okay=False)
    ] = None,
    thresholds_from: Annotated[
        Path | None,
        typer.Option(
            help="evaluation.json on split val whose best F per class sets the thresholds; --evaluation if not given.",
            dir_okay=False,
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="Given threshold: 0.3, or CLASS=0.4; may be given several times.")
    ] = None,
    parity: Annotated[
        Path | None, typer.Option(help="parity.json of this run; the one in its folder if not given.", dir_okay=False)
    ] = None,
    catalogue: Annotated[
        str | None, typer.Option(metavar="ID@VERSION", help="Defect catalogue; the dataset's if not given.")
    ] = None,
    canary_from: Annotated[
        Literal["val", "synthetic"],
        typer.Option(help="Known-defect frames: real ones of split val, or drawn ones where those may not be shipped."),
    ] = "val",
    store: StoreOption = DEFAULT_STORE,
    registry: RegistryOption = DEFAULT_REGISTRY,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a release of a training run: model, thresholds, figures, model card and known-defect frames.

    The release stays in the registry as it is; the next one has another version. Prints its digest.
    """
    from lineside.datasets.revisions import RevisionStore
    from lineside.training.evaluation.subject import read_subject
    from lineside.training.parity import ParityReport
    from lineside.training.registry import Registry
    from lineside.training.registry.building import BuildPlan, build_release
    from lineside.training.registry.thresholds import given_thresholds

    plan = BuildPlan(
        run=run,
        name=name,
        version=version,
        evaluation=_evaluation(evaluation),
        thresholds_from=_evaluation(thresholds_from),
        given_thresholds=given_thresholds(threshold or [], read_subject(run).classes),
        parity=None if parity is None else ParityReport.from_json(parity.read_bytes(), source=str(parity)),
        catalogue=_catalogue(catalogue),
        canaries=canary_from,
    )
    built = build_release(plan, RevisionStore(store), Registry(registry))
    release = built.release
    if as_json:
        print_json(
            {
                "name": release.name,
                "version": release.version,
                "digest": release.digest,
                "thresholds": dict(built.thresholds.by_class),
                "thresholds_source": built.thresholds.source,
                "canary_frames": built.canary_frames,
                "classes_without_canary": list(built.classes_without_canary),
            }
        )
        return
    say(f"built {release.name} {release.version}; thresholds: {built.thresholds.source}")
    say(f"{built.canary_frames} known-defect frames")
    if built.classes_without_canary:
        say(f"no known-defect frame shows {', '.join(built.classes_without_canary)}; see the model card")
    print_line(release.digest)


def _evaluation(path: Path | None) -> "Evaluation | None":
    from lineside.training.evaluation.outcomes import Evaluation

    return None if path is None else Evaluation.from_json(path.read_bytes(), source=str(path))


def _catalogue(given: str | None) -> tuple[str, int] | None:
    if given is None:
        return None
    name, at, version = given.rpartition("@")
    if not at or not name or not version.isdecimal():
        raise typer.BadParameter(f"{given!r}: expected ID@VERSION, e.g. pcb@1", param_hint="--catalogue")
    return name, int(version)
