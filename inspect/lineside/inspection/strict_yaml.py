"""YAML for rules that decide: the plain subset of it, with nothing guessed and the line of every value known.

Refused are anchors and aliases (a few lines can stand for gigabytes), tags, duplicate keys (the last would win
in silence), keys that are no text, control characters, several documents, deep nesting and long files. Plain
values follow the YAML 1.2 core schema, so `no` and `12:30` are text and `010` is ten; dates stay text until a
field asks for one; infinity and NaN do not exist.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

MAX_BYTES = 128 * 1024
"""A recipe with hundreds of zones is about a tenth of this; the parser takes seconds for a megabyte."""

MAX_DEPTH = 20
"""Levels of nesting; a recipe has six. The composer recurses, and would run out of stack on a hostile file."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of the file to a value."""

YamlValue: TypeAlias = "bool | int | float | str | list[YamlValue] | dict[str, YamlValue] | None"

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_CONSTANTS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class NotStrictYaml(ValueError):
    """The text is not in the subset that is read.

    Attributes:
        line: counted from 1; None where the text as a whole is meant.
    """

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A file's content and where each part of it stands.

    Attributes:
        value: None, booleans, numbers, text, lists and dicts with text keys.
        lines: line, counted from 1, of each value by its path; a mapping's entry has its key's line.
    """

    value: YamlValue
    lines: Mapping[KeyPath, int]

    def line_of(self, path: KeyPath) -> int:
        """The line of a value or, for one that the file does not have, of the nearest thing around it."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def read_yaml(text: str) -> YamlDocument:
    """Read one document.

    Raises:
        NotStrictYaml: what was found and where.
    """
    size_bytes = len(text.encode("utf-8", "surrogatepass"))
    if size_bytes > MAX_BYTES:
        raise NotStrictYaml(f"{size_bytes} bytes; at most {MAX_BYTES} are read")
    try:
        _refuse_what_expands(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotStrictYaml(
            f"not YAML: {error.problem or error.context}", line=None if mark is None else mark.line + 1
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # A character that YAML does not allow, or one that PyYAML cannot build from its number ("\\UFFFFFFFF").
        if isinstance(error, NotStrictYaml):
            raise
        raise NotStrictYaml(f"not YAML: {str(error).splitlines()[0]}") from error
    if root is None:
        raise NotStrictYaml("the file is empty")
    lines: dict[KeyPath, int] = {(): 1}
    return YamlDocument(_value(root, (), lines), lines)


def replace_scalars(text: str, replacements: Mapping[KeyPath, str]) -> str:
    """The same file with other values at some places; all else stays as it is, comments and layout too.

    Args:
        text: a file that `read_yaml` reads.
        replacements: by path of a plain or quoted value, what to write there, as YAML.

    Raises:
        NotStrictYaml: a value is written over several lines as a block (`|` or `>`).
        KeyError, IndexError: a path that the file does not have.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    spans = []
    for path, written in replacements.items():
        node = _node_at(root, path)
        if node.style in ("|", ">"):
            raise NotStrictYaml("write this value on one line, not as a block", line=_line(node))
        spans.append((node.start_mark.index, node.end_mark.index, written))
    for start, end, written in sorted(spans, reverse=True):  # from the end, so that earlier places stay where they are
        text = text[:start] + written + text[end:]
    return text


def _node_at(node: Any, path: KeyPath) -> Any:
    """Of PyYAML's nodes, whose `value` is of another type for each kind."""
    for step in path:
        node = node.value[step] if isinstance(step, int) else {key.value: value for key, value in node.value}[step]
    return node


def _refuse_what_expands(text: str) -> None:
    """Look at the flat stream of events, before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise NotStrictYaml("a second document starts here; a file holds one", line=line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise NotStrictYaml("anchors (&) and aliases (*) are not read; write the value out", line=line)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise NotStrictYaml(f"tags are not read; remove {tag}", line=line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise NotStrictYaml(f"nested deeper than {MAX_DEPTH} levels", line=line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> YamlValue:
    lines.setdefault(path, _line(node))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, position), lines) for position, item in enumerate(node.value)]
    entries: dict[str, YamlValue] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise NotStrictYaml("a key is not text; put it in quotes", line=line)
        if key in entries:
            raise NotStrictYaml(f"the key {key!r} is here twice (first in line {lines[(*path, key)]})", line=line)
        lines[(*path, key)] = line
        entries[key] = _value(value_node, (*path, key), lines)
    return entries


def _line(found: yaml.Event | yaml.Node) -> int:
    """Counted from 1; the pure Python parser marks everything."""
    return 1 if found.start_mark is None else found.start_mark.line + 1


def _scalar(node: yaml.ScalarNode) -> bool | int | float | str | None:
    text: str = node.value
    if _UNPRINTABLE.search(text):
        raise NotStrictYaml("control characters and half surrogates are not read", line=_line(node))
    if node.style is not None:  # quoted or a block: text, whatever it looks like
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):  # 18 digits fit every program's integers; longer ones are identifiers
        return int(text) if len(text) <= 18 else text
    if _FLOAT.fullmatch(text):
        number = float(text)
        return text if number in (float("inf"), float("-inf")) else number
    return text
