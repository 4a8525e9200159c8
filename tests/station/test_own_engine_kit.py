"""A station judges by itself only with a deployment that verifies, and exactly as its server would."""

import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from in_a_loop import in_a_loop
from lineside.client import LinesideClient, ServerUnreachable, pack_release
from lineside.client.clock import ManualClock
from lineside.inspection.release import DeploymentMode, TrustStore
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.security import Role as KeyRole
from lineside.station.own_engine import EngineSettings, NoKit, OwnEngine
from lineside.station.own_engine.followed import FollowedFile
from live_server import LiveServer
from odd_releases import Workshop, version
from plant import bad_board, good_board
from signing import TestKeys, a_deployment
from spooled_parts import a_view
from station_scene import deployed_server, judged_by_kit

SETTINGS = EngineSettings(engine="onnxruntime-fp32")
NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=400)


@dataclass(frozen=True)
class Scene:
    """A server with a signed release in force, and who signed it."""

    server: LiveServer
    keys: TestKeys
    folder: Path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, keys = tmp_path_factory.mktemp("kit"), TestKeys()
    with deployed_server(folder, keys) as server:
        yield Scene(server, keys, folder)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def trust_file(scene: Scene, tmp_path: Path) -> Path:
    return scene.keys.write_trust(tmp_path / "trust.json")


@pytest.fixture
def engine(tmp_path: Path, trust_file: Path, clock: ManualClock) -> Iterator[OwnEngine]:
    engine = an_engine(tmp_path, trust_file, clock)
    yield engine
    engine.close()


def an_engine(folder: Path, trust_file: Path, clock: ManualClock) -> OwnEngine:
    return OwnEngine(folder / "own", station="aoi-1", trust_file=trust_file, settings=SETTINGS, clock=clock)


@asynccontextmanager
async def told(scene: Scene, forged: "Forged | None" = None) -> AsyncIterator[LinesideClient]:
    key = scene.server.keys[KeyRole.STATION]
    async with LinesideClient(scene.server.url, key, timeout_s=5, transport=forged) as client:
        yield client


