"""Parity figures of a starter release, on synthetic boards that it was not trained on.

    python -m lineside.training.starter_parity FOLDER...

A starter has no dataset revision; its boards are drawn from its seed, so that the figures can be made again.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lineside.datasets.synthetic import Look
from lineside.inspection.engines import available_threads
from lineside.inspection.errors import LinesideError
from lineside.inspection.release import MANIFEST_NAME, InputKind, Release, read_release
from lineside.training.checkpoints import write_whole
from lineside.training.evaluation import truth_arrays
from lineside.training.parity import (
    ParityFrame,
    ParityReport,
    ParitySubject,
    measure_parity,
    read_parity_subject,
    require_unbroken,
    trained_network,
)
from lineside.training.starters import unseen_boards
from lineside.training.training_data import network_image

BOARDS = 150
"""Of each look; with 0 to 9 defects a board that makes 1,350 defects."""


def measure_starter(subject: ParitySubject, *, seed: int, boards: int = BOARDS) -> ParityReport:
    """Compare the engines of this host on unseen boards of both looks.

    Args:
        subject: the starter.
        seed: of its training run.
        boards: of each look.

    Raises:
        ParityBroken: the file does not compute what its weights say.
    """
    frames = [frame for look in Look for frame in _frames(subject.release, look, seed=seed, boards=boards)]
    data = {
        "boards": "unseen synthetic boards",
        "looks": [look.value for look in Look],
        "of_each": boards,
        "seed": seed,
    }
    with trained_network(subject) as (network, described):
        report = measure_parity(
            subject.release,
            subject.files,
            network,
            frames,
            data=data,
            network_described=described,
            threads=available_threads(),
        )
    require_unbroken(report)
    return report


def restate_parity(folder: Path, report: ParityReport) -> Release:
    """Put the figures into a release's manifest, in the place of those that are there; its digest changes.

    Args:
        folder: of an unsigned release.
        report: measured of this very model.

    Returns:
        The release as it is now.

    Raises:
        ParityRefused: the figures are of another model.
        ReleaseUnverified: the folder is no release.
    """
    subject = read_parity_subject(folder)
    report.require_model(subject.files.model, source=str(folder))
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_bytes())
    manifest["parity"] = report.section()
    write_whole(path, (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode())
    return read_release(folder)


def _frames(release: Release, look: Look, *, seed: int, boards: int) -> list[ParityFrame]:
    frames = []
    for board in unseen_boards(seed, look, boards=boards):
        image = board.frame if release.input_kind is InputKind.SINGLE else network_image(board, release.input_kind)
        truth = [(str(defect.defect_class), defect.box_xyxy_px) for defect in board.defects]
        frames.append(ParityFrame(image, *truth_arrays(truth, release.classes)))
    return frames


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lineside.training.starter_parity",
        description="Measure the parity figures of starter releases and put them into their manifests.",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a release folder that starters wrote")
    parser.add_argument("--boards", type=int, default=BOARDS, help=f"of each look (default: {BOARDS})")
    options = parser.parse_args(arguments)

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        for folder in options.folders:
            _measure_again(folder, boards=options.boards, say=say)
    except (LinesideError, ValueError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _measure_again(folder: Path, *, boards: int, say: Callable[[str], None]) -> None:
    subject = read_parity_subject(folder)
    seed = int(json.loads((folder / MANIFEST_NAME).read_bytes())["training"]["seed"])
    say(f"{folder}: comparing engines on {len(Look) * boards} boards")
    report = measure_starter(subject, seed=seed, boards=boards)
    for name, engine in report.engines.items():
        say(
            f"  {name}: boxes {engine.mean_box_difference_px:.4f} px apart, mAP50-95 "
            f"{100 * (engine.delta_map50_95 or 0):+.3f} points, {'offered' if engine.is_offered else engine.reason}"
        )
    release = restate_parity(folder, report)
    say(f"  manifest written, digest now {release.digest}")


if __name__ == "__main__":
    sys.exit(main())
