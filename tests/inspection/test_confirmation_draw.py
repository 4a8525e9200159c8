"""The draw of flagged parts for confirmation: as secret and as repeatable as the audit's, and independent of it."""

import pytest

from lineside.inspection.audit import PlantSecret, draw_audit, draw_confirmation

SECRET = PlantSecret(b"0123456789abcdef")
PARTS = [f"P-{number}" for number in range(4000)]


def test_a_share_of_1_draws_every_part() -> None:
    drawn = [draw_confirmation(SECRET, part_id=part, lot="L1", share=1.0) for part in PARTS[:200]]
    assert all(each.is_drawn and each.probability == 1.0 for each in drawn)


def test_a_smaller_share_draws_about_that_many_and_the_same_ones_again() -> None:
    def draw(secret: PlantSecret) -> list[bool]:
        return [draw_confirmation(secret, part_id=part, lot=None, share=0.2).is_drawn for part in PARTS]

    assert draw(SECRET) == draw(SECRET)
    assert sum(draw(SECRET)) == pytest.approx(800, abs=100)  # 4 standard deviations
    assert draw(SECRET) != draw(PlantSecret(b"another secret, of 29 letters"))


def test_it_says_nothing_of_the_audits_draw() -> None:
    both = sum(
        draw_confirmation(SECRET, part_id=part, lot="L1", share=0.5).is_drawn
        and draw_audit(SECRET, part_id=part, lot="L1", share=0.5).is_drawn
        for part in PARTS
    )
    assert both == pytest.approx(1000, abs=110)  # 4 standard deviations; one draw for both would give 2000


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_under_which_nothing_would_be_known_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="confirmation share"):
        draw_confirmation(SECRET, part_id="P-1", lot=None, share=share)
