from dataclasses import replace

import pytest

from gate_cases import (
    ENGINE,
    case,
    criterion,
    defective,
    evaluation,
    good,
    judged,
    many,
    recipe,
)
from lineside.inspection.verdict import Verdict
from lineside.training.errors import GateRefused
from lineside.training.evaluation.outcomes import Evaluation, PartOutcome
from lineside.training.gate import (
    ClassHit,
    ClassPolicy,
    ClassRule,
    Compared,
    EscapeBankPolicy,
    EscapePolicy,
    GateKind,
    GatePolicy,
    LatencyPolicy,
    LeakCheck,
    Outcome,
    Overall,
    OverkillPolicy,
    Override,
    ParityRecord,
    Scope,
)

LIVE = evaluation(many(misses=8), of="live")


def test_an_equally_good_candidate_passes() -> None:
    report = judged(case(evaluation(many(misses=8)), LIVE))
    assert report.overall is Overall.PASSED
    assert report.may_go_live
    assert report.passed_scopes == (Scope("board", "line-1"),)
    assert [each.id for each in report.criteria] == ["removed_classes", "leaks", "parity", "latency"]
    assert [each.id for each in report.scopes[0].criteria] == [
        "escapes",
        "escape_difference",
        "class:open",
        "class:short",
        "overkill",
        "overkill_difference",
        "escape_bank",
    ]


@pytest.mark.parametrize(
    ("label", "candidate", "live", "outcome"),
    [
        ("the same misses", many(misses=8), many(misses=8), Outcome.PASSED),
        ("fewer misses", many(misses=2), many(misses=8), Outcome.PASSED),
        ("more misses by far", many(misses=40), many(misses=8), Outcome.FAILED),
        ("other misses, as many", many(misses=20, first=20), many(misses=20), Outcome.TOO_FEW),
        ("too few parts even without a difference", many(of=100), many(of=100), Outcome.TOO_FEW),
        ("no defective part", many(of=0), many(of=0), Outcome.TOO_FEW),
        ("enough parts, and worse", many(misses=40, of=2000), many(of=2000), Outcome.FAILED),
    ],
)
def test_escapes_against_live(
    label: str, candidate: list[PartOutcome], live: list[PartOutcome], outcome: Outcome
) -> None:
    answer = criterion(judged(case(evaluation(candidate), evaluation(live, of="live"))), "escapes")
    assert answer.outcome is outcome, label
    assert answer.blocks == (outcome is not Outcome.PASSED)
    assert (answer.counts["missing"] > 0) == (outcome is Outcome.TOO_FEW)
    assert answer.figure is not None
    assert (answer.figure <= 0.02) == (outcome is Outcome.PASSED)


def test_the_missing_parts_are_those_that_an_equal_candidate_needs() -> None:
    answer = criterion(judged(case(evaluation(many(of=100)), evaluation(many(of=100), of="live"))), "escapes")
    assert answer.counts["missing"] == 1032 - 100  # noninferiority_sample_size's doctest
    assert "932 more defective parts" in answer.detail


def test_enough_parts_that_do_not_show_it_are_no_missing_parts() -> None:
    """The candidate misses 1.4 points more of 2000: within the margin, but the bound is not."""
    candidate, live = many(misses=48, of=2000, first=100), many(misses=20, of=2000)
    answer = criterion(judged(case(evaluation(candidate), evaluation(live, of="live"))), "escapes")
    assert answer.outcome is Outcome.FAILED
    assert answer.counts["missing"] == 0


@pytest.mark.parametrize(("misses", "outcome"), [(8, Outcome.NOT_SHOWN), (0, Outcome.PASSED), (60, Outcome.FAILED)])
def test_mcnemar_is_reported_and_decides_nothing(misses: int, outcome: Outcome) -> None:
    answer = criterion(judged(case(evaluation(many(misses=misses)), LIVE)), "escape_difference")
    assert answer.outcome is outcome
    assert not answer.blocks


