"""`twin.yaml`: what only the plant knows of its lines, such as who built them. Without it, that is not stated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from lineside.inspection.file_models import FileModel, SourceFile
from lineside.serving.twin.aas.errors import TwinFileInvalid

NOT_STATED: Final = "not stated"
"""Stands where the nameplate's template asks for something that the plant did not say."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Uri = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20]{1,900}$")]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x20?#]{1,500}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class ContactModel(FileModel):
    """Whom to ask."""

    company: Text | None = None
    street: Text | None = None
    zip: Text | None = None
    city: Text | None = None
    country: Country | None = Field(default=None, description="ISO 3166-1, two letters.")
    phone: Text | None = None
    email: Text | None = None


class NameplateModel(FileModel):
    """The nameplate of a line (IDTA 02006); what is left out is not stated."""

    uri: Uri | None = Field(default=None, description="Names the line worldwide, e.g. an IEC 61406 link.")
    manufacturer: Text | None = None
    designation: Text | None = None
    family: Text | None = None
    serial_number: Text | None = None
    year_of_construction: Annotated[int, Field(ge=1900, le=2200)] | None = None
    country_of_origin: Country | None = Field(default=None, description="ISO 3166-1, two letters.")
    contact: ContactModel = ContactModel()


class TwinModel(FileModel):
    """The whole file."""

    schema_name: Literal["lineside.twin/1"] = Field(alias="schema")
    identifiers: Uri | None = Field(
        default=None, description="What identifiers begin with; urn:lineside:<plant> by default."
    )
    api_url: HttpUrl | None = Field(
        default=None, description="Where others reach this server; its own address by default."
    )
    nameplate: NameplateModel = NameplateModel()
    lines: dict[Line, NameplateModel] = Field(
        default_factory=dict, description="What is different for a line, by its name."
    )


def twin_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file, for editors that complete and check it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:lineside:twin:1",
        **TwinModel.model_json_schema(by_alias=True),
    }


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask; `NOT_STATED` where nobody said."""

    company: str = NOT_STATED
    street: str = NOT_STATED
    zip: str = NOT_STATED
    city: str = NOT_STATED
    country: str = NOT_STATED
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What is known of a line; `NOT_STATED` where the template asks for something that nobody said.

    Attributes:
        uri: None for the line's own identifier.
    """

    uri: str | None = None
    manufacturer: str = NOT_STATED
    designation: str = NOT_STATED
    family: str = NOT_STATED
    serial_number: str | None = None
    year_of_construction: str = NOT_STATED
    country_of_origin: str | None = None
    contact: Contact = field(default_factory=Contact)


@dataclass(frozen=True, slots=True)
class TwinFile:
    """What the plant says.

    Attributes:
        identifiers: what identifiers begin with; None for the default.
        api_url: where others reach this server; None for its own address.
        nameplate: of every line that has none of its own.
        lines: of single lines.
    """

    identifiers: str | None = None
    api_url: str | None = None
    nameplate: Nameplate = field(default_factory=Nameplate)
    lines: Mapping[str, Nameplate] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, *, source: str) -> "TwinFile":
        """Read a file's text.

        Raises:
            TwinFileInvalid: naming the place, what is known there and what to do.
        """
        found = SourceFile(text, source=source, error=TwinFileInvalid).parse(TwinModel)
        return cls(
            identifiers=found.identifiers,
            api_url=None if found.api_url is None else found.api_url.rstrip("/"),
            nameplate=_nameplate(found.nameplate),
            lines={name: _nameplate(found.nameplate, own) for name, own in found.lines.items()},
        )

    @classmethod
    def read(cls, path: Path | None) -> "TwinFile":
        """Read a file; None for what holds where there is none.

        Raises:
            TwinFileInvalid: it cannot be read.
        """
        if path is None:
            return cls()
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise TwinFileInvalid(f"{path}: not UTF-8 text; save it as UTF-8") from error
        except OSError as error:
            raise TwinFileInvalid(f"{path}: {error.strerror}; give a file that can be read, or none") from error
        return cls.parse(text, source=str(path))

    def nameplate_of(self, line: str) -> Nameplate:
        """What is known of a line."""
        return self.lines.get(line, self.nameplate)


def _nameplate(*models: NameplateModel) -> Nameplate:
    """What the last of the models says, and where it says nothing the one before."""
    said: dict[str, Any] = {}
    contact: dict[str, Any] = {}
    for model in models:
        said |= model.model_dump(exclude={"contact"}, exclude_none=True)
        contact |= model.contact.model_dump(exclude_none=True)
    if "year_of_construction" in said:
        said["year_of_construction"] = str(said["year_of_construction"])
    return Nameplate(**said, contact=Contact(**contact))
