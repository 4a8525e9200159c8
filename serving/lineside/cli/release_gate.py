"""`lineside release gate`: may this release, or this looser recipe, go live?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, StoreOption
from lineside.cli.output import print_json, print_table, say
from lineside.cli.release_options import DEFAULT_REGISTRY, JsonOption, RegistryOption, now, open_key
from lineside.cli.releases import named_release_folder

if TYPE_CHECKING:
    from lineside.training.gate import GatePolicy, GateReport, Override
    from lineside.workflows.gating import GateTask

NOT_PASSED = 3
"""Exit code: the gate answered, and the answer is no or not shown. An error, which is no answer, is 1."""

SIGNATURE_NAME = "gate.sig.json"


def gate(
    candidate: Annotated[
        str,
        typer.Argument(help="Release folder, the evaluation.json of one, or `starter:NAME`.", show_default=False),
    ],
    against: Annotated[
        str | None, typer.Option(help="The live release, likewise; without it only absolute criteria.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Labelled parts that judge: REV, REV:golden or REV:sealed.", show_default=False)
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    escape_bank: Annotated[
        str | None, typer.Option(help="Parts that once got away: REV or REV:escape_bank.", show_default=False)
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="Judge by this recipe; without it any defect is NG.")] = None,
    against_recipe: Annotated[
        Path | None,
        typer.Option(
            help="The recipe in force: --recipe is compared with it, on the one release given.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="The defect catalogue that the recipes name; the built-in `pcb` if not given.")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Limits (YAML); the default ones without it.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    engine: Annotated[str, typer.Option(help="`auto`, or an engine's name.")] = "auto",
    sealed: Annotated[
        str | None, typer.Option(help="Who looks at the sealed parts; every look is logged.", metavar="NAME")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for gate.json and the evaluations.", file_okay=False)] = None,
    key: Annotated[
        Path | None, typer.Option(help="Deploy key: also sign the report, into gate.sig.json of --out.")
    ] = None,
    override_name: Annotated[
        str | None, typer.Option("--override-name", "--override-by", help="Who answers for what did not pass.")
    ] = None,
    override_reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Ask whether a release, or a looser recipe, may go live, for each product and line in the labelled data.

    Prints every criterion with its figures and keeps the report in the registry. Exit code 0: passed, or overridden;
    3: failed or not shown; 1: an error, which is no answer.
    """
    from lineside.cli.progress import progress_of
    from lineside.datasets.revisions import RevisionSelection
    from lineside.workflows.folders import engine_cache_folder
    from lineside.workflows.gate_table import GATE_COLUMNS, gate_rows
    from lineside.workflows.gating import GateTask, run_gate
    from lineside.workflows.recipe_rules import RecipeFile

    if key is not None and out is None:
        raise typer.BadParameter("the signature lies beside the report: give --out", param_hint="--key")
    task = GateTask(
        candidate=named_release_folder(candidate),
        live=None if against is None else named_release_folder(against),
        data=None if data is None else RevisionSelection.parse(data),
        store=store,
        escape_bank=None if escape_bank is None else RevisionSelection.parse(escape_bank),
        recipe=None if recipe is None else RecipeFile(recipe, catalogue),
        against_recipe=None if against_recipe is None else RecipeFile(against_recipe, catalogue),
        policy=read_policy(policy),
        registry=registry,
        engine=engine,
        engine_cache=engine_cache_folder(),
        sealed_by=sealed,
        override=_override(override_name, override_reason),
    )
    run = run_gate(task, now=now(), progress=progress_of)
    if out is not None:
        say(f"wrote {run.write(out)}")
        if key is not None:
            _sign(run.report, key, out)
    if as_json:
        print_json(json.loads(run.report.to_bytes()))
    else:
        print_table(GATE_COLUMNS, gate_rows(run.report))
    _conclude(run.report, task)
    if not run.report.may_go_live:
        raise typer.Exit(NOT_PASSED)


def read_policy(path: Path | None) -> "GatePolicy":
    """The gate's limits from a file; the default ones without one.

    Raises:
        NotAGatePolicy, NotText: the file is none.
    """
    from lineside.training.gate import GatePolicy, load_policy
    from lineside.workflows.text_files import read_text_file

    return GatePolicy() if path is None else load_policy(read_text_file(path), source=str(path))


def _override(name: str | None, reason: str | None) -> "Override | None":
    from lineside.training.gate import Override

    return None if name is None and reason is None else Override(name or "", reason or "")


def _sign(report: "GateReport", key: Path, out: Path) -> None:
    from lineside.inspection.release import Role
    from lineside.training.gate import GATE_SCHEMA

    signature = open_key(key, Role.DEPLOY).sign(report.to_bytes(), schema=GATE_SCHEMA)
    (out / SIGNATURE_NAME).write_bytes(signature)
    say(f"signed it: {out / SIGNATURE_NAME}")


def _conclude(report: "GateReport", task: "GateTask") -> None:
    """The answer in words, for the person at the terminal."""
    if report.candidate_recipe is not None and report.live_recipe is not None and task.against_recipe is not None:
        say(f"recipe {report.candidate_recipe.sha256[:12]} against {report.live_recipe.sha256[:12]}")
    if report.sealed_looks is not None:
        say(f"look number {report.sealed_looks} at these sealed parts")
    passed = ", ".join(str(scope) for scope in report.passed_scopes)
    say(f"{report.overall.value.replace('_', ' ')}: {passed or 'nowhere'} may be promoted by the figures")
    if report.override is not None:
        say(f"overridden by {report.override.name}: {report.override.reason}")
    say(f"report {report.sha256} is in the registry {task.registry}")
