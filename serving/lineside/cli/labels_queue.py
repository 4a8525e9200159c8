"""`lineside labels queue`: what people should look at today, and why."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.dataset_options import DEFAULT_STORE, StoreOption
from lineside.cli.labels_options import (
    PATIENCE_S,
    CatalogueOption,
    JsonOption,
    KeyOption,
    ProjectOption,
    WaitOption,
    label_site,
)
from lineside.cli.output import print_json, print_table, say
from lineside.cli.progress import progress_of

if TYPE_CHECKING:
    from lineside.client import LinesideClient
    from lineside.workflows.labelling import Queued

_A_DAY = timedelta(days=1)


def queue(
    server: ServerOption,
    key: KeyOption,
    project: ProjectOption,
    budget: Annotated[
        int, typer.Option(min=0, help="How many inspections people can read, audits and reports among them.")
    ],
    seed: Annotated[
        int | None, typer.Option(help="Of every draw; by default today's date, e.g. 20261123.", show_default=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Judged then or later, ISO 8601 with offset; by default a day ago.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Judged before then; by default no end.")] = None,
    station: Annotated[str | None, typer.Option(help="Of one station.")] = None,
    product: Annotated[str | None, typer.Option(help="Of one product.")] = None,
    shares: Annotated[
        Path | None, typer.Option(help="YAML file with the shares of the places that audits and reports leave.")
    ] = None,
    release: Annotated[
        Path | None, typer.Option(help="Release folder whose network describes pictures; by default gray cells do.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    catalogue: CatalogueOption = None,
    *,
    second_look: Annotated[
        bool,
        typer.Option(
            "--second-look",
            help="Let the release judge the pictures again: where it says something else than the line did, or two "
            "of its tiles do, there is a disagreement.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be picked and why; pick nothing.")
    ] = False,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Pick inspections for labelling: reports and audits first, then what a model can learn from, by shares.

    The same candidates and seed give the same picks. Their pictures are kept from then on.
    """
    from lineside.datasets.revisions import RevisionStore
    from lineside.datasets.sampling import QueueShares, load_shares
    from lineside.workflows.labelling import QueueOptions, queue_labels
    from lineside.workflows.text_files import read_text_file

    if second_look and release is None:
        raise typer.BadParameter("needs --release: somebody must look", param_hint="--second-look")
    now = datetime.now(UTC)
    options = QueueOptions(
        budget=budget,
        seed=int(f"{now:%Y%m%d}") if seed is None else seed,
        start=now - _A_DAY if start is None else _instant(start, "--from"),
        end=None if end is None else _instant(end, "--to"),
        station=station,
        product=product,
        shares=QueueShares() if shares is None else load_shares(read_text_file(shares), source=str(shares)),
        release=release,
        store=RevisionStore(store),
        catalogue=catalogue,
        is_looking_twice=second_look,
        is_dry_run=dry_run,
    )
    with progress_of("looking at candidates") as report:

        async def run(client: "LinesideClient") -> "Queued":
            site = label_site(client, server=server, project=project, is_waiting=wait, on_progress=report)
            return await queue_labels(site, options)

        queued = ask(server, key, run, patience_s=PATIENCE_S)
    _show(queued, options.seed, is_dry_run=dry_run, as_json=as_json)


def _show(queued: "Queued", seed: int, *, is_dry_run: bool, as_json: bool) -> None:
    plan = queued.plan
    rows = [
        {
            "inspection_id": pick.inspection_id,
            "part_id": queued.inspected[pick.inspection_id].part_id,
            "station": queued.inspected[pick.inspection_id].station,
            "verdict": queued.inspected[pick.inspection_id].verdict.value,
            "reason": pick.reason.value,
            "probability": pick.probability,
            "score": pick.score,
            "why": pick.why,
        }
        for pick in plan.picks
    ]
    if as_json:
        print_json(
            {
                "seed": seed,
                "candidates": len(queued.inspected),
                "picked": queued.new,
                "picks": rows,
                "places": {reason.value: places for reason, places in plan.places.items()},
                "dropped": [
                    {"inspection_id": copy.inspection_id, "copy_of": copy.copy_of, "why": copy.why}
                    for copy in plan.dropped
                ],
                "notes": list(plan.notes),
            }
        )
    else:
        print_table(("part", "verdict", "reason", "chance", "why"), [_row(row) for row in rows])
    for note in plan.notes:
        say(note)
    done = "would be picked" if is_dry_run else f"picked, {queued.new} of them new"
    say(f"{len(rows)} of {len(queued.inspected)} candidates {done}; {len(plan.dropped)} copies dropped; seed {seed}")


def _row(row: dict[str, Any]) -> Sequence[str]:
    chance = "-" if row["probability"] is None else f"{row['probability']:.3g}"
    return str(row["part_id"]), str(row["verdict"]), str(row["reason"]), chance, str(row["why"])


def _instant(text: str, option: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.utcoffset() is None:
        raise typer.BadParameter(
            f"{text!r}; expected ISO 8601 with its offset: 2026-01-31T06:00+01:00", param_hint=option
        )
    return instant
