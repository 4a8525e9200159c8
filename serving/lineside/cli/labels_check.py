"""`lineside labels check`: which labels are probably wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.asking import ask
from lineside.cli.dataset_options import DEFAULT_STORE, JsonOption, RevisionArgument, StoreOption
from lineside.cli.labels_options import PATIENCE_S, StudioOption, TokenFileOption, label_site, opened_studio
from lineside.cli.output import print_line, print_table, say
from lineside.cli.progress import progress_of
from lineside.cli.train import DeviceName, KindName
from lineside.cli.typed_command import typed_command

if TYPE_CHECKING:
    from lineside.client import LinesideClient
    from lineside.workflows.label_checking import LabelCheck
    from lineside.workflows.labelling import RecheckReport


def check(
    revision: RevisionArgument,
    out: Annotated[Path, typer.Option(help="Folder of the check. Called again with it, it goes on.", file_okay=False)],
    store: StoreOption = DEFAULT_STORE,
    share: Annotated[float, typer.Option(help="Share of the images that is named at most.", min=0.001, max=1)] = 0.02,
    folds: Annotated[int, typer.Option(help="Models that are trained, each on other parts.", min=3)] = 3,
    kind: Annotated[KindName, typer.Option(help="As of `lineside train`.")] = "single",
    start: Annotated[
        str, typer.Option("--from", metavar="START", help="As of `lineside train`; the live release is a good one.")
    ] = "starter:pcb-single",
    epochs: Annotated[int, typer.Option(help="Passes of each model over its images, at most.", min=1)] = 8,
    image_px: Annotated[int, typer.Option(help="Side of the crops.", min=32)] = 320,
    crops_per_image: Annotated[int, typer.Option(help="Crops of each image in an epoch.", min=1)] = 4,
    input_px: Annotated[int, typer.Option(help="Side of the models' input.")] = 640,
    seed: Annotated[int, typer.Option(help="Of the folds and the models.", min=0)] = 1,
    device: Annotated[DeviceName, typer.Option(help="`auto` takes a GPU where there is one.")] = "auto",
    project: Annotated[
        str | None, typer.Option(help="Labelling project: what is in doubt goes back to its tasks in Label Studio.")
    ] = None,
    server: Annotated[str | None, typer.Option(help="URL of the server that keeps the project.")] = None,
    key: Annotated[
        str | None,
        typer.Option("--api-key", envvar="LINESIDE_API_KEY", help="API key for it.", show_default=False),
    ] = None,
    studio: StudioOption = None,
    token_file: TokenFileOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Name the labels that models contradict which were trained on other parts.

    Golden, sealed and calibration images are neither trained on nor checked. With --project, people are asked in Label
    Studio to look again; labels.html in --out shows each image in doubt.
    """
    if (project is None) != (server is None) or (project is not None and key is None):
        raise typer.BadParameter(
            "give --project, --server and --api-key to send labels back, or none of them", param_hint="--project"
        )
    from lineside.cli.training_view import training_view
    from lineside.datasets.revisions import RevisionStore
    from lineside.inspection.release import InputKind
    from lineside.serving.clock import SystemClock
    from lineside.training.crops import CropPlan
    from lineside.training.devices import choose_device
    from lineside.training.plan import DeviceChoice, TrainingPlan, default_learning_rate
    from lineside.training.runs import RunSettings
    from lineside.workflows.label_check_page import PAGE_NAME, write_label_check_page
    from lineside.workflows.label_checking import LabelCheckTask, check_labels

    revisions = RevisionStore(store)
    settings = RunSettings(
        revision=revisions.read(revision).id,
        kind=InputKind(kind),
        start=start,
        input_size_wh_px=(input_px, input_px),
        plan=TrainingPlan(
            epochs=epochs,
            image_px=image_px,
            learning_rate=default_learning_rate(start),
            seed=seed,
            device=choose_device(DeviceChoice(device)),
        ),
        crops=CropPlan(image_px, crops_per_image, seed=seed),
        command=typed_command(),
    )
    task = LabelCheckTask(settings, store, folds=folds, seed=seed, share=share, out=out)
    now = SystemClock().now()
    with training_view() as view:
        found = check_labels(task, now=now, listener=view, say=say)
    write_label_check_page(found, revisions, out / PAGE_NAME, written_at=now)
    say(f"{len(found.suspects)} of {found.checked} images have labels in doubt: {out / PAGE_NAME}")
    if project is not None and server is not None and key is not None:
        _tell(_send_back(found, server, key, project, studio, token_file))
    if as_json:
        print_line(found.to_json().rstrip())
        return
    print_table(
        ["image", "in doubt", "labelled as", "found", "score"],
        [
            [each.image, each.kind.value, each.class_name, each.found_class, f"{each.score:.3f}"]
            for suspects in found.suspects
            for each in suspects
        ],
    )


def _send_back(
    found: "LabelCheck", server: str, key: str, project: str, studio: str | None, token_file: Path | None
) -> "RecheckReport":
    from lineside.workflows.labelling import send_back

    with progress_of("asking people to look again") as report:

        async def run(client: "LinesideClient") -> "RecheckReport":
            site = label_site(client, server=server, project=project, on_progress=report)
            async with opened_studio(site, studio, token_file) as (opened, url):
                return await send_back(site, opened, found.suspects, studio_url=url, revision=found.revision)

        return ask(server, key, run, patience_s=PATIENCE_S)


def _tell(report: "RecheckReport") -> None:
    say(f"people are asked to look again at {report.asked} task(s) of Label Studio, {report.changed} of them new")
    if report.elsewhere:
        say(f"{len(report.elsewhere)} image(s) in doubt were not labelled in this project; they stand in the page only")
