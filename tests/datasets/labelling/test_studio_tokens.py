"""Where the token comes from, and that nothing shows it."""

import os
from pathlib import Path

import pytest

from lineside.datasets.labelling import TOKEN_VARIABLE, NoToken, Token, studio_token

SECRET = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105 - of no server


def test_a_token_comes_from_the_environment_or_a_file_and_the_file_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")

    assert studio_token({TOKEN_VARIABLE: f" {SECRET} "}).secret == SECRET
    assert studio_token({TOKEN_VARIABLE: "other"}, file=file).secret == SECRET


def test_a_token_does_not_show_itself() -> None:
    token = Token(SECRET)

    assert SECRET not in repr(token)
    assert SECRET not in str(token)
    assert SECRET not in f"{[token]}"


@pytest.mark.parametrize("given", ["", "  \n", "two lines\nof text", "with blank", "엽전", "x" * 5000], ids=len)
def test_what_is_no_token_is_refused_without_showing_it(given: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(given, "utf-8")

    for environ, named in (({}, file), ({TOKEN_VARIABLE: given}, None)):
        with pytest.raises(NoToken) as refused:
            studio_token(environ, file=named)
        assert not given.strip() or given.strip() not in str(refused.value)


def test_no_token_at_all_says_where_one_is_expected() -> None:
    with pytest.raises(NoToken, match=rf"set {TOKEN_VARIABLE} or name a file"):
        studio_token({})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoToken, match="nothing-here"):
        studio_token(os.environ, file=tmp_path / "nothing-here")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NoToken, match="cannot be read"):
        studio_token({}, file=binary)
