"""`lineside serve`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.languages import LanguageName
from lineside.cli.output import print_line, say
from lineside.cli.server_settings import read_settings

if TYPE_CHECKING:
    from lineside.workflows.running_server import Address


class LogFormatName(StrEnum):
    """How the log on stderr is written."""

    CONSOLE = "console"
    JSON = "json"


def serve(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of everything the server keeps.", show_default="lineside-data")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0 for any.", min=0, max=65535, show_default="8470")
    ] = None,
    unix_socket: Annotated[
        Path | None, typer.Option(help="Listen at this Unix socket too, for stations on this machine.")
    ] = None,
    plant: Annotated[str | None, typer.Option(help="Name of the plant.", show_default="plant-1")] = None,
    database: Annotated[
        str | None, typer.Option(help="URL of the ledger's database.", show_default="an SQLite file in the data folder")
    ] = None,
    releases: Annotated[
        Path | None, typer.Option(help="Folder whose subfolders are releases; the starters are always there.")
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="Public keys whose signatures count; without it only the starters judge."),
    ] = None,
    delivery: Annotated[
        Path | None,
        typer.Option(
            help="File that names the sinks (MES, MQTT, OPC UA).",
            show_default="delivery.yaml in the data folder",
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="`auto` (measured on this host), or an engine's name.", show_default="auto")
    ] = None,
    log_format: Annotated[
        LogFormatName, typer.Option(help="How the log on stderr is written.")
    ] = LogFormatName.CONSOLE,
    language: Annotated[LanguageName, typer.Option(help="First language of the page.")] = LanguageName.EN,
    *,
    page: Annotated[bool, typer.Option(help="Serve the web page at /page.")] = True,
    unsigned_releases: Annotated[
        bool,
        typer.Option("--unsigned-releases", help="For commissioning only: --releases needs no signatures."),
    ] = False,
    simulated: Annotated[bool, typer.Option("--simulated", help="Mark every inspection as simulated.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line on stdout when ready.")] = False,
    ends_with_stdin: Annotated[bool, typer.Option("--ends-with-stdin", help="End when stdin closes.")] = False,
) -> None:
    """Run the inspection server until Ctrl-C.

    Every option can also come from a variable: LINESIDE_DATA_DIR, LINESIDE_PORT, LINESIDE_DATABASE_URL and so on.
    """
    from lineside.workflows.running_server import LogFormat, configure_logging, run_server

    settings = read_settings(
        data_dir=data,
        host=host,
        port=port,
        unix_socket=unix_socket,
        plant=plant,
        database_url=database,
        releases_dir=releases,
        trust_file=trust,
        unsigned_releases=unsigned_releases or None,
        engine=engine,
        delivery_file=delivery,
        is_simulated=simulated or None,
    )
    configure_logging(LogFormat(log_format.value))
    is_first_start = not settings.data_dir.exists()
    page_language = None
    if page:
        from lineside.serving.dashboard import Language

        page_language = Language(language.value)

    def announce(address: "Address") -> None:
        if as_json:
            import json

            print_line(json.dumps({"url": address.url, "host": address.host, "port": address.port}))
        say(f"serving at {address.url}{f', the page at {address.url}/page' if page else ''}; Ctrl-C ends it")
        if is_first_start:
            say(f"first start: secrets and ledger made in {settings.data_dir}. Make keys with:")
            say(f"  lineside keys create NAME --role admin --data {settings.data_dir}")

    run_server(settings, page_language=page_language, on_ready=announce, ends_with_stdin=ends_with_stdin)
