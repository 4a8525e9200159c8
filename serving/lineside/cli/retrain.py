"""`lineside retrain`: from labels to a signed candidate, in one command."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lineside.cli.output import print_json, print_table, say
from lineside.cli.release_deploy import gate_override
from lineside.cli.release_gate import NOT_PASSED, read_policy
from lineside.cli.release_options import DEFAULT_REGISTRY, RegistryOption, open_key, trust_of
from lineside.cli.train import DeviceName, OrientationName
from lineside.cli.typed_command import typed_command

if TYPE_CHECKING:
    from lineside.inspection.release import GateOverride
    from lineside.workflows.retraining import (
        LabelSource,
        LiveGiven,
        LiveOnServer,
        Promotion,
        RetrainPlan,
        ServerAccess,
    )

GroupName = Literal["part", "panel", "lot"]


def retrain(
    out: Annotated[
        Path, typer.Option(help="Folder of the retraining. Called again with it, it goes on.", file_okay=False)
    ],
    key: Annotated[Path | None, typer.Option("--key", help="The build key's file.", dir_okay=False)] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="REV", help="Dataset revision to train on; with --project where a project without one starts."
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Labelling project of --server whose newest revision is trained on.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="URL of the server: it says which release is live, and keeps the project.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="LINESIDE_API_KEY", help="API key of role mlops.", show_default=False)
    ] = None,
    studio: Annotated[str | None, typer.Option(help="Label Studio's URL; the project's own if not given.")] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with Label Studio's token; LABEL_STUDIO_API_KEY if not given.", dir_okay=False),
    ] = None,
    group_by: Annotated[GroupName, typer.Option(help="What of pulled parts stays together in a split.")] = "part",
    against: Annotated[
        str | None,
        typer.Option(help="Release to beat, instead of the live one: `starter:NAME`, `NAME@VERSION`, or a folder."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Model line, where several are live.")] = None,
    line: Annotated[
        str | None,
        typer.Option(help="Only on this line: which release is live, and where --promote brings the candidate."),
    ] = None,
    product: Annotated[str | None, typer.Option(help="Only for this product, likewise.")] = None,
    version: Annotated[str | None, typer.Option(help="Of the candidate; the next one if not given.")] = None,
    store: Annotated[
        str, typer.Option(envvar="LINESIDE_DATASETS", help="Dataset store: a folder or an fsspec URL.")
    ] = "lineside-datasets",
    registry: RegistryOption = DEFAULT_REGISTRY,
    epochs: Annotated[int, typer.Option(help="Passes over the training images, at most.", min=1)] = 20,
    minutes: Annotated[float | None, typer.Option(help="Limit of the training; it ends in time, with a model.")] = None,
    batch: Annotated[int, typer.Option(help="Crops a step.", min=1)] = 32,
    image_px: Annotated[int | None, typer.Option(help="Side of the crops; the live release's if not given.")] = None,
    crops_per_image: Annotated[int, typer.Option(help="Crops of each frame in an epoch.", min=1)] = 4,
    learning_rate: Annotated[float | None, typer.Option(help="After the warm-up; 0.001 if not given.")] = None,
    orientation: Annotated[
        OrientationName, typer.Option(help="`all`: crops are also mirrored and turned. `as-is`: never.")
    ] = "all",
    photometric: Annotated[float, typer.Option(help="Share of the crops in another light.", min=0, max=1)] = 0.0,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better figure after which it ends.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, crops and order.", min=0)] = 1,
    device: Annotated[DeviceName, typer.Option(help="`auto` takes a GPU where there is one.")] = "auto",
    val_share: Annotated[float, typer.Option(help="Of the new images, for split val.", min=0, max=0.9)] = 0.2,
    split_seed: Annotated[int, typer.Option(help="Decides between groups that fit equally well.", min=0)] = 0,
    parity_frames: Annotated[int, typer.Option(help="At most so many are compared.", min=1)] = 300,
    canary_from: Annotated[
        Literal["val", "synthetic"], typer.Option(help="Known-defect frames: real ones of split val, or drawn ones.")
    ] = "val",
    recipe: Annotated[
        Path | None,
        typer.Option(help="Judge by this recipe; without it any defect is NG.", exists=True, dir_okay=False),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="The defect catalogue that the recipe names; the built-in `pcb` if not given.")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Limits of the gate (YAML); the default ones without it.")] = None,
    engine: Annotated[str, typer.Option(help="That judges: `auto`, or an engine's name.")] = "auto",
    deploy_key: Annotated[
        Path | None, typer.Option(help="The deploy key's file, for --promote.", dir_okay=False)
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(envvar="LINESIDE_TRUST_FILE", help="The trust file, for --promote.", dir_okay=False),
    ] = None,
    plant: Annotated[str, typer.Option(help="The plant, as its server's settings name it.")] = "plant-1",
    expires: Annotated[
        float, typer.Option("--expires", help="Days until the deployment ends.", min=0.01, max=3650.0)
    ] = 180.0,
    override_by: Annotated[str | None, typer.Option(help="Who answers for what the gate did not let pass.")] = None,
    override_reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    *,
    no_pull: Annotated[bool, typer.Option("--no-pull", help="Learn from what was pulled before.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Also quantise, for engines that run int8.")] = False,
    promote: Annotated[
        bool, typer.Option("--promote", help="Go on to the line if the gate lets it pass, or by the override.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Retrain the live release on new labels: pull, split, train, export, evaluate, build, sign, and ask the gate.

    Golden, sealed and calibration images stay what they are. OUT gets summary.html: what was learnt from which labels.
    Killed at any point, the same call goes on. Exit code 0: the gate let it pass; 3: it did not; 1: an error.
    """
    from lineside.inspection.release import Role
    from lineside.training.plan import DeviceChoice, Orientation
    from lineside.workflows.folders import engine_cache_folder
    from lineside.workflows.recipe_rules import RecipeFile
    from lineside.workflows.retraining import RetrainPlan, TrainingWishes

    access = _access(server, api_key)
    if not promote and (override_by, override_reason) != (None, None):
        raise typer.BadParameter("an override is of a promotion: give --promote too", param_hint="--override-by")
    if key is None and not dry_run:
        raise typer.BadParameter("the candidate is signed: give the build key's file", param_hint="--key")
    plan = RetrainPlan(
        out=out,
        store=store,
        registry=registry,
        revision=data,
        labels=_labels(access, project, studio=studio, token_file=token_file, no_pull=no_pull, group_by=group_by),
        live=_live(access, against, name=name, line=line, product=product),
        build_key=None if key is None else open_key(key, Role.BUILD),
        version=version,
        val_share=val_share,
        split_seed=split_seed,
        training=TrainingWishes(
            epochs=epochs,
            minutes=minutes,
            batch=batch,
            image_px=image_px,
            crops_per_image=crops_per_image,
            learning_rate=learning_rate,
            seed=seed,
            device=DeviceChoice(device),
            orientation=Orientation(orientation),
            photometric=photometric,
            patience=patience,
        ),
        int8=int8,
        parity_frames=parity_frames,
        canaries=canary_from,
        policy=read_policy(policy),
        recipe=None if recipe is None else RecipeFile(recipe, catalogue),
        engine=engine,
        engine_cache=engine_cache_folder(),
        promotion=_promotion(
            access,
            deploy_key,
            trust,
            plant=plant,
            line=line,
            product=product,
            days=expires,
            override=gate_override(override_by, override_reason),
        )
        if promote and not dry_run
        else None,
        command=typed_command(),
    )
    if dry_run:
        _show_forecast(plan, as_json=as_json)
    else:
        _run(plan, as_json=as_json)