@dataclass
class Forged(httpx.AsyncBaseTransport):
    """A server whose kit somebody changes on the way."""

    change: Callable[[dict[str, Any]], None] | None = None
    release: Callable[[bytes], bytes] | None = None
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        body = await response.aread()
        self.asked.append(request.url.path)
        if request.url.path.endswith("/kit") and self.change is not None:
            said = json.loads(body)
            self.change(said)
            body = json.dumps(said).encode()
        if "/kit/releases/" in request.url.path and self.release is not None:
            body = self.release(body)
        return httpx.Response(response.status_code, content=body, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@in_a_loop
async def test_it_judges_as_the_server_does(scene: Scene, engine: OwnEngine) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
    assert engine.why_not is None
    for number, body in enumerate((good_board(1), bad_board(2), b"no picture")):
        mine = judged_by_kit(engine, {"default": a_view(body)})
        theirs = scene.server.post(body, f"same-{number}").json()
        assert mine.verdict.value == theirs["verdict"]
        assert [reason.code.value for reason in mine.reasons] == [reason["code"] for reason in theirs["reasons"]]
        assert [defect.class_name for defect in mine.defects] == [each["class_name"] for each in theirs["defects"]]
        assert mine.thresholds == pytest.approx(theirs["thresholds"])
        assert (mine.release and mine.release.digest, mine.engine) == (theirs["release"]["digest"], theirs["engine"])
        assert mine.recipe is not None
        assert (mine.recipe.id, mine.recipe.version) == (theirs["recipe"]["id"], theirs["recipe"]["version"])


@in_a_loop
async def test_a_missing_view_and_a_frozen_picture_are_not_inspected(scene: Scene, engine: OwnEngine) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
    assert [reason.code for reason in judged_by_kit(engine, {}).reasons] == [ReasonCode.MISSING_VIEW]
    first, again = (judged_by_kit(engine, {"default": a_view(good_board(3))}) for _ in range(2))
    assert first.verdict is Verdict.OK
    assert [reason.code for reason in again.reasons] == [ReasonCode.UNHEALTHY]


@in_a_loop
async def test_the_kit_outlives_the_station_and_the_server(
    scene: Scene, engine: OwnEngine, tmp_path: Path, trust_file: Path, clock: ManualClock
) -> None:
    forged = Forged()
    async with told(scene, forged) as client:
        await engine.refresh(client)
        await engine.refresh(client)
    assert sum("/releases/" in path for path in forged.asked) == 1  # nothing is fetched twice
    engine.close()
    again = an_engine(tmp_path, trust_file, clock)
    again.load_kept()
    assert judged_by_kit(again, {"default": a_view(bad_board(4))}).verdict is Verdict.NG
    async with LinesideClient("http://127.0.0.1:9", "key", timeout_s=0.2) as nobody:
        with pytest.raises(ServerUnreachable):
            await again.refresh(nobody)
    assert again.why_not is None  # the server is away: what judged goes on
    again.close()


@in_a_loop
async def test_an_expired_deployment_judges_nothing_and_stays_expired(
    scene: Scene, engine: OwnEngine, clock: ManualClock
) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
    clock.advance(40 * 24 * 3600)
    found = judged_by_kit(engine, {"default": a_view(good_board(5))})
    assert (found.verdict, found.reasons[0].code) == (Verdict.NOT_INSPECTED, ReasonCode.DEPLOYMENT_EXPIRED)
    clock.set_now(datetime.now(UTC))  # the clock steps back
    assert engine.why_not is not None
    assert "expired" in engine.why_not


@in_a_loop
async def test_what_has_expired_stays_expired_after_a_restart_with_the_clock_set_back(
    scene: Scene, engine: OwnEngine, tmp_path: Path, trust_file: Path, clock: ManualClock
) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
    engine.note_time()
    kept = tmp_path / "own" / "kits" / "time.json"
    written = kept.read_bytes()
    clock.advance(60)
    engine.note_time()
    assert kept.read_bytes() == written  # a disk is not worn out for a minute
    clock.advance(40 * 24 * 3600)
    engine.note_time()
    engine.close()
    set_back = ManualClock(datetime.now(UTC))
    again = an_engine(tmp_path, trust_file, set_back)
    with pytest.raises(NoKit, match="expired"):
        again.load_kept()
    async with told(scene) as client:
        with pytest.raises(NoKit, match="expired"):
            await again.refresh(client)
    kept.unlink()  # a person knows that the clock was wrong before
    person = an_engine(tmp_path, trust_file, set_back)
    async with told(scene) as client:
        await person.refresh(client)
    assert person.why_not is None
    person.close()


@in_a_loop
async def test_a_kit_that_was_found_expired_at_the_start_stays_so_and_a_damaged_time_lets_nothing_judge(
    scene: Scene, engine: OwnEngine, tmp_path: Path, trust_file: Path, clock: ManualClock
) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
    engine.close()
    for started_at in (datetime.now(UTC) + timedelta(days=40), datetime.now(UTC)):
        with pytest.raises(NoKit, match="expired"):
            an_engine(tmp_path, trust_file, ManualClock(started_at)).load_kept()
    (tmp_path / "own" / "kits" / "time.json").write_text("{")
    with pytest.raises(NoKit, match="what time it was here"):
        an_engine(tmp_path, trust_file, clock).load_kept()


def revoke_deploy_key(scene: Scene, trust_file: Path) -> None:
    trust_file.write_bytes(TrustStore([scene.keys.build.public]).to_json())


@in_a_loop
async def test_a_key_revoked_in_the_trust_file_counts_at_the_next_look(
    scene: Scene, engine: OwnEngine, trust_file: Path
) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
        revoke_deploy_key(scene, trust_file)
        with pytest.raises(NoKit, match="not signed"):
            await engine.refresh(client)
    assert judged_by_kit(engine, {"default": a_view(good_board(6))}).verdict is Verdict.NOT_INSPECTED
    with pytest.raises(NoKit, match="no kit"):
        engine.load_kept()  # and a restart revives nothing


def _other_plant(said: dict[str, Any]) -> None:
    said["plant"] = "plant-2"


def _no_deployment(said: dict[str, Any]) -> None:
    said["deployment"] = said["release"] = None


def _no_recipe(said: dict[str, Any]) -> None:
    said["recipe"] = None


def _other_station(said: dict[str, Any]) -> None:
    said["station"] = "aoi-2"


def _document_changed(said: dict[str, Any]) -> None:
    document = base64.b64decode(said["deployment"]["document"]).replace(b'"share":1', b'"share":1.0')
    said["deployment"]["document"] = base64.b64encode(document + b" ").decode()


def _no_base64(said: dict[str, Any]) -> None:
    said["deployment"]["signature"] = "*"


def _recipe_changed(said: dict[str, Any]) -> None:
    said["recipe"]["text"] = said["recipe"]["text"].replace("20000", "30000")


def _unreadable(said: dict[str, Any]) -> None:
    del said["line"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_other_plant, "plant"),
        (_no_deployment, "no signed deployment"),
        (_no_recipe, "no recipe"),
        (_other_station, "aoi-2"),
        (_document_changed, "not signed"),
        (_no_base64, "base64"),
        (_recipe_changed, "digest"),
        (_unreadable, "cannot be read"),
    ],
)
@in_a_loop
async def test_a_kit_that_was_changed_on_its_way_judges_nothing(
    scene: Scene, engine: OwnEngine, change: Callable[[dict[str, Any]], None], why: str
) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
        assert engine.why_not is None
    async with told(scene, Forged(change)) as client:
        with pytest.raises(NoKit, match=why):
            await engine.refresh(client)
    assert engine.why_not is not None
    assert judged_by_kit(engine, {"default": a_view(good_board(7))}).verdict is Verdict.NOT_INSPECTED


