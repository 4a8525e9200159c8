"""`lineside dataset import`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.dataset_options import DEFAULT_STORE, JsonOption, StoreOption
from lineside.cli.output import print_json, print_line, say
from lineside.cli.progress import progress_of


class LayoutOption(StrEnum):
    """The layouts; a test holds them against the package's own list, which is slow to import."""

    YOLO = "yolo"
    COCO = "coco"
    VOC = "voc"
    MASKS = "masks"
    DEEPPCB = "deeppcb"


class UnlabelledOption(StrEnum):
    """What an image without a label is; the same test holds them against the package."""

    REFUSE = "refuse"
    GOOD = "good"
    SKIP = "skip"


def import_images(
    path: Annotated[
        Path, typer.Argument(help="A folder, an archive (.zip, .tar, .tar.gz), or the file that describes it.")
    ],
    layout: Annotated[LayoutOption, typer.Option("--format", help="The layout.")],
    licence: Annotated[str, typer.Option(help="What may be done with the images, in words; kept with the revision.")],
    store: StoreOption = DEFAULT_STORE,
    source: Annotated[str | None, typer.Option(help="Where the images come from, in words.")] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            help="What belongs to one board or lot: name, parent-folder, regex:PATTERN or csv:FILE (columns name, "
            "part_id, group, product, line, view, declared_good, split)."
        ),
    ] = None,
    unlabelled: Annotated[
        UnlabelledOption, typer.Option(help="What images without a label are: an error, good parts, or left out.")
    ] = UnlabelledOption.REFUSE,
    product: Annotated[str | None, typer.Option(help="The product that the parts are.")] = None,
    line: Annotated[str | None, typer.Option(help="The line that the images were taken on.")] = None,
    view: Annotated[str, typer.Option(help="The recipe's view that the images are.")] = "default",
    parent: Annotated[str | None, typer.Option(help="The revision that this one continues.")] = None,
    catalogue: Annotated[
        str | None, typer.Option(help="The defect catalogue that has every class: pcb, or a file (YAML).")
    ] = None,
    sampled: Annotated[
        str | None,
        typer.Option(
            help="How the images were chosen: random:CHANCE (of each part), designed, or picked for what they show. "
            "Picked ones never judge a model."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="The classes in order, with commas between, for layouts that do not list them."),
    ] = None,
    mask_values: Annotated[
        str | None, typer.Option(help="Gray values of mask images and their classes: 1=scratch,2=dent.")
    ] = None,
    *,
    clip: Annotated[
        bool, typer.Option("--clip", help="Cut boxes at the image's edge and record it, instead of refusing them.")
    ] = False,
    one_based: Annotated[
        bool, typer.Option("--voc-one-based", help="Pascal VOC boxes count pixels from 1, as the original data set.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a revision of labelled images and print its id; the same images and labels have the same id."""
    from lineside.datasets.formats import FormatName, ReadingOptions
    from lineside.datasets.formats.masks import parse_mask_values
    from lineside.datasets.grouping import parse_grouping
    from lineside.datasets.importing import ImportOptions, Unlabelled, import_folder
    from lineside.datasets.revisions import RevisionStore
    from lineside.datasets.sample_origins import declared_origin
    from lineside.workflows.catalogues import named_catalogue

    used = RevisionStore(store)
    with progress_of("importing") as on_image:
        revision = import_folder(
            path,
            FormatName(layout.value),
            store=used,
            options=ImportOptions(
                licence_note=licence,
                source=source,
                unlabelled=Unlabelled(unlabelled.value),
                is_clipping=clip,
                grouping=None if group_by is None else parse_grouping(group_by),
                product=product,
                line=line,
                view=view,
                parent=None if parent is None else used.resolve(parent),
                catalogue=None if catalogue is None else named_catalogue(catalogue),
                origin=None if sampled is None else declared_origin(sampled),
                reading=ReadingOptions(
                    classes=None if classes is None else tuple(name.strip() for name in classes.split(",")),
                    mask_values=None if mask_values is None else parse_mask_values(mask_values),
                    is_one_based=one_based,
                ),
            ),
            on_remark=lambda remark: say(f"note: {remark}"),
            on_image=on_image,
        )
    if as_json:
        from lineside.cli.dataset_revision import summary_json

        print_json(summary_json(revision))
        return
    say(
        f"{len(revision.images)} images, {sum(len(image.boxes) for image in revision.images)} boxes of "
        f"{len(revision.classes)} classes, {len({image.group for image in revision.images})} groups; revision:"
    )
    print_line(revision.id)
