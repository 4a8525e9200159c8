from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.serving.reviews import ReviewBox, ReviewKind, ReviewSource, ReviewStanding, standing_of

LEFT = ReviewBox(class_name="open", box_xyxy_px=(0, 0, 1, 1))
RIGHT = ReviewBox(class_name="open", box_xyxy_px=(5, 0, 6, 1))
NEAR_LEFT = ReviewBox(class_name="open", box_xyxy_px=(0, 0, 1, 0.8))
OTHER_CLASS = ReviewBox(class_name="short", box_xyxy_px=(0, 0, 1, 1))
OTHER_VIEW = ReviewBox(view="bottom", class_name="open", box_xyxy_px=(0, 0, 1, 1))


@dataclass(frozen=True)
class Said:
    id: str
    kind: ReviewKind
    boxes: tuple[ReviewBox, ...] = ()
    supersedes: str | None = None
    reviewer: str = "Kim"
    source: ReviewSource = ReviewSource.OPERATOR


SPOKEN = [kind for kind in ReviewKind if kind is not ReviewKind.WITHDRAWN]
CONFIRMED, FALSE_CALL = Said("a", ReviewKind.CONFIRMED), Said("b", ReviewKind.FALSE_CALL)
CORRECTED = Said("c", ReviewKind.CORRECTED, (LEFT, RIGHT))


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        pytest.param([], "unreviewed", id="nothing said"),
        pytest.param([CONFIRMED, Said("z", ReviewKind.CONFIRMED)], "confirmed", id="two agree"),
        pytest.param([CONFIRMED, FALSE_CALL], "unresolved", id="two differ"),
        pytest.param([CONFIRMED, CORRECTED], "corrected", id="defective, and where"),
        pytest.param([FALSE_CALL, CORRECTED], "unresolved", id="nothing there, or elsewhere"),
        pytest.param([CORRECTED, Said("d", ReviewKind.CORRECTED, (RIGHT, LEFT))], "corrected", id="same boxes"),
        pytest.param([CORRECTED, Said("d", ReviewKind.CORRECTED, (LEFT,))], "unresolved", id="other boxes"),
        pytest.param([CORRECTED, Said("d", ReviewKind.CORRECTED, (RIGHT, NEAR_LEFT))], "corrected", id="by two hands"),
        pytest.param([CORRECTED, Said("d", ReviewKind.CORRECTED, (RIGHT, OTHER_CLASS))], "unresolved", id="class"),
        pytest.param([CORRECTED, Said("d", ReviewKind.CORRECTED, (RIGHT, OTHER_VIEW))], "unresolved", id="view"),
        pytest.param([CONFIRMED, Said("d", ReviewKind.FALSE_CALL, (), "a")], "false_call", id="replaced"),
        pytest.param(
            [CONFIRMED, Said("d", ReviewKind.FALSE_CALL, (), "a"), Said("e", ReviewKind.CONFIRMED, (), "d")],
            "confirmed",
            id="replaced twice",
        ),
        pytest.param([CONFIRMED, Said("w", ReviewKind.WITHDRAWN, (), "a")], "unreviewed", id="taken back"),
        pytest.param([CONFIRMED, FALSE_CALL, Said("w", ReviewKind.WITHDRAWN, (), "b")], "confirmed", id="one of two"),
        pytest.param(
            [CONFIRMED, Said("d", ReviewKind.FALSE_CALL, (), "a"), Said("w", ReviewKind.WITHDRAWN, (), "d")],
            "unreviewed",
            id="all that one person said is taken back",
        ),
        pytest.param(
            [CONFIRMED, Said("d", ReviewKind.FALSE_CALL, (), "a", "Lee"), Said("w", ReviewKind.WITHDRAWN, (), "d")],
            "confirmed",
            id="what somebody else had said stands again",
        ),
        pytest.param(
            [
                Said("a", ReviewKind.FALSE_CALL, (), None, "Kim", ReviewSource.LABEL_STUDIO),
                Said("d", ReviewKind.CORRECTED, (LEFT,), "a", "Lee", ReviewSource.LABEL_STUDIO),
                Said("w", ReviewKind.WITHDRAWN, (), "d", "Lee", ReviewSource.LABEL_STUDIO),
            ],
            "unreviewed",
            id="Label Studio is one voice",
        ),
        pytest.param(
            [CONFIRMED, Said("w", ReviewKind.WITHDRAWN, (), "a"), Said("d", ReviewKind.FALSE_CALL, (), "w")],
            "false_call",
            id="said anew",
        ),
    ],
)
def test_what_reviews_amount_to(said: list[Said], standing: str) -> None:
    assert standing_of(said) == standing


@given(st.lists(st.sampled_from(SPOKEN), max_size=6), st.randoms())
def test_the_order_of_reviews_does_not_matter(kinds: list[ReviewKind], random: object) -> None:
    said = [Said(str(number), kind) for number, kind in enumerate(kinds)]
    shuffled = sorted(said, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis' own Random
    assert standing_of(shuffled) == standing_of(said)


@given(st.lists(st.sampled_from(SPOKEN), min_size=1, max_size=6))
def test_one_review_that_replaces_all_others_decides(kinds: list[ReviewKind]) -> None:
    chain = [Said(str(number), kind, (), str(number - 1)) for number, kind in enumerate(kinds)]
    assert standing_of(chain) == ReviewStanding(kinds[-1].value)