def test_a_part_that_the_candidate_does_not_inspect_counts_against_it() -> None:
    """Otherwise a candidate that inspects nothing would have no escape."""
    parts = [defective(f"d{n:04}", verdict=Verdict.NOT_INSPECTED, classes=("open", "short")) for n in range(400)]
    answer = criterion(judged(case(evaluation(parts + many(of=0)), LIVE)), "escapes")
    assert answer.outcome is Outcome.FAILED
    assert answer.counts["only_candidate"] == 392
    live_only = evaluation(parts + many(of=0), of="live")
    answer = criterion(judged(case(evaluation(many(misses=8)), live_only)), "escapes")
    assert (answer.counts["only_candidate"], answer.counts["only_live"]) == (8, 0)
    neither = criterion(judged(case(evaluation(parts + many(of=0)), live_only)), "escapes")
    assert neither.counts["both"] == 400


def class_parts(misses: int, *, of: int = 300, first: int = 0, name: str = "open") -> list[PartOutcome]:
    missed = range(first, first + misses)
    return [defective(f"{name}{n:04}", is_missed=n in missed, classes=(name,)) for n in range(of)]


@pytest.mark.parametrize(
    ("label", "candidate", "live", "outcome", "blocks"),
    [
        ("better", class_parts(0), class_parts(12), Outcome.PASSED, False),
        ("worse", class_parts(12), class_parts(0), Outcome.FAILED, True),
        ("worse on few parts", class_parts(6, of=6), class_parts(0, of=6), Outcome.FAILED, True),
        ("a hint only", class_parts(3), class_parts(0), Outcome.NOT_SHOWN, False),
        ("equal", class_parts(5), class_parts(5), Outcome.NOT_SHOWN, False),
        ("five parts cannot show a blind model", class_parts(5, of=5), class_parts(0, of=5), Outcome.TOO_FEW, True),
        ("no part", [], [], Outcome.TOO_FEW, True),
    ],
)
def test_a_class_against_live(
    label: str,
    candidate: list[PartOutcome],
    live: list[PartOutcome],
    outcome: Outcome,
    blocks: bool,  # noqa: FBT001
) -> None:
    """Two classes: a class is shown worse from 6 parts on, for 2^-6 < 0.05 / 2 < 2^-5."""
    rest = class_parts(0, name="short")
    report = judged(case(evaluation(candidate + rest), evaluation(live + rest, of="live")))
    answer = criterion(report, "class:open")
    assert (answer.outcome, answer.blocks) == (outcome, blocks), label
    if not candidate:
        assert answer.counts["missing"] == 6
        assert "6 more parts" in answer.detail


def test_holm_asks_more_of_each_class_where_there_are_more() -> None:
    """Six parts missed of one class are luck among forty classes, and no luck among two."""
    names = [f"class{n}" for n in range(40)]
    rest = [part for name in names[1:] for part in class_parts(0, of=12, name=name)]

    def answer(classes: list[str], others: list[PartOutcome]) -> Outcome:
        candidate = evaluation(class_parts(6, name="class0") + others, classes=classes)
        live = evaluation(class_parts(0, name="class0") + others, of="live", classes=classes)
        return criterion(judged(case(candidate, live)), "class:class0").outcome

    assert answer(names, rest) is Outcome.NOT_SHOWN
    assert answer(names[:2], [part for part in rest if part.defects[0].class_name == "class1"]) is Outcome.FAILED


def test_a_confused_class_is_a_miss_unless_the_policy_says_otherwise() -> None:
    confused = [defective(f"d{n:04}", classes=("open",), is_right_class=False) for n in range(300)]
    live = evaluation([defective(f"d{n:04}", classes=("open",)) for n in range(300)], of="live", classes=("open",))
    candidate = evaluation(confused, classes=("open",))
    assert criterion(judged(case(candidate, live)), "class:open").outcome is Outcome.FAILED
    found = GatePolicy(classes=ClassPolicy(hit=ClassHit.FOUND))
    assert criterion(judged(case(candidate, live), policy=found), "class:open").outcome is Outcome.NOT_SHOWN


