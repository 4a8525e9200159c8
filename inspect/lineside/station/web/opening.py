"""From a web.yaml to what runs: plan, source, model, recipe, marker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from lineside.client import LinesideClient
from lineside.client.clock import Clock
from lineside.client.secret_sources import read_secret
from lineside.inspection.any_defect import any_defect_recipe
from lineside.inspection.catalogue import Catalogue, builtin_catalogue
from lineside.inspection.detector import Detector, open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.recipe import Calibration, Recipe, Scale, check_release_fits, load_recipe
from lineside.inspection.release import InputKind, Release, read_release, run_canary, starter_release_folder
from lineside.inspection.strips import EncoderScale, PitchSegmenter, SpeedChange, SpeedRule, WatchRules
from lineside.station.cameras import CameraContext
from lineside.station.cameras.configuration import open_camera
from lineside.station.rig.kinds import RIG_KINDS
from lineside.station.rig.settings import RigContext
from lineside.station.spool import PartContext, Spool, SpoolLimits, UsedRecipe, UsedRelease
from lineside.station.web.camera_lines import CameraLines
from lineside.station.web.errors import WebFileRefused
from lineside.station.web.folder_lines import FolderLines, read_gray
from lineside.station.web.golden_print import GoldenPrint
from lineside.station.web.grades import GradeRule
from lineside.station.web.line_sources import LineSource
from lineside.station.web.looped_web import LoopedWeb
from lineside.station.web.markers import FileMarker, MarkerOutput, NoMarker
from lineside.station.web.plan import WebPlan
from lineside.station.web.region_spool import JudgedWith, RegionSpool
from lineside.station.web.reject_point import RejectPoint
from lineside.station.web.rig_marker import RigMarker
from lineside.station.web.settings import (
    FileMarkerInFile,
    FolderSource,
    LoopedSource,
    RigMarkerInFile,
    WebFile,
    WebSettings,
)
from lineside.station.web.web_station import OnEvent, OnOutcome, WebStation

_STARTER = "starter:"
_MOST_RING_BYTES = 512 * 2**20


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
    """

    settings: WebSettings
    folder: Path
    plan: WebPlan
    release: Release
    recipe: Recipe
    detector: Detector
    clock: Clock
    golden: GoldenPrint | None = None

    @property
    def out(self) -> Path:
        """Where the results go."""
        return self.folder / self.settings.file.out

    def source(self) -> LineSource:
        """The source of lines; nothing is opened yet.

        Raises:
            CameraError: the camera's library is not installed, or its settings cannot be used.
        """
        file, counts = self.settings.file, self.settings.file.encoder.counts_per_line
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
        key = read_secret(
            file=server.key_file,
            env=server.key_env,
            folder=self.folder,
            what="the server's API key",
            error=WebFileRefused,
            starter="the web station",
        )
        [view] = self.recipe.views
        using = JudgedWith(
            UsedRecipe(self.recipe.id, self.recipe.version),
            UsedRelease(self.release.name, self.release.version, self.release.digest),
            self.detector.engine_name,
            view,
            PartContext(server.product, server.lot, server.order_id),
        )
        limits = SpoolLimits(max_bytes=int(server.max_gib * 2**30))
        spool = Spool(self.folder / server.spool, station=server.station, limits=limits, clock=self.clock)
        return RegionSpool(spool, LinesideClient(server.url, key), using, self.clock)

    def station(self, *, on_outcome: OnOutcome, on_event: OnEvent) -> WebStation:
        """A station for one roll."""
        parts = self.settings.file.parts
        return WebStation(
            self.plan,
            self.detector,
            classes=self.release.classes,
            release_thresholds=self.release.thresholds,
            recipe=self.recipe,
            segmenter=PitchSegmenter(roll=self.plan.roll, pitch_mm=parts.pitch_mm, first_mm=parts.first_mm),
            clock=self.clock,
            on_outcome=on_outcome,
            on_event=on_event,
            compose=None if self.golden is None else self.golden.compose,
        )


@contextmanager
def open_web(
    settings: WebSettings, *, folder: Path, clock: Clock, engine_cache: Path | None, release: Release | None = None
) -> Iterator[OpenedWeb]:
    """Load what a file names; the model is freed at the end of the block.

    Args:
        settings: what the file says.
        folder: of the file.
        clock: tells instants and measures.
        engine_cache: where the choice of an engine is remembered; None measures anew.
        release: instead of the one that the file names.

    Raises:
        WebFileRefused: the file names a release that a web cannot be judged by, or contradicts itself.
        ReleaseError, RecipeError, NothingUsable, OSError: something of it cannot be used.
    """
    file = settings.file
    release = release or read_release(_release_folder(file.release, folder))
    if (release.input_kind is InputKind.REFERENCE) != (file.reference is not None):
        raise WebFileRefused(
            f"{settings.source}: release {release.name} takes {release.input_kind} pictures: give `reference`, one "
            "repeat of the print, with a release that compares, and only with such a one"
        )
    plan = _plan(settings, release)
    catalogue = builtin_catalogue("pcb")
    if file.recipe is None:
        is_of_it = (release.catalogue_id, release.catalogue_version) == (catalogue.id, catalogue.version)
        recipe = _any_defect(release, catalogue if is_of_it else None, mm_per_px=file.mm_per_px_across)
    else:
        path = folder / file.recipe
        recipe = load_recipe(path.read_text("utf-8"), catalogue=catalogue, source=str(path))
        check_release_fits(recipe, release.classes, catalogue)
    choice = choose_engine(release, cache_dir=engine_cache, threads=file.engine.threads, requested=file.engine.name)
    detector = open_detector(release, choice)
    try:
        run_canary(detector, release)
        golden = None if file.reference is None else _golden(settings, folder / file.reference, recipe, clock)
        yield OpenedWeb(settings, folder, plan, release, recipe, detector, clock, golden)
    finally:
        detector.close()


