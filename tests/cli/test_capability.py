"""`lineside capability` from the plan to the filed report."""

import csv
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lineside.serving.rates.projection import read_position
from lineside.serving.security import Role
from live_server import LiveServer, live_server
from plant import RECIPE, bad_board, good_board
from study_files import key_text, sheet_text, size_key_text, size_sheet_text

Lineside = Callable[..., Any]


def rows_of(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def write_study(folder: Path, sheet: str, key: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "key.csv").write_text(key, "utf-8")
    (folder / "sheet.csv").write_text(sheet, "utf-8")
    return folder / "sheet.csv"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("site")) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield server


def test_a_plan_is_blind_complete_and_the_same_for_the_same_seed(tmp_path: Path, lineside: Lineside) -> None:
    words = ("--appraiser", "kim", "--appraiser", "lee", "--detector", "aoi-1", "--parts", "30", "--seed", "7")
    ran = lineside("capability", "plan", tmp_path / "a", *words, "--json")
    assert json.loads(ran.out)["appraisers"] == ["kim", "lee", "aoi-1"]
    key, sheet = rows_of(tmp_path / "a" / "key.csv"), rows_of(tmp_path / "a" / "sheet.csv")
    assert Counter((row["reference"], row["borderline"]) for row in key) == {
        ("NG", "yes"): 6,
        ("NG", "no"): 9,
        ("OK", "yes"): 6,
        ("OK", "no"): 9,
    }
    assert {tuple(row) for row in sheet} == {("appraiser", "trial", "order", "code", "call")}
    rounds = Counter((row["appraiser"], row["trial"]) for row in sheet)
    assert rounds == {(name, trial): 30 for name in ("kim", "lee", "aoi-1") for trial in "123"}
    orders = {round_: [row["code"] for row in sheet if (row["appraiser"], row["trial"]) == round_] for round_ in rounds}
    assert all(sorted(order) == sorted(row["code"] for row in key) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) == len(orders)
    assert [row["reference"] for row in key] != sorted(row["reference"] for row in key)  # codes tell nothing
    lineside("capability", "plan", tmp_path / "b", *words)
    for name in ("key.csv", "sheet.csv", "sheets.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    lineside("capability", "plan", tmp_path / "c", *words[:-1], "8")
    assert rows_of(tmp_path / "c" / "sheet.csv") != sheet


def test_the_printed_sheets_say_nothing_of_the_parts(tmp_path: Path, lineside: Lineside) -> None:
    lineside("capability", "plan", tmp_path, "--appraiser", "kim", "--parts", "20", "--trials", "2")
    page = (tmp_path / "sheets.html").read_text("utf-8")
    assert page.count("<h2>kim, trial") == 2
    assert page.count('class="page"') == 2
    assert "borderline" not in page


def test_chosen_parts_are_given_codes(tmp_path: Path, lineside: Lineside) -> None:
    chosen = tmp_path / "parts.csv"
    lines = ["part_id,reference,borderline", *(f"P-{n:03},{'NG' if n % 2 else 'OK'},no" for n in range(20))]
    chosen.write_text("\n".join(lines), "utf-8")
    lineside("capability", "plan", tmp_path / "study", "--appraiser", "kim", "--parts-file", chosen)
    key = rows_of(tmp_path / "study" / "key.csv")
    assert {row["part_id"]: row["reference"] for row in key} == {
        f"P-{n:03}": "NG" if n % 2 else "OK" for n in range(20)
    }


def test_a_plan_says_how_many_parts_rule_out_a_miss_rate(tmp_path: Path, lineside: Lineside) -> None:
    ran = lineside("capability", "plan", tmp_path, "--appraiser", "kim", "--miss-rate", "0.05", "--json")
    plan = json.loads(ran.out)["plan"]
    assert (plan["parts"], plan["defective"]) == (118, 59)
    assert plan["miss_bound"] == pytest.approx(0.0495, abs=5e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param((), "nobody appraises", id="nobody"),
        pytest.param(("--appraiser", "kim", "--appraiser", "kim"), "named twice", id="twice"),
        pytest.param(("--appraiser", "kim", "--parts", "10"), "expected at least 20", id="too few parts"),
        pytest.param(("--appraiser", "kim", "--trials", "0"), "0 trials", id="no trial"),
        pytest.param(("--appraiser", "kim", "--borderline-share", "1.5"), "expected 0 to 1", id="a share beyond 1"),
        pytest.param(("--appraiser", "kim", "--parts", "30", "--miss-rate", "0.1"), "one of them", id="both"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, words: tuple[str, ...], message: str, lineside: Lineside) -> None:
    ran = lineside("capability", "plan", tmp_path / "study", *words)
    assert (ran.code, message in ran.err) == (1, True), ran.err
    assert not (tmp_path / "study").exists()


def test_a_study_that_is_there_is_not_written_over(tmp_path: Path, lineside: Lineside) -> None:
    assert lineside("capability", "plan", tmp_path, "--appraiser", "kim").code == 0
    before = (tmp_path / "key.csv").read_bytes()
    ran = lineside("capability", "plan", tmp_path, "--appraiser", "kim")
    assert (ran.code, "not written over" in ran.err) == (1, True)
    assert (tmp_path / "key.csv").read_bytes() == before


def test_an_attribute_study_is_analysed_with_a_report(tmp_path: Path, lineside: Lineside) -> None:
    sheet, report = write_study(tmp_path / "study", sheet_text(), key_text()), tmp_path / "report.html"
    ran = lineside("capability", "analyse", sheet, "--html", report)
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert rows[0][:3] == ["kim", "100.0% (83.2% to 100.0%; 20/20)", "0.0% (0.0% to 30.8%; 0/20)"]
    assert rows[1][0] == "aoi-1 (detector)"
    assert rows[1][2].endswith("3/20)")
    figures = json.loads(lineside("capability", "analyse", sheet, "--json").out)
    assert (figures["kind"], figures["detector"], figures["result"]["parts"]) == ("attribute", "aoi-1", 20)
    page = report.read_text("utf-8")
    assert "kim: good (at worst unacceptable)" in page
    assert "aoi-1 (detector): unacceptable" in page
    assert 'class="notice bad"' in page
    assert "Checked by" in page


def test_a_gauge_study_is_analysed_with_a_report(tmp_path: Path, lineside: Lineside) -> None:
    sheet = write_study(tmp_path / "study", size_sheet_text(), size_key_text())
    report = tmp_path / "report.html"
    ran = lineside("capability", "analyse", sheet, "--html", report)
    assert ran.out.startswith("%GRR (of study variation)\t")
    assert "Gauge R&amp;R of measured sizes" in report.read_text("utf-8")


def test_a_fault_of_the_sheet_is_one_line_with_its_place(tmp_path: Path, lineside: Lineside) -> None:
    sheet = write_study(tmp_path, sheet_text().replace("kim,1,1,K01,NG", "kim,1,1,K01,"), key_text())
    ran = lineside("capability", "analyse", sheet)
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "sheet.csv, line 3, column call: the cell is empty" in ran.err


def test_a_study_is_filed_and_listed(tmp_path: Path, server: LiveServer, lineside: Lineside) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.QUALITY])
    sheet = write_study(tmp_path / "study", sheet_text(), key_text())
    filed = json.loads(lineside("capability", "put", sheet, "--id", "line-1", *words, "--json").out)
    local = json.loads(lineside("capability", "analyse", sheet, "--json").out)
    assert filed["result"]["agreement"] == local["result"]
    assert lineside("capability", "list", *words).out.split("\t")[:2] == ["line-1", "attribute"]
    assert json.loads(lineside("capability", "show", "line-1", *words).out) == filed