@pytest.mark.parametrize(
    ("rule", "outcome", "blocks"),
    [
        (ClassRule(), Outcome.NOT_SHOWN, False),
        (ClassRule(minimum_recall=0.9), Outcome.NOT_SHOWN, False),
        (ClassRule(minimum_recall=0.999), Outcome.FAILED, True),
        (ClassRule(minimum_parts=301), Outcome.TOO_FEW, True),
        (ClassRule(minimum_parts=301, may_be_unproven=True), Outcome.TOO_FEW, True),
    ],
)
def test_a_class_may_need_more(rule: ClassRule, outcome: Outcome, blocks: bool) -> None:  # noqa: FBT001 - a case
    parts = class_parts(3)
    policy = GatePolicy(classes=ClassPolicy(of={"open": rule}))
    report = judged(case(evaluation(parts), evaluation(parts, of="live")), policy=policy)
    answer = criterion(report, "class:open")
    assert (answer.outcome, answer.blocks) == (outcome, blocks)


def test_a_rare_class_may_be_unproven_but_not_below_the_recall_that_was_asked_for() -> None:
    rule = ClassRule(may_be_unproven=True, minimum_recall=0.5)
    parts = [*many(misses=8), defective("rare", classes=("rare",))]
    asked = case(
        evaluation(parts, classes=("open", "short", "rare")),
        evaluation(parts, of="live", classes=("open", "short", "rare")),
    )
    answer = criterion(judged(asked, policy=GatePolicy(classes=ClassPolicy(of={"rare": rule}))), "class:rare")
    assert (answer.outcome, answer.blocks) == (Outcome.TOO_FEW, True)


def test_a_policy_may_let_a_rare_class_be_unproven() -> None:
    parts = class_parts(0)
    policy = GatePolicy(classes=ClassPolicy(default=ClassRule(may_be_unproven=True)))
    answer = criterion(judged(case(evaluation(parts), evaluation(parts, of="live")), policy=policy), "class:short")
    assert (answer.outcome, answer.blocks) == (Outcome.TOO_FEW, False)


@pytest.mark.parametrize(
    ("label", "overkills", "goods", "outcome"),
    [
        ("none of 59", 0, 59, Outcome.PASSED),
        ("none of 58", 0, 58, Outcome.TOO_FEW),
        ("no good part", 0, 0, Outcome.TOO_FEW),
        ("2 of 100: may be within", 2, 100, Outcome.TOO_FEW),
        ("10 of 1000", 10, 1000, Outcome.PASSED),
        ("60 of 1000", 60, 1000, Outcome.FAILED),
    ],
)
def test_overkill_within_its_budget(label: str, overkills: int, goods: int, outcome: Outcome) -> None:
    candidate = evaluation(many(misses=8, overkills=overkills, goods=goods))
    live = evaluation(many(misses=8, overkills=overkills, goods=goods), of="live")
    answer = criterion(judged(case(candidate, live)), "overkill")
    assert (answer.outcome, answer.blocks) == (outcome, outcome is not Outcome.PASSED), label
    assert (answer.counts["missing"] > 0) == (outcome is Outcome.TOO_FEW)
    optional = judged(case(candidate, live), policy=GatePolicy(overkill=OverkillPolicy(is_required=False)))
    assert criterion(optional, "overkill").blocks == (outcome is Outcome.FAILED)


def test_more_overkill_than_live_blocks_even_within_the_budget() -> None:
    candidate = evaluation(many(misses=8, overkills=20, goods=2000))
    report = judged(case(candidate, evaluation(many(misses=8, overkills=5, goods=2000), of="live")))
    assert criterion(report, "overkill").outcome is Outcome.PASSED
    answer = criterion(report, "overkill_difference")
    assert (answer.outcome, answer.blocks) == (Outcome.FAILED, True)
    better = judged(case(evaluation(many(misses=8, goods=2000)), replace(candidate, release=LIVE.release)))
    assert criterion(better, "overkill_difference").outcome is Outcome.PASSED


def test_a_good_part_that_is_not_inspected_counts_as_stopped() -> None:
    parts = many(misses=8, goods=0) + [good(f"g{n:04}", verdict=Verdict.NOT_INSPECTED) for n in range(200)]
    answer = criterion(judged(case(evaluation(parts), LIVE)), "overkill")
    assert answer.outcome is Outcome.FAILED
    assert answer.counts["not_inspected"] == 200


