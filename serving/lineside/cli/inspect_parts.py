"""`lineside inspect`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.output import print_json, print_table, say
from lineside.cli.progress import with_progress
from lineside.cli.releases import release_folder

if TYPE_CHECKING:
    from lineside.workflows.judging import Judge, JudgedPart


def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them (JPEG, PNG, BMP).")],
    reference: Annotated[
        Path | None,
        typer.Option(
            help="The golden image of all parts, or a folder with one for each, under the part's name. Not needed "
            "where a *_temp picture lies beside its *_test, as in DeepPCB.",
            exists=True,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="The recipe (YAML); without one any defect makes a part NG.", exists=True, dir_okay=False),
    ] = None,
    release: Annotated[
        Path | None,
        typer.Option(
            help="Release folder; without one the built-in starter: pcb-reference where the parts have references, "
            "else pcb-single.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for overlays: NAME.png with the defects drawn.")] = None,
    engine: Annotated[str, typer.Option(help="`auto` (measured once, then remembered), or an engine's name.")] = "auto",
    *,
    fail_on_ng: Annotated[bool, typer.Option("--fail-on-ng", help="Exit 1 unless every part is OK.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge pictures without a server.

    Exits 0 when all pictures were judged, whatever the verdicts: NG is a result, not an error. With --fail-on-ng it
    exits 1 when a part is NG or NOT_INSPECTED.
    """
    from lineside.workflows.folders import engine_cache_folder
    from lineside.workflows.judging import open_judge
    from lineside.workflows.pictures import find_parts

    parts = find_parts(paths, reference=reference)
    folder = release_folder(release, parts, recipe=recipe)
    judged: list[JudgedPart] = []
    with open_judge(folder, recipe_path=recipe, engine_cache=engine_cache_folder(), engine=engine) as judge:
        say(f"parts: {len(parts)}; release {judge.release.name} {judge.release.version} on {judge.engine_name}")
        for result in with_progress(judge.judge_all(parts), total=len(parts), label="judging"):
            judged.append(result)
            if out is not None:
                _write_overlay(result, out)
    if as_json:
        print_json(_document(judge, judged))
    else:
        _print_judged(judged)
    if fail_on_ng and any(result.judgement.verdict != "OK" for result in judged):
        raise typer.Exit(1)


def _write_overlay(result: "JudgedPart", out: Path) -> None:
    from lineside.inspection.errors import FrameError
    from lineside.serving.history import Mark, draw_overlay
    from lineside.workflows.judging import read_image

    try:
        image = read_image(result.part.path)
    except FrameError:
        return  # the table says why: an undecodable part is NOT_INSPECTED
    out.mkdir(parents=True, exist_ok=True)
    marks = [
        Mark(defect.box_xyxy_px, f"{defect.class_name} {defect.confidence:.2f}") for defect in result.judgement.defects
    ]
    (out / f"{result.part.name}.png").write_bytes(draw_overlay(image, marks))


def _print_judged(judged: "Sequence[JudgedPart]") -> None:
    rows = []
    for result in judged:
        judgement = result.judgement
        found: dict[str, int] = {}
        for defect in judgement.defects:
            found[defect.class_name] = found.get(defect.class_name, 0) + 1
        why = ", ".join(f"{count} {name}" for name, count in found.items())
        if judgement.verdict == "NOT_INSPECTED":
            why = "; ".join(reason.message for reason in judgement.reasons)
        rows.append((str(result.part.path), judgement.verdict.value, why, f"{result.judging_ms:.1f}"))
    print_table(("part", "verdict", "found", "ms"), rows)
    counts = {verdict: sum(row[1] == verdict for row in rows) for verdict in ("OK", "NG", "NOT_INSPECTED")}
    say(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def _document(judge: "Judge", judged: "Sequence[JudgedPart]") -> dict[str, Any]:
    release = judge.release
    return {
        "release": {"name": release.name, "version": release.version, "digest": release.digest},
        "recipe": {"id": judge.inspector.recipe.id, "version": judge.inspector.recipe.version},
        "engine": judge.engine_name,
        "threshold_status": "uncertified",
        "parts": [
            {
                "path": str(result.part.path),
                "reference": None if result.part.reference is None else str(result.part.reference),
                "verdict": result.judgement.verdict.value,
                "reasons": [
                    {"code": reason.code.value, "message": reason.message} for reason in result.judgement.reasons
                ],
                "defects": [
                    {
                        "class_name": defect.class_name,
                        "confidence": round(defect.confidence, 4),
                        "box_xyxy_px": [round(side, 1) for side in defect.box_xyxy_px],
                        "size_mm": defect.size_mm,
                        "severity": defect.severity.value,
                    }
                    for defect in result.judgement.defects
                ],
                "judging_ms": round(result.judging_ms, 2),
            }
            for result in judged
        ],
    }
