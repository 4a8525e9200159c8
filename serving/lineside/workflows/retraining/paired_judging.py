"""The same images before both releases, with the boxes that each reported: what the pictures of a summary show."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lineside.datasets.labelled import LabelledImage
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.release import read_release
from lineside.training.evaluation.judging import JudgedPart, PartJudge, parts_of
from lineside.training.evaluation.tallying import outcome_of
from lineside.training.gate.pairs import PairedPart
from lineside.workflows.recipe_rules import RecipeFile, rules_for

OnPart = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairJudging:
    """How images are judged by both releases.

    Attributes:
        live: folder of the live release.
        candidate: folder of the candidate.
        store: holds the pictures.
        classes: names to count with.
        recipe: to judge by; None: any defect is NG.
        engine: "auto", or its name.
        engine_cache: where the choice of engine is remembered.
        now: aware instant at which references must be valid.
    """

    live: Path
    candidate: Path
    store: RevisionStore
    classes: tuple[str, ...]
    recipe: RecipeFile | None
    engine: str
    engine_cache: Path | None
    now: datetime

    def judge(self, images: Sequence[LabelledImage], *, on_part: OnPart) -> "tuple[JudgedPair, ...]":
        """Judge images; none gives none, and no release is loaded for it.

        Args:
            images: of any parts.
            on_part: called after each part of each release with how many are done and how many there are.

        Raises:
            LinesideError: a release does not run here, or a picture cannot be read.
        """
        parts = parts_of(images)
        if not parts:
            return ()
        total = 2 * len(parts)
        live, live_classes = self._judged(self.live, parts, lambda done: on_part(done, total))
        candidate, classes = self._judged(self.candidate, parts, lambda done: on_part(len(parts) + done, total))
        return tuple(
            JudgedPair(PairedPart(outcome_of(one, classes), outcome_of(other, live_classes)), one, other)
            for one, other in zip(candidate, live, strict=True)
        )

    def _judged(
        self, folder: Path, parts: Sequence[Sequence[LabelledImage]], on_part: Callable[[int], None]
    ) -> tuple[list[JudgedPart], tuple[str, ...]]:
        release = read_release(folder)
        rules, _ = rules_for(self.recipe, release)
        classes = (*self.classes, *(name for name in release.classes if name not in self.classes))
        engine = choose_engine(release, cache_dir=self.engine_cache, requested=self.engine)
        detector = open_detector(release, engine)
        try:
            judge = PartJudge(detector, self.store, classes, rules=rules, now=self.now, monotonic=time.perf_counter)
            judged = []
            for part in judge.judge_all(parts):
                judged.append(part)
                on_part(len(judged))
        finally:
            detector.close()
        return judged, classes


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPair:
    """A part before both releases.

    Attributes:
        outcome: what became of it.
        candidate: with the boxes that the candidate reported.
        live: with those of the live release.
    """

    outcome: PairedPart
    candidate: JudgedPart
    live: JudgedPart
