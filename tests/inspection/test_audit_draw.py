import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lineside.inspection.audit import AuditDraw, PlantSecret, draw_audit, uniform_of_part

SECRET = PlantSecret(bytes(range(32)))
OTHER_SECRET = PlantSecret(bytes(range(1, 33)))

CHI2_999_OF_19_DEGREES = 43.82
CHI2_999_OF_81_DEGREES = 126.08
"""99.9 % quantiles of chi-square (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4; 81 by its formula)."""


def numbers(secret: PlantSecret, count: int, *, lot: str | None = "L1", prefix: str = "P") -> NDArray[np.float64]:
    return np.array([uniform_of_part(secret, part_id=f"{prefix}{i:06d}", lot=lot) for i in range(count)])


def chi_square_of_independence(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    table, _, _ = np.histogram2d(first, second, bins=10, range=[[0, 1], [0, 1]])
    expected = table.sum(1, keepdims=True) @ table.sum(0, keepdims=True) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def test_consecutive_part_ids_get_uniform_numbers() -> None:
    found = numbers(SECRET, 20_000)
    assert found.min() >= 0
    assert found.max() < 1
    counts, _ = np.histogram(found, bins=20, range=(0, 1))
    assert ((counts - 1000.0) ** 2 / 1000).sum() < CHI2_999_OF_19_DEGREES


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: numbers(SECRET, 20_001)[1:], id="the next part"),
        pytest.param(lambda: numbers(SECRET, 20_000, lot="L2"), id="the same part in another lot"),
        pytest.param(lambda: numbers(SECRET, 20_000, lot=None), id="the same part without a lot"),
        pytest.param(lambda: numbers(OTHER_SECRET, 20_000), id="the same part under another secret"),
    ],
)
def test_the_draw_tells_nothing_about(other) -> None:  # type: ignore[no-untyped-def]  # a lambda per row
    assert chi_square_of_independence(numbers(SECRET, 20_000), other()) < CHI2_999_OF_81_DEGREES


def test_the_share_drawn_is_the_share_asked_for() -> None:
    drawn = sum(draw_audit(SECRET, part_id=f"Q{i}", lot="L", share=0.05).is_drawn for i in range(40_000))
    assert abs(drawn - 2000) < 4 * np.sqrt(40_000 * 0.05 * 0.95)


def test_a_known_draw_never_changes() -> None:
    r"""Another value would mean that stored draws can no longer be checked. The digest begins as OpenSSL says:

    printf 'lineside.audit/1\0\0\0\0\0\0\0\2P1+\0\0\0\0\0\0\0\1L' |
        openssl dgst -sha256 -mac HMAC -macopt hexkey:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
    """
    assert uniform_of_part(SECRET, part_id="P1", lot="L") == (0x7D75F4C61C1C347E >> 11) / 2**53


@given(st.text(max_size=20), st.none() | st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_draw_is_repeatable_and_grows_with_the_share(part_id: str, lot: str | None, one: float, other: float) -> None:
    low, high = sorted((one, other))
    first = draw_audit(SECRET, part_id=part_id, lot=lot, share=low)
    assert first == draw_audit(SECRET, part_id=part_id, lot=lot, share=low)
    assert first.probability == low
    assert not first.is_drawn or draw_audit(SECRET, part_id=part_id, lot=lot, share=high).is_drawn


def test_nothing_is_drawn_at_zero_and_everything_at_one() -> None:
    for i in range(200):
        assert draw_audit(SECRET, part_id=str(i), lot=None, share=0.0) == AuditDraw(is_drawn=False, probability=0.0)
        assert draw_audit(SECRET, part_id=str(i), lot=None, share=1.0).is_drawn


def test_part_and_lot_cannot_be_shifted_into_each_other() -> None:
    pairs = [("ab", "c"), ("a", "bc"), ("abc", ""), ("abc", None), ("", "abc")]
    assert len({uniform_of_part(SECRET, part_id=part, lot=lot) for part, lot in pairs}) == len(pairs)


def test_the_secret_does_not_show_and_must_be_long() -> None:
    secret = PlantSecret(b"correct horse battery")
    assert "horse" not in f"{secret} {secret!r}"
    with pytest.raises(ValueError, match="15 bytes; expected at least 16") as refused:
        PlantSecret(b"fifteen letters")
    assert "fifteen" not in str(refused.value)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="audit share"):
        draw_audit(SECRET, part_id="P", lot=None, share=share)
