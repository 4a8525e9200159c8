"""What the model of a line is given, measured from a ledger, and what it says of a past that is known."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta  # type: ignore[import-untyped]  # scipy ships no types
from sqlalchemy import Connection

from lineside.serving.clock import SystemClock
from lineside.serving.errors import ScenarioRefused
from lineside.serving.ledger import Ledger
from lineside.serving.twin.line_model import Change, Costs, Measure, Standing, UnstableLine
from lineside.serving.twin.scenarios.answering import Answer, Question, answer, refusals
from lineside.serving.twin.scenarios.asked import Asked, Option, question_of
from lineside.serving.twin.scenarios.drawing import draw_share, over_dispersion
from lineside.serving.twin.scenarios.measuring import Share, measure_line
from lineside.serving.twin.scenarios.occupancy import most_at_once, service_times
from lineside.serving.twin.scenarios.seen import SeenAttempt, attempts_between
from twin_history import START, Past, write_past

COSTS = Costs(escape=200.0, false_call=2.0, rework=5.0, scrap=20.0, late=1.0)
PAST = Past(hours=9.0, per_hour=200.0, defective=0.15, audit=0.4)


@contextmanager
def _ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, plant="plant-1", clock=SystemClock()) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A line that ran for nine hours and stayed what it was, and one that became worse in its last three."""
    folder = tmp_path_factory.mktemp("past")
    with _ledger(f"sqlite:///{folder / 'ledger.sqlite'}") as ledger:
        write_past(ledger, PAST)
        write_past(ledger, replace(PAST, worse_from_h=6.0, seed=2), station="aoi-2")
        write_past(ledger, replace(PAST, hours=9.0, defective=0.3, seed=3), station="aoi-1", product="OTHER")
        yield ledger


def _asked(end: datetime = START + timedelta(hours=9), **changed: Any) -> Asked:
    asked = Asked(
        station="aoi-1",
        product="BRD",
        learn_from=end - timedelta(hours=9),
        period_from=end - timedelta(hours=3),
        period_to=end,
        stations=None,
        rework_places=None,
        handling_s=0.0,
        late_after_s=600.0,
        options={},
        costs=COSTS,
        draws=8,
        replications=2,
        confidence=0.95,
        seed=1,
        is_simulated=False,
    )
    return replace(asked, **changed)


def _question(ledger: Ledger, asked: Asked) -> Question:
    return ledger.read_blocking(lambda connection: question_of(connection, ledger.plant, asked))


def _answer(ledger: Ledger, **changed: Any) -> Answer:
    return answer(_question(ledger, _asked(**changed)))


def test_inputs_are_what_the_past_was(ledger_url: str) -> None:
    """On both databases: rates, times and reads are those that the past was made with."""
    with _ledger(ledger_url) as ledger:
        write_past(ledger, PAST)
        measured = _question(ledger, _asked()).whole
    assert measured.parts == pytest.approx(1800, rel=0.02)
    flagged = 0.15 * beta.sf(0.5, 4, 1.6) + 0.85 * beta.sf(0.5, 1.2, 9)
    assert measured.flagged.point == pytest.approx(flagged, abs=0.02)
    assert measured.inspection_s.mean() == pytest.approx(0.8, rel=0.02)
    assert measured.rework_s.mean() == pytest.approx(240.0, rel=0.3)
    assert measured.fates[0] / sum(measured.fates) == pytest.approx(0.6, abs=0.12)
    assert (measured.passed_rework.point or 0.0) == pytest.approx(0.9, abs=0.1)
    assert measured.not_inspected.point == 0.0
    assert len(measured.flagged_reads.weights) == measured.flagged.events.sum()
    assert len(measured.passed_reads.weights) == pytest.approx(0.4 * 1560, rel=0.1)
    assert (measured.threshold, measured.releases) == (0.5, 1)
    assert set(measured.passed_reads.weights) == {2.5}


