import pytest

from lineside.inspection.strict_yaml import MAX_BYTES, MAX_DEPTH, NotStrictYaml, read_yaml, replace_scalars

VALUES = {
    "text": ("abc", "abc"),
    "no is text": ("no", "no"),
    "a time is text": ("12:30:00", "12:30:00"),
    "a date is text": ("2026-01-31", "2026-01-31"),
    "ten": ("010", 10),
    "negative": ("-3", -3),
    "a fraction": ("0.5", 0.5),
    "an exponent": ("1e-3", 0.001),
    "hexadecimal is text": ("0x10", "0x10"),
    "a grouped number is text": ("1_000", "1_000"),
    "NaN is text": (".nan", ".nan"),
    "infinity is text": (".inf", ".inf"),
    "more than a double holds is text": ("1e999", "1e999"),
    "a long number is an identifier": ("1" * 40, "1" * 40),
    "true": ("true", True),
    "nothing": ("~", None),
    "a quoted number is text": ("'1'", "1"),
    "a block is text": ("|\n  1\n", "1\n"),
    "Korean": ("한도견본", "한도견본"),
    "a list": ("[1, a, [2]]", [1, "a", [2]]),
    "nested keys": ("a: {b: [1]}", {"a": {"b": [1]}}),
    "the merge key is a plain key": ("<<: {a: 1}", {"<<": {"a": 1}}),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_values(text: str, value: object) -> None:
    found = read_yaml(text).value
    assert found == value
    assert type(found) is type(value)


def billion_laughs() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return "\n".join(lines)


REFUSED = {
    "empty": ("", None, "the file is empty"),
    "a comment only": ("# nothing\n", None, "the file is empty"),
    "anchors that multiply": (billion_laughs(), 1, "anchors"),
    "an alias to nothing": ("a: *b", 1, "anchors"),
    "an anchor never used": ("a: 1\nb: &x 2", 2, "anchors"),
    "a tag": ("a: !!python/object/apply:os.system ['true']", 1, "tags are not read"),
    "a duplicate key": ("a: 1\nb: 2\na: 3", 3, r"the key 'a' is here twice \(first in line 1\)"),
    "a duplicate key, quoted otherwise": ("a: {x: 1, 'x': 2}", 1, "'x' is here twice"),
    "a number as a key": ("1: a", 1, "a key is not text"),
    "a list as a key": ("? [a]\n: b", 1, "a key is not text"),
    "two documents": ("a: 1\n---\nb: 2", 2, "a second document"),
    "deep lists": ("[" * 5000, 1, f"deeper than {MAX_DEPTH}"),
    "deep mappings": ("{a: " * 5000, 1, f"deeper than {MAX_DEPTH}"),
    "too long": ("a: " + "x" * MAX_BYTES, None, "at most 131072 are read"),
    "an open bracket": ("a: [1,\n", 2, "not YAML"),
    "a tab for indentation": ("a:\n\tb: 1", 2, "not YAML"),
    "a control character": ("a: \x07", None, "not YAML"),
    "an escaped control character": ('a: "\\0"', 1, "control characters"),
    "half a surrogate": ('a: "\\ud800"', 1, "half surrogates"),
    "a character that does not exist": ('a: "\\UFFFFFFFF"', None, "not YAML"),
    "a version of many digits": (f"%YAML {'9' * 5000}.1\n---\na: 1", None, "not YAML"),
}


@pytest.mark.parametrize(("text", "line", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_where(text: str, line: int | None, message: str) -> None:
    with pytest.raises(NotStrictYaml, match=message) as refused:
        read_yaml(text)
    assert refused.value.line == line


def test_every_value_knows_its_line_and_a_missing_one_that_of_what_is_around_it() -> None:
    document = read_yaml("a: 1\nb:\n  - c: 2\n    d:\n      3\n  - 4\n")
    assert document.line_of(("a",)) == 1
    assert document.line_of(("b", 0, "c")) == 3
    assert document.line_of(("b", 0, "d")) == 4
    assert document.line_of(("b", 1)) == 6
    assert document.line_of(("b", 0, "nowhere", "deep")) == 3
    assert document.line_of(("nowhere",)) == 1


REPLACED = {
    "plain": ("a: old # why\nb: 1\n", "a: new # why\nb: 1\n"),
    "quoted": ("a: 'o # ld'\n", "a: new\n"),
    "in braces": ("{b: 2, a: old, c: 3}", "{b: 2, a: new, c: 3}"),
    "before the end of a line of Windows": ("b: 2\r\na: old\r\n", "b: 2\r\na: new\r\n"),
    "after characters of several bytes": ("b: 골든 𝄞\na: old\n", "b: 골든 𝄞\na: new\n"),
    "after a byte order mark": ("\ufeffb: 2\na: old\n", "\ufeffb: 2\na: new\n"),
}


@pytest.mark.parametrize(("text", "replaced"), REPLACED.values(), ids=REPLACED)
def test_a_replaced_value_leaves_all_else_as_it_was(text: str, replaced: str) -> None:
    assert replace_scalars(text, {("a",): "new"}) == replaced


def test_several_values_are_replaced_at_once() -> None:
    text = "a: [{b: x}, {b: y}]\n"
    longer = replace_scalars(text, {("a", 0, "b"): "sha256:01", ("a", 1, "b"): "sha256:02"})
    assert read_yaml(longer).value == {"a": [{"b": "sha256:01"}, {"b": "sha256:02"}]}


def test_a_block_is_not_replaced() -> None:
    with pytest.raises(NotStrictYaml, match="on one line") as refused:
        replace_scalars("b: 1\na: >-\n  old\nc: 1\n", {("a",): "new"})
    assert refused.value.line == 2
