import stat
from pathlib import Path

import pytest

from lineside.serving.delivery.sparkplug.memory import Confirmed, NodeMemory
from lineside.serving.delivery.sparkplug.picture import Tally


def test_birth_death_numbers_begin_at_0_go_on_after_a_restart_and_follow_255_with_0(tmp_path: Path) -> None:
    assert [NodeMemory(tmp_path).next_bdseq() for _ in range(3)] == [0, 1, 2]
    (tmp_path / "bdseq.json").write_text('{"bdseq": 253}')
    assert [NodeMemory(tmp_path).next_bdseq() for _ in range(4)] == [254, 255, 0, 1]


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"bdseq": "5"}', "\x00\x00", '{"sequence": 1, "is_all": true, "counts": {"a": 1}}']
)
def test_a_damaged_file_counts_as_absent(tmp_path: Path, content: str) -> None:
    for name in ("bdseq.json", "confirmed.json"):
        (tmp_path / name).write_text(content)
    memory = NodeMemory(tmp_path)
    assert memory.confirmed() is None
    assert (memory.next_bdseq(), memory.next_bdseq()) == (0, 1)


def test_what_the_broker_has_is_still_known_after_a_restart(tmp_path: Path) -> None:
    assert NodeMemory(tmp_path).confirmed() is None
    for confirmed in (Confirmed(Tally(7, {"aoi": {"OK": 3}}), is_all=False), Confirmed(Tally(9, {}), is_all=True)):
        NodeMemory(tmp_path).confirm(confirmed)
        assert NodeMemory(tmp_path).confirmed() == confirmed


def test_nothing_is_left_beside_the_two_files(tmp_path: Path) -> None:
    memory = NodeMemory(tmp_path)
    memory.next_bdseq()
    memory.confirm(Confirmed(Tally(1, {}), is_all=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bdseq.json", "confirmed.json"]
    assert stat.S_IMODE((tmp_path / "bdseq.json").stat().st_mode) == 0o600
