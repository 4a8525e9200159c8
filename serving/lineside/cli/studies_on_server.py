"""What `lineside pod` and `lineside capability` share: filing studies with a server, and looking at them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.asking import ask
from lineside.cli.output import print_json, print_table

if TYPE_CHECKING:
    from lineside.client.statistics_calls import StudyArea

ApiKeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key, of role quality to file; better in the variable, where no process list shows it.",
    ),
]
NameOption = Annotated[str, typer.Option("--id", help="Name to file the study under; it is never changed then.")]
NameArgument = Annotated[str, typer.Argument(metavar="ID", help="The study's name.", show_default=False)]

PATIENCE_S = 60.0
"""The server makes a study's figures before it answers."""

_COLUMNS = ("id", "kind", "filed", "by", "program", "digest")


def file_study(
    server: str, key: str, area: "StudyArea", study_id: str, content: Mapping[str, Any]
) -> Mapping[str, Any]:
    """File a study."""
    return ask(server, key, lambda client: client.put_study(area, study_id, content), patience_s=PATIENCE_S)


def list_studies(server: str, key: str, area: "StudyArea", *, as_json: bool) -> None:
    """Print what is filed, newest first."""
    found = ask(server, key, lambda client: client.studies(area), patience_s=PATIENCE_S)
    if as_json:
        print_json(found)
        return
    print_table(_COLUMNS, [summary_row(each) for each in found])


def summary_columns() -> Sequence[str]:
    """Headings of `summary_row`."""
    return _COLUMNS


def summary_row(study: Mapping[str, Any]) -> tuple[str, ...]:
    """One filed study in a table."""
    return (
        study["id"],
        study["kind"],
        study["stored_at"],
        study["stored_by"],
        study["program_version"],
        study["digest"][:12],
    )
