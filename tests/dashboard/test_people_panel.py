"""What the line's page says of people's work."""

from datetime import UTC, datetime

from lineside.serving.dashboard.people import ShownWork, work_link, work_panel
from lineside.serving.dashboard.texts import Language
from lineside.serving.dashboard.wording import Wording
from lineside.serving.labelling.schemas import AttentionOut
from lineside.serving.verification.schemas import QueueOut
from lineside.serving.verification.waiting import WaitKind

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ENTRY = AttentionOut(
    id="a",
    project="board",
    code="conflict",
    message="Kim and Lee <b>differ</b>",
    inspection_id="i",
    pick_id=None,
    task_id=None,
    label_studio_task_id=None,
    occurrence=None,
    raised_at=NOW,
    raised_by="pull",
    settled_at=None,
    settled_by=None,
    settled_note=None,
)


def work(*, flagged: int = 0, gone: int = 0, attention: int = 0) -> ShownWork:
    waiting = dict.fromkeys(WaitKind, 0) | {WaitKind.FLAGGED: flagged}
    queue = QueueOut(waiting=waiting, claimed=0, without_image=gone, oldest_since=None, second_share=0.1)
    return ShownWork(queue, [ENTRY] * min(attention, 5), attention)


def test_the_link_says_how_much_waits_and_nothing_where_nothing_does() -> None:
    english = Wording(Language.EN, ())
    assert ">Verify <span" in work_link(work(flagged=7), english)
    assert ">7</span>" in work_link(work(flagged=7), english)
    assert work_link(work(), english) == work_link(None, english)
    assert "lang=ko" in work_link(None, Wording(Language.KO, ()))


def test_labels_that_need_attention_are_listed_with_their_number_and_what_they_say_is_escaped() -> None:
    shown = work_panel(work(attention=12), Wording(Language.EN, ()))
    assert "Labels that need attention: 12" in shown
    assert shown.count("<tr><td>conflict</td>") == 5
    assert "Kim and Lee &lt;b&gt;differ&lt;/b&gt;" in shown


def test_nothing_to_look_after_is_said_and_so_are_parts_without_an_image() -> None:
    shown = work_panel(work(flagged=3, gone=2), Wording(Language.KO, ()))
    assert "확인이 필요한 라벨이 없습니다." in shown
    assert "NG 3" in shown
    assert "이 중 2개" in shown
