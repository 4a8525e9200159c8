"""The report's file: every mistake is in it, nothing outside is asked for, and no text can become markup."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from blob_detector import Blob, TinyRelease
from labelled_blobs import BlobImage, write_blob_revision
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.release import read_release
from lineside.training.evaluation import EvaluationPlan, JudgedRevision, judge_revision
from lineside.training.evaluation.report import remarks, tiles, write_report
from lineside.training.evaluation.report.charts import Axis, Bar, Series, bar_chart, line_chart
from lineside.training.evaluation.report.pictures import Window
from recipes import NOW

PLAN = EvaluationPlan(engine="onnxruntime-fp32", timed_parts=1, resamples=10)
EVIL = "<script>alert('x')</script>"
PARTS = (
    BlobImage("P-escaped-1", labelled=[Blob(0, 16, 32)], has_reference=True),
    BlobImage("P-escaped-2", labelled=[Blob(1, 64, 64)]),
    BlobImage("P-overkill", drawn=[Blob(2, 64, 64)], labelled=[]),
    BlobImage("P-hit", drawn=[Blob(0, 16, 32)]),
    BlobImage("P-extra", drawn=[Blob(0, 16, 32), Blob(3, 96, 96)], labelled=[Blob(0, 16, 32)]),
    BlobImage("P-blank", labelled=[Blob(0, 16, 32)], is_blank=True),
    BlobImage(EVIL, labelled=[Blob(0, 16, 32)], group=EVIL, product=EVIL),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[JudgedRevision, str]:
    """An evaluation and its page."""
    folder = tmp_path_factory.mktemp("report")
    store = RevisionStore(str(folder / "store"))
    release = read_release(TinyRelease().write(folder / "blobs"))
    images = [dataclasses.replace(image, view=f"v{index}") for index, image in enumerate(PARTS)]
    judged = judge_revision(release, write_blob_revision(store, images), store, plan=PLAN, now=NOW)
    write_report(judged, store, folder / "report.html", now=NOW)
    assert [path.name for path in folder.glob("report*")] == ["report.html"]
    return judged, (folder / "report.html").read_text(encoding="utf-8")


def test_every_escape_and_every_false_call_is_named_and_pictured(made: tuple[JudgedRevision, str]) -> None:
    judged, page = made
    assert {part.part_id for part in judged.evaluation.escapes} == {"P-escaped-1", "P-escaped-2", EVIL}
    escapes, false_calls = page.split('id="escapes"')[1].split('id="false-calls"')
    for part in ("P-escaped-1", "P-escaped-2"):
        [section] = re.findall(
            rf"<section[^>]*>(?:(?!</section>).)*<b>{part}</b>.*?</section>", escapes, flags=re.DOTALL
        )
        pictures = section.count("data:image/jpeg;base64,")
        assert pictures == (3 if part == "P-escaped-1" else 2), "the whole part, the place, and the reference if any"
    assert "<b>P-hit</b>" not in escapes + false_calls
    assert false_calls.index("<b>P-overkill</b>") < false_calls.index("<b>P-extra</b>"), "good parts come first"
    assert "a good part, rejected" in false_calls
    assert false_calls.count('<figure class="mistake">') == 2


def test_parts_without_a_verdict_are_named_with_the_reason(made: tuple[JudgedRevision, str]) -> None:
    assert re.search(r"<td>P-blank</td>.*the image is (blank|under-exposed)", made[1])


def test_the_page_asks_for_nothing_outside(made: tuple[JudgedRevision, str]) -> None:
    page = made[1]
    assert not re.search(r"<(script|link|iframe|object)\b", page)
    sources = re.findall(r"""(?:href|src)=["']([^"']{0,30})""", page)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "url(" not in page
    assert "@import" not in page


def test_names_from_the_data_cannot_become_markup(made: tuple[JudgedRevision, str]) -> None:
    page = made[1]
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_the_headlines_say_how_sure_they_are(made: tuple[JudgedRevision, str]) -> None:
    judged, page = made
    by_name = {tile.name: tile for tile in tiles(judged.evaluation)}
    assert by_name["Escapes"].value == "60.0 %"
    assert "3 of 5 defective parts; 95 % interval" in by_name["Escapes"].note
    assert by_name["Not inspected"].value == "1"
    assert all(tile.value in page for tile in by_name.values())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"counts": {"good": 0}}, "nothing is known of overkill", id="no good part"),
        pytest.param({"counts": {"defective": 0}}, "nothing is known of escapes", id="no defective part"),
        pytest.param({"classes": {"unknown_to_release": ["burr"]}}, "does not know burr", id="unknown class"),
        pytest.param({"classes": {"never_labelled": ["spur"]}}, "No spur is labelled", id="class without labels"),
        pytest.param({"counts": {"not_inspected": {"good": 2, "defective": 1}}}, "3 parts got no verdict", id="lane"),
        pytest.param({"intervals": {"resampled": "part"}}, "too few to resample", id="few groups"),
    ],
)
def test_what_a_reader_must_know_is_said(changes: dict[str, dict[str, Any]], said: str) -> None:
    figures: dict[str, dict[str, Any]] = {
        "counts": {"good": 5, "defective": 5, "groups": 30, "not_inspected": {"good": 0, "defective": 0}},
        "classes": {"unknown_to_release": [], "never_labelled": []},
        "intervals": {"resampled": "group"},
    }
    assert remarks(figures) == []
    changed = {key: {**value, **changes.get(key, {})} for key, value in figures.items()}
    [remark] = remarks(changed)
    assert said in remark


