"""Files of studies: read as they are, or refused with line and column."""

import pytest

from lineside.serving.errors import StudyRefused, StudyUnreadable
from lineside.serving.studies.capability_files import (
    AttributeStudy,
    VariableStudy,
    judge_capability,
    read_capability,
)
from lineside.serving.studies.pod_file import judge_pod_study, read_pod_study
from lineside.statistics.agreement import AgreementStudy
from lineside.statistics.gauge import GaugeStudy
from lineside.statistics.pod import ProductionUse, SizeDesign
from study_files import key_text, pod_text, sheet_text, size_key_text, size_sheet_text


def test_a_pod_study_is_read_as_it_stands() -> None:
    study = read_pod_study(pod_text(), source="study.csv")
    assert (study.design, study.unit, len(study.targets)) == (SizeDesign.DESIGNED, "mm", 80)
    assert (study.defect_free, study.false_calls) == (40, 2)
    assert study.targets[0].part_id == "T-000"


def test_what_a_spreadsheet_makes_of_the_file_is_read_too() -> None:
    """A byte-order mark, Windows line ends, every line padded with commas to the same width, blank rows."""
    padded = "\ufeff" + "\r\n".join(
        line + ",," if line.startswith("#") else line for line in (*pod_text().splitlines(), ",,", "")
    )
    assert read_pod_study(padded, source="a") == read_pod_study(pod_text(), source="b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "no line of column names", id="empty"),
        pytest.param("# design: designed\n", "no line of column names", id="only a remark"),
        pytest.param("# design: designed\npart_id,size,result\n", "no rows", id="no rows"),
        pytest.param("part_id,size,result\nP,1,hit\n", "no line '# design: ...'", id="no design"),
        pytest.param("# design: mine\npart_id,size,result\nP,1,hit\n", "one of: designed, production", id="design"),
        pytest.param("# desing: designed\npart_id,size,result\n", "unknown '# desing:'", id="a slip in a name"),
        pytest.param("# design: designed\n# design: designed\n", "line 2: a second '# design:'", id="said twice"),
        pytest.param("# unit: furlong\n# design: designed\npart_id,size,result\nP,1,hit\n", "unit: furlong", id="unit"),
        pytest.param("part_id;size;result\nP;1;hit\n", "line 1: unknown column 'part_id;size;result'", id="semicolons"),
        pytest.param("part_id,size\nP,1\n", "line 1: no column 'result'", id="a missing column"),
        pytest.param("part_id,size,result,result\n", "line 1: column 'result' twice", id="a column twice"),
        pytest.param("part_id,size,result\nP,1\n", "line 2: 2 cells; expected 3", id="a short row"),
        pytest.param("part_id,size,result\n\nP,0.3,maybe\n", "line 3, column result", id="no result"),
        pytest.param("part_id,size,result\nP,0.3,clear\n", "expected one of: hit, miss", id="clear with a size"),
        pytest.param("part_id,size,result\nP,,hit\n", "expected one of: clear, false_call", id="hit without a size"),
        pytest.param("part_id,size,result\nP,0x1,hit\n", "column size: the cell holds '0x1'", id="no number"),
        pytest.param('part_id,size,result\nP,"0,3",hit\n', "a decimal point", id="a decimal comma"),
        pytest.param("part_id,size,result\nP,nan,hit\n", "column size", id="NaN"),
        pytest.param("part_id,size,result\nP,1_0,hit\n", "column size", id="an underscore"),
        pytest.param("part_id,size,result\nP,1e300,hit\n", "column size", id="beyond all sizes"),
        pytest.param("part_id,size,result\nP,0,hit\n", "expected more than 0", id="size 0"),
        pytest.param("part_id,size,result\n,0.3,hit\n", "column part_id: the cell is empty", id="no part"),
        pytest.param("part_id,size,result\nP,,clear\nP,,clear\n", "line 3, column part_id", id="a good part twice"),
        pytest.param(
            "# design: designed\npart_id,size,result\nP,,clear\nP,1,hit\n", "with a defect and without", id="conflict"
        ),
        pytest.param('part_id,size,result\n"P,1,hit\n', "no CSV", id="an open quote"),
        pytest.param("part_id,size,result\nP\x00,1,hit\n", "column part_id", id="a control character"),
    ],
)
def test_what_is_odd_in_a_pod_study_is_named(text: str, message: str) -> None:
    with pytest.raises(StudyUnreadable, match=message) as refused:
        read_pod_study(text, source="study.csv")
    assert str(refused.value).startswith("study.csv")


def test_a_pod_study_that_cannot_carry_a_curve_is_refused_by_name() -> None:
    with pytest.raises(StudyRefused, match="expected a designed set"):
        judge_pod_study(read_pod_study(pod_text(design="production"), source="a"))
    with pytest.raises(StudyRefused, match="the study has 40 targets"):
        judge_pod_study(read_pod_study(pod_text(targets=40), source="a"))


