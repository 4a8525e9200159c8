"""Judging the kept frames of a lot again, with the release of a deployment: what would have changed.

The release, the recipes that bound each attempt, their golden images and the frames come from the server, by digest.
Judged is with one engine on one thread, as of the instant of the old verdict, so that the same lot gives the same
answer, byte for byte. Nothing is written to the server.
"""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lineside.client import KeptImage, LinesideClient, NothingThere
from lineside.inspection.catalogue import load_catalogue
from lineside.inspection.decoding import decode
from lineside.inspection.detector import Detector, open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.inspector import EncodedFrame, Inspector
from lineside.inspection.recipe import ReferenceSpec, check_release_fits, load_recipe
from lineside.inspection.reference import PreparedReference, Reference, to_gray
from lineside.inspection.release import MANIFEST_NAME, Release, read_release, run_canary
from lineside.inspection.stored_references import media_type_by_magic
from lineside.inspection.verdict import judge
from lineside.serving.inspections.schemas import InspectionOut
from lineside.serving.releases.archives import ArchiveLimits, unpack
from lineside.workflows.errors import ReplayRefused
from lineside.workflows.judging import LIMITS
from lineside.workflows.replay_report import Attempt, LeftOut, Replay, ReplayedAttempt, Verdicted, WhyNot

REPEATABLE_ENGINE: Final = "onnxruntime-fp32"
"""Every release offers it, and every host has it."""

_PATIENCE_S: Final = 120.0
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ReplayTask:
    """What is judged again.

    Attributes:
        server: URL.
        api_key: of a role that may read pictures and releases.
        deployment: identifier of the deployment whose release judges.
        lot: whose parts.
        station: only there; None for everywhere.
        engine: that runs the release.
        on_progress: hears how many attempts are done, and of how many.
    """

    server: str
    api_key: str = field(repr=False)
    deployment: str
    lot: str
    station: str | None = None
    engine: str = REPEATABLE_ENGINE
    on_progress: Callable[[int, int], None] = field(default=lambda _done, _all: None, compare=False)


def replay_lot(task: ReplayTask) -> Replay:
    """Judge a lot again.

    Raises:
        ClientError: the server cannot be reached, or knows no such deployment.
        ReplayRefused: the lot has no inspection, or the release is not of its recipes.
        ReleaseError, RecipeError, EngineError, FrameError: something of it cannot be used.
    """
    return asyncio.run(_replay(task))


async def _replay(task: ReplayTask) -> Replay:
    async with LinesideClient(task.server, task.api_key, timeout_s=_PATIENCE_S) as client:
        found = (await client.deployment(task.deployment))["deployment"]
        listed = [item async for item in client.inspections(**_wanted(task))]
        if not listed:
            raise ReplayRefused(f"lot {task.lot!r} has no inspection here; `GET /v1/lots/{task.lot}` shows what it has")
        listed.sort(key=lambda item: (item["station"], item["part_id"], item["attempt"]))
        with tempfile.TemporaryDirectory(prefix="lineside-replay-") as folder:
            release = await _fetch_release(client, found["release"]["digest"], Path(folder))
            with _loaded(release, engine=task.engine) as detector:
                judging = _Judging(client, release, detector)
                replayed, left_out = [], []
                for number, item in enumerate(listed, start=1):
                    outcome = await judging.judge_again(item)
                    if isinstance(outcome, LeftOut):
                        left_out.append(outcome)
                    else:
                        replayed.append(outcome)
                    task.on_progress(number, len(listed))
                return Replay(
                    deployment=task.deployment,
                    release={"name": release.name, "version": release.version, "digest": release.digest},
                    lot=task.lot,
                    engine=detector.engine_name,
                    recipes=judging.used,
                    replayed=tuple(replayed),
                    left_out=tuple(left_out),
                )


def _wanted(task: ReplayTask) -> dict[str, str | int]:
    wanted: dict[str, str | int] = {"lot": task.lot, "limit": _AT_ONCE}
    return wanted if task.station is None else wanted | {"station": task.station}


async def _fetch_release(client: LinesideClient, digest: str, folder: Path) -> Release:
    """The release as the server has it, held against its digest and its manifest."""
    archive, unpacked = folder / "release.zip", folder / "release"
    archive.write_bytes(await client.release_package(digest))
    unpacked.mkdir()
    await asyncio.to_thread(unpack, archive, unpacked, limits=ArchiveLimits())
    came = hashlib.sha256((unpacked / MANIFEST_NAME).read_bytes()).hexdigest()
    if came != digest:
        raise ReplayRefused(f"the server sent release {came}; asked for was {digest}, which the deployment names")
    return await asyncio.to_thread(read_release, unpacked)


