"""`lineside deployments`: what runs on a server, and how to take it back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.client import LinesideClient

deployments_app = typer.Typer(
    name="deployments",
    help="See which releases run on a server, and take one back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key of role mlops; better in the variable, where no process list shows it.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Its serial, or its id, as `lineside deployments list` shows them.")
]


@deployments_app.command(name="list")
def list_deployments(server: ServerOption, key: KeyOption, *, as_json: JsonOption = False) -> None:
    """List every deployment that the server accepted, newest first, with what became of it."""
    found = ask(server, key, lambda client: client.deployments())
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "serial", "mode", "release", "lines", "products", "standing", "expires"),
        [_row(view) for view in found["items"]],
    )


@deployments_app.command()
def show(deployment_id: IdArgument, server: ServerOption, key: KeyOption, *, as_json: JsonOption = False) -> None:
    """Show one deployment; of a shadow or canary with what was compared and the evidence so far."""

    async def look(client: "LinesideClient") -> dict[str, Any]:
        return await client.deployment(await _id_of(client, deployment_id))

    view = ask(server, key, look)
    if as_json:
        print_json(view)
        return
    print_table(("", ""), _facts(view))


@deployments_app.command()
def withdraw(
    deployment_id: IdArgument,
    server: ServerOption,
    key: KeyOption,
    reason: Annotated[str, typer.Option(help="Why; it goes into the ledger.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Roll back: take a deployment back, so that what was in force below it is in force again."""

    async def take_back(client: "LinesideClient") -> dict[str, Any]:
        view = await client.withdraw(await _id_of(client, deployment_id), reason=reason)
        return {**view, "in_force": list(await client.in_force())}

    view = ask(server, key, take_back)
    if as_json:
        print_json(view)
        return
    say(f"deployment {view['deployment']['serial']} is withdrawn; now in force:")
    print_table(
        ("line", "product", "release", "state"),
        [(item["line"], item["product"], _live(item), item["state"]) for item in view["in_force"]],
    )


async def _id_of(client: "LinesideClient", named: str) -> str:
    """The id; a serial, which is what whoever signed it knows, is looked up among what the server accepted."""
    if not named.isdecimal():
        return named
    ids = {
        str(view["deployment"]["serial"]): str(view["deployment"]["id"])
        for view in (await client.deployments())["items"]
    }
    return ids.get(str(int(named)), named)


def _row(view: Mapping[str, Any]) -> tuple[str, ...]:
    deployment = view["deployment"]
    share = "" if deployment["mode"] == "live" else f" {deployment['share']:.0%}"
    return (
        deployment["id"],
        str(deployment["serial"]),
        deployment["mode"] + share,
        f"{deployment['release']['name']} {deployment['release']['version']}",
        ", ".join(deployment["lines"]),
        ", ".join(deployment["products"]),
        view["standing"],
        deployment["expires_at"],
    )


def _facts(view: Mapping[str, Any]) -> list[tuple[str, str]]:
    deployment, comparison = view["deployment"], view["comparison"]
    names = ("id", "serial", "mode", "release", "lines", "products", "standing", "expires")
    facts = list(zip(names, _row(view), strict=True))
    facts += [
        ("digest", deployment["release"]["digest"]),
        ("accepted", f"{deployment['accepted_at']} by {deployment['accepted_by']}"),
        ("gate report", deployment["gate_report"] or "-"),
    ]
    if deployment["override"] is not None:
        facts.append(("override", f"{deployment['override']['name']}: {deployment['override']['reason']}"))
    if deployment["withdrawal"] is not None:
        taken = deployment["withdrawal"]
        facts.append(("withdrawn", f"{taken['at']} by {taken['by']}: {taken['reason']}"))
    if view["unusable"] is not None:
        facts.append(("unusable", view["unusable"]))
    if comparison is not None:
        facts += [
            ("compared", f"{comparison['compared']} parts, {comparison['dropped']} dropped"),
            (
                "disagreements",
                f"{comparison['disagreements']}, of them {comparison['verdict_differences']} in the verdict",
            ),
            ("reviewed", str(comparison["reviewed"])),
            ("right", f"the candidate on {comparison['candidate_right']}, the live one on {comparison['live_right']}"),
            ("e-value", f"{comparison['e_value']:.3g} that they differ; 20 is evidence at the 5 % level"),
            ("e-value, worse", f"{comparison['e_value_worse']:.3g} that the candidate is worse"),
        ]
        if deployment["mode"] == "canary":
            facts.append(
                ("canary", f"{comparison['canary_parts']} parts, {comparison['canary_failures']} NOT_INSPECTED")
            )
    return facts


def _live(item: Mapping[str, Any]) -> str:
    live = item["live"]
    return f"{item['release_name']} (as the server came)" if live is None else f"{live['name']} {live['version']}"