def test_a_line_that_stayed_what_it_was_is_reproduced_and_options_are_ranked(past: Ledger) -> None:
    options = {
        "stricter": Option(Change(threshold=0.4)),
        "looser": Option(Change(threshold=0.7)),
        "second station": Option(Change(stations=4)),
        "no room for rework": Option(Change(rework_places=1)),
        "another product": Option(Change(), product="OTHER"),
    }
    found = _answer(past, options=options)
    assert found.is_reproduced
    assert found.comparison is not None
    by_name = {option.name: option for option in found.comparison.options}
    assert by_name["looser"].standing is Standing.DEARER
    assert by_name["looser"].differences[Measure.ESCAPES].lower > 0
    assert by_name["stricter"].differences[Measure.ESCAPES].mean < 0
    assert by_name["stricter"].differences[Measure.FALSE_CALLS].mean > 0
    assert by_name["second station"].standing is Standing.NOT_SHOWN
    assert by_name["another product"].differences[Measure.NG_RATE].lower > 0
    ranks = [option.name for option in found.comparison.options]
    assert ranks.index("stricter") < ranks.index("looser")


def test_a_line_that_changed_is_not_reproduced_and_nothing_is_ranked(past: Ledger) -> None:
    found = _answer(past, station="aoi-2", options={"two": Option(Change(stations=2))})
    assert not found.is_reproduced
    assert not found.checks[Measure.NG_RATE].is_reproduced
    assert found.comparison is None


def test_a_past_like_that_is_reproduced_nearly_always(tmp_path: Path) -> None:
    """Six pasts of one line: three checks hold together in 95 of 100."""
    reproduced = 0
    with _ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        for seed in range(6):
            end = write_past(ledger, replace(PAST, hours=4.5, seed=10 + seed), station=f"s{seed}")
            asked = _asked(end, station=f"s{seed}", learn_from=START, period_from=START + timedelta(hours=3), draws=5)
            reproduced += answer(_question(ledger, asked)).is_reproduced
    assert reproduced >= 5


def test_the_curve_holds_the_true_recall_and_false_call_rate(past: Ledger) -> None:
    found = _answer(past)
    assert {0.5, 0.6, 0.7, 0.8} <= {point.threshold for point in found.curve}
    held = 0
    for point in found.curve:
        _, lower, upper = point.recall
        held += lower <= beta.sf(point.threshold, 4, 1.6) <= upper
        _, lower, upper = point.false_call
        held += lower <= beta.sf(point.threshold, 1.2, 9) <= upper
    assert held >= 0.8 * 2 * len(found.curve)
    recalls = [point.recall[0] for point in found.curve]
    assert recalls == sorted(recalls, reverse=True)


def test_the_same_question_has_the_same_answer(past: Ledger) -> None:
    options = {"stricter": Option(Change(threshold=0.4))}
    first, again = (_answer(past, options=options, draws=5) for _ in range(2))
    assert first.comparison is not None
    assert first.comparison == again.comparison
    assert first.curve == again.curve


def test_what_the_ledger_cannot_carry_is_refused_with_the_parts_missing(tmp_path: Path) -> None:
    """Per option: one that needs no truth is ranked beside one that does."""
    options = {"stricter": Option(Change(threshold=0.4)), "two": Option(Change(stations=2))}
    with _ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        end = write_past(ledger, replace(PAST, hours=3.0, audit=0.02))
        asked = _asked(end, learn_from=START, period_from=START + timedelta(hours=2), options=options)
        question = _question(ledger, asked)
        found = refusals(question)
        read = len(question.whole.passed_reads.weights)
        assert found["two"] == found["stricter"]
        assert f"{read} passed parts were drawn and read" in found["two"]
        assert f"{29 - read} are missing" in found["two"]
        cheap = replace(question, costs=Costs(scrap=1.0))
        assert set(refusals(cheap)) == {"stricter"}
        end = write_past(ledger, replace(PAST, hours=3.0, defective=0.1, audit=0.1, seed=4), station="aoi-4")
        few = _question(ledger, replace(asked, station="aoi-4"))
        escapes = int(few.whole.passed_reads.is_defective.sum())
        assert f"{escapes} escapes with a score" in refusals(few)["stricter"]
        assert f"{10 - escapes} are missing" in refusals(few)["stricter"]
        mixed = replace(question, whole=replace(few.whole, threshold=None))
        assert "thresholds differ" in refusals(replace(mixed, costs=COSTS))["stricter"]
        two_releases = replace(question, whole=replace(few.whole, releases=2))
        assert "2 releases judged" in refusals(two_releases)["stricter"]