def _cut(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


def _outside(_: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("../outside", b"x")
    return written.getvalue()


@pytest.mark.parametrize("damage", [_cut, _outside])
@in_a_loop
async def test_a_release_that_came_damaged_is_not_kept(
    scene: Scene, engine: OwnEngine, damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    async with told(scene, Forged(release=damage)) as client:
        with pytest.raises(NoKit, match="unpacked"):
            await engine.refresh(client)
    assert not list((tmp_path / "own" / "kits").iterdir())
    async with told(scene) as client:
        await engine.refresh(client)
    assert engine.why_not is None


@in_a_loop
async def test_another_signed_release_in_the_named_ones_place_is_refused(
    scene: Scene, engine: OwnEngine, tmp_path: Path
) -> None:
    other = pack_release(Workshop(tmp_path / "workshop", scene.keys).write(version("9.9.9"))).content
    async with told(scene, Forged(release=lambda _: other)) as client:
        with pytest.raises(NoKit, match="digest"):
            await engine.refresh(client)
    assert engine.why_not is not None


@in_a_loop
async def test_a_kept_model_that_was_changed_on_disk_judges_nothing_until_it_is_fetched_anew(
    scene: Scene, engine: OwnEngine, tmp_path: Path, trust_file: Path, clock: ManualClock
) -> None:
    async with told(scene) as client:
        await engine.refresh(client)
    engine.close()
    (model,) = (tmp_path / "own" / "kits").glob("*/release/model.onnx")
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    again = an_engine(tmp_path, trust_file, clock)
    with pytest.raises(NoKit, match=r"model\.onnx"):
        again.load_kept()
    assert judged_by_kit(again, {"default": a_view(good_board(8))}).verdict is Verdict.NOT_INSPECTED
    async with told(scene) as client:
        await again.refresh(client)
    assert judged_by_kit(again, {"default": a_view(good_board(8))}).verdict is Verdict.OK
    again.close()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"mode": DeploymentMode.SHADOW}, "shadow"),
        ({"lines": ["another-line"]}, "not for product"),
        ({"issued_at": LONG_AGO, "expires_at": LONG_AGO + timedelta(days=1)}, "expired"),
    ],
)
@in_a_loop
async def test_a_signed_deployment_that_is_not_for_here_or_now_is_refused(
    scene: Scene, engine: OwnEngine, fields: dict[str, Any], why: str
) -> None:
    document, signature = scene.keys.deploy_release(scene.folder / "releases" / "blobs", serial=7, **fields)

    def change(said: dict[str, Any]) -> None:
        said["deployment"]["document"] = base64.b64encode(document).decode()
        said["deployment"]["signature"] = base64.b64encode(signature).decode()

    async with told(scene, Forged(change)) as client:
        with pytest.raises(NoKit, match=why):
            await engine.refresh(client)
    assert engine.why_not is not None