BANK_LIVE = [defective("b1"), defective("b2", is_missed=True), defective("b3")]


@pytest.mark.parametrize(
    ("label", "bank", "outcome", "new"),
    [
        ("caught like live", BANK_LIVE, Outcome.PASSED, 0),
        ("caught one more", [defective("b1"), defective("b2"), defective("b3")], Outcome.PASSED, 0),
        ("lost one", [defective("b1", is_missed=True), defective("b2"), defective("b3")], Outcome.FAILED, 1),
        (
            "did not inspect one",
            [defective("b1", verdict=Verdict.NOT_INSPECTED), defective("b2"), defective("b3")],
            Outcome.FAILED,
            1,
        ),
    ],
)
def test_the_escape_bank(label: str, bank: list[PartOutcome], outcome: Outcome, new: int) -> None:
    compared = Compared(candidate=evaluation(bank), live=evaluation(BANK_LIVE, of="live"))
    answer = criterion(judged(case(evaluation(many(misses=8)), LIVE, bank=compared)), "escape_bank")
    assert (answer.outcome, answer.blocks, answer.counts["new"]) == (outcome, outcome is Outcome.FAILED, new), label


def test_a_bank_part_concerns_every_line_of_its_product() -> None:
    lost = [
        defective("elsewhere", is_missed=True, line="line-9"),
        defective("nowhere", is_missed=True, product=None, line=None),
        defective("another", is_missed=True, product="connector"),
    ]
    caught = [replace(part, verdict=Verdict.NG) for part in lost]
    compared = Compared(candidate=evaluation(lost), live=evaluation(caught, of="live"))
    answer = criterion(judged(case(evaluation(many(misses=8)), LIVE, bank=compared)), "escape_bank")
    assert answer.counts["new"] == 2
    assert "elsewhere, nowhere" in answer.detail


def test_without_a_bank_nothing_is_shown_and_the_policy_decides() -> None:
    asked = case(evaluation(many(misses=8)), LIVE)
    assert criterion(judged(asked), "escape_bank").outcome is Outcome.NOT_SHOWN
    assert not criterion(judged(asked), "escape_bank").blocks
    required = judged(asked, policy=GatePolicy(escape_bank=EscapeBankPolicy(is_required=True)))
    assert criterion(required, "escape_bank").blocks
    assert required.overall is Overall.FAILED


@pytest.mark.parametrize(
    ("label", "parity", "outcome"),
    [
        ("no manifest", None, Outcome.NOT_SHOWN),
        ("nothing measured", ParityRecord({}), Outcome.NOT_SHOWN),
        ("another engine only", ParityRecord({"openvino-fp32": {"is_offered": True}}), Outcome.NOT_SHOWN),
        ("outside its limits", ParityRecord({ENGINE: {"is_offered": False}}), Outcome.FAILED),
        ("nobody said", ParityRecord({ENGINE: {}}), Outcome.FAILED),
        (
            "the other fp32 engine is outside",
            ParityRecord({ENGINE: {"is_offered": True}, "openvino-fp32": {"is_offered": False}}),
            Outcome.FAILED,
        ),
        (
            "an int8 engine that is not offered",
            ParityRecord({ENGINE: {"is_offered": True}, "openvino-int8": {"is_offered": False}}),
            Outcome.PASSED,
        ),
    ],
)
def test_parity(label: str, parity: ParityRecord | None, outcome: Outcome) -> None:
    answer = criterion(judged(case(evaluation(many(misses=8)), LIVE, parity=parity)), "parity")
    assert (answer.outcome, answer.blocks) == (outcome, outcome is not Outcome.PASSED), label


