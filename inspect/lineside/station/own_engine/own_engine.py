"""The station's own judge: the same inspector, release and rules as the server's, on this machine."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from lineside.client import LinesideClient
from lineside.client.calls import Json
from lineside.client.clock import Clock, SystemClock
from lineside.inspection.camera_past import CameraPast
from lineside.inspection.decoding import DecodingLimits
from lineside.inspection.detector import Detector, open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.errors import LinesideError
from lineside.inspection.inspector import Inspector
from lineside.inspection.release import Release, run_canary
from lineside.inspection.verdict import Reason, ReasonCode, ViewFindings, ViewNotInspected, judge
from lineside.station.own_engine.errors import KitStoreFailed, NoKit
from lineside.station.own_engine.fetching import KitKeeper
from lineside.station.own_engine.kit_record import Kit
from lineside.station.own_engine.kit_store import KitStore
from lineside.station.spool import JudgedView, PartContext, StationJudgement, UsedRecipe, UsedRelease

_log = structlog.get_logger("lineside.station")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the model is run.

    Attributes:
        engine: "auto" or an engine's name.
        threads: processor threads for inference.
        limits: of decoding.
    """

    engine: str = "auto"
    threads: int = 1
    limits: DecodingLimits = field(default_factory=DecodingLimits)


@dataclass(frozen=True, slots=True)
class _Loaded:
    kit: Kit
    detector: Detector
    inspector: Inspector


