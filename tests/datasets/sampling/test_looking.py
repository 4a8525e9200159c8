"""How pictures look: what is near, what is far, and what is a copy."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from blob_detector import TinyRelease
from lineside.datasets.sampling import Candidate, CandidateView, DroppedCopy, Glance, find_copies, open_describer
from lineside.datasets.sampling.descriptors import nearest_distances, spread_out
from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside.inspection.release import starter_release_folder
from queue_candidates import candidate

Picture = NDArray[np.uint8]


@cache
def board(family: LayoutFamily = LayoutFamily.SURFACE_MOUNT) -> Board:
    return Board(BoardDesign(family, seed=11))


def frame(seed: int, *, defects: int = 0, marks: int = 0, contrast: float = 1.0) -> Picture:
    return board().sample(look=Look.CAMERA, seed=seed, defects=defects, marks=marks, contrast=contrast).frame


def again(picture: Picture, *, seed: int = 1, shift_px: float = 0.6) -> Picture:
    """The same part photographed once more: a little moved, with other noise."""
    height, width = picture.shape
    moved = cv2.warpAffine(
        picture, np.array([[1, 0, shift_px], [0, 1, 0.3]]), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    noise = np.random.default_rng(seed).normal(0, 3, picture.shape)
    return np.clip(moved + noise, 0, 255).astype(np.uint8)


def jpeg(picture: Picture) -> Picture:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0), np.uint8)


def median_nearest(describer_name: str, known: Sequence[Picture], asked: Sequence[Picture]) -> float:
    describer = open_describer(starter_release_folder(describer_name))
    points = np.stack([describer.describe([picture]) for picture in known])
    return float(np.median(nearest_distances(np.stack([describer.describe([each]) for each in asked]), points)))


@pytest.mark.parametrize("starter", ["pcb-single", "pcb-reference"])
def test_what_looks_alike_is_near_and_what_looks_new_is_far(starter: str) -> None:
    """By each starter's own backbone: good boards to good boards, another light, another product."""
    known = [frame(seed) for seed in range(8)]
    good = median_nearest(starter, known, [frame(seed) for seed in range(20, 25)])
    dark = median_nearest(starter, known, [(frame(seed) * 0.6).astype(np.uint8) for seed in range(20, 23)])
    other = board(LayoutFamily.BUS)
    stranger = median_nearest(
        starter, known, [other.sample(look=Look.CAMERA, seed=seed, defects=0).frame for seed in range(3)]
    )
    assert good < dark / 1.5
    assert good < stranger / 1.5


def test_a_defect_moves_the_point_though_it_is_a_thousandth_of_the_picture() -> None:
    known = [frame(seed) for seed in range(8)]
    good = median_nearest("pcb-single", known, [frame(seed) for seed in range(20, 26)])
    defective = median_nearest("pcb-single", known, [frame(seed, defects=2) for seed in range(30, 36)])
    assert defective > 1.4 * good


def test_a_reference_release_sees_more_with_its_reference() -> None:
    describer = open_describer(starter_release_folder("pcb-reference"))
    golden = board().golden(look=Look.CAMERA)

    def point(picture: Picture, *, compared: bool) -> NDArray[np.float32]:
        return describer.describe([picture], references=[golden if compared else None])

    for compared in (True, False):
        good = [point(frame(seed), compared=compared) for seed in range(4)]
        bad = point(frame(9, defects=3), compared=compared)
        apart = float(nearest_distances(bad[None], np.stack(good[:3]))[0])
        usual = float(nearest_distances(good[3][None], np.stack(good[:3]))[0])
        if compared:
            with_reference = apart / usual
        else:
            without = apart / usual
    assert with_reference > without
    misfit = describer.describe([frame(1)], references=[golden[:320]])
    assert np.array_equal(misfit, point(frame(1), compared=False)), "a reference that does not fit is as good as none"


def test_a_large_frame_is_described_tile_by_tile() -> None:
    describer = open_describer(starter_release_folder("pcb-single"))
    wide = np.hstack([frame(1), frame(2, defects=3)])
    left, right = describer.describe([frame(1)]), describer.describe([frame(2, defects=3)])
    point = describer.describe([wide])
    assert point.shape == left.shape
    assert np.array_equal(point, describer.describe([frame(1), frame(2, defects=3)])), "as two views of one part"
    assert float(np.linalg.norm(point - right)) < float(np.linalg.norm(left - right)) * 1.5


def test_without_a_backbone_to_cut_the_picture_itself_is_described(tmp_path: Path) -> None:
    """The blob detector has no head that scales anything up."""
    tiny = open_describer(TinyRelease().write(tmp_path / "blobs"))
    plain = open_describer(None)
    assert tiny.kind == plain.kind == "gray cells of the picture"
    good = plain.describe([frame(1)])
    assert good.shape == (512,)
    assert np.linalg.norm(good - plain.describe([frame(2)])) < np.linalg.norm(
        good - plain.describe([(frame(2) * 0.6).astype(np.uint8)])
    )


