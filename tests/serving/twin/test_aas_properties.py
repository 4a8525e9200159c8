"""Addresses of the AAS API: idShortPaths, base64url identifiers, pages; whatever is sent, they are read or refused."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.serving.errors import CursorUnreadable
from lineside.serving.twin.aas.encoded import AssetIdFilter, decode, encode
from lineside.serving.twin.aas.errors import TwinRequestUnfit
from lineside.serving.twin.aas.id_short_paths import LONGEST_PATH, IdShortPath
from lineside.serving.twin.aas.paging import LARGEST_PAGE, USUAL_PAGE, page_of

ID_SHORTS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,12}", fullmatch=True)
STEPS = st.lists(st.one_of(ID_SHORTS, st.integers(0, 10**8)), max_size=8)


@given(first=ID_SHORTS, further=STEPS)
def test_a_path_is_read_as_it_is_written(first: str, further: list[str | int]) -> None:
    path = IdShortPath((first, *further))
    assert IdShortPath.parse(str(path)) == path


@given(text=st.text(st.sampled_from(string.ascii_letters + "0123456789.[]_-/\\%$ é"), max_size=30))
def test_a_text_is_a_path_that_is_written_the_same_or_it_is_refused(text: str) -> None:
    try:
        path = IdShortPath.parse(text)
    except TwinRequestUnfit:
        return
    assert str(path) == text
    assert isinstance(path.steps[0], str)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(".", id="a dot"),
        pytest.param("..", id="up"),
        pytest.param("../secret", id="traversal"),
        pytest.param("A/../B", id="slashes"),
        pytest.param("A..B", id="two dots"),
        pytest.param("A.", id="ends with a dot"),
        pytest.param("[0]", id="a position first"),
        pytest.param("A[", id="an open bracket"),
        pytest.param("A[-1]", id="a position from the end"),
        pytest.param("A[01]", id="a position with a zero before it"),
        pytest.param("A[9999999999]", id="a position beyond all lists"),
        pytest.param("A[0]B", id="no dot after a position"),
        pytest.param("1A", id="begins with a digit"),
        pytest.param("A\x00", id="a control character"),
        pytest.param("A." * LONGEST_PATH + "A", id="endless"),
    ],
)
def test_what_is_no_path_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(TwinRequestUnfit, match="expected"):
        IdShortPath.parse(text)


@given(identifier=st.text(max_size=60))
def test_an_identifier_survives_its_way_through_an_address(identifier: str) -> None:
    try:
        encoded = encode(identifier)
    except UnicodeEncodeError:  # half a surrogate is no text
        return
    assert decode(encoded, what="identifier") == identifier
    assert decode(encoded + "=" * (-len(encoded) % 4), what="identifier") == identifier


@given(encoded=st.text(max_size=40))
def test_an_address_is_read_or_refused(encoded: str) -> None:
    try:
        identifier = decode(encoded, what="identifier")
    except TwinRequestUnfit:
        return
    assert encoded.rstrip("=") == encode(identifier)


@pytest.mark.parametrize("encoded", ["a", "====", "YQ=", "YQ===", "Y Q", "+/8=", "/w", "gIA", "é", "YQ" * 2001])
def test_what_is_not_base64url_of_text_is_refused(encoded: str) -> None:
    with pytest.raises(TwinRequestUnfit):
        decode(encoded, what="identifier")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "3",
        '{"name": "line"}',
        '{"name": 1, "value": "x"}',
        '{"name": "line", "value": ["x"]}',
        "[" * 9000,
    ],
)
def test_an_asset_id_is_a_name_and_a_value(text: str) -> None:
    with pytest.raises(TwinRequestUnfit):
        AssetIdFilter.parse(encode(text))


@given(items=st.lists(st.integers(), max_size=60), limit=st.integers(1, 70))
def test_pages_put_together_are_the_list(items: list[int], limit: int) -> None:
    collected: list[int] = []
    cursor: str | None = None
    while True:
        page = page_of(items, limit=limit, cursor=cursor)
        assert len(page["result"]) <= limit
        collected += page["result"]
        cursor = page["paging_metadata"].get("cursor")
        if cursor is None:
            break
        assert len(page["result"]) == limit  # only the last page may be shorter
    assert collected == items


@pytest.mark.parametrize("limit", [LARGEST_PAGE + 1, 10**30])
def test_a_huge_page_is_cut_to_the_largest_and_the_cursor_leads_on(limit: int) -> None:
    items = list(range(LARGEST_PAGE * 2 + 1))
    page = page_of(items, limit=limit, cursor=None)
    assert page["result"] == items[:LARGEST_PAGE]
    following = page_of(items, limit=limit, cursor=page["paging_metadata"]["cursor"])
    assert following["result"] == items[LARGEST_PAGE : 2 * LARGEST_PAGE]


def test_without_a_limit_a_page_has_the_usual_size() -> None:
    assert len(page_of(range(1000), limit=None, cursor=None)["result"]) == USUAL_PAGE


@given(cursor=st.text(max_size=30))
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    try:
        page = page_of(range(10), limit=5, cursor=cursor)
    except CursorUnreadable:
        return
    assert page["result"] == []  # by chance the form of one of ours: beyond the end there is nothing


@pytest.mark.parametrize("cursor", ["", "x", "ZnJvbSA", "ZnJvbSAtMQ", "ZnJvbSDCsg", "ZnJvbSA5OTk5OTk5OTk5OTk5OTk5"])
def test_cursors_of_strange_content_are_refused(cursor: str) -> None:
    with pytest.raises(CursorUnreadable):
        page_of(range(10), limit=5, cursor=cursor)
