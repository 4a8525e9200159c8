"""The line's Digital Nameplate (IDTA 02006-2-0)."""

from typing import Final

from basyx.aas import model

from lineside.serving.twin.aas.elements import group, said, submodel, text
from lineside.serving.twin.aas.facts import LineFacts, PlantFacts
from lineside.serving.twin.aas.twin_file import Contact

TEMPLATE: Final = "https://admin-shell.io/zvei/nameplate/2/0/Nameplate"
CONTACT: Final = "https://admin-shell.io/zvei/nameplate/1/0/ContactInformations/ContactInformation"
CONTACT_ID_SHORT: Final = "ContactInformation"

_IRDI: Final = "0173-1#02-"  # ECLASS


def nameplate_submodel(plant: PlantFacts, line: LineFacts) -> model.Submodel:
    """The nameplate; what the template asks for and nobody said is "not stated"."""
    plate = line.nameplate
    elements: list[model.SubmodelElement] = [
        text("URIOfTheProduct", plate.uri or plant.identifier("line", line.name), f"{_IRDI}AAY811#001"),
        said("ManufacturerName", plate.manufacturer, f"{_IRDI}AAO677#002"),
        said("ManufacturerProductDesignation", plate.designation, f"{_IRDI}AAW338#001"),
        _contact(plate.contact),
        said("ManufacturerProductFamily", plate.family, f"{_IRDI}AAU731#001"),
        text("YearOfConstruction", plate.year_of_construction, f"{_IRDI}AAP906#001"),
        said("SoftwareVersion", f"Lineside {plant.software_version}", f"{_IRDI}AAM737#002"),
    ]
    if plate.serial_number is not None:
        elements.append(text("SerialNumber", plate.serial_number, f"{_IRDI}AAM556#002"))
    if plate.country_of_origin is not None:
        elements.append(text("CountryOfOrigin", plate.country_of_origin, f"{_IRDI}AAO259#004"))
    elements.append(
        group(
            "Stations",
            *(
                group(f"Station{position:02d}", text("Id", station.id), text("Name", station.name))
                for position, station in enumerate(line.stations, 1)
            ),
            about="The inspection points of the line. No part of the template.",
        )
    )
    return submodel(
        plant.identifier("nameplate", line.name),
        "Nameplate",
        *elements,
        meaning=TEMPLATE,
        about="What the line is, and whom to ask about it.",
        version="2",
        revision="0",
    )


def _contact(contact: Contact) -> model.SubmodelElementCollection:
    elements: list[model.SubmodelElement] = [
        said("NationalCode", contact.country, f"{_IRDI}AAO134#002"),
        said("CityTown", contact.city, f"{_IRDI}AAO132#002"),
        said("Company", contact.company, f"{_IRDI}AAW001#001"),
        said("Street", contact.street, f"{_IRDI}AAO128#002"),
        said("Zipcode", contact.zip, f"{_IRDI}AAO129#002"),
    ]
    if contact.phone is not None:
        number = said("TelephoneNumber", contact.phone, f"{_IRDI}AAO136#002")
        elements.append(group("Phone", number, meaning=f"{CONTACT}/Phone"))
    if contact.email is not None:
        address = text("EmailAddress", contact.email, f"{_IRDI}AAO198#002")
        elements.append(group("Email", address, meaning=f"{_IRDI}AAQ836#005"))
    return group(CONTACT_ID_SHORT, *elements, meaning=CONTACT)
