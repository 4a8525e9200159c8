"""The pieces of the watch for drift, each against numbers that are known."""

import math

import numpy as np
import pytest

from lineside.statistics.drift import (
    Batch,
    Level,
    MeasuredPart,
    NonFiniteMeasure,
    PictureModel,
    Reference,
    Signal,
    WatchLimits,
    change_point,
    cusum,
    cusum_limit,
    dispersion,
    level_shift,
    look,
    score_shift,
    share_shift,
)
from lineside.statistics.drift.levels import LEAST_BATCHES
from lineside.statistics.errors import TooFewParts


def test_complete_separation_of_eight_against_eight_has_its_exact_p_value() -> None:
    shift = score_shift(range(8), range(10, 18))
    assert shift.distance == 1.0
    assert shift.p_value == pytest.approx(2 / math.comb(16, 8))
    assert (shift.before, shift.after) == (3.5, 13.5)


def test_a_dispersion_makes_a_difference_less_sure() -> None:
    random = np.random.default_rng(1)
    one, other = random.normal(0, 1, 300), random.normal(0.35, 1, 300)
    plain, clustered = score_shift(one, other), score_shift(one, other, dispersion=6.0)
    assert plain.p_value < 0.001 < 0.01 < clustered.p_value < 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_is_no_number_is_refused_by_name(bad: float) -> None:
    with pytest.raises(NonFiniteMeasure, match="number 3 is"):
        score_shift([0.1, 0.2, 0.3, bad, *[0.5] * 8], [0.1] * 8)
    with pytest.raises(NonFiniteMeasure):
        MeasuredPart(score=bad, is_flagged=False, views={})
    with pytest.raises(NonFiniteMeasure, match="sharpness of view 'top'"):
        MeasuredPart(score=0.1, is_flagged=False, views={"top": {"sharpness": bad}})


@pytest.mark.parametrize("sizes", [(7, 100), (100, 7), (0, 0)])
def test_too_few_scores_are_refused_with_what_is_missing(sizes: tuple[int, int]) -> None:
    with pytest.raises(TooFewParts, match="needs 8 parts"):
        score_shift([0.1] * sizes[0], [0.1] * sizes[1])


def test_a_share_is_tested_by_fisher_s_mid_p() -> None:
    """3 of 10 against 0 of 10: of the C(20, 3) ways, C(10, 3) put all three on one side; the mid-p takes half."""
    one_sided = 120 / 1140 / 2
    assert share_shift(3, 10, 0, 10).p_value == pytest.approx(2 * one_sided)
    assert share_shift(0, 10, 0, 10).p_value == 1.0
    assert share_shift(10, 10, 10, 10).p_value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("counts", "error"),
    [
        pytest.param((-1, 10, 0, 10), ValueError, id="negative"),
        pytest.param((0.5, 10, 0, 10), TypeError, id="no integer"),
        pytest.param((11, 10, 0, 10), ValueError, id="more events than parts"),
        pytest.param((0, 0, 0, 10), TooFewParts, id="no part"),
    ],
)
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        share_shift(*counts)


@pytest.mark.parametrize("bad", [0.5, float("nan"), float("inf")])
def test_a_dispersion_below_one_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="dispersion"):
        share_shift(1, 10, 2, 10, dispersion=bad)


def test_the_dispersion_of_lots_that_differ_is_above_one_and_otherwise_one() -> None:
    assert dispersion([0, 20, 0, 20], [50, 50, 50, 50]) == pytest.approx((4 * 100 / (50 * 0.2 * 0.8)) / 3)
    assert dispersion([5, 5, 5, 5], [50, 50, 50, 50]) == 1.0
    assert dispersion([0, 0], [50, 50]) == dispersion([50, 50], [50, 50]) == dispersion([1], [50]) == 1.0


