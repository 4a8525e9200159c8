"""The line's counts in the terms of ISO 22400-2, after IDTA 02066 (Process Variables for Manufacturing KPI).

Each has its definition beside it, as a comment of the element and as a concept description: what is a "good part"
differs from plant to plant.
"""

from dataclasses import dataclass
from typing import Final

from basyx.aas import model
from basyx.aas.model.concept import ConceptDescription

from lineside.serving.twin.aas.elements import concept, count, group, instant, said, submodel, text
from lineside.serving.twin.aas.facts import CountFacts, LineFacts, PlantFacts

TEMPLATE: Final = "https://admin-shell.io/idta/SubmodelTemplate/ProcessVariablesForManufacturingKPICalculation/1/0"
_TERMS: Final = "https://admin-shell.io/idta/ProcessVariablesForManufacturingKPICalculation"
_ISO: Final = "http://www.w3id.org/hsu-aut/ISO22400-2#"
_IEC_61360: Final = "https://admin-shell.io/DataSpecificationTemplates/DataSpecificationIec61360/3"


@dataclass(frozen=True, slots=True)
class _Variable:
    id_short: str
    key: str
    definition: str

    @property
    def concept(self) -> str:
        return f"{_ISO}{self.id_short}"

    def value(self, counts: CountFacts) -> int:
        return {
            "ProducedQuantity": counts.produced,
            "InspectedPart": counts.inspected,
            "GoodPart": counts.good,
            "ReworkQuantity": counts.reworked,
            "ScrapQuantity": counts.scrapped,
        }[self.id_short]


VARIABLES: Final = (
    _Variable(
        "ProducedQuantity",
        "PQ",
        "Parts of which the first attempt was opened in the period, each once, judged or not.",
    ),
    _Variable(
        "InspectedPart",
        "IP",
        "Parts judged OK or NG in the period, each once, at the first attempt that was judged. Parts that could not "
        "be inspected are not among them.",
    ),
    _Variable(
        "GoodPart",
        "GP",
        "Inspected parts judged OK, less those that people found defective, plus NG parts that people found good. A "
        "part that was reworked and then passed counts as rework, not here.",
    ),
    _Variable(
        "ReworkQuantity",
        "RQ",
        "Parts with a disposition 'reworked' written down in the period, and none 'scrapped' in it, each once.",
    ),
    _Variable(
        "ScrapQuantity",
        "SQ",
        "Parts with a disposition 'scrapped' written down in the period, each once.",
    ),
)
"""What is given of the template's variables; times of units and personnel are not this program's to know."""


def kpi_submodel(plant: PlantFacts, line: LineFacts) -> model.Submodel:
    """The counts of the production day so far."""
    counts = line.counts
    return submodel(
        plant.identifier("kpi", line.name),
        "ProcessVariablesForManufacturingKPICalculation",
        *(_variable(variable, counts) for variable in VARIABLES),
        group(
            "Period",
            instant("Start", counts.start),
            instant("End", counts.end),
            count("AsOfSequence", plant.counted_to),
            about="What the counts are of: the production day in which the ledger's last event was written down. "
            "No part of the template.",
        ),
        meaning=TEMPLATE,
        about="Counts of the line's parts on the present production day so far, as ISO 22400-2 names them.",
        version="1",
        revision="0",
    )


def kpi_concepts() -> list[ConceptDescription]:
    """The definitions of the variables that are given."""
    return [_concept_description(variable) for variable in VARIABLES]


def _variable(variable: _Variable, counts: CountFacts) -> model.SubmodelElementCollection:
    return group(
        variable.id_short,
        text("key", variable.key, f"{_TERMS}/key/1/0"),
        count("currentValue", variable.value(counts), f"{_TERMS}/currentValue/1/0"),
        said("comment", variable.definition, f"{_TERMS}/comment/1/0"),
        meaning=variable.concept,
    )


def _concept_description(variable: _Variable) -> ConceptDescription:
    specification = concept(_IEC_61360)
    if specification is None:
        raise ValueError("a data specification needs an identifier")
    content = model.DataSpecificationIEC61360(
        preferred_name=model.PreferredNameTypeIEC61360({"en": variable.id_short}),
        data_type=model.DataTypeIEC61360.INTEGER_COUNT,
        definition=model.DefinitionTypeIEC61360({"en": variable.definition}),
    )
    return ConceptDescription(
        variable.concept,
        id_short=variable.id_short,
        embedded_data_specifications=[model.EmbeddedDataSpecification(specification, content)],
    )
