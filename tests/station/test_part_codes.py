"""Which part it is: symbols in pictures, and the book of ids."""

import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.inspection.frames import Image
from lineside.station.part_codes import (
    Code,
    CodeFormat,
    CodeReaderMissing,
    CodeUndrawable,
    IdentityOutcome,
    PartIdentity,
    draw_code,
    read_codes,
)


def picture(*codes: tuple[str, CodeFormat, tuple[int, int]], size_wh_px: tuple[int, int] = (400, 300)) -> Image:
    """Gray paper with symbols at these places (left, top)."""
    width, height = size_wh_px
    image = np.full((height, width), 220, np.uint8)
    for text, format_, (left, top) in codes:
        symbol = cv2.resize(draw_code(text, format_), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
        rows, columns = symbol.shape
        image[top : top + rows, left : left + columns] = np.minimum(symbol, 220)
    return image


TWO = picture(
    ("P-0002", CodeFormat.QR_CODE, (240, 160)),
    ("P-0001", CodeFormat.DATA_MATRIX, (40, 30)),
)


class TestReading:
    def test_all_symbols_come_from_top_to_bottom_with_their_places(self) -> None:
        first, second = read_codes(TWO)
        assert (first.text, first.format) == ("P-0001", CodeFormat.DATA_MATRIX)
        assert (second.text, second.format) == ("P-0002", CodeFormat.QR_CODE)
        assert first.corners_xy_px[0] == pytest.approx((40, 30), abs=2)
        assert second.corners_xy_px[0] == pytest.approx((240, 160), abs=2)

    def test_only_the_formats_that_are_asked_for_are_read(self) -> None:
        assert [code.text for code in read_codes(TWO, formats=[CodeFormat.QR_CODE])] == ["P-0002"]

    def test_only_the_region_is_read_and_places_stay_those_of_the_whole_picture(self) -> None:
        (code,) = read_codes(TWO, region_xyxy_px=(200, 120, 1000, 1000))
        assert code.text == "P-0002"
        assert code.corners_xy_px[0] == pytest.approx((240, 160), abs=2)

    def test_a_region_beside_the_picture_holds_nothing(self) -> None:
        assert read_codes(TWO, region_xyxy_px=(500, 500, 600, 600)) == ()

    @pytest.mark.parametrize("turns", [1, 2, 3])
    def test_a_part_may_lie_any_way_in_a_coloured_and_noisy_picture(self, turns: int) -> None:
        rng = np.random.default_rng(turns)
        noisy = np.clip(np.rot90(TWO, turns).astype(np.int16) + rng.normal(0, 12, np.rot90(TWO, turns).shape), 0, 255)
        coloured = cv2.cvtColor(noisy.astype(np.uint8), cv2.COLOR_GRAY2BGR).astype(np.uint8)
        assert {code.text for code in read_codes(coloured)} == {"P-0001", "P-0002"}

    def test_a_damaged_symbol_is_not_there(self) -> None:
        damaged = TWO.copy()
        damaged[30:70, 40:75] = 220
        assert [code.text for code in read_codes(damaged)] == ["P-0002"]

    @pytest.mark.parametrize("region", [(10, 10, 10, 20), (10, 20, 30, 5)], ids=["no width", "upside down"])
    def test_a_region_that_is_none_is_refused(self, region: tuple[int, int, int, int]) -> None:
        with pytest.raises(ValueError, match="expected x0 < x1"):
            read_codes(TWO, region_xyxy_px=region)

    def test_without_a_format_there_is_nothing_to_look_for(self) -> None:
        with pytest.raises(ValueError, match="no format"):
            read_codes(TWO, formats=[])

    def test_a_text_that_no_symbol_can_carry_is_refused(self) -> None:
        with pytest.raises(CodeUndrawable, match="shorten the text"):
            draw_code("x" * 5000, CodeFormat.DATA_MATRIX)

    def test_without_its_library_the_error_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "zxingcpp", None)
        with pytest.raises(CodeReaderMissing, match=r"install lineside\[cameras\]"):
            read_codes(TWO)


def code(text: str) -> Code:
    return Code(text, CodeFormat.QR_CODE, ((0, 0), (1, 0), (1, 1), (0, 1)))


class TestIdentity:
    def test_one_code_is_the_part(self) -> None:
        found = PartIdentity().from_codes([code("P-1")])
        assert (found.outcome, found.part_id, found.is_identified) == (IdentityOutcome.IDENTIFIED, "P-1", True)

    def test_the_same_text_in_two_symbols_is_one_part(self) -> None:
        assert PartIdentity().from_codes([code("P-1"), code("P-1")]).is_identified

    def test_two_texts_are_no_part(self) -> None:
        found = PartIdentity().from_codes([code("P-1"), code("P-2")])
        assert (found.outcome, found.part_id) == (IdentityOutcome.SEVERAL, None)
        assert "'P-1', 'P-2'" in found.message

    @pytest.mark.parametrize("text", [None, "", "  "])
    def test_no_text_is_no_part(self, text: str | None) -> None:
        found = PartIdentity().from_text(text)
        assert (found.outcome, found.is_identified) == (IdentityOutcome.UNREAD, False)

    def test_no_code_is_no_part(self) -> None:
        assert PartIdentity().from_codes([]).outcome is IdentityOutcome.UNREAD

    @pytest.mark.parametrize("text", ["P\x1d1", " P-1", "P" * 129, "P\x7f"], ids=["GS1", "blank", "long", "delete"])
    def test_a_text_that_the_server_would_refuse_is_no_part(self, text: str) -> None:
        found = PartIdentity().from_text(text)
        assert (found.outcome, found.part_id) == (IdentityOutcome.UNUSABLE, None)

    def test_an_id_that_comes_again_too_soon_is_a_duplicate_whichever_way_it_comes(self) -> None:
        book = PartIdentity(duplicate_within=3)
        assert book.from_codes([code("P-1")]).is_identified
        assert book.from_text("P-2").is_identified
        again = book.from_text("P-1")
        assert (again.outcome, again.part_id, again.parts_ago) == (IdentityOutcome.DUPLICATE, "P-1", 2)
        assert not again.is_identified

    def test_a_reader_that_repeats_itself_is_a_duplicate_every_time(self) -> None:
        book = PartIdentity(duplicate_within=1)
        outcomes = [book.from_text("P-1").outcome for _ in range(4)]
        assert outcomes == [IdentityOutcome.IDENTIFIED, *[IdentityOutcome.DUPLICATE] * 3]

    def test_parts_without_an_id_count_as_parts(self) -> None:
        book = PartIdentity(duplicate_within=2)
        book.from_text("P-1")
        book.from_text(None)
        book.from_codes([code("A"), code("B")])
        assert book.from_text("P-1").is_identified

    def test_a_book_must_reach_back(self) -> None:
        with pytest.raises(ValueError, match="expected at least 1"):
            PartIdentity(duplicate_within=0)

    @given(
        st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=40),
        st.integers(min_value=1, max_value=6),
    )
    def test_an_id_is_a_duplicate_exactly_if_it_was_among_the_last_parts(
        self, texts: list[str | None], within: int
    ) -> None:
        book = PartIdentity(duplicate_within=within)
        for position, text in enumerate(texts):
            found = book.from_text(text)
            recent = texts[max(0, position - within) : position]
            if text is None:
                assert found.outcome is IdentityOutcome.UNREAD
            else:
                assert (found.outcome is IdentityOutcome.DUPLICATE) == (text in recent)
