"""Everything a running server is made of, in one frozen record, and how it is opened and closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from lineside.inspection.audit import PlantSecret
from lineside.inspection.decoding import DecodingLimits
from lineside.serving.catalogue import CatalogueShelf
from lineside.serving.clock import Clock
from lineside.serving.images import ImageStore
from lineside.serving.inspections.inspectors import InspectorPool
from lineside.serving.inspections.service import InspectionService
from lineside.serving.ledger import Ledger
from lineside.serving.metrics import Metrics
from lineside.serving.recipes import RecipeBook
from lineside.serving.releases import ReleaseShelf
from lineside.serving.reported import ReportedInspections
from lineside.serving.retention import Housekeeping
from lineside.serving.security import KeyService, read_or_create_secret
from lineside.serving.settings import Settings
from lineside.serving.stations import StationDirectory


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one app, opened by its lifespan; several apps in one process have one each."""

    settings: Settings
    clock: Clock
    ledger: Ledger
    images: ImageStore
    keys: KeyService
    stations: StationDirectory
    recipes: RecipeBook
    catalogues: CatalogueShelf
    releases: ReleaseShelf
    inspections: InspectionService
    reported: ReportedInspections
    metrics: Metrics


@asynccontextmanager
async def open_services(settings: Settings, clock: Clock) -> AsyncIterator[Services]:
    """Open everything, in the order in which the parts stand on each other; close it in the reverse order.

    Raises:
        LedgerLocked: another server writes this plant's ledger.
        LedgerUnavailable, LedgerSchemaMismatch: the database cannot be used.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        ledger = await asyncio.to_thread(Ledger.open, settings.ledger_url, plant=settings.plant, clock=clock)
        stack.push_async_callback(asyncio.to_thread, ledger.close)
        images = await asyncio.to_thread(ImageStore, settings.images_dir)
        metrics = Metrics()
        keys = KeyService(
            ledger,
            clock=clock,
            pepper=read_or_create_secret(settings.data_dir / "key-pepper"),
            session_hours=settings.session_hours,
        )
        catalogues = await CatalogueShelf.open(ledger, clock=clock)
        releases = ReleaseShelf(
            settings.releases_dir,
            engine=settings.engine,
            threads=settings.inference_threads,
            cache_dir=settings.engine_cache_dir,
        )
        stack.push_async_callback(asyncio.to_thread, releases.close)
        recipes = await RecipeBook.open(ledger, images=images, catalogues=catalogues, releases=releases, clock=clock)
        stations = await StationDirectory.open(ledger, recipes=recipes, clock=clock)
        stack.push_async_callback(stations.stop)
        limits = DecodingLimits(max_pixels=settings.max_pixels, max_bytes=settings.max_body_bytes)
        inspectors = InspectorPool(recipes, releases, limits=limits, clock=clock)
        reported = ReportedInspections(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            recipes=recipes,
            inspectors=inspectors,
            metrics=metrics,
        )
        inspections = InspectionService(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            stations=stations,
            recipes=recipes,
            inspectors=inspectors,
            metrics=metrics,
            audit_secret=PlantSecret(read_or_create_secret(settings.data_dir / "audit-secret")),
            retention_secret=PlantSecret(read_or_create_secret(settings.data_dir / "retention-secret")),
        )
        stack.push_async_callback(inspections.stop)
        await inspections.start()
        housekeeping = Housekeeping(
            ledger=ledger,
            images=images,
            recipes=recipes,
            clock=clock,
            interval_s=settings.retention_interval_s,
            min_free_bytes=settings.min_free_bytes,
        )
        stack.push_async_callback(_end, housekeeping, asyncio.create_task(housekeeping.run_forever()))
        yield Services(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            keys=keys,
            stations=stations,
            recipes=recipes,
            catalogues=catalogues,
            releases=releases,
            inspections=inspections,
            reported=reported,
            metrics=metrics,
        )


async def _end(housekeeping: Housekeeping, task: asyncio.Task[None]) -> None:
    """Stop the housekeeping and wait until it has ended: its thread reads the ledger."""
    housekeeping.stop()
    await task
