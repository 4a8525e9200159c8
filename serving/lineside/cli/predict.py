"""`lineside predict`."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import print_json, say
from lineside.cli.progress import with_progress
from lineside.cli.releases import release_folder


def predict(
    images: Annotated[
        Path,
        typer.Option(
            help="A text file with one path a line, relative to it, or a folder. DeepPCB's own lists work.", exists=True
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the files, one STEM.txt an image.", file_okay=False)],
    reference: Annotated[
        Path | None,
        typer.Option(
            help="The golden image of all, a folder with one for each, or a list with one a line.", exists=True
        ),
    ] = None,
    release: Annotated[
        Path | None,
        typer.Option(
            help="A release folder or a training run's; without one the starter that fits.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    confidence: Annotated[
        float,
        typer.Option(
            help="Least confidence written, for every class: low for mAP, the chosen threshold for F.",
            min=0.001,
            max=1.0,
        ),
    ] = 0.01,
    engine: Annotated[str, typer.Option(help="`auto` (measured once, then remembered), or an engine's name.")] = "auto",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the number of detections by image as JSON.")] = False,
) -> None:
    """Write what a release finds as text, for scoring by others.

    Each line of a STEM.txt is `x1,y1,x2,y2,confidence,class`: whole pixels, by falling confidence.
    """
    from lineside.workflows.folders import engine_cache_folder
    from lineside.workflows.judging import open_judge
    from lineside.workflows.pictures import read_list
    from lineside.workflows.predicting import predict_all

    parts = read_list(images, reference=reference)
    folder = release_folder(release, parts)
    with open_judge(folder, recipe_path=None, engine_cache=engine_cache_folder(), engine=engine) as judge:
        say(f"images: {len(parts)}; release {judge.release.name} {judge.release.version} on {judge.engine_name}")
        written = predict_all(judge, parts, confidence=confidence, out=out)
        counts = {part.name: count for part, count in with_progress(written, total=len(parts), label="predicting")}
    say(f"detections: {sum(counts.values())}; files in {out}: {len(counts)}")
    if as_json:
        print_json(counts)