@pytest.fixture
def imaged(tmp_path: Path, server: LiveServer) -> Path:
    """Four parts, two trials: P-003 is defective and seen once, P-001 is always seen."""
    for number in range(1, 5):
        for attempt in (1, 2):
            defective = number == 1 or (number, attempt) == (3, 1)
            body = (bad_board if defective else good_board)(seed=10 * number + attempt)
            said = {"attempt": attempt, "cause": "first" if attempt == 1 else "retest"}
            server.post(body, f"P-{number:03}", said=said).raise_for_status()
    lines = [
        line.rsplit(",", 1)[0] + "," if line.startswith("aoi-1") else line for line in sheet_text(parts=4).splitlines()
    ]
    return write_study(tmp_path / "study", "\n".join(lines), key_text(parts=4))


def test_the_detectors_calls_come_from_parts_that_were_imaged_anew(
    imaged: Path, server: LiveServer, tmp_path: Path, lineside: Lineside
) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.QUALITY])
    filled = imaged.parent / "filled.csv"
    ran = lineside("capability", "fill", imaged, "--out", filled, *words)
    assert "8 calls of the detector filled in; 0 attempts were not inspected" in ran.err
    calls = {(row["code"], row["trial"]): row["call"] for row in rows_of(filled) if row["appraiser"] == "aoi-1"}
    assert [calls[f"K0{number}", trial] for number in range(1, 5) for trial in "12"] == [
        "NG",
        "NG",
        "OK",
        "OK",
        "NG",
        "OK",
        "OK",
        "OK",
    ]
    result = json.loads(lineside("capability", "analyse", filled, "--json").out)["result"]
    detector = next(each for each in result["appraisers"] if each["is_detector"])
    assert (detector["miss_rate"]["events"], detector["miss_rate"]["calls"]) == (1, 4)

    # one more attempt, and it is not clear any more which calls count
    server.post(good_board(seed=99), "P-002", said={"attempt": 3, "cause": "retest"}).raise_for_status()
    ran = lineside("capability", "fill", imaged, "--out", filled, *words)
    assert "part P-002 was judged OK or NG 3 times" in ran.err
    assert "--since" in ran.err
    ran = lineside("capability", "fill", imaged, "--out", filled, *words, "--since", "2099-01-01")
    assert "part P-001 was judged OK or NG 0 times" in ran.err


