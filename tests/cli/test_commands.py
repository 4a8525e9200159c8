"""The commands as a person or a program calls them."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import pytest

from blob_detector import Blob, BlobModel, TinyRelease, draw_blobs
from lineside.cli.demo_texts import TEXTS
from lineside.cli.keys import RoleName
from lineside.cli.languages import LanguageName
from lineside.cli.reference import command_paths, reference_page
from lineside.cli.serve import LogFormatName
from lineside.serving.dashboard import Language
from lineside.serving.security import Role
from lineside.workflows.running_server import LogFormat
from plant import RECIPE

Lineside = Callable[..., Any]
ROOT = Path(__file__).parents[2]


def test_version_is_the_packages(lineside: Lineside) -> None:
    ran = lineside("version")
    assert ran.code == 0
    assert ran.out == f"lineside {version('lineside')}\n"
    assert json.loads(lineside("version", "--json").out)["lineside"] == version("lineside")


@pytest.mark.parametrize("path", list(command_paths()), ids=lambda path: " ".join(path) or "lineside")
def test_every_command_has_help(lineside: Lineside, path: tuple[str, ...]) -> None:
    ran = lineside(*path, "--help")
    assert ran.code == 0
    assert ran.out.startswith("Usage: lineside")
    assert len(ran.out.splitlines()) > 5


def test_the_reference_page_is_current() -> None:
    """After a change: python -m lineside.cli.reference docs/cli.md."""
    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == reference_page()


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['lineside', 'version']\n"
        "from lineside.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'cv2', 'fastapi', 'sqlalchemy', 'nicegui', 'rich', 'httpx'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("inspect",), 2, id="an argument is missing"),
        pytest.param(("inspect", "nowhere.png"), 1, id="a picture is missing"),
        pytest.param(("keys", "create", "x", "--role", "emperor"), 2, id="no such role"),
        pytest.param(("demo", "--parts", "0"), 2, id="no parts"),
        pytest.param(("dance",), 2, id="no such command"),
    ],
)
def test_errors_are_told_on_stderr_with_their_status(
    lineside: Lineside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = lineside(*words)
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.strip()
    if code == 1:
        assert len(ran.err.splitlines()) == 1


def test_keys_are_made_listed_and_revoked(lineside: Lineside, tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = json.loads(lineside("keys", "create", "Line 1", "--role", "quality", "--data", data, "--json").out)
    assert made["secret"].startswith("lsk_")
    plain = lineside("keys", "create", "Camera", "--role", "station", "--station", "aoi-1", "--data", data)
    assert plain.out.startswith("lsk_")
    assert plain.out.strip() not in plain.err
    listed = json.loads(lineside("keys", "list", "--data", data, "--json").out)
    assert [(key["name"], key["role"], key["station"]) for key in listed] == [
        ("Line 1", "quality", None),
        ("Camera", "station", "aoi-1"),
    ]
    assert "secret" not in listed[0]
    assert lineside("keys", "revoke", made["id"], "--data", data).code == 0
    after = json.loads(lineside("keys", "list", "--data", data, "--json").out)
    assert [key["revoked_at"] is None for key in after] == [False, True]


def test_keys_are_not_looked_for_in_a_folder_that_is_not_there(lineside: Lineside, tmp_path: Path) -> None:
    misspelt = tmp_path / "dta"
    for words in (("list",), ("revoke", "some-key")):
        ran = lineside("keys", *words, "--data", misspelt)
        assert ran.code == 1
        assert ran.err.splitlines() == [
            f"lineside: no data folder {misspelt}; expected the server's, by --data or LINESIDE_DATA_DIR"
        ]
    assert not misspelt.exists()
    assert (
        f"making the data folder {misspelt}"
        in lineside("keys", "create", "x", "--role", "viewer", "--data", misspelt).err
    )


def test_a_stations_key_needs_its_station(lineside: Lineside, tmp_path: Path) -> None:
    ran = lineside("keys", "create", "Camera", "--role", "station", "--data", tmp_path / "data")
    assert ran.code == 1
    assert "station" in ran.err


def test_a_setting_that_cannot_be_is_named_with_its_variable(
    lineside: Lineside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINESIDE_QUEUE_BOUND", "none")
    ran = lineside("keys", "list", "--data", tmp_path)
    assert ran.code == 1
    assert "LINESIDE_QUEUE_BOUND" in ran.err


def test_an_engine_that_does_not_exist_is_refused_at_start(lineside: Lineside, tmp_path: Path) -> None:
    ran = lineside("serve", "--data", tmp_path / "data", "--port", "0", "--engine", "steam")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    assert "steam" in ran.err
    assert "onnxruntime-fp32" in ran.err
    assert not (tmp_path / "data").exists()


def test_recipes_are_checked_with_the_place_of_what_is_wrong(lineside: Lineside, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(RECIPE)
    bad.write_text(RECIPE + "surprise: 1\n")
    assert lineside("recipe", "check", good).code == 0
    ran = lineside("recipe", "check", good, bad, "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert [each["is_valid"] for each in found] == [True, False]
    assert "surprise" in found[1]["problem"]
    assert json.loads(lineside("recipe", "schema").out)["$schema"].startswith("https://json-schema.org")


def test_a_file_that_is_no_text_is_told_in_one_line(lineside: Lineside, tmp_path: Path) -> None:
    picture, good = tmp_path / "board.jpg", tmp_path / "good.yaml"
    picture.write_bytes(b"\xff\xd8\xff\xe0")
    good.write_text(RECIPE)
    checked = lineside("recipe", "check", picture, good)
    assert checked.code == 1
    assert "good.yaml" in checked.out  # the others are checked all the same
    predicted = lineside("predict", "--images", picture, "--out", tmp_path / "out")
    inspected = lineside("inspect", picture, "--recipe", picture)
    for ran in (checked, predicted, inspected):
        assert ran.code == 1
        assert ran.err.splitlines() == [f"lineside: {picture} is no text: byte 0 is 0xff; expected a file in UTF-8"]


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    """A good board and one with a short."""
    folder = tmp_path / "boards"
    folder.mkdir()
    for name, blobs in (("good", ()), ("bad", (Blob(1, 64, 48),))):
        image = draw_blobs(blobs, (160, 160))
        image[0:40:8, :] = 255  # lines give the picture contrast, and are no blob
        cv2.imwrite(str(folder / f"{name}.png"), image)
    return folder


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The blob detector."""
    return TinyRelease(model=BlobModel(size_wh_px=(160, 160))).write(tmp_path / "release")