@contextmanager
def _loaded(release: Release, *, engine: str) -> Iterator[Detector]:
    detector = open_detector(release, choose_engine(release, cache_dir=None, threads=1, requested=engine))
    try:
        run_canary(detector, release)
        yield detector
    finally:
        detector.close()


class _Judging:
    """One loaded release under the recipes of a lot."""

    def __init__(self, client: LinesideClient, release: Release, detector: Detector) -> None:
        self._client = client
        self._release = release
        self._detector = detector
        self._inspectors: dict[tuple[str, int], Inspector] = {}

    @property
    def used(self) -> tuple[str, ...]:
        """The recipes that attempts were judged by."""
        return tuple(f"{name} {version}" for name, version in sorted(self._inspectors))

    async def judge_again(self, item: Mapping[str, Any]) -> ReplayedAttempt | LeftOut:
        """One attempt.

        Args:
            item: of the list of inspections.
        """
        which = Attempt(
            station=item["station"],
            part_id=item["part_id"],
            attempt=item["attempt"],
            inspection_id=item["id"],
            release=None if item["release"] is None else f"{item['release']['name']} {item['release']['version']}",
        )
        if item["verdict"] is None:
            return LeftOut(which, WhyNot.PENDING)
        if item["recipe"] is None:
            return LeftOut(which, WhyNot.NO_RECIPE)
        stored = await self._client.stored_inspection(item["id"])
        if not stored["frames"]:
            return LeftOut(which, WhyNot.NO_FRAME)
        gone = tuple(frame["view"] for frame in stored["frames"] if not frame["kept"])
        if gone:
            return LeftOut(which, WhyNot.NOT_KEPT, gone)
        pictures: dict[str, KeptImage] = {}
        for frame in stored["frames"]:
            try:
                pictures[frame["view"]] = await self._client.kept_image(item["id"], view=frame["view"])
            except NothingThere:  # its retention ended meanwhile
                return LeftOut(which, WhyNot.NOT_KEPT, (frame["view"],))
        inspector = await self._inspector(stored["recipe"]["id"], stored["recipe"]["version"])
        at = datetime.fromisoformat(stored["judged_at"])
        new = await asyncio.to_thread(_judged, inspector, pictures, at)
        old = Verdicted(
            stored["verdict"],
            tuple(reason["code"] for reason in stored["reasons"]),
            tuple(stored["defects"]),
        )
        return ReplayedAttempt(which, old, new)

    async def _inspector(self, recipe_id: str, version: int) -> Inspector:
        found = self._inspectors.get((recipe_id, version))
        if found is not None:
            return found
        stored = await self._client.recipe(recipe_id, version=version)
        text = await self._client.catalogue(stored["catalogue_id"], version=stored["catalogue_version"])
        catalogue = load_catalogue(text["text"])
        recipe = load_recipe(stored["text"], catalogue=catalogue, source=f"recipe {recipe_id} {version}")
        if recipe.release != self._release.name:
            raise ReplayRefused(
                f"recipe {recipe_id} version {version} of the lot is judged by releases named {recipe.release!r}, "
                f"and the deployment's is {self._release.name!r}; expected a deployment of that name"
            )
        check_release_fits(recipe, self._release.classes, catalogue)
        self._inspectors[recipe_id, version] = Inspector(
            recipe=recipe,
            release=self._release,
            detector=self._detector,
            references={view.name: await self._references(view.references) for view in recipe.views.values()},
            limits=LIMITS,
            monotonic=time.perf_counter,
        )
        return self._inspectors[recipe_id, version]

    async def _references(self, specs: tuple[ReferenceSpec, ...]) -> tuple[PreparedReference, ...]:
        prepared = []
        for spec in specs:
            content = await self._client.reference_image(spec.sha256 or "")
            image = to_gray(decode(content, media_type_by_magic(content), limits=LIMITS).image)
            reference = Reference(spec.id, image, spec.approved_by, spec.approved_at, spec.expires_at)
            prepared.append(await asyncio.to_thread(PreparedReference.prepare, reference))
        return tuple(prepared)


def _judged(inspector: Inspector, pictures: Mapping[str, KeptImage], at: datetime) -> Verdicted:
    """The verdict on an attempt's pictures, as of an instant."""
    findings = {}
    for view, picture in pictures.items():
        encoded = EncodedFrame(picture.content, picture.media_type, picture.digest, view, picture.raw, is_intact=True)
        findings[view] = inspector.examine(encoded, previous_digest=None, now=at).findings
    judgement = judge(inspector.recipe, findings, release_thresholds=inspector.release.thresholds, now=at)
    reasons, defects = InspectionOut.reasons_and_defects(judgement)
    return Verdicted(
        judgement.verdict.value,
        tuple(reason.code.value for reason in reasons),
        tuple(defect.model_dump(mode="json") for defect in defects),
    )
