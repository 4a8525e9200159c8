"""What `lineside parity` is asked for, and where its figures go."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lineside.datasets.revisions import RevisionSelection, RevisionStore
from lineside.inspection.engines import available_threads
from lineside.inspection.release import MANIFEST_NAME
from lineside.training.checkpoints import write_whole
from lineside.training.errors import ParityRefused
from lineside.training.parity.frames import DEFAULT_SPLITS
from lineside.training.parity.report import PARITY_NAME, ParityReport
from lineside.training.parity.subjects import MOST_FRAMES, compare_engines, read_parity_subject


@dataclass(frozen=True, slots=True, eq=False)
class ParityOrder:
    """What to measure.

    Attributes:
        folder: of a run or a release.
        selection: frames of which revision and splits; no split takes `DEFAULT_SPLITS`.
        store: holds them.
        checkpoint: to compare with; None takes the run's own, or rebuilds the network from the release's model.
        engines: names; None for all that this host and model can run.
        most_frames: spread evenly if there are more.
        out: the figures' file; None for `parity.json` in a run's folder, and none for a release.
    """

    folder: Path
    selection: RevisionSelection
    store: RevisionStore
    checkpoint: Path | None = None
    engines: tuple[str, ...] | None = None
    most_frames: int = MOST_FRAMES
    out: Path | None = None


def measure_folder(order: ParityOrder, *, on_progress: Callable[[int, int], None]) -> ParityReport:
    """Measure and write the figures, also those of a broken export: `require_unbroken` is the caller's next step.

    Args:
        order: what.
        on_progress: told how many judgements are done, and of how many.

    Raises:
        ParityRefused: the figures would lie in a release's folder, or nothing can be measured as ordered.
    """
    is_release = (order.folder / MANIFEST_NAME).is_file()
    target = order.out
    if target is None and not is_release:
        target = order.folder / PARITY_NAME
    if is_release and target is not None and target.resolve().is_relative_to(order.folder.resolve()):
        raise ParityRefused(f"{target} lies in a release, which holds only what its manifest names; give another place")
    report = compare_engines(
        read_parity_subject(order.folder, checkpoint=order.checkpoint),
        store=order.store,
        revision=order.store.read(order.selection.revision),
        splits=order.selection.splits or DEFAULT_SPLITS,
        threads=available_threads(),
        engines=order.engines,
        most_frames=order.most_frames,
        on_progress=on_progress,
    )
    if target is not None:
        write_whole(target, report.to_json().encode())
    return report
