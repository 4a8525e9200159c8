"""Short ways to make elements of the metamodel. Only what builds shells imports this: the library takes its time."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from basyx.aas import model
from basyx.aas.model import datatypes

ENGLISH = "en"

LONGEST_TEXT: Final = 1023
"""Characters of a text with a language (IDTA 01001, constraint on LangStringTextType)."""

_NOT_IN_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def concept(identifier: str | None) -> model.ExternalReference | None:
    """A semantic id: what something means, by a global identifier."""
    if identifier is None:
        return None
    return model.ExternalReference((model.Key(model.KeyTypes.GLOBAL_REFERENCE, identifier),))


def words(text: str) -> model.MultiLanguageTextType:
    """An English text; of one that is longer than the metamodel allows the beginning, with an ellipsis.

    A hundred names of classes or a chart's notes may be longer, and must not take the whole twin away.
    """
    legible = _legible(text)
    return model.MultiLanguageTextType(
        {ENGLISH: legible if len(legible) <= LONGEST_TEXT else f"{legible[: LONGEST_TEXT - 1]}\u2026"}
    )


def _legible(text: str) -> str:
    """A text with U+FFFD for characters that no string of the metamodel holds (IDTA 01001, AASd-130)."""
    return _NOT_IN_XML.sub("\ufffd", text)


def text(
    id_short: str | None, value: str | None, meaning: str | None = None, *, also: Iterable[str] = ()
) -> model.Property:
    """A property of text.

    Args:
        id_short: None in a list.
        value: None for a property of which the value is not here.
        meaning: semantic id.
        also: supplemental semantic ids.
    """
    further = tuple(reference for each in also if (reference := concept(each)) is not None)
    legible = None if value is None else _legible(value)
    return model.Property(
        id_short, datatypes.String, legible, semantic_id=concept(meaning), supplemental_semantic_id=further
    )


def count(id_short: str, value: int | None, meaning: str | None = None) -> model.Property:
    """A property that counts."""
    written = None if value is None else datatypes.Long(value)  # type: ignore[no-untyped-call]  # the library says nothing
    return model.Property(id_short, datatypes.Long, written, semantic_id=concept(meaning))


def number(id_short: str, value: float | None, meaning: str | None = None) -> model.Property:
    """A property of a real number."""
    return model.Property(id_short, datatypes.Double, value, semantic_id=concept(meaning))


def instant(id_short: str, value: datetime | None, meaning: str | None = None) -> model.Property:
    """A property of an instant, aware UTC."""
    return model.Property(id_short, datatypes.DateTime, value, semantic_id=concept(meaning))


def said(id_short: str, value: str, meaning: str | None = None) -> model.MultiLanguageProperty:
    """A text that may be in several languages; ours are English."""
    return model.MultiLanguageProperty(id_short, words(value), semantic_id=concept(meaning))


def group(
    id_short: str | None,
    *elements: model.SubmodelElement,
    meaning: str | None = None,
    about: str | None = None,
    also: Iterable[str] = (),
) -> model.SubmodelElementCollection:
    """A collection of named elements."""
    return model.SubmodelElementCollection(
        id_short,
        elements,
        semantic_id=concept(meaning),
        description=None if about is None else words(about),
        supplemental_semantic_id=tuple(reference for each in also if (reference := concept(each)) is not None),
    )


def texts(id_short: str, values: Iterable[str], meaning: str | None = None) -> Any:
    """A list of texts."""
    return model.SubmodelElementList(
        id_short,
        model.Property,
        [text(None, value) for value in values],
        value_type_list_element=datatypes.String,
        semantic_id=concept(meaning),
    )


def element_reference(submodel_id: str, *path: tuple[model.KeyTypes, str]) -> model.ModelReference[Any]:
    """A reference to an element of a submodel of ours: what it is and its idShort, step by step."""
    kinds: Mapping[model.KeyTypes, type[Any]] = {
        model.KeyTypes.SUBMODEL_ELEMENT_COLLECTION: model.SubmodelElementCollection,
        model.KeyTypes.PROPERTY: model.Property,
    }
    keys = (model.Key(model.KeyTypes.SUBMODEL, submodel_id), *(model.Key(kind, name) for kind, name in path))
    return model.ModelReference(keys, kinds[path[-1][0]] if path else model.Submodel)


def submodel(
    identifier: str,
    id_short: str,
    *elements: model.SubmodelElement,
    meaning: str,
    about: str,
    version: str,
    revision: str,
) -> model.Submodel:
    """An instance of a submodel template.

    Args:
        identifier: of the instance.
        id_short: as the template has it.
        *elements: what it holds.
        meaning: the template's semantic id.
        about: what it says, in one sentence.
        version: of the template.
        revision: of the template.
    """
    return model.Submodel(
        identifier,
        elements,
        id_short=id_short,
        description=words(about),
        administration=model.AdministrativeInformation(version=version, revision=revision, template_id=meaning),
        semantic_id=concept(meaning),
    )
