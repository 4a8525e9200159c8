"""From a web.yaml to what runs: plan, source, model, recipe, marker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineside.client import LinesideClient
from lineside.client.clock import Clock
from lineside.inspection.any_defect import any_defect_recipe
from lineside.inspection.catalogue import Catalogue, builtin_catalogue
from lineside.inspection.detector import Detector, open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.recipe import Calibration, Recipe, Scale, check_release_fits, load_recipe
from lineside.inspection.reference import Reference
from lineside.inspection.release import InputKind, Release, read_release, run_canary, starter_release_folder
from lineside.inspection.strips import PartSegmenter, PitchSegmenter, TriggerSegmenter
from lineside.inspection.verdict import Reason
from lineside.station.cameras import CameraContext
from lineside.station.cameras.configuration import open_camera
from lineside.station.rig.kinds import RIG_KINDS
from lineside.station.rig.settings import RigContext
from lineside.station.spool import PartContext, UsedRecipe, UsedRelease
from lineside.station.web.camera_lines import CameraLines
from lineside.station.web.errors import WebFileRefused
from lineside.station.web.folder_lines import FolderLines, read_gray
from lineside.station.web.golden_print import GoldenPrint
from lineside.station.web.line_sources import LineSource
from lineside.station.web.looped_web import LoopedWeb
from lineside.station.web.marked_lines import MarkedLines
from lineside.station.web.markers import FileMarker, MarkerOutput, NoMarker
from lineside.station.web.plan import WebPlan
from lineside.station.web.planning import plan_of
from lineside.station.web.region_spool import JudgedWith, RegionSpool
from lineside.station.web.rig_marker import RigMarker
from lineside.station.web.server_link import open_spool, server_client
from lineside.station.web.settings import (
    STARTER,
    FileMarkerInFile,
    FolderSource,
    LoopedSource,
    RigMarkerInFile,
    WebFile,
    WebSettings,
)
from lineside.station.web.web_kit import KitWatch, TakenKit
from lineside.station.web.web_station import OnEvent, OnOutcome, WebStation

_DEFAULT_RELEASE = "starter:pcb-single"


@dataclass(frozen=True, slots=True)
class OpenedWeb:
    """A model and rules that are ready.

    Attributes:
        settings: what the file says.
        folder: of the file; relative paths begin there.
        plan: sizes and rules.
        release: the loaded release.
        recipe: the rules of the product.
        detector: runs the release.
        clock: tells instants and measures.
        golden: the print that tiles are compared with; None for a single-image release.
        taken: the verified kit that release and recipe are of; None where the file names a release: that one has no
            deployment, and nobody verified its signature.
    """

    settings: WebSettings
    folder: Path
    plan: WebPlan
    release: Release
    recipe: Recipe
    detector: Detector
    clock: Clock
    golden: GoldenPrint | None = None
    taken: TakenKit | None = None

    @property
    def out(self) -> Path:
        """Where the results go."""
        return self.folder / self.settings.file.out

    def source(self) -> LineSource:
        """The source of lines and marks; nothing is opened yet.

        Raises:
            CameraError: the camera's library is not installed, or its settings cannot be used.
        """
        lines, marks = self._lines(), self.settings.file.parts.marks
        return lines if marks is None else MarkedLines(lines, self.folder / marks, self.plan.scale.direction)

    def _lines(self) -> LineSource:
        file = self.settings.file
        counts = file.encoder.counts_per_line * self.plan.scale.direction
        if isinstance(file.source, LoopedSource):
            looped = file.source
            return LoopedWeb(
                self.folder / looped.path,
                looped.width_px,
                self.clock,
                line_rate_hz=looped.line_rate_hz,
                chunk_lines=looped.chunk_lines,
                counts_per_line=counts,
                most_lines=looped.lines,
            )
        if isinstance(file.source, FolderSource):
            return FolderLines(self.folder / file.source.folder, self.clock, counts_per_line=counts)
        if self.settings.camera is None:
            raise WebFileRefused(
                f"{self.settings.source}: source.camera says nothing; expected a camera's kind and keys"
            )
        return CameraLines(
            open_camera(self.settings.camera, CameraContext(name="web", clock=self.clock, folder=self.folder)),
            file.source.width_px,
            file.source.lines_per_frame,
            counts_per_line=counts,
            timeout_s=file.source.timeout_ms / 1000.0,
            is_counted_elsewhere=isinstance(file.marker, RigMarkerInFile),
            encoder_bits=file.encoder.bits,
        )

    def marker(self) -> MarkerOutput:
        """The marker; nothing is opened yet.

        Raises:
            RigError: the rig's library is not installed, or its settings cannot be used.
        """
        marker, rig = self.settings.file.marker, self.settings.rig
        if isinstance(marker, RigMarkerInFile) and rig is not None:
            plc = RIG_KINDS[rig.kind].build(rig, RigContext(clock=self.clock, folder=self.folder))
            return RigMarker(plc, ack_timeout_s=marker.ack_timeout_ms / 1000.0, scan_s=marker.scan_ms / 1000.0)
        return FileMarker(self.out / marker.path) if isinstance(marker, FileMarkerInFile) else NoMarker()

    def region_spool(self) -> RegionSpool | None:
        """The way to the server; None without one. The spool is open, nothing is connected.

        Raises:
            WebFileRefused: there is no key.
            SpoolError: the spool cannot be opened.
        """
        server = self.settings.file.server
        if server is None:
            return None
        [view] = self.recipe.views
        said = PartContext() if self.taken is None else self.taken.context
        using = JudgedWith(
            UsedRecipe(self.recipe.id, self.recipe.version),
            UsedRelease(self.release.name, self.release.version, self.release.digest),
            self.detector.engine_name,
            view,
            PartContext(server.product or said.product, server.lot or said.lot, server.order_id or said.order_id),
        )
        client = server_client(server, folder=self.folder)
        return RegionSpool(open_spool(server, folder=self.folder, clock=self.clock), client, using, self.clock)

    def kit_watch(self, client: LinesideClient, *, on_event: OnEvent) -> KitWatch | None:
        """Says whether the deployment still holds; None where the file names a release of its own."""
        return None if self.taken is None else KitWatch(self.taken, client, clock=self.clock, on_event=on_event)

    def station(
        self, *, on_outcome: OnOutcome, on_event: OnEvent, why_not: Callable[[], Reason | None] = lambda: None
    ) -> WebStation:
        """A station for one roll.

        Args:
            on_outcome: told of each region as it is decided.
            on_event: told of each event.
            why_not: why nothing may judge now.
        """
        return WebStation(
            self.plan,
            self.detector,
            classes=self.release.classes,
            release_thresholds=self.release.thresholds,
            recipe=self.recipe,
            segmenter=self._segmenter(),
            clock=self.clock,
            on_outcome=on_outcome,
            on_event=on_event,
            compose=None if self.golden is None else self.golden.compose,
            why_not=why_not,
        )

    def _segmenter(self) -> PartSegmenter:
        parts, roll = self.settings.file.parts, self.plan.roll
        if parts.tolerance_mm is None:
            return PitchSegmenter(roll=roll, pitch_mm=parts.pitch_mm, first_mm=parts.first_mm)
        return TriggerSegmenter(roll=roll, nominal_mm=parts.pitch_mm, tolerance_mm=parts.tolerance_mm)

    def as_document(self) -> dict[str, Any]:
        """What explains the verdicts of a roll, for a JSON file."""
        deployment = None if self.taken is None else self.taken.kit.deployment
        return {
            "roll": self.plan.roll,
            "release": {"name": self.release.name, "version": self.release.version, "digest": self.release.digest},
            "deployment": None
            if deployment is None
            else {"serial": deployment.serial, "expires_at": deployment.expires_at.isoformat()},
            "recipe": {"id": self.recipe.id, "version": self.recipe.version},
            "engine": self.detector.engine_name,
            "threshold_status": "uncertified",
        }


@contextmanager
def open_web(
    settings: WebSettings, *, folder: Path, clock: Clock, engine_cache: Path | None, taken: TakenKit | None = None
) -> Iterator[OpenedWeb]:
    """Load what a file names; the model is freed at the end of the block.

    Args:
        settings: what the file says.
        folder: of the file.
        clock: tells instants and measures.
        engine_cache: where the choice of an engine is remembered; None measures anew.
        taken: what `take_kit` gave for the same file.

    Raises:
        WebFileRefused: the release or the recipe cannot judge a web, or the file contradicts itself or them.
        ReleaseError, RecipeError, NothingUsable, OSError: something of it cannot be used.
    """
    file = settings.file
    if (file.server is not None and file.release is None) != (taken is not None):
        raise WebFileRefused(f"{settings.source}: a kit is taken for a file with `server` and without `release` alone")
    if taken is not None:
        release, recipe = taken.kit.release, taken.kit.recipe
        if file.server is not None and file.server.product not in (None, recipe.product):
            raise WebFileRefused(
                f"{settings.source}: server.product is {file.server.product!r}, and the recipe in force at the station "
                f"is for {recipe.product!r}: set the station's order, or take `product` out"
            )
    else:
        release = read_release(_release_folder(file.release or _DEFAULT_RELEASE, folder))
        recipe = _recipe_of(file, release, folder)
    if len(recipe.views) != 1:
        raise WebFileRefused(f"recipe {recipe.id!r} has {len(recipe.views)} views; a web is one view")
    golden = _golden(settings, release, recipe, folder=folder, clock=clock, taken=taken)
    plan = plan_of(settings, tile_wh_px=release.input_size_wh_px)
    choice = choose_engine(release, cache_dir=engine_cache, threads=file.engine.threads, requested=file.engine.name)
    detector = open_detector(release, choice)
    try:
        run_canary(detector, release)
        yield OpenedWeb(settings, folder, plan, release, recipe, detector, clock, golden, taken)
    finally:
        detector.close()


def _any_defect(release: Release, catalogue: Catalogue | None, *, mm_per_px: float) -> Recipe:
    """What judges a web when nobody gave a recipe, in the file's own scale."""
    recipe = any_defect_recipe(release, catalogue=catalogue)
    calibration = Calibration("web.yaml", "mm_per_px_across of the file", datetime.fromtimestamp(0, UTC))
    scale = Scale(mm_per_px, calibration)
    return replace(recipe, scale=scale, views={name: replace(view, scale=scale) for name, view in recipe.views.items()})