def test_a_cumulative_sum_adds_what_exceeds_its_slack() -> None:
    """The textbook case of qcc: x = 1.5, .5, .6, -1.5, -.5, -.8 gives C+ 1, 1, 1.1, 0, 0, 0 and C- ... 1, 1, 1.3."""
    deviates = [1.5, 0.5, 0.6, -1.5, -0.5, -0.8]
    sums = [cusum(deviates[:count], limit=9.0) for count in range(1, 7)]
    assert [round(run.upper, 6) for run in sums] == [1.0, 1.0, 1.1, 0.0, 0.0, 0.0]
    assert [round(run.lower, 6) for run in sums] == [0.0, 0.0, 0.0, 1.0, 1.0, 1.3]


def test_a_cumulative_sum_says_when_it_crossed_and_when_it_began() -> None:
    run = cusum([0.0, -0.2, 0.1, 2.0, 2.0, 2.0, 2.0], limit=4.0)
    assert (run.crossed_at, run.began_at) == (5, 3)
    assert cusum([], limit=4.0).crossed_at is None


def test_the_limit_of_a_cumulative_sum_keeps_its_false_alarms_as_rare_as_stated() -> None:
    random = np.random.default_rng(3)
    limit = cusum_limit(200)
    lengths = []
    for _ in range(300):
        crossed = cusum(random.normal(size=1500).tolist(), limit=limit).crossed_at
        lengths.append(1500 if crossed is None else crossed + 1)
    assert np.mean(lengths) == pytest.approx(200, rel=0.25)


@pytest.mark.parametrize("limits", [(0.0, 0.5), (float("nan"), 0.5), (4.0, -1.0)])
def test_a_cumulative_sum_without_a_limit_is_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected a limit above 0"):
        cusum([1.0], limit=limits[0], slack=limits[1])


def test_a_moving_average_has_the_textbook_values() -> None:
    """qcc: mu 10, weight 0.5, x = 11, 13, 12 gives 10.5, 11.75, 11.875 with sigma 1, sqrt 1.25, sqrt 1.3125 (sd 2)."""
    level = Level(mean=10.0, spread=2.0, batches=10**9, autocorrelation=0.0)
    found = [level_shift(level, [11.0, 13.0, 12.0][:count], weight=0.5) for count in (1, 2, 3)]
    assert [shift.after for shift in found] == pytest.approx([10.5, 11.75, 11.875])
    deviations = zip([0.5, 1.75, 1.875], [1.0, math.sqrt(1.25), math.sqrt(1.3125)], strict=True)
    expected = [math.erfc(deviation / sigma / math.sqrt(2)) for deviation, sigma in deviations]
    assert [shift.p_value for shift in found] == pytest.approx(expected, rel=1e-6)


def test_a_level_that_never_varied_has_the_resolution_as_its_spread() -> None:
    level = Level.of([0.1] * LEAST_BATCHES, resolution=0.002)
    assert (round(level.mean, 9), level.spread, level.autocorrelation) == (0.1, 0.002, 0.0)
    assert level_shift(level, [0.1004]).p_value > 0.5


def test_neighbours_that_resemble_each_other_make_a_level_less_sure() -> None:
    slow = Level.of([math.sin(index / 4) for index in range(40)], resolution=0.01)
    assert slow.autocorrelation > 0.8
    fast = Level(slow.mean, slow.spread, slow.batches, 0.0)
    assert level_shift(slow, [2.0]).p_value > 10 * level_shift(fast, [2.0]).p_value


def test_too_few_batches_make_no_level() -> None:
    with pytest.raises(TooFewParts, match=r"needs 8 parts; 7 were given"):
        Level.of([1.0] * 7, resolution=0.1)
    with pytest.raises(NonFiniteMeasure):
        Level.of([*[1.0] * 8, float("nan")], resolution=0.1)
    with pytest.raises(ValueError, match="resolution"):
        Level.of([1.0] * 8, resolution=0.0)
    with pytest.raises(TooFewParts):
        level_shift(Level(0.0, 1.0, 8, 0.0), [])


