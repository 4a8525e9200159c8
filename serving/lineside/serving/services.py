"""Everything a running server is made of, in one frozen record, and how it is opened and closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from lineside.inspection.audit import PlantSecret
from lineside.serving.catalogue import CatalogueShelf
from lineside.serving.clock import Clock
from lineside.serving.images import ImageStore
from lineside.serving.inspections.service import InspectionService
from lineside.serving.ledger import Ledger
from lineside.serving.metrics import Metrics
from lineside.serving.recipes import RecipeBook
from lineside.serving.releases import ReleaseShelf
from lineside.serving.security import KeyService, secret_bytes
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
        stack.callback(ledger.close)
        images = await asyncio.to_thread(ImageStore, settings.images_dir)
        metrics = Metrics()
        keys = KeyService(ledger, clock=clock, pepper=secret_bytes(settings.data_dir, "key-pepper"))
        catalogues = await CatalogueShelf.open(ledger, clock=clock)
        releases = ReleaseShelf(
            settings.releases_dir,
            engine=settings.engine,
            threads=settings.inference_threads,
            cache_dir=settings.engine_cache_dir,
        )
        stack.callback(releases.close)
        recipes = await RecipeBook.open(ledger, images=images, catalogues=catalogues, releases=releases, clock=clock)
        stations = await StationDirectory.open(ledger, recipes=recipes, clock=clock)
        inspections = InspectionService(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            stations=stations,
            recipes=recipes,
            releases=releases,
            metrics=metrics,
            audit_secret=PlantSecret(secret_bytes(settings.data_dir, "audit-secret")),
            retention_secret=PlantSecret(secret_bytes(settings.data_dir, "retention-secret")),
        )
        await inspections.start()
        stack.push_async_callback(inspections.stop)
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
            metrics=metrics,
        )
