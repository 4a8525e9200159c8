"""XML from strangers: no document type, so no entities, internal or external, and nothing that a parser would fetch.

Expat is driven directly, because `xml.etree.ElementTree` has no switch for it. A refused document type ends the parse
before a single entity is defined, which closes external entities and expansion bombs together (CWE-611, CWE-776).
"""

from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from lineside.datasets.errors import SampleUnreadable

MAX_BYTES = 16 * 1024 * 1024
"""An annotation of ten thousand defects is a tenth of this."""

MAX_DEPTH = 32
"""Levels; an annotation has four."""


def read_xml(path: Path) -> Element:
    """The root element of a file.

    Raises:
        SampleUnreadable: it cannot be read, is no XML, too large or too deep, or has a document type.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SampleUnreadable(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise SampleUnreadable(f"{path} has {len(data)} bytes; an annotation of more than {MAX_BYTES} is none")
    return parse_xml(data, where=str(path))


def parse_xml(data: bytes, *, where: str) -> Element:
    """The root element of a document; `where` is what errors call it.

    Raises:
        SampleUnreadable: it is no XML, too deep, or has a document type.
    """
    builder = TreeBuilder()
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise SampleUnreadable(f"{where}:{parser.CurrentLineNumber}: nested deeper than {MAX_DEPTH} levels")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> int:
        raise SampleUnreadable(
            f"{where}:{parser.CurrentLineNumber}: a document type (<!DOCTYPE>) is not read: it can name files and "
            "expand without end; remove it"
        )

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes its "final" by position only
    except expat.ExpatError as error:
        raise SampleUnreadable(f"{where}:{error.lineno}: no XML: {expat.errors.messages[error.code]}") from error
    return builder.close()