def _run(plan: "RetrainPlan", *, as_json: bool) -> None:
    from lineside.cli.retrain_view import retrain_view
    from lineside.workflows.gate_table import GATE_COLUMNS, gate_rows
    from lineside.workflows.retraining import retrain as run_retraining

    with retrain_view() as view:
        report = run_retraining(plan, on_progress=view)
    if as_json:
        print_json(report.to_json())
    else:
        print_table(GATE_COLUMNS, gate_rows(report.gate))
    for line in report.headlines:
        say(line)
    say(f"what was learnt from which labels: {report.summary}")
    for step in report.next_steps:
        say(step)
    if not (report.serials or report.gate.may_go_live):
        raise typer.Exit(NOT_PASSED)


def _show_forecast(plan: "RetrainPlan", *, as_json: bool) -> None:
    from lineside.workflows.retraining import foresee

    forecast = foresee(plan)
    if as_json:
        print_json(forecast.to_json())
    else:
        print_table(("what", "how much"), forecast.rows)
        print_table(("where", "the gate asks", "golden parts", "missing"), forecast.limit_rows)
    for remark in forecast.remarks:
        say(remark)


def _access(server: str | None, api_key: str | None) -> "ServerAccess | None":
    from lineside.workflows.retraining import ServerAccess

    if server is None:
        return None
    if not api_key:
        raise typer.BadParameter("--server needs an API key of role mlops: LINESIDE_API_KEY", param_hint="--api-key")
    return ServerAccess(server, api_key)


def _live(
    access: "ServerAccess | None", against: str | None, *, name: str | None, line: str | None, product: str | None
) -> "LiveOnServer | LiveGiven":
    from lineside.workflows.retraining import LiveGiven, LiveOnServer

    if against is not None:
        return LiveGiven(against)
    if access is None:
        raise typer.BadParameter(
            "which release is to be beaten? Ask the server with --server, or name it", param_hint="--against"
        )
    return LiveOnServer(server=access, release_name=name, line=line, product=product)


def _labels(
    access: "ServerAccess | None",
    project: str | None,
    *,
    studio: str | None,
    token_file: Path | None,
    no_pull: bool,
    group_by: str,
) -> "LabelSource | None":
    from lineside.datasets.labelling import studio_token
    from lineside.workflows.folders import label_workplace_folder
    from lineside.workflows.labelling.labelled_views import GroupBy
    from lineside.workflows.labelling.working_alone import Workplace
    from lineside.workflows.retraining import LabelSource, StudioAccess

    if project is None:
        return None
    if access is None:
        raise typer.BadParameter("a labelling project lies on a server: give --server", param_hint="--project")
    return LabelSource(
        server=access,
        project=project,
        studio=None if no_pull else StudioAccess(studio, studio_token(os.environ, file=token_file)),
        workplace=Workplace(label_workplace_folder()),
        group_by=GroupBy(group_by),
    )


def _promotion(
    access: "ServerAccess | None",
    key: Path | None,
    trust: Path | None,
    *,
    plant: str,
    line: str | None,
    product: str | None,
    days: float,
    override: "GateOverride | None",
) -> "Promotion":
    from lineside.inspection.release import Role
    from lineside.workflows.retraining import Promotion

    if key is None or trust is None:
        raise typer.BadParameter("needs --deploy-key and --trust: it signs where the release may run")
    return Promotion(
        key=open_key(key, Role.DEPLOY),
        trust=trust_of(trust),
        plant=plant,
        lines=() if line is None else (line,),
        products=() if product is None else (product,),
        days=days,
        server=access,
        override=override,
    )