def _any_defect(release: Release, catalogue: Catalogue | None, *, mm_per_px: float) -> Recipe:
    """What judges a web when nobody gave a recipe, in the file's own scale."""
    recipe = any_defect_recipe(release, catalogue=catalogue)
    calibration = Calibration("web.yaml", "mm_per_px_across of the file", datetime.fromtimestamp(0, UTC))
    scale = Scale(mm_per_px, calibration)
    return replace(recipe, scale=scale, views={name: replace(view, scale=scale) for name, view in recipe.views.items()})


def _golden(settings: WebSettings, path: Path, recipe: Recipe, clock: Clock) -> GoldenPrint:
    """The golden picture of the print; naming it in the file is its approval."""
    picture = read_gray(path)
    width_px = settings.file.source.width_px
    if picture.shape[1] != width_px:
        raise WebFileRefused(f"{settings.source}: {path} is {picture.shape[1]} px wide and the web {width_px}")
    [view] = recipe.views.values()
    try:
        return GoldenPrint(picture, limits=view.registration, name=path.name, now=clock.now)
    except ValueError as error:
        raise WebFileRefused(f"{settings.source}: {error}") from error


def _release_folder(named: str, folder: Path) -> Path:
    starter = named.removeprefix(_STARTER)
    return starter_release_folder(starter) if starter != named else folder / named


def _plan(settings: WebSettings, release: Release) -> WebPlan:
    file = settings.file
    try:
        plan = WebPlan(
            roll=file.roll,
            width_px=file.source.width_px,
            mm_per_px_across=file.mm_per_px_across,
            scale=EncoderScale(file.encoder.mm_per_count, 1 if file.encoder.direction == "rising" else -1),
            rules=_rules(file),
            tile_wh_px=release.input_size_wh_px,
            overlap_wh_px=(file.tiles.overlap_px, file.tiles.overlap_px),
            ring_lines=file.tiles.ring_lines or _ring_lines(file, tile_lines=release.input_size_wh_px[1]),
            reject=_reject(file),
            grades=tuple(GradeRule(each.grade, each.max_defects, each.max_defect_mm) for each in file.grades),
            grade_otherwise=file.grade_otherwise,
        )
    except ValueError as error:
        raise WebFileRefused(f"{settings.source}: {error}") from error
    if plan.reject is not None and plan.reject.distance_mm <= file.parts.pitch_mm + plan.tile_mm:
        raise WebFileRefused(
            f"{settings.source}: the reject point is {plan.reject.distance_mm:g} mm behind the camera; a region of "
            f"{file.parts.pitch_mm:g} mm and the last window of the model, {plan.tile_mm:g} mm, must pass the camera "
            "before it can be decided: move the marker away, or cut shorter regions"
        )
    return plan


def _ring_lines(file: WebFile, *, tile_lines: int) -> int:
    """Lines that are worth keeping: those that may still be judged in time, within the memory that a ring may take."""
    way_mm = file.parts.pitch_mm + (0.0 if file.reject is None else file.reject.distance_mm)
    lines = ceil(way_mm / (file.encoder.counts_per_line * file.encoder.mm_per_count)) + 2 * tile_lines
    return max(2 * tile_lines, min(lines, _MOST_RING_BYTES // file.source.width_px))


def _rules(file: WebFile) -> WatchRules:
    encoder, speed = file.encoder, file.speed
    return WatchRules(
        counts_per_line=encoder.counts_per_line,
        speed=SpeedRule(
            on_change=SpeedChange(speed.on_change), tolerance=speed.tolerance, most_stretch=speed.most_stretch
        ),
        most_jump_lines=encoder.jump_lines,
        stuck_lines=encoder.stuck_lines,
        repeated_lines=encoder.repeated_lines,
        most_fill_lines=encoder.fill_lines,
        encoder_bits=encoder.bits,
    )


def _reject(file: WebFile) -> RejectPoint | None:
    reject = file.reject
    if reject is None:
        return None
    return RejectPoint(reject.distance_mm, reject.actuator_ms / 1000.0, reject.speed_mm_s)