def test_the_change_point_is_where_the_means_differ_most() -> None:
    assert change_point([0.0] * 10 + [1.0] * 2) == 10
    assert change_point([1.0] + [0.0] * 10) == 1
    assert change_point([0.0, 0.0, 1.0, 1.0, 1.0, 1.0], earliest=4) == 4, "nothing changed within the reference"
    with pytest.raises(ValueError, match="two or more"):
        change_point([1.0])
    with pytest.raises(NonFiniteMeasure):
        change_point([1.0, float("nan")])


def test_a_picture_model_is_not_fooled_by_odd_pictures_in_its_reference() -> None:
    """A fifth of the pictures are far off; the distances of ordinary ones stay those of a clean reference."""
    random = np.random.default_rng(5)
    mixing = np.array([[1.0, 0.0], [1.9, 0.4]])
    clean = random.normal(size=(400, 2)) @ mixing.T + [120.0, 30.0]
    dirty = np.concatenate([clean, random.normal([60.0, 90.0], 1.0, size=(100, 2))])
    resolutions = np.array([0.01, 0.01])
    by_clean = PictureModel.fit(clean, resolutions=resolutions).distances(clean)
    by_dirty = PictureModel.fit(dirty, resolutions=resolutions).distances(clean)
    assert np.median(by_dirty / by_clean) == pytest.approx(1.0, abs=0.25)
    exact = np.sqrt(
        np.einsum("ij,jk,ik->i", clean - clean.mean(0), np.linalg.inv(np.cov(clean.T)), clean - clean.mean(0))
    )
    assert np.median(by_clean / exact) == pytest.approx(1.0, abs=0.1)


def test_a_combination_that_never_was_is_novel_though_each_measure_is_usual() -> None:
    random = np.random.default_rng(6)
    light = random.normal(0, 2, 500)
    pictures = np.stack([120 + light, 30 + 0.9 * light + random.normal(0, 0.2, 500)], axis=1)
    model = PictureModel.fit(pictures, resolutions=np.array([0.1, 0.1]))
    brighter_yet_flatter = np.array([[123.0, 27.3]])
    assert model.distances(brighter_yet_flatter)[0] > 3 * np.quantile(model.distances(pictures), 0.99)
    with pytest.raises(TooFewParts):
        PictureModel.fit(pictures[:20], resolutions=np.array([0.1, 0.1]))