class OwnEngine:
    """Judges with the last verified kit; without one it judges nothing. Thread-safe; `close` frees the model.

    Args:
        folder: where the kit is kept.
        station: whose.
        trust_file: whose signatures count.
        settings: how the model is run.
        clock: the station's.
    """

    def __init__(
        self,
        folder: Path,
        *,
        station: str,
        trust_file: Path,
        settings: EngineSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings or EngineSettings()
        self._clock = clock or SystemClock()
        self._keeper = KitKeeper(
            KitStore(folder / "kits", station=station), station=station, trust_file=trust_file, clock=self._clock
        )
        self._cache_dir = folder
        self._guard = threading.Lock()
        self._loaded: _Loaded | None = None
        self._context = PartContext()
        self._why_not: str | None = "the station's kit was not looked for yet"
        self._previous: dict[str, str] = {}
        self._past: dict[str, CameraPast] = {}

    @property
    def why_not(self) -> str | None:
        """Why it cannot judge now; None if it can."""
        loaded = self._loaded
        if loaded is None:
            return self._why_not
        try:
            loaded.kit.check_time(self._keeper.now())
        except NoKit as error:
            return str(error)
        return None

    def why_not_for(self, context: PartContext, recipe: UsedRecipe | None) -> str | None:
        """Why it cannot judge a part; None if it can.

        Args:
            context: what was being made at the part's trigger.
            recipe: by which rules; None where the station had none.
        """
        loaded = self._loaded
        why_not = self.why_not
        if why_not is not None or loaded is None:
            return why_not or "the station has no kit"
        return _why_not_by(loaded.kit, context, recipe)

    @property
    def kit(self) -> Kit | None:
        """What it judges with; None without."""
        loaded = self._loaded
        return None if loaded is None else loaded.kit

    @property
    def context(self) -> PartContext:
        """Product, lot and order as the last kit said them."""
        return self._context

    def load_kept(self) -> None:
        """Judge with the kit that was kept before; blocks for seconds while the model loads.

        Raises:
            NoKit: there is none that verifies, or its model does not load here.
            KitStoreFailed: the disk does not take what it must remember.
        """
        try:
            kit, context = self._keeper.kept()
            self._use(kit)
        except (NoKit, KitStoreFailed) as error:
            self._drop(str(error))
            raise
        self._context = context

    async def refresh(self, client: LinesideClient, *, answer: Json | None = None) -> None:
        """Judge with what the server names from now on; quick while nothing changes.

        Args:
            client: with a key of role station.
            answer: what `client.station_kit` gave just now; it is asked for if None.

        Raises:
            NoKit: nothing verified judges here now: nothing does from now on, whatever did before.
            KitStoreFailed: the disk does not keep it: nothing judges from now on, so that a restart changes nothing.
            ClientError: the server is away, or refuses: what judged goes on.
        """
        try:
            kit, context = await self._keeper.fetch(client, known=self.kit, answer=answer)
            if self.kit is not kit:
                await asyncio.to_thread(self._use, kit)
        except (NoKit, KitStoreFailed) as error:
            await asyncio.to_thread(self._drop, str(error))
            raise
        self._context = context

    def judge(
        self, views: Mapping[str, JudgedView], *, context: PartContext, recipe: UsedRecipe | None
    ) -> StationJudgement:
        """A part's verdict; blocks for the time of the model. Whatever fails, the part is NOT_INSPECTED.

        Args:
            views: what was taken, by name.
            context: what was being made at the part's trigger.
            recipe: by which rules; None where the station had none. By another one than the kit's nothing is judged.
        """
        with self._guard:
            loaded, why_not = self._loaded, self.why_not
            if loaded is None or why_not is not None:
                return StationJudgement.not_inspected(
                    _code_of(loaded), why_not or "the station has no kit", context=context
                )
            why_not = _why_not_by(loaded.kit, context, recipe)
            if why_not is not None:
                return StationJudgement.not_inspected(ReasonCode.NO_RECIPE, why_not, context=context)
            rules = loaded.kit.recipe
            now = self._keeper.now()
            findings = {name: self._look(loaded, view, now) for name, view in views.items() if name in rules.views}
            judgement = judge(rules, findings, release_thresholds=loaded.kit.release.thresholds, now=now)
        release = loaded.kit.release
        return StationJudgement.of(
            judgement,
            recipe=loaded.kit.used_recipe,
            release=UsedRelease(release.name, release.version, release.digest),
            engine=loaded.detector.engine_name,
            context=context,
        )

    def note_time(self) -> None:
        """Remember what time it is: call it every now and then, so that what expires stays so after a restart; blocks.

        Raises:
            NoKit: nobody can say what time it was here.
            KitStoreFailed: the disk does not take it.
        """
        kit = self.kit
        if kit is not None:
            self._keeper.keep_time(kit)

    def close(self) -> None:
        """Free the model."""
        self._drop("the own engine is closed")

    def _look(self, loaded: _Loaded, view: JudgedView, now: datetime) -> ViewFindings | ViewNotInspected:
        encoded = view.encoded
        previous = self._previous.get(encoded.view)
        self._previous[encoded.view] = encoded.digest
        try:
            past = self._past.get(encoded.view)
            examination = loaded.inspector.examine(encoded, previous_digest=previous, now=now, past=past)
        except Exception as error:  # noqa: BLE001 - a bug or a library's own error must not leave a part without a record
            _log.error("examination_failed", view=encoded.view, digest=encoded.digest, exc_info=error)
            message = f"the examination failed unexpectedly ({type(error).__name__}); the station's log says why"
            return ViewNotInspected(encoded.view, Reason(ReasonCode.ENGINE_FAILURE, message, encoded.view))
        if examination.past is not None:
            self._past[encoded.view] = examination.past
        return examination.findings

    def _use(self, kit: Kit) -> None:
        kit.check_time(self._keeper.now())
        try:
            detector = self._open(kit.release)
        except (LinesideError, OSError) as error:
            raise NoKit(f"release {kit.release.name} {kit.release.version} does not run here: {error}") from error
        inspector = Inspector(
            recipe=kit.recipe,
            release=kit.release,
            detector=detector,
            references=kit.references,
            limits=self._settings.limits,
            monotonic=self._clock.monotonic,
        )
        self._swap(_Loaded(kit, detector, inspector), None)

    def _open(self, release: Release) -> Detector:
        choice = choose_engine(
            release, cache_dir=self._cache_dir, threads=self._settings.threads, requested=self._settings.engine
        )
        detector = open_detector(release, choice)
        try:
            run_canary(detector, release)
        except BaseException:
            detector.close()
            raise
        return detector

    def _drop(self, why: str) -> None:
        self._swap(None, why)

    def _swap(self, loaded: _Loaded | None, why_not: str | None) -> None:
        with self._guard:  # a part that is being judged is finished first
            before, self._loaded, self._why_not = self._loaded, loaded, why_not
            self._previous.clear()
            self._past.clear()
        if before is not None:
            before.detector.close()


def _code_of(loaded: _Loaded | None) -> ReasonCode:
    return ReasonCode.NO_RELEASE if loaded is None else ReasonCode.DEPLOYMENT_EXPIRED


def _why_not_by(kit: Kit, context: PartContext, recipe: UsedRecipe | None) -> str | None:
    """Why a kit does not judge what was being made; None if it is of the very recipe and product."""
    if recipe is None:
        return "the station had no recipe at the part's trigger"
    mine = kit.used_recipe
    if (recipe, context.product) == (mine, kit.recipe.product):
        return None
    return (
        f"the station makes product {context.product!r} by recipe {recipe.id!r} version {recipe.version}; its kit is "
        f"for product {kit.recipe.product!r} by recipe {mine.id!r} version {mine.version}"
    )