class TestCharts:
    def test_texts_are_escaped(self) -> None:
        chart = line_chart(EVIL, [Series(EVIL, [(0, 0), (1, 1)])], x=Axis(EVIL), y=Axis(EVIL))
        bars = bar_chart(EVIL, [Bar(EVIL, 0.5, 0.2, 0.8, 3)], x_title=EVIL, y_title=EVIL)
        assert EVIL not in chart + bars

    def test_a_point_beyond_an_axis_lies_on_its_end(self) -> None:
        axis = Axis("calls", 0.001, 10.0, is_logarithmic=True)
        assert [axis.share(value) for value in (0.0, 0.001, 0.1, 10.0, 99.0)] == pytest.approx([0, 0, 0.5, 1, 1])
        assert axis.ticks() == pytest.approx([0.001, 0.01, 0.1, 1.0, 10.0])

    def test_no_bar_and_an_empty_bin_are_no_error(self) -> None:
        assert "<circle" not in bar_chart("empty", [], x_title="x", y_title="y")
        assert "<circle" not in bar_chart("empty", [Bar("1-2", None, 0, 1, 0)], x_title="x", y_title="y")


@pytest.mark.parametrize(
    ("box", "size_wh_px", "window"),
    [
        pytest.param((300, 300, 320, 320), (640, 640), (262, 262, 358, 358), id="small: room enough to see where"),
        pytest.param((0, 0, 20, 20), (640, 640), (0, 0, 96, 96), id="at a corner: moved inside"),
        pytest.param((600, 620, 640, 640), (640, 640), (540, 540, 640, 640), id="at the other"),
        pytest.param((10, 10, 20, 20), (60, 40), (0, 0, 60, 40), id="a frame smaller than the window"),
    ],
)
def test_a_window_shows_the_box_and_its_surroundings(
    box: tuple[float, float, float, float], size_wh_px: tuple[int, int], window: tuple[int, int, int, int]
) -> None:
    found = Window.around(box, size_wh_px)
    assert (found.left, found.top, found.right, found.bottom) == window


def test_the_page_is_whole_or_not_there(made: tuple[JudgedRevision, str], tmp_path: Path) -> None:
    """A disk that fails half-way leaves no shorter page with fewer mistakes in it."""
    judged, _ = made
    with pytest.raises(Exception, match="missing from the store"):
        write_report(judged, RevisionStore(str(tmp_path / "empty")), tmp_path / "report.html", now=NOW)
    assert not (tmp_path / "report.html").exists()
