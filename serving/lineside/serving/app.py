"""The HTTP application. Several may live in one process; the page is mounted apart (`lineside.serving.dashboard`)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from lineside.serving.catalogue.endpoints import router as catalogue_router
from lineside.serving.certificates.endpoints import router as certificates_router
from lineside.serving.charts.endpoints import router as charts_router
from lineside.serving.clock import Clock, SystemClock
from lineside.serving.delivery.endpoints import router as delivery_router
from lineside.serving.deployments.endpoints import router as deployments_router
from lineside.serving.dispositions.endpoints import router as dispositions_router
from lineside.serving.drift.endpoints import router as drift_router
from lineside.serving.events.endpoints import router as events_router
from lineside.serving.forecasts.endpoints import router as forecasts_router
from lineside.serving.gates.endpoints import router as gates_router
from lineside.serving.genealogy.endpoints import router as genealogy_router
from lineside.serving.history.endpoints import router as history_router
from lineside.serving.holds.endpoints import router as holds_router
from lineside.serving.inspections.endpoints import router as inspections_router
from lineside.serving.jobs.endpoints import router as jobs_router
from lineside.serving.known_parts.endpoints import router as known_parts_router
from lineside.serving.label_studio.endpoints import router as label_studio_router
from lineside.serving.labelling.endpoints import router as labelling_router
from lineside.serving.notes.endpoints import router as notes_router
from lineside.serving.probes.endpoints import router as probes_router
from lineside.serving.problems import install_problem_handlers
from lineside.serving.proposals.endpoints import router as proposals_router
from lineside.serving.rates.endpoints import router as rates_router
from lineside.serving.recipes.endpoints import router as recipes_router
from lineside.serving.releases.endpoints import router as releases_router
from lineside.serving.reported.endpoints import router as reported_router
from lineside.serving.reviews.endpoints import router as reviews_router
from lineside.serving.security import SecurityHeaders, check_every_route_is_guarded
from lineside.serving.security.endpoints import router as security_router
from lineside.serving.services import open_services
from lineside.serving.settings import Settings
from lineside.serving.station_kits.endpoints import router as station_kits_router
from lineside.serving.station_reports.endpoints import router as station_reports_router
from lineside.serving.stations.endpoints import router as stations_router
from lineside.serving.stations.order_endpoints import router as orders_router
from lineside.serving.studies.endpoints import router as studies_router
from lineside.serving.twin.aas.endpoints import router as aas_router
from lineside.serving.twin.scenarios.endpoints import router as scenarios_router
from lineside.serving.verification.endpoints import router as verification_router

_ROUTERS = (
    inspections_router,
    reported_router,
    history_router,
    dispositions_router,
    reviews_router,
    verification_router,
    stations_router,
    station_kits_router,
    station_reports_router,
    orders_router,
    holds_router,
    genealogy_router,
    jobs_router,
    proposals_router,
    recipes_router,
    catalogue_router,
    releases_router,
    deployments_router,
    certificates_router,
    drift_router,
    gates_router,
    studies_router,
    scenarios_router,
    charts_router,
    forecasts_router,
    notes_router,
    rates_router,
    known_parts_router,
    labelling_router,
    label_studio_router,
    aas_router,
    delivery_router,
    events_router,
    probes_router,
    security_router,
)


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Make an application; nothing is opened before its lifespan starts.

    Args:
        settings: everything it is told from outside.
        clock: where time comes from; the machine's own by default.

    Raises:
        UnguardedRoute: a route says neither who may call it nor that everyone may.
    """
    used_clock = clock or SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings, used_clock) as services:
            app.state.services = services
            yield

    # No documentation pages: they load scripts from the internet. /openapi.json is a route of its own, with a key.
    app = FastAPI(
        title="Lineside",
        version=version("lineside"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    install_problem_handlers(app)
    app.add_middleware(SecurityHeaders)  # outermost, so that a 500 has them too
    for router in _ROUTERS:
        app.include_router(router)
    check_every_route_is_guarded(app)
    return app
