"""`lineside recipe put`: store a recipe on a server, with its golden images and the gate's report."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.workflows.recipe_storing import RecipeOverride, SignedReport

_SHA256 = re.compile(r"[0-9a-f]{64}")


def put(
    recipe: Annotated[
        Path,
        typer.Argument(metavar="RECIPE", help="Recipe file (YAML).", exists=True, dir_okay=False, show_default=False),
    ],
    server: Annotated[str, typer.Option(help="URL of the server, e.g. http://127.0.0.1:8470.")],
    api_key: Annotated[
        str,
        typer.Option(
            envvar="LINESIDE_API_KEY",
            help="API key of role quality, or admin to bring a report along; better in the variable, where no "
            "process list shows it.",
        ),
    ],
    gate: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|FILE|SHA256",
            help="Signed report of the gate: what `lineside release gate --out DIR --key` wrote, or the digest of "
            "one that the server has.",
        ),
    ] = None,
    override_by: Annotated[
        str | None, typer.Option("--override-by", "--override-name", help="Who answers for a looser one.")
    ] = None,
    override_reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(
            help="The defect catalogue (YAML) that the recipe names; the built-in `pcb` if not given.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Store the next version of a recipe, with its golden images, on a server.

    Golden images that are named by path are uploaded, and the stored text names them by digest. Prints id, version and
    that text's digest, which is the one that a gate's report on the same file names. The same file again changes
    nothing. One that is looser than the version before needs the gate or an override.
    """
    from dataclasses import asdict

    from lineside.workflows.recipe_storing import read_recipe_to_store, store_recipe

    override = _override(override_by, override_reason)
    read = read_recipe_to_store(recipe, catalogue=catalogue)
    stored = store_recipe(read, server=server, api_key=api_key, report=_report(gate), override=override)
    if as_json:
        print_json(asdict(stored))
        return
    print_table(("id", "version", "digest"), [(stored.id, str(stored.version), stored.digest)])
    if stored.gate_report is not None:
        say(f"stands on gate report {stored.gate_report}")


def _override(name: str | None, reason: str | None) -> "RecipeOverride | None":
    from lineside.workflows.recipe_storing import RecipeOverride

    if name is None and reason is None:
        return None
    if not name or not reason:
        raise typer.BadParameter("--override-by and --override-reason belong together: somebody answers for something")
    return RecipeOverride(name, reason)


def _report(gate: str | None) -> "SignedReport | str | None":
    from lineside.workflows.recipe_storing import SignedReport

    return gate if gate is None or _SHA256.fullmatch(gate) else SignedReport.read(Path(gate))
