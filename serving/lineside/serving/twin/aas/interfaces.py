"""How to reach the line's data (IDTA 02017-1-0, Asset Interfaces Description): HTTP, and what delivery has."""

from collections.abc import Mapping
from typing import Any, Final

from basyx.aas import model

from lineside.serving.twin.aas.elements import concept, element_reference, group, submodel, text
from lineside.serving.twin.aas.facts import LineFacts, PlantFacts

_IDTA: Final = "https://admin-shell.io/idta/AssetInterfacesDescription/1/0"
TEMPLATE: Final = f"{_IDTA}/Submodel"
_TD: Final = "https://www.w3.org/2019/wot/td"
_HYPERMEDIA: Final = "https://www.w3.org/2019/wot/hypermedia"
_SECURITY: Final = "https://www.w3.org/2019/wot/security"
_RDF_TYPE: Final = "https://www.w3.org/1999/02/22-rdf-syntax-ns#type"

_PROTOCOLS: Final[Mapping[str, tuple[str, str, str]]] = {
    "http": ("InterfaceHTTP", "http://www.w3.org/2011/http", "application/json"),
    "mqtt": ("InterfaceMQTT", "http://www.w3.org/2011/mqtt", "application/octet-stream"),
    "opcua": ("InterfaceOPCUA", "http://opcfoundation.org/UA/WoT-Binding/", "application/octet-stream"),
}
"""idShort, supplemental semantic id and media type by protocol."""

_SCHEMES: Final[Mapping[str, str]] = {
    "bearer": "BearerSecurityScheme",
    "basic": "BasicSecurityScheme",
    "nosec": "NoSecurityScheme",
}


def interfaces_submodel(plant: PlantFacts, line: LineFacts) -> model.Submodel:
    """Every way to the line's data that is open."""
    identifier = plant.identifier("interfaces", line.name)
    further = [
        _interface(
            identifier,
            each.protocol,
            suffix=f"{position:02d}",
            title=f"{each.protocol.upper()} by the sink {each.name}",
            base=each.base,
            security=each.security,
            properties=[_property("events", "Verdicts, rates and alarms as they come", each.target)],
        )
        for position, each in enumerate(line.interfaces, 1)
    ]
    return submodel(
        identifier,
        "AssetInterfacesDescription",
        _http(plant, line, identifier),
        *further,
        meaning=TEMPLATE,
        about="Where the line's data can be read, and how a reader says who it is.",
        version="1",
        revision="0",
    )


def _http(plant: PlantFacts, line: LineFacts, identifier: str) -> model.SubmodelElementCollection:
    def get(name: str, title: str, href: str, content_type: str | None = None) -> model.SubmodelElementCollection:
        return _property(name, title, href, method="GET", content_type=content_type)

    return _interface(
        identifier,
        "http",
        suffix="",
        title=f"HTTP API of line {line.name}",
        base=plant.api_url,
        security="bearer",
        properties=[
            get("rates", "Defect rates with their intervals", f"/v1/rates?line={line.name}"),
            get("charts", "Control charts", f"/v1/charts?line={line.name}"),
            get("inspections", "Every inspection with its verdict", "/v1/inspections"),
            get("events", "Verdicts, reviews, orders and alarms as they come", "/v1/events", "text/event-stream"),
        ],
    )


def _interface(
    identifier: str,
    protocol: str,
    *,
    suffix: str,
    title: str,
    base: str,
    security: str,
    properties: list[model.SubmodelElementCollection],
) -> model.SubmodelElementCollection:
    id_short, binding, content_type = _PROTOCOLS[protocol]
    scheme = f"{security}_sc"
    chosen = element_reference(
        identifier,
        *(
            (model.KeyTypes.SUBMODEL_ELEMENT_COLLECTION, name)
            for name in (f"{id_short}{suffix}", "EndpointMetadata", "securityDefinitions", scheme)
        ),
    )
    selection: Any = model.SubmodelElementList(
        "security",
        model.ReferenceElement,
        [model.ReferenceElement(None, chosen)],
        semantic_id=concept(f"{_TD}#hasSecurityConfiguration"),
    )
    return group(
        f"{id_short}{suffix}",
        text("title", title, f"{_TD}#title"),
        group(
            "EndpointMetadata",
            text("base", base, f"{_TD}#baseURI"),
            text("contentType", content_type, f"{_HYPERMEDIA}#forContentType"),
            selection,
            group(
                "securityDefinitions",
                group(
                    scheme,
                    text("scheme", security, f"{_SECURITY}#SecurityScheme"),
                    meaning=f"{_SECURITY}#{_SCHEMES[security]}",
                ),
                meaning=f"{_TD}#definesSecurityScheme",
            ),
            meaning=f"{_IDTA}/EndpointMetadata",
        ),
        group(
            "InteractionMetadata",
            group("properties", *properties, meaning=f"{_TD}#PropertyAffordance"),
            meaning=f"{_IDTA}/InteractionMetadata",
            also=(_TD,),
        ),
        meaning=f"{_IDTA}/Interface",
        also=(binding, _TD),
    )


def _property(
    name: str, title: str, href: str, *, method: str | None = None, content_type: str | None = None
) -> model.SubmodelElementCollection:
    form: list[model.SubmodelElement] = [text("href", href, f"{_HYPERMEDIA}#hasTarget")]
    if content_type is not None:
        form.append(text("contentType", content_type, f"{_HYPERMEDIA}#forContentType"))
    if method is not None:
        form.append(text("htv_methodName", method, "https://www.w3.org/2011/http#methodName"))
    return group(
        name,
        text("type", "object", _RDF_TYPE),
        text("title", title, f"{_TD}#title"),
        group("forms", *form, meaning=f"{_TD}#hasForm"),
        meaning="https://admin-shell.io/idta/AssetInterfaceDescription/1/0/PropertyDefinition",
    )
