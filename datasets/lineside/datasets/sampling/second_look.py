"""A second look at the candidates: where it, or its tiles, say something else than what is on record.

The line's verdict came from one release on one engine. Looked at again by ONNX Runtime in float32, with the same
release or another, a part whose surest score comes out otherwise is one about which engines or releases disagree. Of a
large frame, two tiles that both see a place may disagree as well.
"""

from collections.abc import Mapping

from lineside.datasets.sampling.comparing import compared
from lineside.datasets.sampling.disagreements import score_disagreement, tile_disagreement
from lineside.datasets.sampling.records import Candidate, Disagreement
from lineside.inspection.detector import Detector
from lineside.inspection.engines.offering import load_release_engine
from lineside.inspection.frames import Image
from lineside.inspection.grayscale import to_gray
from lineside.inspection.release import InputKind, Release

_ENGINE = "onnxruntime-fp32"
_ANY_CLASS = "any"


class SecondLook:
    """A release that looks at candidates again; closed when it is done with."""

    def __init__(self, release: Release, *, threads: int = 1) -> None:
        """Load it.

        Args:
            release: which.
            threads: cores to use, at least 1.

        Raises:
            EngineError: ONNX Runtime cannot load it.
        """
        self._release = release
        self._detector = Detector(release, load_release_engine(release, _ENGINE, threads=threads))
        self._between = f"the line and {release.name} {release.version} on {_ENGINE}"

    def disagreements(
        self, candidate: Candidate, views: Mapping[str, Image], references: Mapping[str, Image | None]
    ) -> tuple[Disagreement, ...]:
        """What it sees otherwise.

        Args:
            candidate: with the peak scores on record.
            views: its pictures by view: uint8 gray or blue-green-red.
            references: for a release that compares, the golden pictures; a view without a fitting one is left out.
        """
        found: list[Disagreement | None] = []
        for view in candidate.views:
            picture = self._network_image(views[view.view], references.get(view.view))
            if picture is None:
                continue
            tiles, by_tile = self._detector.detect_by_tile(picture)
            found.append(tile_disagreement(tiles, by_tile))
            peak = max((each.peak_score for each in by_tile if each.peak_score is not None), default=None)
            if peak is not None and view.peak_score is not None:
                found.append(
                    score_disagreement({_ANY_CLASS: view.peak_score}, {_ANY_CLASS: peak}, between=self._between)
                )
        return tuple(each for each in found if each is not None)

    def close(self) -> None:
        """Free the engine."""
        self._detector.close()

    def _network_image(self, view: Image, reference: Image | None) -> Image | None:
        if self._release.input_kind is InputKind.SINGLE:
            return view
        return None if reference is None else compared(to_gray(view), reference)
