"""A verdict in the structures of OPC 40100-1 (clause 12) and ours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from asyncua import ua

from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.opcua.found_results import FoundResult
from lineside.serving.delivery.opcua.type_models import Models


class ResultState(IntEnum):
    """How the processing of a result ended (OPC 40100-1, clause 12.19)."""

    UNDEFINED = 0
    COMPLETED = 1
    PROCESSING = 2
    ABORTED = 3
    FAILED = 4


_VERDICTS: Mapping[ResultState, frozenset[Verdict] | None] = {
    ResultState.UNDEFINED: None,
    ResultState.COMPLETED: frozenset({Verdict.OK, Verdict.NG}),
    ResultState.PROCESSING: frozenset(),
    ResultState.ABORTED: frozenset(),
    ResultState.FAILED: frozenset({Verdict.NOT_INSPECTED}),
}


def verdicts_of(state: int) -> frozenset[Verdict] | None:
    """Which verdicts a client means by a result state; None means all, and so does a number of no meaning."""
    return _VERDICTS[ResultState(state)] if state in set(ResultState) else None


def state_of(verdict: str) -> ResultState:
    """Nothing that could not be judged counts as completed."""
    return ResultState.FAILED if verdict == Verdict.NOT_INSPECTED.value else ResultState.COMPLETED


class ResultValues:
    """Makes the structures.

    Args:
        models: of the server that they are for.
    """

    def __init__(self, models: Models) -> None:
        self.models = models
        """The models that the structures are of."""

    def fields(self, found: FoundResult) -> dict[str, Any]:
        """Every part of a result by its name in `ResultDataType`; the event `ResultReady` has the same names."""
        data = found.data
        return {
            "ResultId": ua.ResultIdDataType(Id=data["id"]),
            "IsPartial": False,
            "IsSimulated": bool(data["is_simulated"]),
            "ResultState": int(state_of(data["verdict"])),
            "MeasId": ua.MeasIdDataType(Id=found.meas_id),
            "PartId": ua.PartIdDataType(Id=data["part_id"]),
            "ExternalRecipeId": self.recipe(data["recipe"], self.models.external_recipe_id),
            "InternalRecipeId": self.recipe(data["recipe"], self.models.internal_recipe_id),
            "ProductId": ua.ProductIdDataType(Id=data["product"] or ""),
            "ExternalConfigurationId": self.release(data["release"]),
            "InternalConfigurationId": self.release(data["release"]),
            "JobId": ua.JobIdDataType(Id=found.job_id),
            "CreationTime": datetime.fromisoformat(data["judged_at"]),
            "ProcessingTimes": ua.ProcessingTimesDataType(
                StartTime=datetime.fromisoformat(data["opened_at"]),
                EndTime=datetime.fromisoformat(data["judged_at"]),
                ProcessingDuration=_processing_ms(data["timings_ms"]),
            ),
            "ResultContent": [self.verdict(data)],
        }

    def result(self, found: FoundResult) -> Any:
        """The whole as a `ResultDataType`."""
        fields = self.fields(found)
        return ua.ResultDataType(**fields | {"ResultContent": [ua.Variant(item) for item in fields["ResultContent"]]})

    def recipe(self, recipe: Mapping[str, Any] | None, kind: type[Any]) -> Any:
        """A recipe's version in one of the two structures; both sides know it by the same name."""
        if recipe is None:
            return kind(Id="")
        return _versioned(kind, recipe["id"], str(recipe["version"]), recipe.get("digest"))

    def release(self, release: Mapping[str, Any] | None) -> Any:
        """The release that judged, as the configuration that was active."""
        kind = self.models.configuration_id
        if release is None:
            return kind(Id="")
        return _versioned(kind, release["name"], release["version"], release["digest"])

    def verdict(self, data: Mapping[str, Any]) -> Any:
        """What came of it, in our own structure."""
        return self.models.verdict(
            Verdict=data["verdict"],
            Reasons=[f"{reason['code']}: {reason['message']}" for reason in data["reasons"]],
            Attempt=ua.UInt32(data["attempt"]),
            Lot=data["lot"],
            OrderId=data["order_id"],
            ReleaseDigest=None if data["release"] is None else data["release"]["digest"],
            ThresholdStatus=data["threshold_status"],
            Defects=self._defects(data["defects"]),
        )

    def _defects(self, defects: Sequence[Mapping[str, Any]]) -> list[Any]:
        return [
            self.models.defect(
                View=defect["view"],
                ClassName=defect["class_name"],
                Severity=defect["severity"],
                Confidence=float(defect["confidence"]),
                BoxXyxyPx=[float(side) for side in defect["box_xyxy_px"]],
                SizeMm=defect["size_mm"],
                Zone=defect["zone"],
            )
            for defect in defects
        ]


def _processing_ms(timings_ms: Mapping[str, float]) -> float:
    """The stages together; "to_verdict" is not one, but all of them with the waiting between."""
    return float(sum(taken_ms for stage, taken_ms in timings_ms.items() if stage != "to_verdict"))


def _versioned(kind: type[Any], name: str, version: str, digest: str | None) -> Any:
    digest_bytes = None if digest is None else bytes.fromhex(digest.removeprefix("sha256:"))
    return kind(Id=name, Version=version, Hash=digest_bytes, HashAlgorithm=None if digest_bytes is None else "SHA-256")
