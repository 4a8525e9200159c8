"""`lineside recipe`: draft, check and store recipe files, and the schema that helps an editor to write them."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import print_json, print_line, say
from lineside.cli.recipe_new import new, scale
from lineside.cli.recipe_put import put
from lineside.inspection.errors import RecipeError

recipe_app = typer.Typer(
    name="recipe",
    help="Draft, check and store recipes, print their schema.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

recipe_app.command()(new)
recipe_app.command()(scale)
recipe_app.command()(put)


@recipe_app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Recipe files (YAML).", exists=True, dir_okay=False)],
    catalogue: Annotated[
        Path | None,
        typer.Option(
            help="The defect catalogue (YAML) that the recipes name; the built-in `pcb` if not given.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Check recipe files as the server would; names key path and line of what is wrong, and exits 1."""
    from lineside.inspection.recipe import load_recipe, recipe_digest
    from lineside.workflows.catalogues import read_catalogue
    from lineside.workflows.errors import NotText
    from lineside.workflows.text_files import read_text_file

    used = read_catalogue(catalogue)
    findings: list[dict[str, str | int | bool | None]] = []
    for file in files:
        try:
            text = read_text_file(file)
            recipe = load_recipe(text, catalogue=used, source=str(file))
        except (RecipeError, NotText) as error:
            findings.append({"file": str(file), "is_valid": False, "problem": str(error)})
            continue
        findings.append(
            {
                "file": str(file),
                "is_valid": True,
                "id": recipe.id,
                "version": recipe.version,
                "product": recipe.product,
                "release": recipe.release,
                "digest": recipe_digest(text),
            }
        )
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            if finding["is_valid"]:
                print_line(f"{finding['file']}: recipe {finding['id']} version {finding['version']} is valid")
            else:
                say(f"lineside: {finding['problem']}")
    if not all(finding["is_valid"] for finding in findings):
        raise typer.Exit(1)


@recipe_app.command()
def schema() -> None:
    """Print the JSON Schema of recipe files, for editors."""
    from lineside.inspection.recipe import recipe_json_schema

    print_json(recipe_json_schema())