@pytest.mark.parametrize(
    ("label", "candidate_ms", "live_ms", "machine", "policy", "outcome"),
    [
        ("as fast", 20.0, 20.0, "a machine", LatencyPolicy(), Outcome.PASSED),
        ("twice as slow", 40.0, 20.0, "a machine", LatencyPolicy(), Outcome.FAILED),
        ("over the budget", 1200.0, 1200.0, "a machine", LatencyPolicy(), Outcome.FAILED),
        ("another machine", 20.0, 20.0, "another", LatencyPolicy(), Outcome.NOT_SHOWN),
        (
            "another machine, no ratio asked",
            20.0,
            9.0,
            "another",
            LatencyPolicy(max_ratio_to_live=None),
            Outcome.PASSED,
        ),
        ("not timed", None, 20.0, "a machine", LatencyPolicy(), Outcome.NOT_SHOWN),
        ("live not timed", 20.0, None, "a machine", LatencyPolicy(), Outcome.NOT_SHOWN),
        (
            "no limit at all",
            20.0,
            20.0,
            "a machine",
            LatencyPolicy(max_p99_ms=None, max_ratio_to_live=None),
            Outcome.NOT_SHOWN,
        ),
    ],
)
def test_latency(
    label: str,
    candidate_ms: float | None,
    live_ms: float | None,
    machine: str,
    policy: LatencyPolicy,
    outcome: Outcome,
) -> None:
    candidate = evaluation(many(misses=8), p99_ms=candidate_ms)
    live = evaluation(many(misses=8), of="live", p99_ms=live_ms, machine=machine)
    answer = criterion(judged(case(candidate, live), policy=GatePolicy(latency=policy)), "latency")
    assert (answer.outcome, answer.blocks) == (outcome, outcome is not Outcome.PASSED), label
    optional = GatePolicy(latency=replace(policy, is_required=False))
    assert criterion(judged(case(candidate, live), policy=optional), "latency").blocks == (outcome is Outcome.FAILED)


@pytest.mark.parametrize(
    ("label", "check", "outcome"),
    [
        ("searched", LeakCheck(("1" * 64,), (), ()), Outcome.PASSED),
        ("a leak", LeakCheck(("1" * 64,), (), ("part d1 is also in train",)), Outcome.FAILED),
        ("a leak in what could be searched", LeakCheck(("1" * 64,), ("2" * 64,), ("part d1",)), Outcome.FAILED),
        ("not all could be searched", LeakCheck(("1" * 64,), ("revision 2 is gone",), ()), Outcome.NOT_SHOWN),
        ("no training data named", LeakCheck((), (), ()), Outcome.NOT_SHOWN),
        ("a starter", LeakCheck((), (), (), has_generated=True), Outcome.PASSED),
    ],
)
def test_leaks(label: str, check: LeakCheck, outcome: Outcome) -> None:
    report = judged(case(evaluation(many(misses=8)), LIVE, leak_check=check))
    answer = criterion(report, "leaks")
    assert (answer.outcome, answer.blocks) == (outcome, outcome is not Outcome.PASSED), label
    assert (report.passed_scopes == ()) == answer.blocks, "a leak blocks every product and line"


def test_a_new_class_is_judged_alone_and_the_rest_without_it() -> None:
    """Live never learned "scratch": its misses there earn the candidate nothing, nor do they excuse anything."""
    scratched = [defective(f"s{n:04}", classes=("scratch",)) for n in range(60)]
    missed_by_live = [replace(part, verdict=Verdict.OK) for part in scratched]
    live = evaluation(many(misses=8) + missed_by_live, of="live")
    classes = ("open", "short", "scratch")
    report = judged(case(evaluation(many(misses=8) + scratched, classes=classes), live))
    assert report.overall is Overall.PASSED
    assert criterion(report, "escapes").counts["parts"] == 400
    assert criterion(report, "escapes").counts["only_live"] == 0
    assert criterion(report, "class:scratch").outcome is Outcome.PASSED
    assert criterion(report, "removed_classes").counts["new"] == 1

    worse = judged(case(evaluation(many(misses=40) + scratched, classes=classes), live))
    assert criterion(worse, "escapes").outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("parts", "missed", "outcome"),
    [(14, 0, Outcome.PASSED), (13, 0, Outcome.TOO_FEW), (0, 0, Outcome.TOO_FEW), (40, 20, Outcome.FAILED)],
)
def test_a_new_class_needs_its_recall_shown(parts: int, missed: int, outcome: Outcome) -> None:
    scratched = [defective(f"s{n:04}", classes=("scratch",), is_missed=n < missed) for n in range(parts)]
    live = evaluation(many(misses=8) + [replace(part, verdict=Verdict.OK) for part in scratched], of="live")
    candidate = evaluation(many(misses=8) + scratched, classes=("open", "short", "scratch"))
    answer = criterion(judged(case(candidate, live)), "class:scratch")
    assert (answer.outcome, answer.blocks) == (outcome, outcome is not Outcome.PASSED)
    if parts == 13:
        assert answer.counts["missing"] == 1


