"""The spool keeps what it acknowledged, refuses what contradicts, and never forgets an NG picture for room."""

import errno
import resource
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.rig import Lane
from lineside.station.spool import (
    AnsweredRecord,
    DiskFull,
    DispositionRecord,
    RecordContradicts,
    Spool,
    SpoolBroken,
    SpoolError,
    SpoolFull,
    SpoolInUse,
    SpoolLimits,
    StationJudgement,
    TriggerRecord,
    interrupted,
)
from lineside.station.spool.database import disk
from lineside.station.spool.outbox import RecordKind
from lineside.station.spool.picture_folder import PictureFolder
from spooled_parts import START, Parts, a_view

PICTURE = b"p" * 1000


@pytest.fixture
def parts() -> Parts:
    return Parts()


def opened(folder: Path, parts: Parts, **limits: int) -> Spool:
    return Spool(folder, station="aoi-1", limits=SpoolLimits(**limits), clock=parts.clock)


def waiting(spool: Spool) -> list[tuple[RecordKind, str]]:
    """What waits, in order; settles all of it."""
    found = []
    while (record := spool.outbox.first()) is not None:
        found.append((record.kind, record.id))
        spool.outbox.settle(record)
    return found


def kept_pictures(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in (folder / "pictures").iterdir()}


def test_what_was_acknowledged_is_there_after_a_restart_in_its_order(tmp_path: Path, parts: Parts) -> None:
    report = parts.report()
    with opened(tmp_path, parts) as spool:
        first = parts.write(spool, Verdict.NG, b"one")
        spool.record_report(report)
        parts.clock.set_now(START - timedelta(hours=1))  # the clock steps back; the order is the spool's own
        second = parts.write(spool, Verdict.OK, b"two")
    with opened(tmp_path, parts) as spool:
        assert waiting(spool) == [
            (RecordKind.INSPECTION, first.id),
            (RecordKind.DISPOSITION, first.id),
            (RecordKind.REPORT, report.id),
            (RecordKind.INSPECTION, second.id),
            (RecordKind.DISPOSITION, second.id),
        ]


def test_the_same_record_again_changes_nothing(tmp_path: Path, parts: Parts) -> None:
    trigger, report = parts.trigger(), parts.report()
    judged, disposed = parts.judged(trigger, Verdict.NG, {"default": a_view(b"x")}), parts.disposed(trigger)
    with opened(tmp_path, parts) as spool:
        for _ in range(2):
            spool.record_trigger(trigger)
            spool.record_inspection(judged)
            spool.record_disposition(disposed)
            spool.record_report(report)
        assert len(waiting(spool)) == 3
        spool.record_inspection(judged)  # and when the server has it already
        spool.record_disposition(disposed)
        assert waiting(spool) == []


