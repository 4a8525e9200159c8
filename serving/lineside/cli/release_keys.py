"""`lineside release keys`: the keys that releases and deployments are signed with."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from lineside.cli.output import print_json, print_line, print_table, say
from lineside.cli.release_options import JsonOption, TrustOption, new_passphrase, now, trust_of

keys_app = typer.Typer(
    name="keys", help="Make, list and revoke signing keys.", no_args_is_help=True, rich_markup_mode=None
)


@keys_app.command()
def create(
    role: Annotated[
        Literal["build", "deploy"],
        typer.Option(help="`build` signs releases, `deploy` signs deployments; give them to two people."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the key's file.", file_okay=False)],
    name: Annotated[str | None, typer.Option(help="Of the file, without .pem; the role if not given.")] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            envvar="LINESIDE_TRUST_FILE", help="Trust file that gets the public half; OUT/trust.json if not given."
        ),
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="Days that its signatures count; no end if not given.", min=0.01, max=36500.0)
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a signing key (Ed25519 and ML-DSA-65): a private file for its owner, a public half in the trust file.

    The file is encrypted with the passphrase of LINESIDE_KEY_PASSPHRASE, or one asked for at a terminal.
    """
    from lineside.inspection.release import Role, write_instant
    from lineside.training.registry import TRUST_NAME, create_key

    path = out / f"{name or role}.pem"
    trust_file = trust or out / TRUST_NAME
    passphrase = new_passphrase()
    not_after = None if days is None else now().replace(microsecond=0) + timedelta(days=days)
    key = create_key(path, Role(role), trust=trust_file, passphrase=passphrase, not_after=not_after)
    say(f"wrote the private key to {path}, {'encrypted' if passphrase else 'NOT encrypted'}; keep it to yourself")
    say(f"added its public half to {trust_file}; put that file on the servers")
    if as_json:
        print_json(
            {
                "key_id": key.public.key_id,
                "role": role,
                "file": str(path),
                "trust": str(trust_file),
                "is_encrypted": passphrase is not None,
                "not_after": None if not_after is None else write_instant(not_after),
            }
        )
        return
    print_line(key.public.key_id)


@keys_app.command(name="list")
def list_keys(trust: TrustOption = Path("trust.json"), *, as_json: JsonOption = False) -> None:
    """List whom a trust file trusts."""
    from lineside.inspection.release import write_instant

    rows = [
        {
            "key_id": key.key_id,
            "role": key.role.value,
            "not_after": None if key.not_after is None else write_instant(key.not_after),
            "revoked": key.is_revoked,
        }
        for key in trust_of(trust).keys
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("key", "role", "until", "revoked"),
        [
            (str(row["key_id"]), str(row["role"]), str(row["not_after"] or "-"), "yes" if row["revoked"] else "-")
            for row in rows
        ],
    )


@keys_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its id, or the first digits.", show_default=False)],
    trust: TrustOption = Path("trust.json"),
    *,
    as_json: JsonOption = False,
) -> None:
    """Mark a key as stolen or left: nothing that it signed counts any more. Put the trust file on the servers again."""
    from lineside.training.registry import revoke_key

    key = revoke_key(trust, key_id)
    if as_json:
        print_json({"key_id": key.key_id, "role": key.role.value, "revoked": True})
        return
    say(f"revoked {key.role.value} key {key.key_id} in {trust}")
