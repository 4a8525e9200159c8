"""Whatever is handed in as a study, it is judged or refused by name; figures are always numbers."""

from dataclasses import asdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineside.inspection.canonical_json import canonical_json
from lineside.serving.errors import StudyRefused, StudyUnreadable
from lineside.serving.studies.capability_files import judge_capability, read_capability
from lineside.serving.studies.pod_file import judge_pod_study, read_pod_study
from lineside.statistics.agreement import Appraisal, Call, analyse_agreement
from lineside.statistics.gauge import GaugeRefused, analyse_gauge
from lineside.statistics.pod import PodRefused, SizeDesign, Target, estimate_pod
from study_files import key_text, pod_text, sheet_text

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIZES = st.one_of(
    st.floats(1e-9, 1e9), st.sampled_from((1e-300, 1e-9, 0.1, 0.1000001, 0.2, 0.5, 1.0, 1e9)), st.floats(0.05, 2.0)
)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """A file in which some pieces were replaced by anything."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + draw(st.text(max_size=8)) + text[end:]
    return text


@FEW
@given(damaged(pod_text(targets=8, defect_free=2)))
def test_a_damaged_pod_file_is_read_or_refused_by_name(text: str) -> None:
    try:
        judge_pod_study(read_pod_study(text, source="study"))
    except (StudyUnreadable, StudyRefused):
        return


@FEW
@given(damaged(sheet_text(parts=4)), damaged(key_text(parts=4)))
def test_damaged_capability_files_are_read_or_refused_by_name(sheet: str, key: str) -> None:
    for pair in ((sheet, key_text(parts=4)), (sheet_text(parts=4), key)):
        try:
            canonical_json(asdict(judge_capability(read_capability(*pair))))
        except (StudyUnreadable, StudyRefused):
            continue


@FEW
@given(st.lists(st.tuples(SIZES, st.booleans()), min_size=4, max_size=12))
def test_a_curve_has_numbers_or_is_refused(seen: list[tuple[float, bool]]) -> None:
    targets = [Target(f"P{number}", size, is_hit) for number, (size, is_hit) in enumerate(seen)]
    try:
        estimate = estimate_pod(
            targets, design=SizeDesign.DESIGNED, defect_free=1, false_calls=0, least_targets=4, curve_points=5
        )
    except PodRefused:
        return
    canonical_json(asdict(estimate))
    assert estimate.size_bound is None or estimate.size_bound >= estimate.size_found
    assert all(0 <= point.lower <= point.pod <= point.upper <= 1 for point in estimate.curve)


@FEW
@given(st.lists(st.lists(st.lists(SIZES, min_size=2, max_size=2), min_size=3, max_size=3), min_size=1, max_size=3))
def test_a_gauge_study_has_numbers_or_is_refused(sizes: list[list[list[float]]]) -> None:
    try:
        study = analyse_gauge(sizes)
    except GaugeRefused:
        return
    canonical_json(asdict(study))
    assert 0 <= study.share_of_study.lower <= study.share_of_study.upper <= 1
    assert study.gauge.variance <= study.total.variance


@FEW
@given(st.lists(st.lists(st.sampled_from(Call), min_size=5, max_size=5), min_size=1, max_size=4), st.integers(0, 5))
def test_an_agreement_study_has_numbers(rows: list[list[Call]], defective: int) -> None:
    calls = [Appraisal(f"A{who}", f"P{part}", 1, call) for who, row in enumerate(rows) for part, call in enumerate(row)]
    reference = {f"P{part}": Call.NG if part < defective else Call.OK for part in range(5)}
    study = analyse_agreement(calls, reference)
    canonical_json(asdict(study))
    kappas = [each.against_reference for each in study.appraisers] + [pair.kappa for pair in study.pairs]
    assert all(-1 <= kappa.lower <= (kappa.value or 0.0) <= kappa.upper <= 1 for kappa in kappas)