def test_a_station_that_never_had_a_kit_says_so(engine: OwnEngine) -> None:
    with pytest.raises(NoKit, match="no kit yet"):
        engine.load_kept()
    found = judged_by_kit(engine, {"default": a_view(good_board(9))})
    assert (found.verdict, found.reasons[0].code) == (Verdict.NOT_INSPECTED, ReasonCode.NO_RELEASE)


# What was followed once.


def _kit_of(scene: Scene, **fields: Any) -> Callable[[dict[str, Any]], None]:
    """A kit with another signed deployment of the same release, and with what it says was withdrawn."""
    withdrawn = fields.pop("withdrawn", [])
    document, signature = scene.keys.deploy_release(scene.folder / "releases" / "blobs", **fields)

    def change(said: dict[str, Any]) -> None:
        said["plant"] = fields.get("plant", said["plant"])
        said["deployment"]["document"] = base64.b64encode(document).decode()
        said["deployment"]["signature"] = base64.b64encode(signature).decode()
        said["withdrawn"] = withdrawn

    return change


async def _refresh(scene: Scene, engine: OwnEngine, **fields: Any) -> str | None:
    """Ask for the kit; gives why nothing judges then."""
    async with told(scene, Forged(_kit_of(scene, **fields))) as client:
        with suppress(NoKit):
            await engine.refresh(client)
    return engine.why_not


@in_a_loop
async def test_an_old_deployment_that_is_sent_again_judges_nothing_also_after_a_restart(
    scene: Scene, engine: OwnEngine, tmp_path: Path, trust_file: Path, clock: ManualClock
) -> None:
    assert await _refresh(scene, engine, serial=5) is None
    assert await _refresh(scene, engine, serial=7) is None
    assert "deployment 5 is an old one" in str(await _refresh(scene, engine, serial=5))
    engine.close()
    again = an_engine(tmp_path, trust_file, clock)
    assert "followed 7" in str(await _refresh(scene, again, serial=6))
    assert await _refresh(scene, again, serial=8, products=["another"]) is not None
    assert await _refresh(scene, again, serial=7) is None
    again.close()


@in_a_loop
async def test_a_withdrawal_brings_the_one_before_back_and_what_was_withdrawn_stays_away(
    scene: Scene, engine: OwnEngine
) -> None:
    assert await _refresh(scene, engine, serial=5) is None
    assert await _refresh(scene, engine, serial=7) is None
    assert await _refresh(scene, engine, serial=5, withdrawn=[7]) is None
    assert "was withdrawn" in str(await _refresh(scene, engine, serial=7))
    assert await _refresh(scene, engine, serial=5) is None
    assert await _refresh(scene, engine, serial=9) is None
    assert "old one" in str(await _refresh(scene, engine, serial=5, withdrawn=[7]))  # recorded before 9 was signed


@in_a_loop
async def test_a_lower_serial_for_another_product_is_no_old_one(scene: Scene, engine: OwnEngine) -> None:
    assert await _refresh(scene, engine, serial=7, products=["BRD"]) is None
    assert "old one" in str(await _refresh(scene, engine, serial=3, products=["BRD"]))
    followed = FollowedFile(scene.folder / "none.json").load()
    signed = a_deployment(scene.folder / "releases" / "blobs", serial=7, products=["BRD"])
    followed = followed.following(signed, line="l", product="BRD")
    other = a_deployment(scene.folder / "releases" / "blobs", serial=3, products=["other"])
    assert followed.following(other, line="l", product="other").plant == "plant-1"


@in_a_loop
async def test_a_kit_signed_for_another_plant_is_not_followed_and_a_damaged_memory_follows_nothing(
    scene: Scene, engine: OwnEngine, tmp_path: Path, trust_file: Path, clock: ManualClock
) -> None:
    assert await _refresh(scene, engine, serial=5) is None
    assert "follows plant 'plant-1'" in str(await _refresh(scene, engine, serial=9, plant="plant-2"))
    engine.close()
    (tmp_path / "own" / "kits" / "followed.json").write_text("{")
    again = an_engine(tmp_path, trust_file, clock)
    assert "cannot be read" in str(await _refresh(scene, again, serial=9))
    again.close()
