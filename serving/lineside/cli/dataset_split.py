"""`lineside dataset split`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, JsonOption, RevisionArgument, StoreOption
from lineside.cli.output import print_json, print_line, say
from lineside.cli.progress import progress_of

if TYPE_CHECKING:
    from lineside.datasets.labelled import Split


def split(
    revision: RevisionArgument,
    store: StoreOption = DEFAULT_STORE,
    train: Annotated[float, typer.Option(help="Share of the images to train on.", min=0, max=1)] = 0.7,
    val: Annotated[float, typer.Option(help="Share that chooses between training runs.", min=0, max=1)] = 0.15,
    calibration: Annotated[float, typer.Option(help="Share that sets thresholds.", min=0, max=1)] = 0.0,
    golden: Annotated[float, typer.Option(help="Share that judges releases.", min=0, max=1)] = 0.15,
    sealed: Annotated[float, typer.Option(help="Share that judges releases and is rarely opened.", min=0, max=1)] = 0.0,
    seed: Annotated[int, typer.Option(help="Decides between groups that fit equally well.", min=0)] = 0,
    keep: Annotated[
        str,
        typer.Option(
            help="Splits that stay as they are, of this revision and of its ancestors, with commas between; or none."
        ),
    ] = "golden,sealed,escape_bank",
    *,
    as_json: JsonOption = False,
) -> None:
    """Divide a revision's images among splits by whole groups, and print the child revision's id.

    Looks for copies of golden and sealed pictures among the others, which takes some tenths of a second for each of
    them; exits 1 when it finds one.
    """
    from lineside.cli.dataset_revision import summary_json
    from lineside.datasets.labelled import Split
    from lineside.datasets.revisions import RevisionStore
    from lineside.datasets.splits import SplitPlan, split_revision

    shares = {
        Split.TRAIN: train,
        Split.VAL: val,
        Split.CALIBRATION: calibration,
        Split.GOLDEN: golden,
        Split.SEALED: sealed,
    }
    plan = SplitPlan(
        {split: share for split, share in shares.items() if share > 0},
        seed=seed,
        keep=() if keep == "none" else tuple(_split(name) for name in keep.split(",")),
    )
    used = RevisionStore(store)
    with progress_of("looking for copies") as on_image:
        child = split_revision(used, used.read(revision), plan, on_image=on_image)
    summary = summary_json(child)
    if as_json:
        print_json(summary)
        return
    record = child.provenance["split"]
    if record["set_aside"]:
        say(
            f"{record['set_aside']} image(s) are tied to a kept split by part, group or ancestor and are in no split: "
            "a kept split does not grow, and nothing of it is trained on"
        )
    for name, count in summary["splits"].items():
        say(f"{name}: {count} images{' (kept)' if name in record['kept'] else ''}")
    print_line(child.id)


def _split(name: str) -> "Split":
    from lineside.datasets.labelled import Split

    if name not in set(Split):
        raise typer.BadParameter(f"{name!r} is no split; there are {', '.join(Split)}", param_hint="--keep")
    return Split(name)
