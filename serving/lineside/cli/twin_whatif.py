"""`lineside twin whatif`: asks the model of a station what would be if."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.output import print_json, print_table, say
from lineside.inspection.errors import LinesideError

if TYPE_CHECKING:
    from lineside.client import LinesideClient

_Content = TypeVar("_Content", dict[str, Any], list[Any])

_KINDS: Final = {dict: "names with numbers", list: "a list, one entry for each option"}


class NoAnswer(LinesideError):
    """The question was refused, failed, or took longer than somebody would wait."""


def whatif(
    server: ServerOption,
    key: Annotated[
        str,
        typer.Option(
            "--api-key",
            envvar="LINESIDE_API_KEY",
            help="API key of role quality or mlops; better in the variable, where no process list shows it.",
        ),
    ],
    station: Annotated[str, typer.Option(help="The station whose line is asked about.")],
    question: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of the question: costs, options, hours and so on, as `POST /v1/twin/scenarios` has them; "
            "options given here come on top.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        list[float] | None, typer.Option(help="Another confidence from which parts are flagged; again for another.")
    ] = None,
    stations: Annotated[
        list[int] | None, typer.Option(help="So many stations at the one queue; again for another.")
    ] = None,
    pace: Annotated[list[float] | None, typer.Option(help="So many times as fast; again for another.")] = None,
    rework_places: Annotated[
        list[int] | None, typer.Option(help="Parts that can be in rework at once; again for another.")
    ] = None,
    escape: Annotated[float | None, typer.Option(help="Cost of a defective part that passed.")] = None,
    false_call: Annotated[float | None, typer.Option(help="Cost of a good part that was flagged.")] = None,
    rework: Annotated[float | None, typer.Option(help="Cost of a rework.")] = None,
    scrap: Annotated[float | None, typer.Option(help="Cost of a part that is lost.")] = None,
    late: Annotated[float | None, typer.Option(help="Cost of a part that is late.")] = None,
    late_after_s: Annotated[float | None, typer.Option(help="Seconds in the system from which a part is late.")] = None,
    period_hours: Annotated[float | None, typer.Option(help="The last period, which is reproduced first.")] = None,
    learn_hours: Annotated[float | None, typer.Option(help="Before it: what the model learns from.")] = None,
    product: Annotated[str | None, typer.Option(help="Only parts of this product.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all chances: the same one gives the same answer.")] = None,
    wait_s: Annotated[float, typer.Option(min=1, help="How long to wait for the answer.")] = 300.0,
    *,
    propose: Annotated[
        bool, typer.Option("--propose", help="Put the cheapest option before a person, if it is shown to be cheaper.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask what another threshold, a second station, another pace or more rework would bring.

    The model is measured from the station's ledger. It must first reproduce the last period's throughput, NG rate and
    time in the system; only then it ranks options, each with an interval.
    """
    asked = _question(question)
    asked["station"] = station
    costs = {"escape": escape, "false_call": false_call, "rework": rework, "scrap": scrap, "late": late}
    asked["costs"] = {**_of_kind(asked, "costs", dict), **_given(costs)}
    asked["options"] = [
        *_of_kind(asked, "options", list),
        *({"name": f"threshold {value:g}", "threshold": value} for value in threshold or ()),
        *({"name": f"{value} stations", "stations": value} for value in stations or ()),
        *({"name": f"pace {value:g}", "pace": value} for value in pace or ()),
        *({"name": f"{value} places of rework", "rework_places": value} for value in rework_places or ()),
    ]
    asked |= _given(
        {
            "late_after_s": late_after_s,
            "period_hours": period_hours,
            "learn_hours": learn_hours,
            "product": product,
            "seed": seed,
            "propose": propose or None,
        }
    )
    found = ask(server, key, lambda client: _answered(client, asked, wait_s), patience_s=min(30.0, wait_s))
    if as_json:
        print_json(found)
    if found["state"] != "done":
        raise NoAnswer(f"question {found['id']} was {found['state']}: {found['why']}")
    if not as_json:
        _show(found)


async def _answered(client: "LinesideClient", asked: Mapping[str, Any], wait_s: float) -> Mapping[str, Any]:
    scenario = await client.ask_scenario(asked)
    try:
        return await asyncio.wait_for(client.answered_scenario(scenario["id"]), wait_s)
    except TimeoutError as error:
        raise NoAnswer(
            f"no answer within {wait_s:g} s; the question goes on: GET /v1/twin/scenarios/{scenario['id']}"
        ) from error


def _question(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    from lineside.inspection.strict_yaml import NotStrictYaml, read_yaml

    try:
        content = read_yaml(path.read_text(encoding="utf-8")).value
    except (NotStrictYaml, UnicodeDecodeError) as error:
        raise NoAnswer(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise NoAnswer(f"{path}: expected keys with values, such as costs and options")
    return dict(content)


def _of_kind(asked: Mapping[str, Any], key: str, kind: type[_Content]) -> _Content:
    """What the file says under a key; empty where it says nothing."""
    found = asked.get(key)
    if found is None:
        return kind()
    if not isinstance(found, kind):
        raise NoAnswer(f"{key} in the file is {found!r}; expected {_KINDS[kind]}")
    return found


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _show(found: Mapping[str, Any]) -> None:
    result = found["result"]
    say(result["message"])
    for check in result["checks"]:
        say(
            f"last period, {check['measure']}: {check['observed']:.4g} observed, "
            f"{check['lower']:.4g} to {check['upper']:.4g} by the model"
        )
    if result["is_reproduced"]:
        print_table(
            ("rank", "option", "standing", "cost per part", "difference", "escapes", "false calls", "load"),
            [_row(option) for option in result["options"]],
        )
    for refused in result["refused"]:
        say(f"not carried by the ledger: {refused['name']}: {refused['reason']}")
    for proposal in found["proposals"]:
        say(f"proposed: {proposal}; approve with POST /v1/proposals/{proposal}/approve")


def _row(option: Mapping[str, Any]) -> Sequence[str]:
    load = f"{option['inspection_load']:.0%}"
    if option["rank"] is None:
        return ("-", option["name"], option["standing"], "-", option["why_not_run"], "-", "-", load)
    measures, differences = option["measures"], option["differences"]
    cost = differences["cost_per_part"]
    return (
        str(option["rank"]),
        option["name"],
        option["standing"],
        f"{measures['cost_per_part']['mean']:.4g}",
        f"{cost['mean']:+.4g} ({cost['lower']:+.4g} to {cost['upper']:+.4g})",
        f"{differences['escapes']['mean']:+.4g}",
        f"{differences['false_calls']['mean']:+.4g}",
        load,
    )
