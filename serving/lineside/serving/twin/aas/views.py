"""The forms in which the AAS API shows a submodel or an element: whole, metadata, value, reference, path.

Pure functions on the JSON serialization of the metamodel (IDTA 01001); the forms are those of IDTA 01002, clause
"Serialization modifiers".
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from lineside.serving.twin.aas.errors import TwinRequestUnfit, UnknownTwinObject
from lineside.serving.twin.aas.id_short_paths import IdShortPath

Json = Mapping[str, Any]

_COLLECTION: Final = "SubmodelElementCollection"
_LIST: Final = "SubmodelElementList"
_SUBMODEL: Final = "Submodel"
_INTEGERS: Final = frozenset({"xs:int", "xs:integer", "xs:long", "xs:short", "xs:nonNegativeInteger"})
_NUMBERS: Final = frozenset({"xs:double", "xs:float", "xs:decimal"})


class Level(StrEnum):
    """How deep a form goes."""

    DEEP = "deep"
    CORE = "core"


class Extent(StrEnum):
    """Whether the content of Blob elements is given; no element of ours is one."""

    WITHOUT_BLOB_VALUE = "withoutBlobValue"
    WITH_BLOB_VALUE = "withBlobValue"


def children_of(node: Json) -> Sequence[Json]:
    """The elements directly below a submodel or an element."""
    if node["modelType"] == _SUBMODEL:
        return tuple(node.get("submodelElements", ()))
    return tuple(node.get("value", ())) if is_container(node) else ()


def is_container(node: Json) -> bool:
    """Whether elements stand below it."""
    return node["modelType"] in {_COLLECTION, _LIST, _SUBMODEL}


def find_element(submodel: Json, path: IdShortPath) -> Json:
    """The element at a path.

    Raises:
        UnknownTwinObject: there is none.
    """
    node = submodel
    for step in path.steps:
        below = children_of(node)
        if isinstance(step, int):
            found = below[step] if node["modelType"] == _LIST and step < len(below) else None
        else:
            found = next((child for child in below if child.get("idShort") == step), None)
        if found is None:
            raise UnknownTwinObject(
                f"submodel {submodel['idShort']!r} has no element {str(path)[:200]!r}; its $path lists all"
            )
        node = found
    return node


def at_level(node: Json, level: Level) -> Json:
    """The whole thing, or with `core` down to what stands directly below it."""
    if level is Level.DEEP or not is_container(node):
        return node
    key = "submodelElements" if node["modelType"] == _SUBMODEL else "value"
    below = [_without(child, "value") if is_container(child) else child for child in children_of(node)]
    return {**_without(node, key), **({key: below} if below else {})}


def metadata_of(node: Json) -> Json:
    """All but the values."""
    if node["modelType"] == _SUBMODEL:
        return _without(node, "submodelElements")
    return _without(node, "value", "valueId", "min", "max")


def value_of(node: Json, level: Level = Level.DEEP) -> Any:
    """Values alone: a mapping by idShort for submodels and collections, a list for lists.

    With `core`, what stands below something that stands below is left out.
    """
    kind = node["modelType"]
    if kind in {_COLLECTION, _SUBMODEL}:
        return {child["idShort"]: value_of(child) for child in _shown(node, level)}
    if kind == _LIST:
        return [value_of(child) for child in _shown(node, level)]
    if kind == "Property":
        return _typed(node)
    if kind == "MultiLanguageProperty":
        return [{text["language"]: text["text"]} for text in node.get("value", ())]
    if kind == "Range":
        return {key: node[key] for key in ("min", "max") if key in node}
    if kind == "File":
        return {key: node[key] for key in ("contentType", "value") if key in node}
    return node.get("value")


def named_value_of(node: Json, level: Level = Level.DEEP) -> Any:
    """The answer to `$value` of one element: of a plain property an object with its idShort as the key.

    The API's text does not say which JSON value stands for a lone property; its conformance tests take an object.
    """
    value = value_of(node, level)
    return {node["idShort"]: value} if node["modelType"] == "Property" and "idShort" in node else value


def reference_to(submodel: Json, path: IdShortPath | None = None) -> Json:
    """A model reference to a submodel, or to an element of it."""
    keys = [{"type": _SUBMODEL, "value": submodel["id"]}]
    if path is not None:
        for length, step in enumerate(path.steps, 1):
            found = find_element(submodel, IdShortPath(path.steps[:length]))
            keys.append({"type": found["modelType"], "value": str(step)})
    return {"type": "ModelReference", "keys": keys}


def reference_to_shell(shell: Json) -> Json:
    """A model reference to a shell."""
    return {"type": "ModelReference", "keys": [{"type": "AssetAdministrationShell", "value": shell["id"]}]}


def paths_in(submodel: Json, level: Level = Level.DEEP) -> list[str]:
    """The paths of a submodel's elements; with `core` of those directly below it."""
    found: list[str] = []
    for child in children_of(submodel):
        path = IdShortPath((child["idShort"],))
        found += paths_from(child, path) if level is Level.DEEP else [str(path)]
    return found


def paths_from(node: Json, path: IdShortPath, level: Level = Level.DEEP) -> list[str]:
    """The path of an element and of those below it; with `core` of those directly below it."""
    found = [str(path)]
    for position, child in enumerate(children_of(node)):
        below = path.child(position if node["modelType"] == _LIST else child["idShort"])
        found += paths_from(child, below) if level is Level.DEEP else [str(below)]
    return found


def element_paths(node: Json, path: IdShortPath, level: Level) -> list[str]:
    """The answer to `$path` of one element.

    Raises:
        TwinRequestUnfit: nothing can stand below it, and the API gives paths of collections and lists alone.
    """
    if not is_container(node):
        raise TwinRequestUnfit(f"{path} is a {node['modelType']}; $path is for collections and lists")
    return paths_from(node, path, level)


def _shown(node: Json, level: Level) -> Sequence[Json]:
    below = children_of(node)
    return below if level is Level.DEEP else tuple(child for child in below if not is_container(child))


def _typed(node: Json) -> Any:
    """A property's value as the JSON type that its XSD type stands for."""
    written, kind = node.get("value"), node["valueType"]
    if written is None:
        return None
    if kind in _INTEGERS:
        return int(written)
    if kind in _NUMBERS:
        return float(written)
    return written == "true" if kind == "xs:boolean" else written


def _without(node: Json, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key not in keys}