def test_inspect_judges_a_folder_and_draws_what_it_found(
    lineside: Lineside, tmp_path: Path, boards: Path, release: Path
) -> None:
    words = ("inspect", boards, "--release", release, "--engine", "onnxruntime-fp32", "--out", tmp_path / "out")
    ran = lineside(*words, "--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert {Path(part["path"]).stem: part["verdict"] for part in document["parts"]} == {"good": "OK", "bad": "NG"}
    assert document["threshold_status"] == "uncertified"
    drawn = cv2.imread(str(tmp_path / "out" / "bad.png"))
    assert drawn is not None
    assert (drawn[48, 64:80] == drawn[48, 64]).all()  # the upper edge of the box
    assert lineside(*words, "--fail-on-ng").code == 1
    table = lineside("inspect", boards / "good.png", "--release", release, "--fail-on-ng")
    assert table.code == 0
    assert table.out.split("\t")[1] == "OK"


def test_a_damaged_picture_is_not_inspected_and_no_error(lineside: Lineside, boards: Path, release: Path) -> None:
    whole = (boards / "good.png").read_bytes()
    (boards / "cut.png").write_bytes(whole[: len(whole) // 2])
    ran = lineside("inspect", boards / "cut.png", "--release", release, "--json")
    assert ran.code == 0
    [part] = json.loads(ran.out)["parts"]
    assert part["verdict"] == "NOT_INSPECTED"
    assert part["reasons"][0]["code"] == "undecodable"
    assert lineside("inspect", boards / "cut.png", "--release", release, "--fail-on-ng").code == 1


def test_predict_writes_a_file_for_each_image(lineside: Lineside, tmp_path: Path, boards: Path, release: Path) -> None:
    (tmp_path / "list.txt").write_text("boards/good.png\nboards/bad.png\n")
    ran = lineside("predict", "--images", tmp_path / "list.txt", "--release", release, "--out", tmp_path / "found")
    assert ran.code == 0, ran.err
    lines = (tmp_path / "found" / "bad.txt").read_text().splitlines()
    assert lines[0].startswith("64,48,80,64,")
    assert lines[0].endswith(",short")
    assert (tmp_path / "found" / "good.txt").exists()


def test_choices_of_the_command_line_are_those_of_the_program() -> None:
    assert set(RoleName) == {role.value for role in Role} - {"delivery"}, "the server makes that key for itself"
    assert set(LanguageName) == {language.value for language in Language}
    assert set(LogFormatName) == {log_format.value for log_format in LogFormat}


def test_the_demonstration_says_the_same_in_both_languages() -> None:
    assert set(TEXTS) == set(LanguageName)
    assert TEXTS["en"].keys() == TEXTS["ko"].keys()
