"""The models that judge the line now (IDTA 02060-1-0, AI Model Nameplate), from their releases' manifests."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from basyx.aas import model

from lineside.serving.twin.aas.elements import (
    concept,
    count,
    element_reference,
    group,
    instant,
    number,
    said,
    submodel,
    text,
    texts,
)
from lineside.serving.twin.aas.facts import LineFacts, PlantFacts, ReleaseFact
from lineside.serving.twin.aas.nameplate import CONTACT_ID_SHORT

TEMPLATE: Final = "https://admin-shell.io/idta/SubmodelTemplate/AIModelNameplate/1/0"
_IDTA: Final = "https://admin-shell.io/idta/AIModelNameplate"
_SHORT_DIGEST: Final = 12
_IMAGE_CHANNELS: Final = 3


def manifest_path(release: ReleaseFact) -> str:
    """Where a release's manifest lies in a package."""
    return f"/aasx/files/manifest-{release.digest[:_SHORT_DIGEST]}.json"


def ai_model_submodel(plant: PlantFacts, line: LineFacts, release: ReleaseFact) -> model.Submodel:
    """What one release is, and what it was allowed to do here."""
    manifest = release.manifest
    width_px, height_px = manifest["input"]["size_wh_px"]
    classes: Sequence[str] = manifest["classes"]
    contact = element_reference(
        plant.identifier("nameplate", line.name), (model.KeyTypes.SUBMODEL_ELEMENT_COLLECTION, CONTACT_ID_SHORT)
    )
    storage = f"{plant.api_url}/v1/releases/{release.digest}"
    elements: list[model.SubmodelElement] = [
        text("URIOfTheProduct", plant.identifier("release", release.digest), "0112/2///61987#ABN590#002"),
        text("Version", release.version, "0173-1#02-AAS354#002"),
        model.ReferenceElement("ContactInformation", contact, semantic_id=concept(f"{_IDTA}/Contactinformation/1/0")),
        text("Storage", storage, f"{_IDTA}/Storage/1/0"),
        said("KindOfLearning", "supervised", f"{_IDTA}/KindOfLearning/1/0"),
        group(
            "Inputs",
            text("KindOfInput", f"Images ({manifest['input']['kind']})", f"{_IDTA}/Inputs/KindOfInput/1/0"),
            _dimension("Inputs", "DimensionHeight", height_px, "pixels from top to bottom"),
            _dimension("Inputs", "DimensionWidth", width_px, "pixels from left to right"),
            meaning=f"{_IDTA}/Inputs/1/0",
        ),
        group(
            "Outputs",
            group(
                "DimensionClasses",
                text("Size", str(len(classes)), f"{_IDTA}/Outputs/DimensionN/Size/1/0"),
                said(
                    "Result",
                    f"boxes with a confidence for each defect class: {', '.join(classes)}",
                    f"{_IDTA}/Outputs/DimensionN/Result/1/0",
                ),
                meaning=f"{_IDTA}/Outputs/DimensionN/1/0",
            ),
            meaning=f"{_IDTA}/Outputs/1/0",
        ),
        _results(manifest["metrics"]),
        group(
            "Details",
            text("FileExtension", ".onnx", f"{_IDTA}/Details/DataEnding/1/0"),
            text("AIFramework", "ONNX", f"{_IDTA}/Details/AIFramework/1/0"),
            text("ProgramLanguage", "none: the model is a graph", f"{_IDTA}/Details/ProgramLanguage/1/0"),
            meaning=f"{_IDTA}/Details/1/0",
        ),
        group(
            "AITypeSpecificInformation",
            said(
                "Type",
                f"CNN: YOLO object detector, {manifest['head']} head",
                f"{_IDTA}/AITypeSpecificInformation/Type/1/0",
            ),
            meaning=f"{_IDTA}/AITypeSpecificInformation/1/0",
        ),
        _release(release),
        _deployment(release),
    ]
    return submodel(
        plant.identifier("ai-model", line.name, release.digest[:_SHORT_DIGEST]),
        "AIModelNameplate",
        *elements,
        meaning=TEMPLATE,
        about=f"The model release {release.name} {release.version}, which judges parts of the line now.",
        version="1",
        revision="0",
    )


def _dimension(side: str, id_short: str, size: int, about: str) -> model.SubmodelElementCollection:
    meaning = f"{_IDTA}/{side}/DimensionN"
    return group(
        id_short,
        text("Size", str(size), f"{meaning}/Size/1/0"),
        text("Information", about, f"{meaning}/Information/1/0"),
        meaning=f"{meaning}/1/0",
    )


def _results(metrics: Mapping[str, Any]) -> model.SubmodelElementCollection:
    """The manifest's figures that are plain numbers; the manifest has the others, with their intervals."""
    figures = [
        text(f"Result{position:02d}", f"{name} {value:g}", f"{_IDTA}/TrainingResults/Result/1/0")
        for position, (name, value) in enumerate(sorted(metrics.items()), 1)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return group(
        "TrainingResults",
        *(figures or [text("Result01", "see Release.Manifest", f"{_IDTA}/TrainingResults/Result/1/0")]),
        meaning=f"{_IDTA}/TrainingResults/1/0",
    )


def _release(release: ReleaseFact) -> model.SubmodelElementCollection:
    manifest = release.manifest
    thresholds: Mapping[str, float] = manifest["thresholds"]
    catalogue = manifest["catalogue"]
    revision = manifest.get("dataset_revision")
    return group(
        "Release",
        text("Name", release.name),
        text("Digest", release.digest),
        text("Licence", manifest["licence"]),
        text("Catalogue", f"{catalogue['id']} {catalogue['version']}"),
        *(() if revision is None else (text("DatasetRevision", revision),)),
        texts("Classes", manifest["classes"]),
        group(
            "Thresholds",
            *(
                group(f"Class{position:02d}", text("Name", name), number("Threshold", float(thresholds[name])))
                for position, name in enumerate(manifest["classes"], 1)
            ),
        ),
        model.File("Manifest", content_type="application/json", value=manifest_path(release)),
        about="What the release's signed manifest says. No part of the template.",
    )


def _deployment(release: ReleaseFact) -> model.SubmodelElementCollection:
    elements: list[model.SubmodelElement] = [
        texts("Products", release.products),
        text("ThresholdStatus", release.threshold_status),
    ]
    if release.engine is not None:
        elements.append(text("Engine", release.engine))
    if release.deployment_id is not None:
        elements += [
            text("DeploymentId", release.deployment_id),
            count("Serial", release.deployment_serial),
            instant("AcceptedAt", release.deployed_at),
        ]
    return group(
        "Deployment",
        *elements,
        about="Where it judges on this line; without a serial it came with the server. No part of the template.",
    )