@pytest.mark.parametrize("seed", range(5))
def test_points_that_are_spread_out_cover_the_others_within_twice_the_best_radius(seed: int) -> None:
    """Gonzalez' bound, against the best of all choices."""
    points = np.random.default_rng(seed).normal(size=(9, 2)).astype(np.float32)
    none = points[:0]

    def radius(chosen: Sequence[int]) -> float:
        return float(nearest_distances(points, points[list(chosen)]).max())

    best = min(radius(chosen) for chosen in combinations(range(9), 3))
    greedy = [position for position, _ in spread_out(points, 3, centers=none)]
    assert radius(greedy) <= 2 * best + 1e-6
    assert len(set(greedy)) == 3
    assert spread_out(points, 0, centers=none) == []


def test_distances_are_those_of_a_plain_computation() -> None:
    random = np.random.default_rng(1)
    points, centers = random.normal(size=(7, 5)).astype(np.float32), random.normal(size=(4, 5)).astype(np.float32)
    plain = [min(float(np.linalg.norm(point - center)) for center in centers) for point in points]
    assert nearest_distances(points, centers) == pytest.approx(plain, abs=1e-5)
    assert np.isinf(nearest_distances(points, centers[:0])).all()


class Line:
    """Parts that passed, one a second unless said otherwise, and their pictures."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.pictures: dict[tuple[str, str], Picture] = {}
        self.asked: list[str] = []

    def passes(self, picture: Picture, *, at: int | None = None, **fields: object) -> str:
        made = candidate(len(self.candidates) if at is None else at, **fields)  # type: ignore[arg-type]  # of a test
        self.candidates.append(made)
        for view in made.views:
            self.pictures[made.inspection_id, view.view] = picture
        return made.inspection_id

    def copies(self) -> tuple[DroppedCopy, ...]:
        glances = {key: Glance.of(picture) for key, picture in self.pictures.items()}

        def picture(inspection_id: str, view: str) -> Picture:
            self.asked.append(inspection_id)
            return self.pictures[inspection_id, view]

        return find_copies(self.candidates, glances, picture=picture)


def test_a_frame_that_came_twice_is_dropped_and_named() -> None:
    line = Line()
    first = line.passes(frame(1, defects=1))
    line.passes(frame(2, defects=1))
    copy = line.passes(jpeg(frame(1, defects=1)))
    assert line.copies() == (DroppedCopy(copy, first, f"the same shot as {first}"),)


def test_parts_of_one_design_are_no_copies_though_their_hashes_are_one() -> None:
    """64 bits say the same of all boards of a product: alone they would drop every defect but the first."""
    line = Line()
    pictures = [frame(seed, defects=seed % 2) for seed in range(10)]
    for picture in pictures:
        line.passes(picture)
    bits = [Glance.of(picture).hash_bits for picture in pictures]
    distances = [int(np.bitwise_count(bits[0] ^ each).sum()) for each in bits]
    assert max(distances) <= 4, "the hash calls them all near-duplicates"
    assert line.copies() == ()


def test_another_exposure_of_the_same_part_is_dropped_unless_something_changed() -> None:
    line = Line()
    first = line.passes(frame(1, defects=1), part_id="p")
    retest = line.passes(again(frame(1, defects=1)), part_id="p")
    line.passes(again(frame(3)), part_id="p")  # reworked: the defect is gone
    line.passes(again(frame(1, defects=1), seed=9), part_id="another", at=7)
    assert line.copies() == (DroppedCopy(retest, first, f"another exposure of the same part as {first}"),)


def test_other_stations_and_other_hours_are_no_copies() -> None:
    line = Line()
    line.passes(frame(1))
    line.passes(frame(1), station="aoi-2")
    line.passes(frame(1), at=3600)
    assert line.copies() == ()
    assert line.asked == [], "no picture is read for what cannot be a copy"


def test_what_is_read_anyway_is_never_dropped_and_others_are_copies_of_it() -> None:
    line = Line()
    early = line.passes(frame(1))
    audit = line.passes(frame(1), audit_probability=0.1)
    report = line.passes(frame(1), is_reported=True)
    assert [(copy.inspection_id, copy.copy_of) for copy in line.copies()] == [(early, audit)]
    assert report not in {copy.inspection_id for copy in line.copies()}


def test_a_part_is_a_copy_only_if_every_view_is() -> None:
    line = Line()
    views = (CandidateView("top", "0" * 64), CandidateView("bottom", "1" * 64))
    first = line.passes(frame(1), views=views)
    second = line.passes(frame(1), views=views)
    line.pictures[second, "bottom"] = frame(5, defects=2)
    assert line.copies() == ()
    line.pictures[second, "bottom"] = jpeg(frame(1))
    assert [copy.copy_of for copy in line.copies()] == [first]
