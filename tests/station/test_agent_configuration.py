"""station.yaml: every key is known, every contradiction has its line."""

from pathlib import Path

import pytest

from lineside.inspection.frames import MediaType
from lineside.station.agent import StationFileRefused, parse_station
from lineside.station.cameras.folder import FolderSettings
from lineside.station.rig.settings import ModbusSettings

GOOD = """\
schema: lineside.station/1
station: aoi-1
server: {url: "http://127.0.0.1:8470", key_env: LINESIDE_API_KEY}
cameras:
  top: {kind: folder, folder: pictures}
  side: {kind: folder, folder: more}
rig: {kind: modbus, host: 192.168.0.10}
rules: {distance_mm: 400, speed_mm_s: 200, mm_per_count: 0.1, actuator_ms: 30}
part_id: {from: code, view: top}
own_engine: {when_server_away: judge, trust_file: trust.json}
spool: {folder: spool, max_gib: 2}
"""


def test_a_file_says_what_a_station_is(tmp_path: Path) -> None:
    found = parse_station(GOOD, source="station.yaml", folder=tmp_path)
    assert (found.station, found.scan_s, found.spool_bytes) == ("aoi-1", 0.005, 2 * 2**30)
    assert isinstance(found.rig, ModbusSettings)
    assert isinstance(found.cameras["top"], FolderSettings)
    assert list(found.cameras) == ["top", "side"]
    assert found.rules.encoder is not None
    assert (found.rules.reach_mm, found.rules.reach_counts) == (394.0, 3940)
    assert found.spool_folder == tmp_path / "spool"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("station: aoi-1", "stattion: aoi-1", "did you mean 'station'", id="a typing error"),
        pytest.param("kind: modbus", "kind: profinet", "no kind of rig 'profinet'", id="an unknown rig"),
        pytest.param("kind: folder, folder: more", "kind: webcam", "no kind of camera 'webcam'", id="no such camera"),
        pytest.param(", key_env: LINESIDE_API_KEY", "", "one of key_file and key_env", id="no key"),
        pytest.param(
            "key_env: LINESIDE_API_KEY", "key_env: A, key_file: b", "one of key_file and key_env", id="two keys"
        ),
        pytest.param('url: "http://127.0.0.1:8470", ', "", "one of url and unix_socket", id="no server"),
        pytest.param("{url:", "{unix_socket: s.sock, url:", "one of url and unix_socket", id="two servers"),
        pytest.param("actuator_ms: 30", "masters: {parts: {M-1: []}}", "at least 1 item", id="a master of nothing"),
        pytest.param(
            "actuator_ms: 30", 'masters: {parts: {M-1: [a]}, shifts: ["06:00"]}', "go together", id="a shift anywhere"
        ),
        pytest.param(
            "actuator_ms: 30",
            'masters: {parts: {M-1: [a]}, shifts: ["06:00"], time_zone: Asia/Soul}',
            "no time zone 'Asia/Soul'",
            id="a zone that is none",
        ),
        pytest.param(
            "actuator_ms: 30",
            'masters: {parts: {M-1: [a]}, shifts: ["24:00"], time_zone: Asia/Seoul}',
            "24:00",
            id="no time of day",
        ),
        pytest.param("actuator_ms: 30", "actuator_ms: 3000", "nothing is left to judge in", id="a gate too slow"),
        pytest.param(", trust_file: trust.json", "", "needs trust_file", id="an engine that trusts nobody"),
        pytest.param("from: code, view: top", "from: code, view: left", "no camera takes view 'left'", id="no view"),
        pytest.param("from: code, view: top", "from: code", "name the view that shows the code", id="which view"),
        pytest.param("from: code, view: top", "from: plc, view: top", "go with `from: code`", id="a view for nothing"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in GOOD
    with pytest.raises(StationFileRefused, match=r"station\.yaml:\d+: ") as refused:
        parse_station(GOOD.replace(old, new), source="station.yaml", folder=tmp_path)
    assert says in str(refused.value)


def test_a_server_on_the_same_machine_is_sent_raw_pixels_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    beside = GOOD.replace('url: "http://127.0.0.1:8470"', "unix_socket: server.sock")
    chosen = beside.replace("server.sock", "server.sock, picture: png")
    found = [parse_station(text, source="station.yaml", folder=tmp_path) for text in (GOOD, beside, chosen)]
    assert [each.server.media_type for each in found] == [MediaType.PNG, MediaType.RAW, MediaType.PNG]


def test_the_key_stands_in_a_file_or_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse_station(GOOD, source="station.yaml", folder=tmp_path)
    monkeypatch.delenv("LINESIDE_API_KEY", raising=False)
    with pytest.raises(StationFileRefused, match="LINESIDE_API_KEY is not set"):
        found.server_key()
    monkeypatch.setenv("LINESIDE_API_KEY", "ls_secret\n")
    assert found.server_key() == "ls_secret"
    (tmp_path / "key").write_text("ls_other\n")
    in_file = GOOD.replace("key_env: LINESIDE_API_KEY", "key_file: key")
    assert parse_station(in_file, source="station.yaml", folder=tmp_path).server_key() == "ls_other"
