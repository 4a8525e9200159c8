"""What `lineside pod` and `lineside capability` share: filing studies with a server, and looking at them."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lineside.cli.output import print_json, print_table

if TYPE_CHECKING:
    from lineside.client import LinesideClient
    from lineside.client.statistics_calls import StudyArea

ServerOption = Annotated[str, typer.Option("--server", help="URL of the server, e.g. http://127.0.0.1:8470.")]
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

_PATIENCE_S = 60.0
_COLUMNS = ("id", "kind", "filed", "by", "program", "digest")

Answer = TypeVar("Answer")


def ask(server: str, key: str, question: "Callable[[LinesideClient], Coroutine[Any, Any, Answer]]") -> Answer:
    """Put one question to a server."""
    from lineside.client import LinesideClient

    async def put() -> Answer:
        async with LinesideClient(server, key, timeout_s=_PATIENCE_S) as client:
            return await question(client)

    return asyncio.run(put())


def file_study(
    server: str, key: str, area: "StudyArea", study_id: str, content: Mapping[str, Any]
) -> Mapping[str, Any]:
    """File a study."""
    return ask(server, key, lambda client: client.put_study(area, study_id, content))


def list_studies(server: str, key: str, area: "StudyArea", *, as_json: bool) -> None:
    """Print what is filed, newest first."""
    found = ask(server, key, lambda client: client.studies(area))
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
