"""The edge of every file of rules: strict pydantic models, and errors that name key, line and remedy."""

import difflib
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from lineside.inspection.errors import LinesideError
from lineside.inspection.strict_yaml import KeyPath, NotStrictYaml, YamlDocument, read_yaml

MAX_PROBLEMS_SHOWN = 5
"""Problems in one message; the rest is counted."""

_MAX_KEY_SHOWN = 60


class FileModel(BaseModel):
    """A mapping in a file: no value is converted, no key is unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _suggest_known_keys(cls, data: Any) -> Any:
        """Refuse an unknown key with the nearest known one: most are typing errors, and each would drop a rule."""
        if isinstance(data, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for key in data:
                if key not in known:
                    raise PydanticCustomError(
                        "unknown_key", "{hint}", {"key": key[:_MAX_KEY_SHOWN], "hint": _hint(key, known)}
                    )
        return data


def _hint(key: str, known: Sequence[str]) -> str:
    key = key[:_MAX_KEY_SHOWN]
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
    return f"unknown key {key!r}; {remedy}"


Model = TypeVar("Model", bound=FileModel)


class SourceFile:
    """A parsed file that can say where a problem lies.

    Attributes:
        document: content and line numbers.
    """

    def __init__(self, text: str, *, source: str, error: type[LinesideError]) -> None:
        """Parse a file's text.

        Args:
            text: the whole file.
            source: what to call it in messages, usually its path.
            error: the error to raise for whatever is wrong with it.
        """
        self._source = source
        self._error = error
        try:
            self.document: YamlDocument = read_yaml(text)
        except NotStrictYaml as problem:
            where = source if problem.line is None else f"{source}:{problem.line}"
            raise error(f"{where}: {problem}") from problem

    def parse(self, model: type[Model], *, at: KeyPath = ()) -> Model:
        """The content as a model.

        Args:
            model: its shape.
            at: a place in the file, to read that part of it alone.

        Raises:
            LinesideError: of the file's own kind, naming key path and line of every problem (the first few).
        """
        content: Any = self.document.value
        for step in at:
            content = content[step]
        try:
            return model.model_validate(content)
        except ValidationError as invalid:
            problems = [self._describe(dict(detail), at=at) for detail in invalid.errors(include_url=False)]
            if len(problems) > MAX_PROBLEMS_SHOWN:
                problems[MAX_PROBLEMS_SHOWN:] = [f"and {len(problems) - MAX_PROBLEMS_SHOWN} more"]
            raise self._error("; ".join(problems)) from invalid

    def problem(self, path: KeyPath, message: str) -> LinesideError:
        """An error at a place in the file, to be raised by the caller."""
        return self._error(f"{self._source}:{self.document.line_of(path)}: {key_path(path)}{message}")

    def _describe(self, detail: dict[str, Any], *, at: KeyPath) -> str:
        path: KeyPath = (*at, *detail["loc"])
        if detail["type"] == "unknown_key":
            path = (*path, detail["ctx"]["key"])
            return str(self.problem(path, detail["msg"]))
        if detail["type"] == "missing":
            return str(self.problem(path, "required, but not there"))
        if detail["type"] in ("model_type", "dict_type"):
            return str(self.problem(path, f"expected keys with values, found a {_kind(detail['input'])}"))
        found = detail["input"]
        shown = f" (found {found!r})" if isinstance(found, str | int | float | bool | None) else ""
        return str(self.problem(path, f"{detail['msg']}{shown[:120]}"))


def _kind(value: Any) -> str:
    return {list: "list", dict: "mapping", str: "text", type(None): "blank"}.get(type(value), type(value).__name__)


def key_path(path: KeyPath) -> str:
    """A path as people write it, with a colon and blank behind it; nothing for the file as a whole.

    >>> key_path(("views", "default", "zones", 0, "name"))
    'views.default.zones[0].name: '
    """
    written = ""
    for step in path:
        written += f"[{step}]" if isinstance(step, int) else f".{step}" if written else step
    return f"{written}: " if written else ""