def test_production_sizes_are_judged_on_demand_and_marked() -> None:
    study = read_pod_study(pod_text(design="production"), source="a")
    assert judge_pod_study(study, production=ProductionUse.INDICATIVE).is_indicative


def test_an_attribute_study_is_read_and_judged() -> None:
    study = read_capability(sheet_text(), key_text())
    assert isinstance(study, AttributeStudy)
    assert (study.key.detector, study.key.borderline, len(study.key.parts)) == ("aoi-1", 8, 20)
    result = judge_capability(study)
    assert isinstance(result, AgreementStudy)
    kim, detector = result.appraisers
    assert (kim.effectiveness.estimate, detector.miss_rate.events, detector.false_alarm_rate.events) == (1.0, 3, 1)


def test_a_variable_study_is_read_and_judged() -> None:
    study = read_capability(size_sheet_text(), size_key_text())
    assert isinstance(study, VariableStudy)
    result = judge_capability(study)
    assert isinstance(result, GaugeStudy)
    assert (result.appraisers, result.parts, result.trials) == (2, 10, 3)
    assert result.share_of_tolerance is not None
    assert result.repeatability.lower < 0.02**2 < result.repeatability.upper


SHEET = "appraiser,trial,order,code,call\nkim,1,1,K01,NG\n"
KEY = "# kind: attribute\ncode,part_id,reference\nK01,P-1,NG\n"


@pytest.mark.parametrize(
    ("sheet", "key", "message"),
    [
        pytest.param(SHEET, "code,part_id,reference\nK01,P-1,NG\n", "key: no line '# kind: ...'", id="no kind"),
        pytest.param(
            SHEET, "# kind: attribute\ncode,part_id\nK01,P-1\n", "needs column 'reference'", id="no reference"
        ),
        pytest.param(SHEET, KEY.replace("attribute", "variable"), "has no column 'reference'", id="a reference"),
        pytest.param(SHEET, KEY + "K01,P-2,OK\n", "key, line 4, column code", id="a code twice"),
        pytest.param(SHEET, KEY + "K02,P-1,OK\n", "key, line 4, column part_id", id="conflicting references"),
        pytest.param(SHEET, KEY.replace("P-1", ""), "key, line 3, column part_id: the cell is empty", id="not chosen"),
        pytest.param(SHEET, KEY.replace("NG", "bad"), "expected one of: OK, NG", id="no call"),
        pytest.param("# kind: variable\n" + SHEET, KEY, "the key says attribute", id="files of two studies"),
        pytest.param(SHEET.replace("K01", "K09"), KEY, "which the key does not have", id="an unknown code"),
        pytest.param(SHEET.replace("NG", ""), KEY, "sheet, line 2, column call: the cell is empty", id="not called"),
        pytest.param(SHEET.replace("kim,1", "kim,0"), KEY, "column trial", id="trial 0"),
        pytest.param(SHEET.replace("kim,1", "kim,9" + "9" * 80), KEY, "column trial", id="trial 9...9"),
        pytest.param(SHEET.replace("kim", ""), KEY, "column appraiser: the cell is empty", id="nobody"),
    ],
)
def test_what_is_odd_in_a_capability_study_is_named(sheet: str, key: str, message: str) -> None:
    with pytest.raises(StudyUnreadable, match=message):
        read_capability(sheet, key)


def test_a_tolerance_that_is_none_is_named() -> None:
    with pytest.raises(StudyUnreadable, match="# tolerance: wide"):
        read_capability(size_sheet_text(), size_key_text().replace("0.5", "wide"))


def test_a_missing_call_is_refused_by_name() -> None:
    lines = sheet_text().splitlines()
    with pytest.raises(StudyRefused, match="aoi-1 has no call of part P-020 in trial 2"):
        judge_capability(read_capability("\n".join(lines[:-1]), key_text()))


def test_a_missing_size_is_refused_by_name() -> None:
    lines = size_sheet_text().splitlines()
    with pytest.raises(StudyRefused, match="lee has no size of K10 in trial 3"):
        read_capability("\n".join(lines[:-1]), size_key_text())


def test_a_size_that_is_there_twice_is_named() -> None:
    lines = size_sheet_text().splitlines()
    with pytest.raises(StudyUnreadable, match=r"line 63, column code: .*the second of lee, trial 3, code K10"):
        read_capability("\n".join([*lines, lines[-1]]), size_key_text())


def test_more_appraisers_than_anybody_has_are_refused() -> None:
    """Every two are held against each other: thousands would keep a server busy for hours."""
    lines = ["appraiser,trial,code,call", *(f"a{number},1,K01,OK" for number in range(61))]
    with pytest.raises(StudyUnreadable, match="61 appraisers; expected at most 60"):
        read_capability("\n".join(lines), KEY)


def test_more_targets_than_anybody_makes_are_refused() -> None:
    with pytest.raises(StudyUnreadable, match="5001 targets; expected at most 5000"):
        read_pod_study(pod_text(targets=5001, defect_free=0), source="study")