def test_a_record_that_says_otherwise_is_refused(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        trigger = parts.write(spool, Verdict.NG, b"x")
        other = TriggerRecord(trigger.id, trigger.acquisition_id + 1, 0, trigger.at)
        answer = AnsweredRecord(trigger.id, "P-1", "01-other", Verdict.OK, START)
        unknown = DispositionRecord(parts.new_id(), Lane.PASS, is_confirmed=True, at=START)
        refused: list[Callable[[], None]] = [
            lambda: spool.record_trigger(other),
            lambda: spool.record_answered(answer),
            lambda: spool.record_disposition(parts.disposed(trigger, Lane.PASS)),
            lambda: spool.record_disposition(unknown),
        ]
        for record in refused:
            with pytest.raises(RecordContradicts):
                record()


def test_one_answer_of_the_server_is_for_one_part(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        first, second = parts.trigger(), parts.trigger()
        for trigger in (first, second):
            spool.record_trigger(trigger)
        spool.record_answered(AnsweredRecord(first.id, "P-1", "inspection-7", Verdict.OK, START))
        with pytest.raises(RecordContradicts, match="inspection-7"):
            spool.record_answered(AnsweredRecord(second.id, "P-2", "inspection-7", Verdict.OK, START))


def test_a_verdict_about_another_part_than_the_server_was_asked_is_refused(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        trigger = parts.trigger()
        spool.record_trigger(trigger)
        spool.record_asked(parts.asked(trigger, b"x"))
        with pytest.raises(RecordContradicts, match="P-1"):
            spool.record_answered(AnsweredRecord(trigger.id, "P-2", "inspection-7", Verdict.OK, START))


def test_a_part_that_the_server_judged_only_tells_where_it_went(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        trigger = parts.trigger()
        spool.record_trigger(trigger)
        spool.record_answered(AnsweredRecord(trigger.id, "P-1", "inspection-7", Verdict.OK, START))
        spool.record_disposition(parts.disposed(trigger, Lane.PASS))
        record = spool.outbox.first()
        assert record is not None
        assert (record.kind, record.inspection_id) == (RecordKind.DISPOSITION, "inspection-7")
        assert (record.body["kind"], record.body["confirmed_by_sensor"]) == ("passed", True)


def test_ok_pictures_make_way_first_then_those_not_inspected(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts, max_bytes=3000) as spool:
        bodies = {verdict: verdict.value.encode() + PICTURE[: 1000 - len(verdict.value)] for verdict in Verdict}
        for verdict in (Verdict.NOT_INSPECTED, Verdict.NG, Verdict.OK):
            parts.write(spool, verdict, bodies[verdict])
        assert kept_pictures(tmp_path) == set(bodies.values())
        parts.write(spool, Verdict.NG, b"second" + PICTURE[6:])
        assert kept_pictures(tmp_path) == {bodies[Verdict.NG], bodies[Verdict.NOT_INSPECTED], b"second" + PICTURE[6:]}
        parts.write(spool, Verdict.OK, b"third_" + PICTURE[6:])  # its own picture is the one to go
        assert bodies[Verdict.NOT_INSPECTED] in kept_pictures(tmp_path)
        parts.write(spool, Verdict.NG, b"fourth" + PICTURE[6:])
        assert kept_pictures(tmp_path) == {
            bodies[Verdict.NG],
            b"second" + PICTURE[6:],
            b"fourth" + PICTURE[6:],
        }
        assert len(waiting(spool)) == 12  # no record was lost with its picture


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.NG])
def test_when_ng_pictures_fill_the_room_no_part_that_was_looked_at_is_taken(
    tmp_path: Path, parts: Parts, verdict: Verdict
) -> None:
    with opened(tmp_path, parts, max_bytes=1500) as spool:
        parts.write(spool, Verdict.NG, PICTURE)
        trigger = parts.trigger()
        spool.record_trigger(trigger)
        with pytest.raises(SpoolFull, match="NG"):
            spool.record_inspection(parts.judged(trigger, verdict, {"default": a_view(b"q" * 1000)}))
        assert kept_pictures(tmp_path) == {PICTURE}
        spool.record_inspection(parts.judged(trigger, Verdict.NOT_INSPECTED, {"default": a_view(b"q" * 1000)}))
        spool.record_disposition(parts.disposed(trigger))
        assert kept_pictures(tmp_path) == {PICTURE}
        assert len(waiting(spool)) == 4
        assert kept_pictures(tmp_path) == set()  # the server has them
        parts.write(spool, verdict, PICTURE)


def test_records_are_bounded_and_a_part_that_was_taken_can_be_finished(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts, max_records=2) as spool:
        first, second = parts.trigger(), parts.trigger()
        spool.record_trigger(first)
        spool.record_trigger(second)
        for trigger in (first, second):
            spool.record_inspection(parts.judged(trigger, Verdict.NOT_INSPECTED))
        with pytest.raises(SpoolFull, match="2 records wait"):
            spool.record_trigger(parts.trigger())
        with pytest.raises(SpoolFull):
            spool.record_report(parts.report())
        for trigger in (first, second):
            spool.record_disposition(parts.disposed(trigger))
        assert len(waiting(spool)) == 4
        spool.record_trigger(parts.trigger())


def test_a_picture_that_two_parts_share_stays_until_both_are_there(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        parts.write(spool, Verdict.OK, PICTURE)
        parts.write(spool, Verdict.NG, PICTURE)
        first = spool.outbox.first()
        assert first is not None
        spool.outbox.settle(first)
        assert kept_pictures(tmp_path) == {PICTURE}
        waiting(spool)
        assert kept_pictures(tmp_path) == set()


def test_a_picture_that_the_part_itself_names_makes_no_way_for_its_others(tmp_path: Path, parts: Parts) -> None:
    """Of an OK part two pictures wait; the NG part has one of them too, and another that needs room."""
    bodies = [letter * 100 for letter in (b"x", b"y")]
    for shared, other in (bodies, bodies[::-1]):
        folder = tmp_path / shared.decode()[0]
        with opened(folder, parts, max_bytes=250) as spool:
            for verdict, second in ((Verdict.OK, other), (Verdict.NG, b"z" * 100)):
                trigger = parts.trigger()
                spool.record_trigger(trigger)
                views = {"a": a_view(shared, "a"), "b": a_view(second, "b")}
                spool.record_inspection(parts.judged(trigger, verdict, views))
            assert kept_pictures(folder) == {shared, b"z" * 100}


def test_ng_pictures_of_which_one_waits_as_an_ok_ones_still_need_their_room(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts, max_bytes=1500) as spool:
        parts.write(spool, Verdict.OK, PICTURE)
        trigger = parts.trigger()
        spool.record_trigger(trigger)
        views = {"a": a_view(PICTURE, "a"), "b": a_view(b"q" * 1000, "b")}
        with pytest.raises(SpoolFull, match="NG"):
            spool.record_inspection(parts.judged(trigger, Verdict.NG, views))
        assert kept_pictures(tmp_path) == {PICTURE}


class SlowFolder(PictureFolder):
    """Lets another thread write the same picture just before one is deleted."""

    def __init__(self, folder: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__(folder)
        self._meanwhile: Callable[[], object] | None = meanwhile
        self.other: threading.Thread | None = None

    def remove(self, digests: Iterator[str] | tuple[str, ...] | list[str]) -> None:
        if self._meanwhile is not None:
            self.other = threading.Thread(target=self._meanwhile)
            self._meanwhile = None
            self.other.start()
            self.other.join(0.05)  # it ends by itself only where nothing holds it
        super().remove(digests)


@pytest.mark.parametrize("by", ["settling", "making room"])
def test_a_picture_that_comes_again_while_it_is_deleted_stays(tmp_path: Path, parts: Parts, by: str) -> None:
    with opened(tmp_path, parts, max_bytes=1500) as spool:
        parts.write(spool, Verdict.OK, PICTURE)
        folder = SlowFolder(tmp_path / "pictures", lambda: parts.write(spool, Verdict.NG, PICTURE))
        spool._pictures = spool.outbox._pictures = folder  # the disk is behind it
        if by == "settling":
            first = spool.outbox.first()
            assert first is not None
            spool.outbox.settle(first)
        else:
            parts.write(spool, Verdict.OK, b"q" * 1000)
        assert folder.other is not None
        folder.other.join()
        assert PICTURE in kept_pictures(tmp_path)


def report_until_refused(spool: Spool, parts: Parts, written: list[str]) -> None:
    for _ in range(1000):
        report = parts.report()
        spool.record_report(report)
        written.append(report.id)


@pytest.mark.parametrize(
    ("number", "named"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, SpoolBroken)]
)
def test_the_disks_failures_have_names(number: int, named: type[SpoolError]) -> None:
    with pytest.raises(named, match="writing"), disk("writing"):
        raise OSError(number, "from the disk")


def test_a_disk_without_space_is_named_and_leaves_everything_as_it_was(tmp_path: Path, parts: Parts) -> None:
    """SQLite's own limit of pages fails as a full disk does (SQLITE_FULL)."""
    with opened(tmp_path, parts) as spool:
        trigger = parts.write(spool, Verdict.NG, PICTURE)
        connection: sqlite3.Connection = spool._connection  # the disk is behind it
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
        written: list[str] = []
        with pytest.raises(DiskFull):
            report_until_refused(spool, parts, written)
        connection.execute("PRAGMA max_page_count=1000000")
        spool.record_report(parts.report())
        found = waiting(spool)
    assert [kind for kind, _ in found].count(RecordKind.REPORT) == len(written) + 1
    assert found[0] == (RecordKind.INSPECTION, trigger.id)


def test_a_picture_that_the_disk_refuses_leaves_no_record_and_no_rest(tmp_path: Path, parts: Parts) -> None:
    """A limit of the process on file sizes makes the kernel refuse the picture (EFBIG) and nothing smaller."""
    with opened(tmp_path, parts) as spool:
        trigger = parts.trigger()
        spool.record_trigger(trigger)
        judged = parts.judged(trigger, Verdict.OK, {"default": a_view(b"z" * 8_000_000)})
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, hard))
        try:
            with pytest.raises(SpoolBroken):
                spool.record_inspection(judged)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        assert kept_pictures(tmp_path) == set()
        assert waiting(spool) == []
        spool.record_inspection(judged)
        assert len(waiting(spool)) == 1


def test_a_spool_has_one_writer_and_one_station(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts), pytest.raises(SpoolInUse):
        opened(tmp_path, parts)
    with pytest.raises(RecordContradicts, match="aoi-1"):
        Spool(tmp_path, station="aoi-2")
    opened(tmp_path, parts).close()


def test_a_damaged_file_is_an_error_that_says_so(tmp_path: Path, parts: Parts) -> None:
    opened(tmp_path, parts).close()
    (tmp_path / "spool.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(SpoolBroken, match="not a database"):
        opened(tmp_path, parts)


def test_what_a_crash_left_open_is_named_and_can_be_closed(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        whole = parts.write(spool, Verdict.OK, b"whole")
        asked, fresh = parts.trigger(), parts.trigger()
        spool.record_trigger(asked)
        spool.record_asked(parts.asked(asked, b"sent"))
        spool.record_trigger(fresh)
    with opened(tmp_path, parts) as spool:
        left = spool.unfinished()
        assert [part.id for part in left] == [asked.id, fresh.id]
        assert whole.id not in {part.id for part in left}
        assert (left[0].asked is not None, left[1].asked) == (True, None)
        for part in left:
            record = interrupted(part, nameless="unidentified", at=parts.clock.now())
            assert record.judgement.reasons[0].code is ReasonCode.INTERRUPTED
            spool.record_inspection(record)
        assert [part.verdict for part in spool.unfinished()] == [Verdict.NOT_INSPECTED] * 2
        spool.record_all_well(whole.id)
        assert spool.in_doubt() == {None: (asked.id, fresh.id)}


def test_a_verdict_before_its_trigger_in_time_is_told_as_of_the_trigger(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        trigger = parts.trigger()
        spool.record_trigger(trigger)
        parts.clock.set_now(START - timedelta(days=1))
        spool.record_inspection(parts.judged(trigger, Verdict.NOT_INSPECTED))
        record = spool.outbox.first()
        assert record is not None
        assert record.body["judged_at"] == record.body["opened_at"] == trigger.at.isoformat()


def test_what_is_put_aside_takes_its_fate_with_it_and_can_be_tried_again(tmp_path: Path, parts: Parts) -> None:
    with opened(tmp_path, parts) as spool:
        bad, good = parts.write(spool, Verdict.NG, b"bad"), parts.write(spool, Verdict.OK, b"good")
        first = spool.outbox.first()
        assert first is not None
        spool.outbox.park(first, trouble="422")
        assert waiting(spool) == [(RecordKind.INSPECTION, good.id), (RecordKind.DISPOSITION, good.id)]
        assert kept_pictures(tmp_path) == {b"bad"}
        assert spool.outbox.unpark() == 2
        assert waiting(spool) == [(RecordKind.INSPECTION, bad.id), (RecordKind.DISPOSITION, bad.id)]


def test_no_record_can_be_made_of_what_the_server_would_refuse(parts: Parts) -> None:
    with pytest.raises(ValueError, match="UUID"):
        TriggerRecord("part-1", 1, 1, START)
    with pytest.raises(ValueError, match="time zone"):
        TriggerRecord(parts.new_id(), 1, 1, START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="acquisition id"):
        TriggerRecord(parts.new_id(), 70_000, 1, START)
    with pytest.raises(ValueError, match="reasons"):
        StationJudgement(Verdict.NG)
    with pytest.raises(ValueError, match="finding"):
        StationJudgement.not_inspected(ReasonCode.DEFECT_LIMIT, "no")
    with pytest.raises(ValueError, match="without a view"):
        parts.judged(parts.trigger(), Verdict.OK)


def test_every_error_is_one_of_the_spools() -> None:
    assert all(issubclass(error, SpoolError) for error in (DiskFull, SpoolFull, SpoolBroken, SpoolInUse))