def test_a_removed_class_is_refused_and_an_override_is_a_persons_word() -> None:
    asked = case(evaluation(many(misses=8), classes=("open",)), LIVE)
    report = judged(asked)
    answer = criterion(report, "removed_classes")
    assert (answer.outcome, answer.blocks) == (Outcome.FAILED, True)
    assert "short" in answer.detail
    assert not report.may_go_live
    overridden = judged(asked, override=Override("Kim Min-ji", "shorts are found by the electrical test"))
    assert overridden.overall is Overall.OVERRIDDEN
    assert overridden.may_go_live
    assert overridden.passed_scopes == ()


@pytest.mark.parametrize(("name", "reason"), [("", "because"), ("Kim Min-ji", ""), ("  ", " ")])
def test_an_override_without_a_name_or_a_reason_is_refused(name: str, reason: str) -> None:
    with pytest.raises(GateRefused, match="a name and a reason"):
        Override(name, reason)


def test_a_passed_gate_needs_no_override() -> None:
    report = judged(case(evaluation(many(misses=8)), LIVE), override=Override("Kim Min-ji", "in a hurry"))
    assert report.overall is Overall.PASSED


@pytest.mark.parametrize(
    ("label", "parts", "outcome"),
    [
        ("few enough escapes", many(misses=8), Outcome.PASSED),
        ("none in 58 parts", many(of=58), Outcome.TOO_FEW),
        ("no part", many(of=0), Outcome.TOO_FEW),
        ("too many", many(misses=40), Outcome.FAILED),
    ],
)
def test_escapes_where_nothing_is_live(label: str, parts: list[PartOutcome], outcome: Outcome) -> None:
    report = judged(case(evaluation(parts), None))
    answer = criterion(report, "escapes")
    assert (answer.outcome, answer.blocks) == (outcome, outcome is not Outcome.PASSED), label
    if label == "none in 58 parts":
        assert answer.counts["missing"] == 1
    assert {each.id for each in report.scopes[0].criteria} == {
        "escapes",
        "class:open",
        "class:short",
        "overkill",
        "escape_bank",
    }


@pytest.mark.parametrize(
    ("parts", "missed", "outcome"),
    [(14, 0, Outcome.PASSED), (13, 0, Outcome.TOO_FEW), (0, 0, Outcome.TOO_FEW), (300, 90, Outcome.FAILED)],
)
def test_every_class_needs_its_recall_shown_where_nothing_is_live(parts: int, missed: int, outcome: Outcome) -> None:
    candidate = evaluation(class_parts(missed, of=parts) + class_parts(0, name="short"))
    answer = criterion(judged(case(candidate, None)), "class:open")
    assert (answer.outcome, answer.blocks) == (outcome, outcome is not Outcome.PASSED)


def test_without_a_live_model_every_escape_of_the_bank_counts() -> None:
    compared = Compared(candidate=evaluation(BANK_LIVE), live=None)
    answer = criterion(judged(case(evaluation(many(misses=8)), None, bank=compared)), "escape_bank")
    assert (answer.outcome, answer.counts["new"]) == (Outcome.FAILED, 1)


def test_a_promotion_reaches_exactly_the_products_and_lines_that_passed() -> None:
    def on(line: str | None, product: str | None, misses: int) -> list[PartOutcome]:
        return [
            replace(part, part_id=f"{product}-{line}-{part.part_id}", line=line, product=product)
            for part in many(misses=misses)
        ]

    live = [*on("line-1", "board", 8), *on("line-2", "board", 8), *on(None, None, 8)]
    candidate = [*on("line-1", "board", 8), *on("line-2", "board", 60), *on(None, None, 8)]
    report = judged(case(evaluation(candidate), evaluation(live, of="live")))
    assert report.overall is Overall.PARTLY_PASSED
    assert not report.may_go_live
    assert report.passed_scopes == (Scope("", ""), Scope("board", "line-1"))
    assert [str(result.scope) for result in report.scopes] == [
        "any product on any line",
        "board on line-1",
        "board on line-2",
    ]


