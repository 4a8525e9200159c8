"""Who may do what: one table."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a key is for."""

    STATION = "station"
    QUALITY = "quality"
    MLOPS = "mlops"
    MES = "mes"
    VIEWER = "viewer"
    LABEL_STUDIO = "label_studio"
    DELIVERY = "delivery"
    ADMIN = "admin"


class Action(StrEnum):
    """What a route does, as far as permission goes."""

    POST_INSPECTION = "post_inspection"
    POST_DISPOSITION = "post_disposition"
    POST_REVIEW = "post_review"
    READ_INSPECTIONS = "read_inspections"
    READ_ONE_INSPECTION = "read_one_inspection"
    """One by its name; a station only its own, to learn what became of a part whose answer it did not hear."""

    READ_IMAGES = "read_images"
    READ_RATES = "read_rates"
    READ_REVIEWERS = "read_reviewers"
    REBUILD_RATES = "rebuild_rates"
    WRITE_CALENDAR = "write_calendar"
    WRITE_KNOWN_PARTS = "write_known_parts"
    WRITE_CHARTS = "write_charts"
    WRITE_NOTES = "write_notes"
    ACKNOWLEDGE_DRIFT = "acknowledge_drift"
    READ_STATIONS = "read_stations"
    READ_KIT = "read_kit"
    """What a station may keep to judge by itself: a release and reference images among it."""

    WRITE_STATIONS = "write_stations"
    WRITE_ORDERS = "write_orders"
    HOLD_STATIONS = "hold_stations"
    READ_PROPOSALS = "read_proposals"
    WRITE_PROPOSALS = "write_proposals"
    DECIDE_PROPOSALS = "decide_proposals"
    WRITE_JOBS = "write_jobs"
    READ_RECIPES = "read_recipes"
    WRITE_RECIPES = "write_recipes"
    READ_CATALOGUES = "read_catalogues"
    WRITE_CATALOGUES = "write_catalogues"
    READ_RELEASES = "read_releases"
    DOWNLOAD_RELEASES = "download_releases"
    WRITE_DEPLOYMENTS = "write_deployments"
    WRITE_STUDIES = "write_studies"
    READ_LABELS = "read_labels"
    WRITE_LABELS = "write_labels"
    READ_EVENTS = "read_events"
    READ_DELIVERY = "read_delivery"
    DECIDE_DELIVERY = "decide_delivery"
    REPORT_DELIVERY = "report_delivery"
    READ_TWIN = "read_twin"
    RUN_SCENARIOS = "run_scenarios"
    READ_METRICS = "read_metrics"
    READ_API_DESCRIPTION = "read_api_description"
    READ_SESSION = "read_session"
    VIEW_PAGE = "view_page"
    SERVE_LABEL_STUDIO = "serve_label_studio"


_LOOKING = frozenset(
    {
        Action.READ_INSPECTIONS,
        Action.READ_ONE_INSPECTION,
        Action.READ_IMAGES,
        Action.READ_RATES,
        Action.READ_STATIONS,
        Action.READ_PROPOSALS,
        Action.READ_RECIPES,
        Action.READ_CATALOGUES,
        Action.READ_RELEASES,
        Action.READ_TWIN,
        Action.READ_EVENTS,
        Action.READ_DELIVERY,
        Action.READ_API_DESCRIPTION,
        Action.READ_SESSION,
        Action.VIEW_PAGE,
    }
)

PERMISSIONS: Mapping[Role, frozenset[Action]] = MappingProxyType(
    {
        # A station's key hangs in a cabinet on the shop floor: it hands in, and reads its own settings, events
        # and, one by one, inspections.
        Role.STATION: frozenset(
            {
                Action.POST_INSPECTION,
                Action.POST_DISPOSITION,
                Action.READ_ONE_INSPECTION,
                Action.READ_STATIONS,
                Action.READ_KIT,
                Action.READ_EVENTS,
                Action.READ_SESSION,
            }
        ),
        Role.VIEWER: _LOOKING | {Action.READ_METRICS},
        Role.QUALITY: _LOOKING
        | {
            Action.POST_REVIEW,
            Action.READ_REVIEWERS,  # how well named people read is not everybody's business
            Action.WRITE_CALENDAR,
            Action.WRITE_KNOWN_PARTS,
            Action.HOLD_STATIONS,
            Action.WRITE_PROPOSALS,
            Action.DECIDE_PROPOSALS,  # with the permission for the change itself
            Action.DECIDE_DELIVERY,
            Action.WRITE_RECIPES,
            Action.WRITE_CATALOGUES,
            Action.WRITE_STUDIES,
            Action.WRITE_CHARTS,
            Action.WRITE_NOTES,
            Action.ACKNOWLEDGE_DRIFT,
            Action.RUN_SCENARIOS,
            Action.DOWNLOAD_RELEASES,
            Action.READ_LABELS,
            Action.WRITE_LABELS,
        },
        Role.MLOPS: _LOOKING
        | {
            Action.WRITE_PROPOSALS,
            Action.DOWNLOAD_RELEASES,
            Action.WRITE_DEPLOYMENTS,
            Action.RUN_SCENARIOS,
            Action.WRITE_NOTES,
            Action.READ_LABELS,
            Action.WRITE_LABELS,
        },
        # The MES sees no images: what is on them is no business of a program that counts parts.
        Role.MES: frozenset(
            {
                Action.READ_INSPECTIONS,
                Action.READ_ONE_INSPECTION,
                Action.READ_RATES,
                Action.READ_STATIONS,
                Action.READ_RECIPES,
                Action.READ_CATALOGUES,
                Action.READ_TWIN,
                Action.READ_EVENTS,
                Action.READ_DELIVERY,
                Action.DECIDE_DELIVERY,
                Action.READ_API_DESCRIPTION,
                Action.READ_SESSION,
                Action.WRITE_CALENDAR,
                Action.WRITE_ORDERS,
                Action.HOLD_STATIONS,
                Action.READ_PROPOSALS,
                Action.WRITE_PROPOSALS,
                Action.DECIDE_PROPOSALS,  # with the permission for the change itself
                Action.WRITE_JOBS,
                Action.WRITE_NOTES,  # maintenance systems say when a lamp was changed
            }
        ),
        # Label Studio keeps the key in the clear and shows it to whoever administers it there: it asks for suggestions,
        # says that something was labelled, and can nothing else.
        Role.LABEL_STUDIO: frozenset({Action.SERVE_LABEL_STUDIO}),
        # Made at each start, for the server's own delivery process: sinks read, and hand on what peers order.
        Role.DELIVERY: frozenset(
            {
                Action.READ_INSPECTIONS,
                Action.READ_ONE_INSPECTION,
                Action.READ_RATES,
                Action.READ_STATIONS,
                Action.READ_RECIPES,
                Action.READ_CATALOGUES,
                Action.READ_EVENTS,
                Action.READ_SESSION,
                Action.WRITE_ORDERS,
                Action.WRITE_JOBS,
                Action.HOLD_STATIONS,
                Action.READ_DELIVERY,
                Action.REPORT_DELIVERY,
            }
        ),
        Role.ADMIN: frozenset(Action),
    }
)
"""Every role's actions. What is not in here is refused."""
