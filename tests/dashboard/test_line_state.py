"""What the page shows, reduced from events."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.inspection.catalogue import builtin_catalogue
from lineside.inspection.verdict import Verdict
from lineside.serving.dashboard.chart import rate_options
from lineside.serving.dashboard.line_state import RATE_WINDOW, REMEMBERED, LineState
from lineside.serving.dashboard.markup import figure_tiles, frame_card, lane_table, verdict_strip
from lineside.serving.dashboard.texts import TEXTS, Language
from lineside.serving.dashboard.wording import Wording
from lineside.serving.ledger import Event
from lineside.serving.reviews import ReviewStanding

START = datetime(2026, 1, 1, tzinfo=UTC)
EN = Wording(Language.EN, [builtin_catalogue("pcb")])
KO = Wording(Language.KO, [builtin_catalogue("pcb")])


class Log:
    """Makes events as the ledger would give them."""

    def __init__(self) -> None:
        self.state = LineState()
        self._sequence: Iterator[int] = count(1)

    def judge(self, part_id: str, verdict: Verdict, *, attempt: int = 1, kept: bool = False) -> str:
        """An attempt gets its verdict."""
        sequence = next(self._sequence)
        judged_at = START + timedelta(seconds=sequence)
        reason = {"code": "undecodable", "message": "<b>cut</b> off", "view": "default"}
        data = {
            "id": f"i-{sequence}",
            "plant": "plant-1",
            "station": "aoi-1",
            "part_id": part_id,
            "attempt": attempt,
            "cause": "first" if attempt == 1 else "retest",
            "parent_id": None,
            "product": "BRD",
            "lot": "L1",
            "order_id": None,
            "verdict": verdict.value,
            "reasons": [] if verdict is Verdict.OK else [reason],
            "defects": [_defect("short"), _defect("short"), _defect("open")] if verdict is Verdict.NG else [],
            "audit": False,
            "audit_probability": 0.0,
            "confirmation": False,
            "confirmation_probability": 0.0,
            "recipe": {"id": "board", "version": 1, "digest": "0" * 64},
            "release": {"name": "blobs", "version": "1.0.0", "digest": "0" * 64},
            "engine": "onnxruntime-fp32",
            "thresholds": {},
            "threshold_status": "uncertified",
            "judged_by": "server",
            "is_simulated": True,
            "opened_at": (judged_at - timedelta(milliseconds=sequence)).isoformat(),
            "judged_at": judged_at.isoformat(),
            "deadline_ms": 1000.0,
            "timings_ms": {},
            "frames": [{"view": "default", "digest": "0" * 64, "kept": kept, "notes": []}],
        }
        self._append(sequence, "inspection.v1", judged_at, data)
        return f"i-{sequence}"

    def review(self, inspection_id: str, kind: str, standing: ReviewStanding) -> None:
        """Somebody says something of it."""
        sequence = next(self._sequence)
        at = START + timedelta(seconds=sequence)
        data = {
            "id": f"r-{sequence}",
            "inspection_id": inspection_id,
            "station": "aoi-1",
            "part_id": "P",
            "attempt": 1,
            "verdict": "NG",
            "kind": kind,
            "source": "operator",
            "reviewer": "Kim",
            "at": at.isoformat(),
            "boxes": [],
            "reason": None,
            "supersedes": None,
            "blind": False,
            "standing": standing.value,
            "recorded_by": "demo",
        }
        self._append(sequence, "review.v1", at, data)

    def _append(self, sequence: int, kind: str, at: datetime, data: dict[str, Any]) -> None:
        self.state.apply(Event(f"e-{sequence}", "plant-1", sequence, kind, "aoi-1", at, at, data, "0" * 64, "1" * 64))


def _defect(class_name: str) -> dict[str, Any]:
    return {
        "view": "default",
        "class_name": class_name,
        "confidence": 0.9,
        "box_xyxy_px": [10.0, 20.0, 30.0, 40.0],
        "size_mm": None,
        "size_definition": "length",
        "zone": None,
        "severity": "critical",
    }


def test_not_inspected_is_in_no_rate_and_in_its_own_lane() -> None:
    log = Log()
    for number, verdict in enumerate([Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED, Verdict.OK]):
        log.judge(f"P{number}", verdict)
    assert log.state.verdicts()[Verdict.NOT_INSPECTED] == 1
    assert log.state.rate_over_time() == []  # three judged parts are too few for a point
    assert [part.part_id for part in log.state.waiting_for_reinspection(5)] == ["P2"]


def test_a_part_leaves_the_lane_when_it_was_inspected_again() -> None:
    log = Log()
    log.judge("P1", Verdict.NOT_INSPECTED)
    log.judge("P1", Verdict.OK, attempt=2)
    assert log.state.waiting_for_reinspection(5) == ()
    assert log.state.first_attempts() == 1


def test_reviews_move_the_standing_of_ng_parts() -> None:
    log = Log()
    first, second, _ = (log.judge(f"P{number}", Verdict.NG) for number in range(3))
    log.review(first, "confirmed", ReviewStanding.CONFIRMED)
    log.review(second, "false_call", ReviewStanding.FALSE_CALL)
    standings = log.state.standings_of_ng()
    assert standings == {ReviewStanding.CONFIRMED: 1, ReviewStanding.FALSE_CALL: 1, ReviewStanding.UNREVIEWED: 1}
    assert "1 confirmed, 1 false calls, 1 not yet reviewed" in figure_tiles(log.state, EN)


def test_the_past_is_bounded() -> None:
    log = Log()
    for number in range(REMEMBERED + 10):
        log.judge(f"P{number}", Verdict.OK)
    assert log.state.verdicts()[Verdict.OK] == REMEMBERED
    assert log.state.latest(1)[0].part_id == f"P{REMEMBERED + 9}"


@given(st.lists(st.sampled_from(list(Verdict)), min_size=0, max_size=300))
def test_each_point_of_the_chart_is_the_rate_of_the_window_before_it(verdicts: Sequence[Verdict]) -> None:
    log = Log()
    for number, verdict in enumerate(verdicts):
        log.judge(f"P{number}", verdict)
    judged = [verdict for verdict in verdicts if verdict is not Verdict.NOT_INSPECTED]
    points = log.state.rate_over_time()
    assert len(points) <= 240
    if len(judged) >= 10:
        window = judged[-RATE_WINDOW:]
        assert (points[-1].rate.events, points[-1].rate.units) == (window.count(Verdict.NG), len(window))
    assert [point.at for point in points] == sorted(point.at for point in points)
    assert len(rate_options(points, EN.texts)["series"][2]["data"]) == len(points)


def test_what_comes_from_outside_is_escaped() -> None:
    log = Log()
    log.judge("<script>alert(1)</script>", Verdict.NOT_INSPECTED, kept=True)
    [part] = log.state.latest_with_image(1)
    pages = (
        lane_table(log.state, EN),
        verdict_strip(log.state, EN),
        frame_card(part, (640, 480), EN),
        frame_card(part, None, EN),
    )
    for page in pages:
        assert "<script>" not in page
        assert "<b>" not in page


def test_a_frame_of_known_size_shows_its_boxes_in_the_readers_words() -> None:
    log = Log()
    log.judge("P1", Verdict.NG, kept=True)
    [part] = log.state.latest_with_image(1)
    card = frame_card(part, (640, 480), KO)
    assert card.count("<rect") == 3
    assert 'viewBox="0 0 640 480"' in card
    assert "단락(쇼트)" in card
    assert "단락(쇼트) x 2, 단선(오픈)" in card
    assert "/overlay?" in frame_card(part, None, EN)


def test_both_languages_say_the_same_things() -> None:
    import string

    def placeholders(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, korean = TEXTS[Language.EN], TEXTS[Language.KO]
    assert english.keys() == korean.keys()
    assert {name: placeholders(text) for name, text in english.items()} == {
        name: placeholders(text) for name, text in korean.items()
    }


@pytest.mark.parametrize("wording", [EN, KO], ids=["en", "ko"])
def test_an_empty_line_can_be_shown(wording: Wording) -> None:
    state = LineState()
    assert wording("not_inspected_hint") in figure_tiles(state, wording)
    assert wording("lane_empty") in lane_table(state, wording)
    assert rate_options(state.rate_over_time(), wording.texts)["series"]