def test_the_curve_of_an_audit_is_that_of_its_plan(tmp_path: Path, lineside: Lineside) -> None:
    """80 parts, at most 2 defective: LTPD 6.52 %, by the binomial distribution."""
    report, curve = tmp_path / "audit.html", tmp_path / "audit.svg"
    words = ("capability", "audit", "--passed", "9000", "--read", "80", "--escapes", "3", "--accept", "2")
    facts = dict(line.split("\t") for line in lineside(*words, "--html", report, "--figure", curve).out.splitlines())
    assert (facts["outcome"], facts["accepted with 10 % (LTPD)"]) == ("not accepted", "6.52 %")
    figures = json.loads(lineside(*words, "--json").out)
    assert figures["consumer_share"] == pytest.approx(0.0652, abs=5e-5)
    assert (figures["is_accepted"], figures["lot"]) == (False, 9000)
    assert 'class="notice bad"' in report.read_text("utf-8")
    assert curve.read_text("utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("passed", "read", "escapes", "message"),
    [
        pytest.param(100, 0, 0, "sample of 0", id="nothing read"),
        pytest.param(100, 101, 0, "101", id="more read than passed"),
        pytest.param(100, 10, 11, "11 escapes in 10 parts read", id="more escapes than parts"),
        pytest.param(100, -1, -1, "-1", id="negative"),
        pytest.param(100, 10, -1, "-1 escapes", id="negative escapes"),
    ],
)
def test_an_audit_that_cannot_be_is_refused(
    passed: int, read: int, escapes: int, message: str, lineside: Lineside
) -> None:
    ran = lineside("capability", "audit", "--passed", passed, "--read", read, "--escapes", escapes)
    assert (ran.code, message in ran.err) == (1, True), ran.err


def test_the_audit_of_a_server_is_the_one_that_was_read(server: LiveServer, tmp_path: Path, lineside: Lineside) -> None:
    """Every passed part is drawn: five are read, one of them was an escape; a sixth was NG."""
    recipe = RECIPE.replace("version: 1\nproduct", "version: 2\nproduct") + "audit: {share: 1.0}\n"
    server.put_recipe("board", recipe).raise_for_status()
    server.put_station("aoi-1", recipe={"id": "board", "version": 2}).raise_for_status()
    box = {"class_name": "short", "box_xyxy_px": [1, 2, 30, 40]}
    for number in range(6):
        answer = server.post(
            (bad_board if number == 5 else good_board)(seed=number), f"P{number}", said={"lot": "L-1"}
        ).json()
        said = {"source": "audit" if number < 5 else "operator", "reviewer": "Kim", "at": answer["judged_at"]}
        said |= {"kind": "escape", "boxes": [box]} if number == 2 else {"kind": "confirmed"}
        path = f"/v1/inspections/{answer['id']}/reviews"
        server.http.post(path, json=said, headers=server.authorization()).raise_for_status()
    wait_for_cells(server)
    words = ("--server", server.url, "--api-key", server.keys[Role.QUALITY], "--lot", "L-1")
    ran = lineside("capability", "audit", *words, "--html", tmp_path / "audit.html")
    facts = dict(line.split("\t") for line in ran.out.splitlines())
    assert [facts[name] for name in ("passed parts", "drawn and read", "escapes found", "outcome")] == [
        "5",
        "5",
        "1",
        "not accepted",
    ]
    assert "Last event counted" in (tmp_path / "audit.html").read_text("utf-8")


def wait_for_cells(server: LiveServer) -> None:
    """Until rates have counted the last event."""
    services = server.services
    for _ in range(2000):
        position = services.ledger.read_blocking(lambda connection: read_position(connection, services.settings.plant))
        if position is not None and position.sequence >= services.ledger.last_sequence:
            return
        threading.Event().wait(0.02)
    raise AssertionError("the cells do not follow the ledger")
