"""Everything a running server is made of, in one frozen record, and how it is opened and closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from lineside.inspection.audit import PlantSecret
from lineside.inspection.decoding import DecodingLimits
from lineside.serving.catalogue import CatalogueShelf
from lineside.serving.certificates.service import CertificateService
from lineside.serving.charts.service import ChartService
from lineside.serving.clock import Clock
from lineside.serving.delivery.service import DeliveryService
from lineside.serving.delivery.supervisor import DeliverySupervisor, ProcessPlan
from lineside.serving.deployments.assignment import Assigner
from lineside.serving.deployments.expiry import ExpiryWatch
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.drift.service import DriftService
from lineside.serving.forecasts.service import ForecastService
from lineside.serving.genealogy.service import Genealogy
from lineside.serving.holds import HoldBook
from lineside.serving.images import ImageStore
from lineside.serving.inspections.admission import Admission
from lineside.serving.inspections.binding import Binder
from lineside.serving.inspections.inspectors import InspectorPool
from lineside.serving.inspections.service import PARALLEL, InspectionService
from lineside.serving.jobs import JobBook
from lineside.serving.label_studio.hints import LabelHints
from lineside.serving.label_studio.live_model import LiveModels
from lineside.serving.label_studio.suggesting import Suggestions
from lineside.serving.labelling.service import LabelService
from lineside.serving.ledger import Ledger
from lineside.serving.metrics import Metrics
from lineside.serving.proposals import ProposalBook
from lineside.serving.proposals.carrying_out import Hands
from lineside.serving.rates.answers import RateAnswers
from lineside.serving.rates.calendar_book import CalendarBook
from lineside.serving.rates.priors import RecallPriors
from lineside.serving.rates.projector import RateProjector
from lineside.serving.rates.service import RateService
from lineside.serving.recipes import RecipeBook
from lineside.serving.releases import PackageStore, ReleaseShelf, TrustFile
from lineside.serving.reported import ReportedInspections
from lineside.serving.retention import Housekeeping
from lineside.serving.security import KeyService, read_or_create_secret
from lineside.serving.settings import Settings
from lineside.serving.shadowing.service import Shadowing
from lineside.serving.shadowing.watch import CanaryWatch
from lineside.serving.signals.service import SignalService
from lineside.serving.station_kits.service import StationKits
from lineside.serving.station_reports import StationReports
from lineside.serving.stations import OrderBook, StationDirectory
from lineside.serving.twin.aas.reading import TwinReader
from lineside.serving.twin.aas.service import TwinService
from lineside.serving.twin.aas.sink_interfaces import configured_sinks
from lineside.serving.twin.aas.twin_file import TwinFile
from lineside.serving.twin.scenarios import AlarmQuestions, Proposing, ScenarioService, read_what_if_file
from lineside.serving.verification import SecondReadings, VerificationService


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one app, opened by its lifespan; several apps in one process have one each."""

    settings: Settings
    clock: Clock
    ledger: Ledger
    images: ImageStore
    keys: KeyService
    stations: StationDirectory
    station_kits: StationKits
    station_reports: StationReports
    orders: OrderBook
    holds: HoldBook
    proposals: ProposalBook
    scenarios: ScenarioService
    jobs: JobBook
    genealogy: Genealogy
    recipes: RecipeBook
    catalogues: CatalogueShelf
    trust: TrustFile
    packages: PackageStore
    releases: ReleaseShelf
    deployments: DeploymentService
    certificates: CertificateService
    drift: DriftService
    expiry: ExpiryWatch
    shadowing: Shadowing
    inspections: InspectionService
    reported: ReportedInspections
    calendar: CalendarBook
    rates: RateService
    charts: ChartService
    forecasts: ForecastService
    labels: LabelService
    rate_answers: RateAnswers
    rate_projector: RateProjector
    signals: SignalService
    verification: VerificationService
    live_models: LiveModels
    suggestions: Suggestions
    label_hints: LabelHints
    twin: TwinService
    delivery: DeliveryService
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
        trust = TrustFile(settings.trust_file)
        packages = await asyncio.to_thread(PackageStore, settings.packages_dir, trust=trust, clock=clock)
        releases = ReleaseShelf(
            settings.releases_dir,
            packages=packages,
            trust=trust,
            takes_unsigned=settings.unsigned_releases,
            clock=clock,
            engine=settings.engine,
            threads=settings.inference_threads,
            cache_dir=settings.engine_cache_dir,
        )
        stack.push_async_callback(asyncio.to_thread, releases.close)
        recipes = await RecipeBook.open(ledger, images=images, catalogues=catalogues, releases=releases, clock=clock)
        stations = await StationDirectory.open(ledger, recipes=recipes, clock=clock)
        stack.push_async_callback(stations.stop)
        holds = await HoldBook.open(ledger, stations=stations)
        limits = DecodingLimits(max_pixels=settings.max_pixels, max_bytes=settings.max_body_bytes)
        inspectors = InspectorPool(recipes, releases, limits=limits, clock=clock)
        stack.push_async_callback(inspectors.stop)
        deployments = DeploymentService(
            ledger=ledger,
            clock=clock,
            trust=trust,
            releases=releases,
            inspectors=inspectors,
            recipes=recipes,
            stations=stations,
            metrics=metrics,
        )
        await deployments.restore()
        certificates = CertificateService(ledger=ledger, clock=clock, trust=trust, releases=releases, stations=stations)
        await certificates.restore()
        assigner = Assigner(
            lambda: deployments.book,
            unusable=deployments.unusable,
            secret=PlantSecret(read_or_create_secret(settings.data_dir / "canary-secret")),
        )
        binder = Binder(assigner=assigner, inspectors=inspectors, clock=clock)
        admission = Admission(bound=settings.queue_bound, parallel=PARALLEL, clock=clock)
        shadowing = Shadowing(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            inspectors=inspectors,
            admission=admission,
            watch=CanaryWatch(settings=settings, ledger=ledger, deployments=deployments, metrics=metrics),
            metrics=metrics,
        )
        reported = ReportedInspections(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            recipes=recipes,
            stations=stations,
            inspectors=inspectors,
            binder=binder,
            certificates=certificates,
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
            deployments=deployments,
            binder=binder,
            admission=admission,
            shadowing=shadowing,
            certificates=certificates,
            metrics=metrics,
            audit_secret=PlantSecret(read_or_create_secret(settings.data_dir / "audit-secret")),
            retention_secret=PlantSecret(read_or_create_secret(settings.data_dir / "retention-secret")),
        )
        stack.push_async_callback(inspections.stop)
        await inspections.start()
        orders = await OrderBook.open(ledger, stations=stations)
        stack.push_async_callback(_end, orders.follower, asyncio.create_task(orders.follower.run_forever()))
        jobs = await JobBook.open(ledger, stations=stations)
        stack.push_async_callback(_end, jobs.follower, asyncio.create_task(jobs.follower.run_forever()))
        proposals = ProposalBook(
            ledger,
            hands=Hands(
                holds=holds,
                stations=stations,
                orders=orders,
                recipes=recipes,
                judged_by=deployments.judged_by,
                prepare=inspections.prepare,
            ),
        )
        scenarios = ScenarioService(
            settings=settings,
            clock=clock,
            ledger=ledger,
            stations=stations,
            proposing=Proposing(proposals, stations=stations, recipes=recipes),
        )
        scenarios.start()
        stack.push_async_callback(scenarios.stop)
        what_if_file = await asyncio.to_thread(read_what_if_file, settings.what_if_path)
        if what_if_file is not None:
            alarms = AlarmQuestions(ledger, clock=clock, scenarios=scenarios, file=what_if_file)
            stack.push_async_callback(_end, alarms, asyncio.create_task(alarms.run_forever()))
        shadowing.start()
        stack.push_async_callback(shadowing.stop)
        expiry = ExpiryWatch(deployments, clock=clock, warn_before=timedelta(hours=settings.deployment_warning_hours))
        stack.push_async_callback(_end, expiry, asyncio.create_task(expiry.run_forever()))
        stack.push_async_callback(_end, certificates, asyncio.create_task(certificates.run_forever()))
        drift = DriftService(settings=settings, clock=clock, ledger=ledger, certificates=certificates, metrics=metrics)
        stack.push_async_callback(_end, drift, asyncio.create_task(drift.run_forever()))
        calendar = await CalendarBook.open(ledger, clock=clock)
        rates = RateService(ledger, stations=stations, calendar=calendar.calendar, clock=clock)
        rate_answers = RateAnswers(
            rates,
            calendar=calendar,
            priors=RecallPriors(releases),
            recipes=recipes,
            deployments=lambda: deployments.book,
        )
        rate_projector = RateProjector(ledger, clock=clock)
        stack.push_async_callback(_end, rate_projector, asyncio.create_task(rate_projector.run_forever()))
        charts = ChartService(
            ledger,
            rates=rates,
            stations=stations,
            calendar=calendar.calendar,
            clock=clock,
            is_simulated=settings.is_simulated,
        )
        signals = SignalService(
            settings=settings,
            clock=clock,
            ledger=ledger,
            stations=stations,
            recipes=recipes,
            why_not_judged=inspections.why_not_judged,
            rates=rates,
            answers=rate_answers,
            charts=charts,
            holds=holds,
            proposals=proposals,
            metrics=metrics,
        )
        stack.push_async_callback(_end, signals, asyncio.create_task(signals.run_forever()))
        twin_reader = TwinReader(
            settings=settings,
            twin_file=await asyncio.to_thread(TwinFile.read, settings.twin_path),
            sinks=await asyncio.to_thread(configured_sinks, settings.delivery_path),
            clock=clock,
            ledger=ledger,
            stations=stations,
            calendar=calendar,
            rates=rate_answers,
            deployments=deployments,
            certificates=certificates,
            releases=releases,
        )
        live_models = LiveModels(deployments, binder=binder, releases=releases)
        suggestions = Suggestions(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            recipes=recipes,
            inspectors=inspectors,
            admission=admission,
            models=live_models,
            metrics=metrics,
        )
        stack.push_async_callback(suggestions.stop)
        label_hints = LabelHints(ledger=ledger, metrics=metrics)
        label_hints.start()
        stack.push_async_callback(label_hints.stop)
        housekeeping = Housekeeping(
            ledger=ledger,
            images=images,
            recipes=recipes,
            clock=clock,
            interval_s=settings.retention_interval_s,
            min_free_bytes=settings.min_free_bytes,
        )
        stack.push_async_callback(_end, housekeeping, asyncio.create_task(housekeeping.run_forever()))
        plan = ProcessPlan(
            ledger_url=settings.ledger_url,
            plant=settings.plant,
            delivery_dir=settings.delivery_dir,
            delivery_path=settings.delivery_path,
            is_simulated=settings.is_simulated,
        )
        supervisor = DeliverySupervisor(plan, keys=keys, clock=clock)
        stack.push_async_callback(supervisor.end)
        delivery = DeliveryService(ledger=ledger, clock=clock, metrics=metrics, supervisor=supervisor)
        await delivery.enrol_configured()
        yield Services(
            settings=settings,
            clock=clock,
            ledger=ledger,
            images=images,
            keys=keys,
            stations=stations,
            station_kits=StationKits(
                settings.plant,
                stations=stations,
                recipes=recipes,
                catalogues=catalogues,
                deployments=deployments,
                holds=holds,
                clock=clock,
            ),
            station_reports=StationReports(ledger, stations=stations, holds=holds),
            orders=orders,
            holds=holds,
            proposals=proposals,
            scenarios=scenarios,
            jobs=jobs,
            genealogy=Genealogy(ledger, rates=rate_answers, is_simulated=settings.is_simulated),
            recipes=recipes,
            catalogues=catalogues,
            trust=trust,
            packages=packages,
            releases=releases,
            deployments=deployments,
            certificates=certificates,
            drift=drift,
            expiry=expiry,
            shadowing=shadowing,
            inspections=inspections,
            reported=reported,
            calendar=calendar,
            rates=rates,
            charts=charts,
            forecasts=ForecastService(
                ledger,
                rates=rates,
                drift=drift,
                stations=stations,
                recipes=recipes,
                clock=clock,
                is_simulated=settings.is_simulated,
            ),
            labels=LabelService(ledger=ledger, images=images, shadowing=shadowing),
            rate_answers=rate_answers,
            rate_projector=rate_projector,
            signals=signals,
            verification=VerificationService(
                settings=settings,
                clock=clock,
                ledger=ledger,
                images=images,
                recipes=recipes,
                catalogues=catalogues,
                shadowing=shadowing,
                second=SecondReadings(
                    PlantSecret(read_or_create_secret(settings.data_dir / "second-reading-secret")),
                    settings.verification_second_share,
                ),
            ),
            live_models=live_models,
            suggestions=suggestions,
            label_hints=label_hints,
            twin=TwinService(twin_reader, clock=clock),
            delivery=delivery,
            metrics=metrics,
        )


class _Watch(Protocol):
    """What looks from time to time until it is stopped."""

    def stop(self) -> None:
        """End it soon."""
        ...


async def _end(watch: _Watch, task: asyncio.Task[None]) -> None:
    """Stop what looks from time to time and wait until it has ended: it reads the ledger."""
    watch.stop()
    await task
