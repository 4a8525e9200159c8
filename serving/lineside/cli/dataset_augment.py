"""`lineside dataset augment`."""

from typing import Annotated

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, JsonOption, RevisionArgument, StoreOption
from lineside.cli.output import print_json, print_line, say


def augment(
    revision: RevisionArgument,
    store: StoreOption = DEFAULT_STORE,
    copies: Annotated[int, typer.Option(help="Varied copies of every training image.", min=0)] = 1,
    photometric: Annotated[
        float, typer.Option(help="Share of the copies in another light, sharpness or noise.", min=0, max=1)
    ] = 0.7,
    rotate_deg: Annotated[
        float, typer.Option(help="Copies are turned by up to this, references with them.", min=0)
    ] = 2,
    crop_px: Annotated[
        int | None, typer.Option(help="Copies are cut to squares of this side that keep a defect; without it, whole.")
    ] = None,
    paste_share: Annotated[
        float, typer.Option(help="Share of good images with pasted defects in the result, at most 0.5.", min=0, max=0.5)
    ] = 0.0,
    defects_pasted: Annotated[int, typer.Option(help="Defects pasted on one image, at most.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Of everything.", min=0)] = 1,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a revision with more training images from one; no other split is taken from or added to.

    Prints the new revision's id. Needs the training extra (albumentations).
    """
    from lineside.cli.progress import progress_of
    from lineside.datasets.augment import AugmentationPlan, augment_revision
    from lineside.datasets.revisions import RevisionStore

    plan = AugmentationPlan(
        copies=copies,
        photometric=photometric,
        rotate_deg=rotate_deg,
        crop_px=crop_px,
        paste_share=paste_share,
        defects_pasted=defects_pasted,
        seed=seed,
    )
    used = RevisionStore(store)
    with progress_of("making images") as on_image:
        made = augment_revision(used, used.read(revision), plan, on_image=on_image)
    say(f"varied copies: {made.varied}; good images with pasted defects: {made.pasted} of {made.wanted_pasted} wanted")
    if as_json:
        print_json({"id": made.revision.id, "varied": made.varied, "pasted": made.pasted})
        return
    print_line(made.revision.id)
