"""From facts to shells: one for each line, with its submodels."""

import re
from typing import Any, Final

from basyx.aas import model
from basyx.aas.model.provider import DictIdentifiableStore

from lineside.serving.twin.aas.ai_model import ai_model_submodel, manifest_path
from lineside.serving.twin.aas.elements import words
from lineside.serving.twin.aas.facts import LineFacts, PlantFacts
from lineside.serving.twin.aas.interfaces import interfaces_submodel
from lineside.serving.twin.aas.kpis import kpi_concepts, kpi_submodel
from lineside.serving.twin.aas.nameplate import nameplate_submodel
from lineside.serving.twin.aas.packages import Attachment, TwinState, state_of
from lineside.serving.twin.aas.time_series import time_series_submodel

_NO_ID_SHORT: Final = re.compile(r"[^A-Za-z0-9_]")


def build_twin(plant: PlantFacts) -> TwinState:
    """Every line's shell, its submodels, and the concepts that they use. Takes some ten milliseconds."""
    store: DictIdentifiableStore[Any] = DictIdentifiableStore()
    attachments: dict[str, Attachment] = {}
    for line in plant.lines:
        submodels = [
            nameplate_submodel(plant, line),
            kpi_submodel(plant, line),
            time_series_submodel(plant, line),
            interfaces_submodel(plant, line),
        ]
        for release in line.releases:
            submodels.append(ai_model_submodel(plant, line, release))
            attachments[manifest_path(release)] = Attachment("application/json", release.manifest_bytes)
        for each in submodels:
            store.add(each)
        store.add(_shell(plant, line, submodels))
    for description in kpi_concepts() if plant.lines else ():
        store.add(description)
    return state_of(store, attachments, sequence=plant.sequence, counted_to=plant.counted_to, as_of=plant.as_of)


def _shell(plant: PlantFacts, line: LineFacts, submodels: list[model.Submodel]) -> model.AssetAdministrationShell:
    simulated = ", a simulated line" if plant.is_simulated else ""
    return model.AssetAdministrationShell(
        model.AssetInformation(
            model.AssetKind.INSTANCE,
            global_asset_id=line.nameplate.uri or plant.identifier("line", line.name),
            specific_asset_id=(
                model.SpecificAssetId("plant", plant.plant),
                model.SpecificAssetId("line", line.name),
            ),
        ),
        plant.identifier("aas", line.name),
        id_short=f"Line_{_NO_ID_SHORT.sub('_', line.name)}",
        display_name=model.MultiLanguageNameType({"en": f"Line {line.name}"}),
        description=words(f"Line {line.name} of plant {plant.plant}{simulated}."),
        administration=model.AdministrativeInformation(version="1", revision="0"),
        submodel={model.ModelReference.from_referable(each) for each in submodels},
    )
