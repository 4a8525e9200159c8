"""What a program that reads our events relies on: each field's place, kinds and presence, of a JSON Schema.

`tests/serving/events/event_shapes.json` keeps the shapes as they were published. A published version only ever gains
optional fields; whatever else changes is a new version of the type. `python tests/support/event_shapes.py` adds what is
new to the file, and changes nothing that stands there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineside.serving.delivery.filters import DELIVERED_TYPES
from lineside.serving.events import event_json_schemas

SHAPES_FILE = Path(__file__).parents[1] / "serving" / "events" / "event_shapes.json"

Shape = dict[str, dict[str, Any]]
"""By place, such as `data.defects[].size_mm`: kinds, whether it is always there, and its words where they are fixed."""


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """The shape that a schema promises."""
    found: Shape = {}
    _walk(schema, schema, "", found, ())
    return found


def delivered_shapes() -> dict[str, Shape]:
    """The shape of each delivered type, as the program has it now."""
    schemas = event_json_schemas()
    return {f"{name}.v1": shape_of(schemas[f"{name}.v1"]) for name in DELIVERED_TYPES}


def published_shapes() -> dict[str, Shape]:
    """The shape of each delivered type, as it was published."""
    shapes: dict[str, Shape] = json.loads(SHAPES_FILE.read_text(encoding="utf-8"))
    return shapes


def broken_promises(published: Shape, now: Shape) -> list[str]:
    """What a reader of the published shape would trip over; nothing where it would not."""
    said = []
    for place, was in published.items():
        found = now.get(place)
        if found is None:
            said.append(f"{place} is gone")
            continue
        if found["is_required"] != was["is_required"]:
            said.append(f"{place} is {'always' if found['is_required'] else 'not always'} there, unlike before")
        if found["kinds"] != was["kinds"]:
            said.append(f"{place} was {was['kinds']} and is {found['kinds']}")
        said_before: list[str] = was.get("words", [])
        gone = set(said_before).difference(found.get("words", said_before))
        if gone:
            said.append(f"{place} no longer says {sorted(gone)}")
    for place, found in now.items():
        is_new = place not in published and not any(place.startswith(f"{new}.") for new in set(now) - set(published))
        if is_new and found["is_required"]:
            said.append(f"{place} is new and always there: events of before, sent again, lack it")
    return said


def _written(shapes: Mapping[str, Shape]) -> str:
    """The file's text: a line for each place, so that a change of it can be read."""
    types = [
        f" {json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(place)}: {json.dumps(shape[place])}" for place in sorted(shape))
        + "\n }"
        for name, shape in sorted(shapes.items())
    ]
    return "{\n" + ",\n".join(types) + "\n}\n"


def _walk(root: Mapping[str, Any], schema: Mapping[str, Any], place: str, found: Shape, within: Sequence[str]) -> None:
    """Note the places below a schema; a schema within itself is noted once."""
    for part in _alternatives(root, schema, within):
        reference = part.get("$ref")
        inner = (*within, reference) if reference else within
        target = _resolved(root, part)
        required = set(target.get("required", ()))
        for name, field in target.get("properties", {}).items():
            _note(root, field, f"{place}.{name}".removeprefix("."), found, inner, is_required=name in required)
        for suffix, content in (("[]", target.get("items")), ("{}", target.get("additionalProperties"))):
            if isinstance(content, Mapping):
                _note(root, content, f"{place}{suffix}", found, inner, is_required=False)
        for number, content in enumerate(target.get("prefixItems", ())):
            _note(root, content, f"{place}[{number}]", found, inner, is_required=False)


def _note(
    root: Mapping[str, Any],
    schema: Mapping[str, Any],
    place: str,
    found: Shape,
    within: Sequence[str],
    *,
    is_required: bool,
) -> None:
    targets = [_resolved(root, part) for part in _alternatives(root, schema, ())]
    words = sorted({str(word) for target in targets for word in _words(target)})
    kinds = sorted({str(kind) for target in targets for kind in _kinds(target)})
    found[place] = {"kinds": kinds, "is_required": is_required} | ({"words": words} if words else {})
    _walk(root, schema, place, found, within)


def _alternatives(
    root: Mapping[str, Any], schema: Mapping[str, Any], within: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """The schema, or each of those that it may be; not one that it stands in already."""
    for part in schema.get("anyOf") or schema.get("oneOf") or [schema]:
        if part.get("$ref") in within:
            continue
        target = _resolved(root, part)
        if "anyOf" in target or "oneOf" in target:
            yield from _alternatives(root, target, within)
        else:
            yield part


def _resolved(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target: Mapping[str, Any] = root["$defs"][reference.removeprefix("#/$defs/")]
    return target


def _kinds(schema: Mapping[str, Any]) -> Sequence[str]:
    kind = schema.get("type")
    if kind is None:
        return sorted({type(word).__name__ for word in _words(schema)}) or ["anything"]
    return [kind] if isinstance(kind, str) else list(kind)


def _words(schema: Mapping[str, Any]) -> Sequence[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


if __name__ == "__main__":
    before = published_shapes() if SHAPES_FILE.exists() else {}
    now = delivered_shapes()
    kept = {name: {**shape, **before.get(name, {})} for name, shape in now.items()}
    SHAPES_FILE.write_text(_written(kept), encoding="utf-8")
