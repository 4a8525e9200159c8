"""The plant of the demonstration: keys, station, references, recipes and orders, all through the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from lineside.client import LinesideClient, NothingThere
from lineside.inspection.frames import MediaType
from lineside.serving.clock import Clock
from lineside.serving.ledger import Ledger
from lineside.serving.security import KeyService, Role, read_or_create_secret
from lineside.serving.settings import Settings
from lineside.workflows.demo.peers import Peers
from lineside.workflows.demo.virtual_line import MM_PER_PX, PRODUCTS, golden_png

STATION = "demo-aoi-1"
RELEASE = "pcb-reference"
REVIEWER = "demo-reviewer"

_KEY_LIFETIME = timedelta(days=2)

_RECIPE = """\
schema: lineside.recipe/1
id: demo-{product}
version: {version}
product: {product}
catalogue: {{id: pcb, version: 1}}
release: {release}
views:
  default:
    size_wh_px: [{width}, {height}]
    references:
      - id: golden
        image: sha256:{digest}
        approved_by: lineside demo
        approved_at: 2026-01-01T00:00:00+00:00
scale:
  mm_per_px: {mm_per_px:.8f}
  calibration: {{id: demo, method: known from the generator, at: "2026-01-01T00:00:00+00:00"}}
deadline_ms: 3000
audit: {{share: {audit_share}}}
retention: {{ok_share: {ok_share}, days: 7, max_gigabytes: 1}}
"""


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """One key a role, as a plant would have them; they end with the demonstration."""

    admin: str
    station: str
    quality: str
    mes: str
    viewer: str
    mlops: str


@dataclass(frozen=True, slots=True)
class DemoSite:
    """Where the running demonstration can be seen.

    Attributes:
        url: of the server.
        page_url: of the page; None where it is not served.
        viewer_key: what to log in with.
        mlops_key: what to deploy releases with; None where the server trusts nobody.
        peers: who listens.
    """

    url: str
    page_url: str | None
    viewer_key: str
    mlops_key: str | None
    peers: Peers = field(default_factory=Peers)


@contextmanager
def demo_keys(settings: Settings, clock: Clock) -> Iterator[DemoKeys]:
    """Make the keys in the data folder, as `lineside keys` does, and revoke them at the end."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Ledger.open_beside(settings.ledger_url, plant=settings.plant, clock=clock) as ledger:
        service = KeyService(ledger, clock=clock, pepper=read_or_create_secret(settings.data_dir / "key-pepper"))
        expires_at = clock.now() + _KEY_LIFETIME
        made = {
            role: service.create(
                f"demo {role.value}",
                role,
                station=STATION if role is Role.STATION else None,
                expires_at=expires_at,
            )
            for role in (Role.ADMIN, Role.STATION, Role.QUALITY, Role.MES, Role.VIEWER, Role.MLOPS)
        }
        try:
            yield DemoKeys(
                admin=made[Role.ADMIN].secret,
                station=made[Role.STATION].secret,
                quality=made[Role.QUALITY].secret,
                mes=made[Role.MES].secret,
                viewer=made[Role.VIEWER].secret,
                mlops=made[Role.MLOPS].secret,
            )
        finally:
            for new in made.values():
                service.revoke(new.key.id)


async def enrol(admin: LinesideClient, *, audit_share: float, ok_share: float = 0.1) -> None:
    """Store golden images and recipes and enrol the station; harmless when all is there already.

    Args:
        admin: a client that may.
        audit_share: of the passed parts that are drawn for a person's eyes.
        ok_share: of the passed parts whose pictures are kept.
    """
    for product, design in PRODUCTS.items():
        digest = await admin.put_reference(golden_png(product), MediaType.PNG)
        await _put_recipe(admin, product, design.size_wh_px, digest=digest, audit_share=audit_share, ok_share=ok_share)
    size = list(next(iter(PRODUCTS.values())).size_wh_px)
    await admin.put_station(
        STATION,
        {"name": "Demo AOI 1", "digest_required": True, "expected_geometry": {"size_wh_px": size, "channels": 1}},
    )


async def order_lot(mes: LinesideClient, *, product: str, lot: str, first_part_id: str, quantity: int) -> None:
    """Order a lot from its first part on, as the MES does; the product selects the recipe."""
    await mes.put_order(
        STATION,
        order_id=f"order-{lot}",
        product=product,
        lot=lot,
        quantity=quantity,
        from_part_id=first_part_id,
    )


async def _put_recipe(
    admin: LinesideClient,
    product: str,
    size_wh_px: tuple[int, int],
    *,
    digest: str,
    audit_share: float,
    ok_share: float,
) -> None:
    """Add the recipe, or the next version of it where an older program left another one."""
    width, height = size_wh_px

    def text(version: int) -> str:
        return _RECIPE.format(
            product=product,
            version=version,
            release=RELEASE,
            width=width,
            height=height,
            digest=digest,
            audit_share=audit_share,
            ok_share=ok_share,
            mm_per_px=MM_PER_PX,
        )

    recipe_id = f"demo-{product}"
    try:
        latest = await admin.recipe(recipe_id)
    except NothingThere:
        await admin.put_recipe(recipe_id, text(1))
        return
    version = int(latest["version"])
    if latest["text"] != text(version):
        await admin.put_recipe(
            recipe_id,
            text(version + 1),
            override_name="lineside demo",
            override_reason="the demonstration's",
        )
