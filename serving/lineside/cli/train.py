"""`lineside train`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from lineside.cli.output import print_json, say
from lineside.cli.typed_command import typed_command

# As `lineside.training.plan` has them, whose import would slow every other command down; a test compares.
ArchitectureName = Literal["yolo11n", "yolo11s", "yolo11m", "yolo26n", "yolo26s", "yolo26m"]
OrientationName = Literal["as-is", "all"]
DeviceName = Literal["auto", "cpu", "cuda"]
KindName = Literal["single", "reference"]
_BESIDE_RESUME = {"resume", "out", "store", "as_json"}


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder of the run: model, checkpoint, metrics, record.", file_okay=False)],
    data: Annotated[str | None, typer.Option(help="Dataset revision: its id or the start of it.")] = None,
    store: Annotated[
        str, typer.Option(envvar="LINESIDE_DATASETS", help="Dataset store: a folder or an fsspec URL.")
    ] = "lineside-datasets",
    kind: Annotated[
        KindName, typer.Option(help="`single` image, or `reference`: frame, golden image and their difference.")
    ] = "single",
    model: Annotated[ArchitectureName, typer.Option(help="The network.")] = "yolo11n",
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="START",
            help="`scratch`, `starter:pcb-reference`, `starter:pcb-single`, a release folder, or a .safetensors file.",
        ),
    ] = "scratch",
    epochs: Annotated[int, typer.Option(help="Passes over the training images, at most.", min=1)] = 20,
    batch: Annotated[int, typer.Option(help="Crops a step.", min=1)] = 32,
    image_px: Annotated[int, typer.Option(help="Side of the crops, cut at the frames' own scale.", min=32)] = 320,
    crops_per_image: Annotated[int, typer.Option(help="Crops of each frame in an epoch.", min=1)] = 4,
    input_px: Annotated[int, typer.Option(help="Side of the exported model's input; larger frames are tiled.")] = 640,
    learning_rate: Annotated[
        float | None, typer.Option(help="After the warm-up; 0.002 from scratch, 0.001 from trained weights.")
    ] = None,
    orientation: Annotated[
        OrientationName,
        typer.Option(help="`all`: crops are also mirrored and turned by quarters. `as-is`: never."),
    ] = "all",
    photometric: Annotated[
        float, typer.Option(help="Share of the crops shown in another light, sharpness or noise.", min=0, max=1)
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of weights, crops and order.", min=0)] = 1,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better figure on split val after which it ends.", min=1)
    ] = None,
    validate_every: Annotated[int, typer.Option(help="Epochs from one look at split val to the next.", min=1)] = 1,
    device: Annotated[DeviceName, typer.Option(help="`auto` takes a GPU where there is one.")] = "auto",
    minutes: Annotated[
        float | None,
        typer.Option(help="Limit of the whole run, resumed parts together; it ends in time, with a model."),
    ] = None,
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, with its settings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run's record as JSON.")] = False,
) -> None:
    """Train a detector on split `train` of a dataset revision, looking at split `val`.

    Golden, sealed and calibration images are never trained on. The run's folder gets model.onnx,
    checkpoint.safetensors, metrics.csv and run.json.
    """
    from lineside.cli.training_view import training_view
    from lineside.datasets.revisions import RevisionStore
    from lineside.inspection.release import InputKind
    from lineside.training.crops import CropPlan
    from lineside.training.devices import choose_device
    from lineside.training.model_files import MODEL_NAME
    from lineside.training.plan import Architecture, DeviceChoice, Orientation, TrainingPlan, default_learning_rate
    from lineside.training.runs import RUN_NAME, RunSettings, resume_run, start_run

    revisions = RevisionStore(store)
    with training_view() as view:
        if resume:
            _refuse_settings(context)
            result = resume_run(revisions, out, listener=view, say=say)
        else:
            if data is None:
                raise typer.BadParameter(
                    "give a dataset revision, or --resume to go on with a run", param_hint="--data"
                )
            plan = TrainingPlan(
                architecture=Architecture(model),
                epochs=epochs,
                batch=batch,
                image_px=image_px,
                learning_rate=default_learning_rate(start) if learning_rate is None else learning_rate,
                seed=seed,
                device=choose_device(DeviceChoice(device)),
                patience=patience,
                minutes=minutes,
                validate_every=validate_every,
            )
            settings = RunSettings(
                revision=revisions.read(data).id,
                kind=InputKind(kind),
                start=start,
                input_size_wh_px=(input_px, input_px),
                plan=plan,
                crops=CropPlan(image_px, crops_per_image, orientation=Orientation(orientation), seed=seed),
                command=typed_command(),
                photometric=photometric,
            )
            result = start_run(settings, revisions, out, listener=view, say=say)
    figures = "" if result.validation is None else f", mAP50-95 on split val {result.validation.map50_95:.4f}"
    say(f"ended by {result.ended_by} after {result.epochs} epochs in {result.seconds / 60:.1f} min")
    say(f"took epoch {result.best_epoch}{figures}; wrote {out / MODEL_NAME}")
    if as_json:
        print_json(json.loads((out / RUN_NAME).read_bytes()))


def _refuse_settings(context: typer.Context) -> None:
    """A resumed run has its settings already; another value beside them would be ignored, so it is a wrong call."""
    given = [
        f"--{parameter.replace('_', '-')}"
        for parameter in context.params
        if parameter not in _BESIDE_RESUME
        and (source := context.get_parameter_source(parameter)) is not None
        and source.name == "COMMANDLINE"
    ]
    if given:
        raise typer.BadParameter(f"the run has its own settings; leave out {', '.join(given)}", param_hint="--resume")
