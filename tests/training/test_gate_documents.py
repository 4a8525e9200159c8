import json
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest

from gate_cases import case, defective, evaluation, judged, many
from lineside.inspection.canonical_json import canonical_json
from lineside.training.errors import NotAGatePolicy, NotAGateReport
from lineside.training.gate import (
    ClassHit,
    ClassRule,
    Compared,
    GatePolicy,
    GateReport,
    Override,
    gate_json_schema,
    load_policy,
    policy_json_schema,
)

LIVE = evaluation(many(misses=8), of="live")
REPORTS = {
    "passed": judged(case(evaluation(many(misses=8)), LIVE)),
    "failed": judged(case(evaluation(many(misses=60)), LIVE, parity=None)),
    "overridden": judged(
        case(evaluation(many(misses=60)), LIVE),
        override=Override("Kim Min-ji", "전수 검사 중 (everything is re-inspected)"),
    ),
    "nothing live": judged(case(evaluation(many(misses=8)), None)),
    "with a bank": judged(
        case(
            evaluation(many(misses=8)),
            LIVE,
            bank=Compared(candidate=evaluation([defective("b")]), live=evaluation([defective("b")], of="live")),
        )
    ),
}


@pytest.mark.parametrize("label", REPORTS)
def test_a_report_comes_back_as_it_was(label: str) -> None:
    report = REPORTS[label]
    content = report.to_bytes()
    again = GateReport.from_bytes(content)
    assert again.to_bytes() == content
    assert again.sha256 == report.sha256
    assert (again.overall, again.passed_scopes) == (report.overall, report.passed_scopes)
    assert again.scopes == report.scopes
    assert again.criteria == report.criteria


@pytest.mark.parametrize("label", REPORTS)
def test_a_report_is_what_its_schema_says(label: str) -> None:
    schema = gate_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(REPORTS[label].to_bytes()), schema, cls=jsonschema.Draft202012Validator)


def changed(report: GateReport, path: tuple[str | int, ...], value: Any) -> bytes:
    """The report with one value exchanged, in canonical spelling."""
    content = json.loads(report.to_bytes())
    inner = content
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return canonical_json(content).encode()


@pytest.mark.parametrize(
    ("label", "path", "value", "message"),
    [
        ("a scope that failed says passed", ("scopes", 0, "passed"), True, "contradicts itself"),
        ("overall says passed", ("overall",), "passed", "contradicts itself"),
        ("another schema", ("schema",), "lineside.gate/2", "schema"),
        ("a key more", ("more",), 1, "more"),
        ("no scope", ("scopes",), [], "scopes"),
        ("a criterion both passes and blocks", ("scopes", 0, "criteria", 0, "outcome"), "passed", "cannot do both"),
        ("a time without its offset", ("created_at",), "2026-01-31T09:00:00", "created_at"),
        ("an override without a reason", ("override",), {"name": "Kim Min-ji", "reason": ""}, "override.reason"),
    ],
)
def test_a_report_that_was_tampered_with_is_refused(
    label: str, path: tuple[str | int, ...], value: Any, message: str
) -> None:
    with pytest.raises(NotAGateReport, match=message):
        GateReport.from_bytes(changed(REPORTS["failed"], path, value))


def test_a_report_in_another_spelling_is_refused() -> None:
    spaced = json.dumps(json.loads(REPORTS["passed"].to_bytes()), sort_keys=True).encode()
    with pytest.raises(NotAGateReport, match="not canonical JSON"):
        GateReport.from_bytes(spaced)
    with pytest.raises(NotAGateReport, match="the file"):
        GateReport.from_bytes(b"{}", source="the file")


def test_an_empty_policy_is_the_default_one() -> None:
    assert load_policy("schema: lineside.gate-policy/1\n") == GatePolicy()


def test_a_policy_is_read_and_stands_in_the_report() -> None:
    policy = load_policy(
        """
schema: lineside.gate-policy/1
escapes:
  margin: 0.01
classes:
  hit: found
  default: {minimum_parts: 10}
  of:
    pin-hole: {may_be_unproven: true}
latency:
  max_p99_ms: 80
  max_ratio_to_live: null
"""
    )
    assert policy.escapes.margin == 0.01
    assert policy.classes.hit is ClassHit.FOUND
    assert policy.classes.rule_of("open") == ClassRule(minimum_parts=10)
    assert policy.classes.rule_of("pin-hole") == ClassRule(may_be_unproven=True)
    assert (policy.latency.max_p99_ms, policy.latency.max_ratio_to_live) == (80, None)
    report = judged(case(evaluation(many(misses=8)), LIVE), policy=policy)
    written = json.loads(report.to_bytes())["policy"]
    assert written["classes"]["of"]["pin-hole"]["may_be_unproven"] is True
    assert written["escapes"]["margin"] == 0.01


def test_what_a_report_says_of_its_policy_is_a_policy_file() -> None:
    written = json.loads(REPORTS["passed"].to_bytes())["policy"]
    assert load_policy(json.dumps(written)) == GatePolicy()  # JSON is YAML
    jsonschema.validate(written, policy_json_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("escapes: {margin: 0.01}", "schema: required"),
        ("schema: lineside.gate-policy/1\nescapes: {margn: 0.01}", "did you mean 'margin'"),
        ("schema: lineside.gate-policy/1\nescapes:\n  margin: 2", "gate.yaml:3"),
        ("schema: lineside.gate-policy/1\nescapes: {margin: 0}", "greater than 0"),
        ("schema: lineside.gate-policy/1\nclasses: {hit: maybe}", "right_class"),
        ("schema: lineside.gate-policy/1\nlatency: {max_p99_ms: -1}", "greater than 0"),
        ("schema: lineside.gate-policy/1\nleaks: {is_required: false}", "unknown key 'leaks'"),
        ("", "the file is empty"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(NotAGatePolicy, match=message):
        load_policy(text, source="gate.yaml")


def test_a_report_is_the_same_bytes_for_the_same_answer() -> None:
    one = judged(case(evaluation(many(misses=8)), LIVE))
    assert one.sha256 == REPORTS["passed"].sha256
    other = judged(case(evaluation(many(misses=7)), LIVE))
    assert other.sha256 != one.sha256
    assert replace(one, sealed_looks=3).sha256 != one.sha256