def with_recipe(side: Evaluation, name: str) -> Evaluation:
    return replace(side, recipe=recipe(name), release=LIVE.release)


@pytest.mark.parametrize(
    ("label", "misses", "bank", "overall"),
    [
        ("harmless", 8, BANK_LIVE, Overall.PASSED),
        ("lets more through", 60, BANK_LIVE, Overall.FAILED),
        ("lets an old escape through", 8, [replace(BANK_LIVE[0], verdict=Verdict.OK), *BANK_LIVE[1:]], Overall.FAILED),
        ("no bank", 8, None, Overall.FAILED),
    ],
)
def test_a_looser_recipe(label: str, misses: int, bank: list[PartOutcome] | None, overall: Overall) -> None:
    """Nothing but verdicts changes: no parity, no latency; the escape bank is always needed."""
    compared = None
    if bank is not None:
        compared = Compared(
            candidate=with_recipe(evaluation(bank), "new"), live=with_recipe(evaluation(BANK_LIVE), "old")
        )
    asked = case(
        with_recipe(evaluation(many(misses=misses)), "new"),
        with_recipe(LIVE, "old"),
        bank=compared,
        parity=None,
        kind=GateKind.RECIPE,
    )
    report = judged(asked)
    assert report.overall is overall, label
    assert [each.id for each in report.criteria] == ["leaks"]
    assert report.candidate_recipe == recipe("new")
    assert report.live_recipe == recipe("old")


@pytest.mark.parametrize(
    ("label", "live"),
    [
        ("another revision", replace(LIVE, revision="6" * 64)),
        ("another split", replace(LIVE, splits=("sealed",))),
        ("another rule of truth", replace(LIVE, truth="recipe")),
        ("a part less", replace(LIVE, parts=LIVE.parts[1:])),
        ("other labels", replace(LIVE, parts=(replace(LIVE.parts[0], defects=()), *LIVE.parts[1:]))),
        ("another picture", replace(LIVE, parts=(replace(LIVE.parts[0], image_digests=("f" * 64,)), *LIVE.parts[1:]))),
        ("another product", replace(LIVE, parts=(replace(LIVE.parts[0], product="x"), *LIVE.parts[1:]))),
    ],
)
def test_evaluations_of_different_data_are_not_compared(label: str, live: Evaluation) -> None:
    with pytest.raises(GateRefused, match="evaluate both on the same data"):
        judged(case(evaluation(many(misses=8)), live))


def test_what_does_not_fit_together_is_refused() -> None:
    candidate = evaluation(many(misses=8))
    other_bank = Compared(candidate=evaluation(BANK_LIVE, of="another"), live=evaluation(BANK_LIVE, of="live"))
    with pytest.raises(GateRefused, match="another release or recipe"):
        judged(case(candidate, LIVE, bank=other_bank))
    with pytest.raises(GateRefused, match="against the one in force"):
        judged(case(candidate, LIVE, kind=GateKind.RECIPE))
    two = case(replace(candidate, recipe=recipe("new")), replace(LIVE, recipe=recipe("old")), kind=GateKind.RECIPE)
    with pytest.raises(GateRefused, match="one and the same release"):
        judged(two)
    with pytest.raises(GateRefused, match="judged by recipe"):
        judged(case(replace(candidate, recipe=recipe("strict")), LIVE))
    with pytest.raises(GateRefused, match="no labelled part"):
        judged(case(evaluation([]), evaluation([], of="live")))


def test_a_stricter_margin_asks_for_more() -> None:
    strict = GatePolicy(escapes=EscapePolicy(margin=0.005))
    answer = criterion(judged(case(evaluation(many(misses=8)), LIVE), policy=strict), "escapes")
    assert answer.outcome is Outcome.TOO_FEW
