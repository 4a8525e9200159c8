"""Whatever order the states of tasks come in, each part ends with exactly the review that the latest of them say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, insert, select

from lineside.datasets.sampling import PickReason
from lineside.inspection.verdict import Verdict
from lineside.serving.clock import ManualClock
from lineside.serving.labelling import picks, projects, states, task_rows
from lineside.serving.labelling.project_schemas import LabelProjectIn
from lineside.serving.labelling.schemas import PickIn
from lineside.serving.labelling.task_schemas import LabelTaskIn, TaskStateAnswer, TaskStateIn
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.events import read_head
from lineside.serving.ledger.label_tables import label_attention
from lineside.serving.ledger.tables import defects, events, frames, inspections, reviews
from lineside.serving.reviews import ReviewOut, ReviewSource
from lineside.serving.reviews.standing import in_force
from lineside.serving.reviews.store import reviews_of

PROJECT = "boards"
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
FRAME_WH_PX = (200, 100)
LEFT, RIGHT = (0, 0, 100, 100), (100, 0, 200, 100)
FOUND = ("short", (10.0, 10.0, 30.0, 30.0))
"""The defect that the model found on the left tile of every NG part."""

# Tiles that do not overlap, so that what the part has is the drawings side by side: the oracle knows no merging.
DRAWINGS: dict[tuple[int, int, int, int], list[tuple[tuple[str, tuple[float, float, float, float]], ...]]] = {
    LEFT: [(), (FOUND,), (("short", (10.0, 10.0, 60.0, 60.0)),), (FOUND, ("open", (50.0, 50.0, 70.0, 70.0)))],
    RIGHT: [(), (("open", (120.0, 10.0, 140.0, 30.0)),)],
}


WORK = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(["Kim", "Lee"]),
        st.sampled_from(["draw", "draw", "draw", "draw", "skip", "conflict", "delete", "touch"]),
        st.integers(0, 3),
    ),
    min_size=2,
    max_size=8,
)
"""Which task, who, what he does, and which of the drawings."""


Said = tuple[str, list[tuple[str, tuple[float, float, float, float]]], str]
"""Kind, boxes and reviewer of a review."""


class Killed(Exception):
    """The program was killed before its transaction was over."""


@dataclass
class Task:
    """One task as Label Studio has it: every state that it ever had, oldest first, and the newest that we were told."""

    id: str
    number: int
    tile: tuple[int, int, int, int]
    history: list[TaskStateIn] = field(default_factory=list)
    told: int = -1


@dataclass
class Part:
    """A picked part and its tasks."""

    inspection_id: str
    pick_id: str
    verdict: Verdict
    tasks: list[Task]
    said: "Said | None" = None
    reviews: int = 0


def loop_over(ledger: Ledger, clock: ManualClock) -> type[RuleBasedStateMachine]:
    """A state machine on an open ledger; every run picks new parts."""

    class Loop(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[Part] = []
            self.last: list[TaskStateIn] = []

        @initialize(verdicts=st.lists(st.sampled_from([Verdict.OK, Verdict.NG]), min_size=1, max_size=3))
        def pick(self, verdicts: list[Verdict]) -> None:
            for number, verdict in enumerate(verdicts):
                tiles = (LEFT, RIGHT) if number % 2 == 0 else (LEFT,)
                self.parts.append(
                    ledger.write_blocking(lambda it, v=verdict, t=tiles: _picked(it, v, t))  # type: ignore[misc]  # bound now
                )

        @property
        def tasks(self) -> list[Task]:
            return [task for part in self.parts for task in part.tasks]

        @rule(work=WORK)
        def people_work(self, work: list[tuple[int, str, str, int]]) -> None:
            """Somebody draws, edits, skips, differs from another one or deletes; a prediction touches a task."""
            for which, who, what, drawing in work:
                task = self.tasks[which % len(self.tasks)]
                drawings = DRAWINGS[task.tile]
                boxes = drawings[drawing % len(drawings)] if what == "draw" else None
                clock.advance(1.0)
                if what == "touch":
                    task.history += [each.model_copy(update={"updated_at": clock.now()}) for each in task.history[-1:]]
                    continue
                task.history.append(_state(task, who, boxes, what, clock.now()))

        @rule(work=WORK)
        def people_work_and_all_of_it_is_pulled(self, work: list[tuple[int, str, str, int]]) -> None:
            """Everything that changed is handed in, as the next pull would."""
            self.people_work(work)
            self._hand_in([task.history[-1] for task in self.tasks if task.history])

        @rule(data=st.data())
        def pull_is_killed_midway(self, data: Any) -> None:
            """Only the first few states arrive before the program dies."""
            changed = [task.history[-1] for task in self.tasks if task.history]
            self._hand_in(changed[: data.draw(st.integers(0, len(changed)))])

        @rule(data=st.data())
        def an_old_answer_arrives_late(self, data: Any) -> None:
            """A second pull that read before the first one, and wrote after it."""
            worked_on = [task for task in self.tasks if task.history]
            if worked_on:
                task = data.draw(st.sampled_from(worked_on))
                self._hand_in([data.draw(st.sampled_from(task.history))])

        @rule()
        def the_same_request_comes_again(self) -> None:
            """The answer was lost: nothing may be written a second time."""
            before = ledger.read_blocking(lambda connection: read_head(connection, ledger.plant))
            self._hand_in(self.last)
            assert ledger.read_blocking(lambda connection: read_head(connection, ledger.plant)) == before

        @rule()
        def the_server_is_killed_in_the_transaction(self) -> None:
            changed = [task.history[-1] for task in self.tasks if task.history]

            def work(transaction: Transaction) -> None:
                states.apply(transaction, PROJECT, changed, recorded_by="pull")
                raise Killed

            with pytest.raises(Killed):
                ledger.write_blocking(work)

        def _hand_in(self, items: list[TaskStateIn]) -> None:
            def work(transaction: Transaction) -> list[TaskStateAnswer]:
                return states.apply(transaction, PROJECT, items, recorded_by="pull")[0]

            answers = ledger.write_blocking(work)
            by_id = {task.id: task for task in self.tasks}
            for item, answer in zip(items, answers, strict=True):
                task = by_id[item.id]
                position = task.history.index(item)
                assert (answer.outcome == "stale") == (position < task.told), answer
                task.told = max(task.told, position)
            for part in self.parts:
                said = _expected(part)
                part.reviews += said != part.said
                part.said = said
            self.last = items

        @invariant()
        def each_part_has_the_review_that_the_latest_states_say(self) -> None:
            for part in self.parts:
                said = ledger.read_blocking(lambda connection, p=part: _reviews(connection, p))  # type: ignore[misc]  # bound now
                standing = in_force(said)
                wanted = _expected(part)
                found = [
                    (each.kind.value, sorted((box.class_name, box.box_xyxy_px) for box in each.boxes), each.reviewer)
                    for each in standing
                ]
                assert len(said) == part.reviews  # one for each time that something else was said
                assert found == ([] if wanted is None else [wanted])
                assert all(each.source is ReviewSource.LABEL_STUDIO for each in said)
                pick = ledger.read_blocking(
                    lambda connection, p=part: picks.get(connection, ledger.plant, p.pick_id)  # type: ignore[misc]  # bound now
                )
                assert pick.review_id == (standing[0].id if standing else None)
                assert (pick.state.value == "labelled") == (wanted is not None)
                is_troubled = any(_told(task) is not None and _told(task).attention for task in part.tasks)  # type: ignore[union-attr]  # just looked
                assert wanted is not None or (pick.state.value == "attention") == is_troubled

        def teardown(self) -> None:
            """Every review, and every entry of the list, has its event."""

            def count(connection: Any) -> tuple[int, int, int, int]:
                def number(query: Any) -> int:
                    found: int = connection.execute(query).scalar_one()
                    return found

                of_type = select(func.count()).select_from(events)
                raised_and_settled = select(func.count() + func.count(label_attention.c.settled_at)).select_from(
                    label_attention
                )
                return (
                    number(select(func.count()).select_from(reviews)),
                    number(of_type.where(events.c.type == "review.v1")),
                    number(raised_and_settled),
                    number(of_type.where(events.c.type == "label_attention.v1")),
                )

            recorded, announced, troubles, told = ledger.read_blocking(count)
            assert (recorded, troubles) == (announced, told)

    return Loop


def _picked(transaction: Transaction, verdict: Verdict, tiles: tuple[tuple[int, int, int, int], ...]) -> Part:
    """A judged part, picked, with its tasks in Label Studio."""
    inspection_id = transaction.new_id()
    now = transaction.now()
    transaction.connection.execute(
        insert(inspections).values(
            id=inspection_id, plant=transaction.plant, station="aoi-1", part_id=inspection_id, attempt=1, cause="first",
            judged_by="server", verdict=verdict.value, reasons=[], thresholds={}, timings={}, audit=False,
            confirmation=False, is_simulated=False, opened_at=now, judged_at=now,
        )
    )  # fmt: skip
    transaction.connection.execute(
        insert(frames).values(
            inspection_id=inspection_id, view="default", digest="0" * 64, media_type="image/png", size_bytes=1,
            kept=True, received_at=now,
        )
    )  # fmt: skip
    if verdict is Verdict.NG:
        name, (left, top, right, bottom) = FOUND
        transaction.connection.execute(
            insert(defects).values(
                inspection_id=inspection_id, ordinal=0, view="default", class_name=name, confidence=0.9, x1_px=left,
                y1_px=top, x2_px=right, y2_px=bottom, size_definition="area", severity="major",
            )
        )  # fmt: skip
    projects.put(transaction, PROJECT, LabelProjectIn(), changed_by="test")
    (made,) = picks.make(
        transaction,
        PROJECT,
        [PickIn(inspection_id=inspection_id, reason=PickReason.RANDOM)],
        seed=1,
        picked_by="test",
        stored_digests=(),
    )
    tasks = [Task(transaction.new_id(), number, tile) for number, tile in enumerate(tiles, start=1)]
    whole = [(0, 0, *FRAME_WH_PX)] if len(tiles) == 1 else tiles
    task_rows.make(
        transaction,
        PROJECT,
        [
            LabelTaskIn(id=task.id, pick_id=made.id, view="default", tile_xyxy_px=tile, frame_size_wh_px=FRAME_WH_PX)
            for task, tile in zip(tasks, whole, strict=True)
        ],
    )
    return Part(inspection_id, made.id, verdict, tasks)


def _state(task: Task, who: str, boxes: Any, what: str, at: datetime) -> TaskStateIn:
    """A state as the pull makes it."""
    annotation = {"id": 1, "updated_at": at, "annotator": who, "skipped": what == "skip"}
    reading, attention = None, []
    if boxes is not None:
        drawn = [{"class_name": name, "box_xyxy_px": corners} for name, corners in boxes]
        reading = {"reviewer": who, "at": at, "is_defective": bool(boxes), "boxes": drawn}
    if what in {"skip", "conflict"}:
        attention = [{"code": what, "message": f"{who} did it"}]
    return TaskStateIn.model_validate(
        {
            "id": task.id,
            "label_studio_task_id": task.number,
            "updated_at": at,
            "annotations": [] if what == "delete" else [annotation],
            "reading": reading,
            "attention": attention,
        }
    )


def _told(task: Task) -> TaskStateIn | None:
    return task.history[task.told] if task.told >= 0 else None


def _expected(part: Part) -> Said | None:
    """What the latest states that the server was told amount to, said again from the rules."""
    told = [_told(task) for task in part.tasks]
    readings = [state.reading for state in told if state is not None and state.reading is not None]
    if len(readings) < len(told):
        return None
    boxes = sorted((box.class_name, box.box_xyxy_px) for reading in readings for box in reading.boxes)
    people = " + ".join(sorted({reading.reviewer for reading in readings}))
    if part.verdict is Verdict.OK:
        return ("escape", boxes, people) if boxes else ("confirmed", [], people)
    if not boxes:
        return ("false_call", [], people)
    return ("confirmed", [], people) if boxes == [FOUND] else ("corrected", boxes, people)


def _reviews(connection: Any, part: Part) -> list[ReviewOut]:
    row = connection.execute(select(inspections).where(inspections.c.id == part.inspection_id)).one()
    return reviews_of(connection, row)


@pytest.fixture
def opened(ledger_url: str) -> Iterator[tuple[Ledger, ManualClock]]:
    clock = ManualClock(START)
    with Ledger.open(ledger_url, plant="plant-1", clock=clock) as ledger:
        yield ledger, clock


def test_each_part_ends_with_exactly_the_review_that_the_latest_states_say(
    opened: tuple[Ledger, ManualClock],
) -> None:
    ledger, clock = opened
    run_state_machine_as_test(
        loop_over(ledger, clock),
        settings=settings(
            max_examples=20,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
