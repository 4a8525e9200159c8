"""`delivery.yaml`: which sinks there are.

```yaml
schema: lineside.delivery/1
sinks:
  - name: mes
    kind: webhook
    filter: {types: [inspection, hold], lines: [line-1]}
    url: https://mes.example/lineside
    secret_files: [mes.secret]
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from lineside.inspection.file_models import FileModel, SourceFile
from lineside.serving.delivery.errors import DeliveryFileRefused
from lineside.serving.delivery.kinds import SINK_KINDS
from lineside.serving.delivery.settings import SinkSettings

SCHEMA: Final = "lineside.delivery/1"
FILE_NAME: Final = "delivery.yaml"
MOST_SINKS: Final = 100


class _File(FileModel):
    schema_: Literal["lineside.delivery/1"] = Field(alias="schema")
    sinks: list[dict[str, Any]] = Field(max_length=MOST_SINKS)


@dataclass(frozen=True, slots=True)
class DeliveryConfiguration:
    """The sinks of a plant.

    Attributes:
        sinks: settings of each, of its kind's own model, in the file's order; names are unique.
        folder: the file's, which relative paths are below of.
    """

    sinks: tuple[SinkSettings, ...]
    folder: Path


def load_delivery(path: Path) -> DeliveryConfiguration:
    """Read a delivery file.

    Raises:
        DeliveryFileRefused: it cannot be read, or says something unknown; with key and line.
    """
    return parse_delivery(read_delivery_text(path), source=str(path), folder=path.parent.resolve())


def read_delivery_text(path: Path) -> str:
    """A delivery file's text.

    Raises:
        DeliveryFileRefused: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeliveryFileRefused(
            f"cannot read the delivery file {path}: {error.strerror}; give one with --delivery, or none"
        ) from error
    except UnicodeDecodeError as error:
        raise DeliveryFileRefused(f"{path}: no UTF-8 text at byte {error.start}") from error


def parse_delivery(text: str, *, source: str, folder: Path) -> DeliveryConfiguration:
    """Read a delivery file's text.

    Args:
        text: the whole file.
        source: what to call it in messages.
        folder: where relative paths begin.

    Raises:
        DeliveryFileRefused: it says something unknown; with key and line.
    """
    file = SourceFile(text, source=source, error=DeliveryFileRefused)
    found = file.parse(_File)
    sinks: list[SinkSettings] = []
    for position, sink in enumerate(found.sinks):
        kind = SINK_KINDS.get(str(sink.get("kind")))
        if kind is None:
            raise file.problem(
                ("sinks", position, "kind"),
                f"no kind of sink {sink.get('kind')!r}; expected one of {', '.join(SINK_KINDS)}",
            )
        settings = file.parse(kind.settings, at=("sinks", position))
        if any(settings.name == earlier.name for earlier in sinks):
            raise file.problem(("sinks", position, "name"), f"a second sink named {settings.name!r}; each has its own")
        sinks.append(settings)
    return DeliveryConfiguration(tuple(sinks), folder)


def delivery_json_schema() -> Mapping[str, Any]:
    """JSON Schema (2020-12) of the file, for editors that complete and check it."""
    definitions: dict[str, Any] = {}
    for kind in SINK_KINDS.values():
        schema = kind.settings.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions |= schema.pop("$defs", {})
        definitions[kind.settings.__name__] = schema
    references = [{"$ref": f"#/$defs/{kind.settings.__name__}"} for kind in SINK_KINDS.values()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:lineside:delivery:1",
        "title": "Lineside delivery file",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema", "sinks"],
        "properties": {
            "schema": {"const": SCHEMA},
            "sinks": {"type": "array", "maxItems": MOST_SINKS, "items": {"oneOf": references}},
        },
        "$defs": definitions,
    }
