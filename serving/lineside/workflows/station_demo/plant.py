"""The server's side of the demonstration: a recipe, the station, and a starter release that a deploy key put live."""

import cv2

from lineside.client import LinesideClient
from lineside.inspection.frames import Image, MediaType
from lineside.inspection.release import GateOverride, Role, TrustStore
from lineside.serving.clock import Clock
from lineside.training.registry import (
    PromotionPlan,
    Registry,
    SignedDeployment,
    Signer,
    create_key,
    promote,
)
from lineside.training.registry.releases import starter_reference
from lineside.workflows.demo.site import RELEASE, STATION
from lineside.workflows.errors import LineFailed
from lineside.workflows.station_demo.plan import StationDemoPlan
from lineside.workflows.station_demo.station_files import VIEW

PRODUCT = "demo-board"
_RECIPE_ID = "station-demo"
_LOT = "LOT-1"
_PLANT = "plant-1"
_RECIPE = """\
schema: lineside.recipe/1
id: {id}
version: 1
product: {product}
catalogue: {{id: pcb, version: 1}}
release: {release}
views:
  {view}:
    size_wh_px: [{width}, {height}]
    references:
      - id: golden
        image: sha256:{digest}
        approved_by: lineside station demo
        approved_at: 2026-01-01T00:00:00+00:00
deadline_ms: 3000
retention: {{ok_share: 1.0, days: 7, max_gigabytes: 1}}
"""
_ANSWERS_FOR_IT = GateOverride("lineside station demo", "a starter release, for simulated parts alone")


def sign_deployment(plan: StationDemoPlan, clock: Clock) -> SignedDeployment:
    """Make a deploy key and its trust file, and sign the starter live with it.

    Raises:
        LinesideError: it cannot be written or signed.
    """
    keys = plan.trust_file.parent
    key = create_key(keys / "deploy.pem", Role.DEPLOY, trust=plan.trust_file, passphrase=None)
    starter = starter_reference(RELEASE)
    if starter is None:
        raise LineFailed(f"the package comes without the release {RELEASE!r}: install it again")
    promotion = promote(
        Registry(str(plan.folder / "registry")),
        PromotionPlan(RELEASE, starter.version, _PLANT, days=1.0),
        Signer(key, TrustStore.load(plan.trust_file), clock.now()),
        report=None,
        override=_ANSWERS_FOR_IT,
    )
    (signed,) = promotion.signed
    return signed


async def enrol(admin: LinesideClient, mlops: LinesideClient, *, golden: Image, signed: SignedDeployment) -> None:
    """Store golden image and recipe, enrol the station, and deploy.

    Args:
        admin: a client that may set things up.
        mlops: one that may deploy.
        golden: a good part lying exactly in place.
        signed: the deployment.

    Raises:
        ClientError: the server refuses.
    """
    _, png = cv2.imencode(".png", golden)
    digest = await admin.put_reference(png.tobytes(), MediaType.PNG)
    height, width = golden.shape[:2]
    text = _RECIPE.format(
        id=_RECIPE_ID, product=PRODUCT, release=RELEASE, view=VIEW, width=width, height=height, digest=digest
    )
    await admin.put_recipe(_RECIPE_ID, text)
    recipe = {"id": _RECIPE_ID, "version": 1}
    await admin.put_station(STATION, {"name": "Station of the demonstration", "recipe": recipe, "lot": _LOT})
    await mlops.deploy(signed.document, signed.signature)