def parts(count: int, *, seed: int, **changes: float) -> list[MeasuredPart]:
    """Parts of a line with two cameras; `changes` may name "good", "share", or a measure of the top camera."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        logit = random.normal(1.5, 1) if random.random() < changes.get("share", 0.1) else random.normal(-4, 1)
        score = 1 / (1 + math.exp(-logit))
        top = {
            "mean": random.normal(changes.get("mean", 120.0), 2.0),
            "shift_x_px": random.normal(changes.get("shift_x_px", 0.0), 0.5),
        }
        views = {"top": top, "side": {"mean": random.normal(80.0, 2.0)}}
        made.append(MeasuredPart(score=score, is_flagged=score >= 0.25, views=views))
    return made


def batched(made: list[MeasuredPart]) -> list[Batch]:
    return [Batch.of(made[start : start + 50]) for start in range(0, len(made), 50)]


LIMITS = WatchLimits(risk_per_look=0.01, window_parts=500, look_parts=100)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference.of(batched(parts(1000, seed=1)), threshold=0.25)


@pytest.mark.parametrize(
    ("changes", "signal", "detail"),
    [
        pytest.param({"share": 0.3}, Signal.FLAG_RATE, "", id="more parts are flagged"),
        pytest.param({"mean": 116.0}, Signal.PICTURE, "top/mean", id="a lamp fades"),
        pytest.param({"shift_x_px": 1.0}, Signal.PICTURE, "top/shift_x_px", id="a fixture moves"),
        pytest.param({"mean": 112.0}, Signal.NOVELTY, "", id="pictures that never were"),
    ],
)
def test_a_look_says_what_changed(reference: Reference, changes: dict[str, float], signal: Signal, detail: str) -> None:
    since = [*batched(parts(200, seed=2)), *batched(parts(400, seed=3, **changes))]
    found = look(reference, since, limits=LIMITS)
    changed = {(finding.signal, finding.detail): finding for finding in found.changes}
    assert (signal, detail) in changed
    assert changed[signal, detail].since_batch == pytest.approx(4, abs=1)
    assert found.findings[: len(changed)] == found.changes
    assert found.parts == 600


def test_a_look_at_the_reference_s_like_finds_nothing(reference: Reference) -> None:
    found = look(reference, batched(parts(500, seed=4)), limits=LIMITS)
    assert found.changes == ()
    assert {finding.detail for finding in found.findings if finding.signal is Signal.PICTURE} == {
        "top/mean",
        "top/shift_x_px",
        "side/mean",
    }


def test_parts_without_a_score_count_for_pictures_only(reference: Reference) -> None:
    blind = [MeasuredPart(score=None, is_flagged=False, views=part.views) for part in parts(100, seed=5, mean=100.0)]
    found = look(reference, [*batched(parts(100, seed=6)), *batched(blind)], limits=LIMITS)
    all_scores = next(finding for finding in found.findings if finding.signal is Signal.ALL_SCORES)
    assert all_scores.counts == (1000, 100)
    assert (Signal.PICTURE, "top/mean") in {(finding.signal, finding.detail) for finding in found.changes}
    with pytest.raises(TooFewParts, match="batches with scores"):
        look(reference, batched(blind), limits=LIMITS)


def test_what_cannot_be_tested_is_said(reference: Reference) -> None:
    unseen = [MeasuredPart(score=0.01, is_flagged=False, views={}) for _ in range(50)]
    found = look(reference, batched(unseen), limits=LIMITS)
    assert any("scores of flagged parts" in why for why in found.untested)
    assert any("novelty" in why for why in found.untested)


def test_all_parts_flagged_and_none_flagged_are_answered() -> None:
    nothing = [MeasuredPart(0.01 + index % 7 / 1000, is_flagged=False, views={}) for index in range(500)]
    everything = [MeasuredPart(0.9 + index % 7 / 1000, is_flagged=True, views={}) for index in range(500)]
    quiet = look(Reference.of(batched(nothing), threshold=0.25), batched(nothing), limits=LIMITS)
    assert quiet.changes == ()
    loud = look(Reference.of(batched(nothing), threshold=0.25), batched(everything), limits=LIMITS)
    assert Signal.FLAG_RATE in {finding.signal for finding in loud.changes}
    same = look(Reference.of(batched(everything), threshold=0.25), batched(everything), limits=LIMITS)
    assert same.changes == ()


def test_a_reference_of_too_few_or_of_parts_without_scores_is_refused() -> None:
    with pytest.raises(TooFewParts, match="reference period"):
        Reference.of(batched(parts(350, seed=1)), threshold=0.25)
    blind = [MeasuredPart(score=None, is_flagged=False, views={}) for _ in range(500)]
    with pytest.raises(TooFewParts, match="batches with scores"):
        Reference.of(batched(blind), threshold=0.25)
    with pytest.raises(ValueError, match="threshold is 0"):
        Reference.of(batched(parts(400, seed=1)), threshold=0.0)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"risk_per_look": 0.0}, id="no risk"),
        pytest.param({"risk_per_look": float("nan")}, id="risk that is no number"),
        pytest.param({"look_parts": 10}, id="a look at less than a batch"),
        pytest.param({"window_parts": 100, "look_parts": 200}, id="a window that misses parts"),
    ],
)
def test_limits_that_no_watch_can_work_with_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        WatchLimits(**fields)  # type: ignore[arg-type]  # what a caller may get wrong


def test_a_part_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="flagged and has no score"):
        MeasuredPart(score=None, is_flagged=True, views={})
    with pytest.raises(ValueError, match="no such measure: colour"):
        MeasuredPart(score=0.1, is_flagged=False, views={"top": {"colour": 1.0}})
    with pytest.raises(ValueError, match="without a part"):
        Batch.of([])