def _golden(
    settings: WebSettings, release: Release, recipe: Recipe, *, folder: Path, clock: Clock, taken: TakenKit | None
) -> GoldenPrint | None:
    """One repeat of the print: the kit's approved reference, or the file's, whose naming there is its approval."""
    [view] = recipe.views.values()
    named = settings.file.reference
    approved: Reference | None = None
    if taken is not None:
        valid = [each.reference for each in taken.kit.references[view.name] if each.reference.is_valid(clock.now())]
        approved = valid[0] if valid else None
    elif named is not None:
        approved = Reference(named, read_gray(folder / named), "web.yaml", datetime.fromtimestamp(0, UTC))
    if (release.input_kind is InputKind.REFERENCE) != (approved is not None):
        raise WebFileRefused(
            f"{settings.source}: release {release.name} takes {release.input_kind} pictures: give one repeat of the "
            "print (`reference` here, or an approved one of the recipe in force) with a release that compares, and "
            "only with such a one"
        )
    if approved is None:
        return None
    width_px = settings.file.source.width_px
    if approved.image.shape[1] != width_px:
        raise WebFileRefused(
            f"{settings.source}: {approved.id} is {approved.image.shape[1]} px wide and the web {width_px}"
        )
    try:
        return GoldenPrint(approved, limits=view.registration, now=clock.now)
    except ValueError as error:
        raise WebFileRefused(f"{settings.source}: {error}") from error


def _recipe_of(file: WebFile, release: Release, folder: Path) -> Recipe:
    """The recipe that the file names, or the one that allows nothing."""
    catalogue = builtin_catalogue("pcb")
    if file.recipe is None:
        is_of_it = (release.catalogue_id, release.catalogue_version) == (catalogue.id, catalogue.version)
        return _any_defect(release, catalogue if is_of_it else None, mm_per_px=file.mm_per_px_across)
    path = folder / file.recipe
    recipe = load_recipe(path.read_text("utf-8"), catalogue=catalogue, source=str(path))
    check_release_fits(recipe, release.classes, catalogue)
    return recipe


def _release_folder(named: str, folder: Path) -> Path:
    starter = named.removeprefix(STARTER)
    return starter_release_folder(starter) if starter != named else folder / named
