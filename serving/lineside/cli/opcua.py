"""`lineside opcua`: what the OPC UA server of a delivery file needs before it is let into a plant's network."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import print_json, print_line, say

opcua_app = typer.Typer(
    name="opcua",
    help="Make an OPC UA server's certificate, add its users, trust its clients.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class UserRoleOption(StrEnum):
    """What a user may do; a test holds them against the server's own list, which is slow to import."""

    VIEWER = "viewer"
    OPERATOR = "operator"


@opcua_app.command()
def certificate(
    folder: Annotated[Path, typer.Argument(help="Where `server.der` and `server.key.pem` are written.")],
    host: Annotated[list[str], typer.Option(help="A name or address by which clients reach it; as often as needed.")],
    uri: Annotated[str, typer.Option(help="The server's name in OPC UA.")] = "urn:lineside:server",
    days: Annotated[int, typer.Option(min=1, max=7300, help="Days until it ends.")] = 1825,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a key and a self-signed certificate; give the certificate to every client. Nothing is overwritten."""
    from lineside.serving.delivery.opcua.certificates import make_certificate

    made = make_certificate(folder, hosts=host, application_uri=uri, days=days, now=datetime.now(UTC))
    if as_json:
        print_json(
            {
                "certificate_file": str(made.certificate_file),
                "private_key_file": str(made.private_key_file),
                "fingerprint": made.fingerprint,
                "application_uri": made.application_uri,
            }
        )
        return
    say(f"wrote {made.certificate_file} for the clients, and its key {made.private_key_file}; SHA-256 fingerprint:")
    print_line(made.fingerprint)


@opcua_app.command()
def user(
    name: Annotated[str, typer.Argument(help="What they log in with.")],
    users: Annotated[Path, typer.Option("--users", help="The users' file, `users_file` of the delivery file.")],
    role: Annotated[UserRoleOption, typer.Option(help="What they may do.")] = UserRoleOption.VIEWER,
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", help="File with the password; asked for without it.", show_default=False),
    ] = None,
) -> None:
    """Add a user, or give one another password or role. A running server knows it at the next login."""
    from lineside.serving.delivery.opcua.users import UserBook, UserRoleName

    if password_file is None:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = password_file.read_text(encoding="utf-8").strip()
    UserBook(users).put(name, password, UserRoleName(role.value))
    say(f"{name} may log in as {role.value}")


@opcua_app.command()
def trust(
    certificate_file: Annotated[
        Path, typer.Argument(help="A client's certificate, DER or PEM; strangers' lie in the sink's `rejected` folder.")
    ],
    trusted: Annotated[Path, typer.Option("--trusted", help="The folder `trusted_dir` of the delivery file.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Let a client connect. To take that back, delete its file from the folder; its next connection is refused."""
    from lineside.serving.delivery.opcua.trust import trust as trust_client

    fingerprint = trust_client(certificate_file, trusted)
    if as_json:
        print_json({"fingerprint": fingerprint})
        return
    say(f"{certificate_file} is trusted; compare its SHA-256 fingerprint with the client's own:")
    print_line(fingerprint)