def test_too_few_parts_are_no_line(past: Ledger) -> None:
    end = START + timedelta(hours=9)
    with pytest.raises(ScenarioRefused, match="0 parts came to station 'nowhere'"):
        _question(past, _asked(station="nowhere"))
    with pytest.raises(ScenarioRefused, match=r"at least 100, \d+ are missing"):
        _question(past, _asked(learn_from=end - timedelta(hours=3, minutes=10)))


def test_a_line_that_cannot_keep_up_is_refused(past: Ledger) -> None:
    with pytest.raises(UnstableLine, match="inspection is asked for"):
        _answer(past, handling_s=30.0, stations=1)


def test_handling_makes_a_station_busy_and_a_faster_pace_impossible(past: Ledger) -> None:
    found = _answer(past, handling_s=11.0, stations=2, options={"fast": Option(Change(pace=3.2))})
    assert found.load.inspection == pytest.approx(200 * 11.8 / 3600 / 2, rel=0.1)
    assert found.comparison is not None, found.checks
    assert found.comparison.options[0].standing is Standing.UNSTABLE
    assert found.comparison.options[0].inspection_load > 1.0


def test_a_clock_that_was_set_back_an_hour_changes_no_inspection_time(past: Ledger) -> None:
    """Times come from the monotonic clock; a verdict dated before its part came is no negative time."""

    def attempts(connection: Connection) -> Sequence[SeenAttempt]:
        start, end = START, START + timedelta(hours=9)
        return attempts_between(
            connection, past.plant, "aoi-1", start=start, end=end, product="BRD", is_simulated=False
        )

    seen = list(past.read_blocking(attempts))
    for number in range(500, 520):
        assert seen[number].judged_at is not None
        seen[number] = replace(seen[number], judged_at=seen[number].opened_at - timedelta(hours=1))
    measure = partial(measure_line, start=START, end=START + timedelta(hours=9), known_until=START + timedelta(hours=9))
    measured = measure(seen, stations=None, rework_places=None, handling_s=0.0)
    assert measured.inspection_s.min() > 0.0
    assert measured.inspection_s.mean() == pytest.approx(0.8, rel=0.02)
    assert measured.rework_s.min() >= 0.0


@settings(max_examples=80, deadline=None)
@given(
    gaps=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=40),
    works=st.lists(st.floats(0.01, 10.0), min_size=40, max_size=40),
    places=st.integers(1, 4),
)
def test_taking_waiting_out_and_putting_it_back_gives_the_same_times(
    gaps: list[float], works: list[float], places: int
) -> None:
    """A queue of known works is run by hand; what the ledger would see of it gives those that left in order."""
    came = np.cumsum(gaps)
    free = [0.0] * places
    went = []
    for arrived, work in zip(came, works, strict=False):
        free.sort()
        free[0] = max(free[0], arrived) + work
        went.append(free[0])
    found = service_times(came, np.array(went), places=places)
    assert (found >= -1e-9).all()
    assert most_at_once(came, np.array(went)) <= len(gaps)
    if places == 1:
        assert found == pytest.approx(works[: len(gaps)], abs=1e-6)


def test_a_share_that_wanders_is_less_sure_than_its_count_says() -> None:
    steady = Share(np.full(20, 5), np.full(20, 100))
    wandering = Share(np.array([1, 9] * 10), np.full(20, 100))
    assert over_dispersion(steady) == 1.0
    assert over_dispersion(wandering) > 3.0
    rng = np.random.default_rng(1)
    narrow, wide = (np.std([draw_share(share, rng) for _ in range(500)]) for share in (steady, wandering))
    assert wide > 1.5 * narrow
