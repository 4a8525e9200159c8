"""A release goes where the gate let it pass and nowhere else, under serials that nobody else gets, and back again."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blob_detector import TinyRelease
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.errors import ReleaseUnverified
from lineside.inspection.release import (
    MANIFEST_NAME,
    CanaryUnit,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    GateOverride,
    Release,
    Role,
    SigningKey,
    TrustStore,
    read_release,
    starter_release_folder,
    verify_deployment,
)
from lineside.training.errors import NothingToRollBack, PromotionRefused, RegistryDamaged, ReleaseUnknown
from lineside.training.evaluation.outcomes import JudgedRelease
from lineside.training.gate import Criterion, GateKind, GateReport, Outcome, Override, Scope, ScopeResult
from lineside.training.registry import (
    DeploymentLog,
    Promotion,
    PromotionPlan,
    Registry,
    Retirement,
    Rollback,
    RollbackPlan,
    Signer,
    promote,
    roll_back,
)
from signing import TestKeys

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "pcb-single"  # a starter of this name lies below
_starter = read_release(starter_release_folder(NAME))
STARTER = JudgedRelease(_starter.name, _starter.version, _starter.digest)
OVERRIDE = GateOverride("Kim", "first release of this line")


@dataclass(frozen=True)
class Site:
    """A registry with three signed releases, and who may deploy them."""

    registry: Registry
    keys: TestKeys
    releases: dict[str, Release]

    @property
    def signer(self) -> Signer:
        return Signer(self.keys.deploy, self.keys.trust, NOW)

    def promote(
        self,
        version: str,
        *,
        report: GateReport | None = None,
        override: GateOverride | None = None,
        **plan: object,
    ) -> Promotion:
        wanted = replace(PromotionPlan(NAME, version, "plant-1"), **plan)  # type: ignore[arg-type]  # fields of the plan
        return promote(self.registry, wanted, self.signer, report=report, override=override)

    def roll_back(self, *lines: str, products: Sequence[str] = ()) -> Rollback:
        return roll_back(self.registry, RollbackPlan("plant-1", None, lines, tuple(products)), self.signer)

    def report(
        self,
        version: str,
        passed: Sequence[tuple[str, str]] = (("BRD", "line-1"),),
        failed: Sequence[tuple[str, str]] = (),
        **fields: object,
    ) -> GateReport:
        release = self.releases[version]
        report = GateReport(
            kind=GateKind.RELEASE,
            candidate=JudgedRelease(release.name, release.version, release.digest),
            live=STARTER,
            candidate_recipe=None,
            live_recipe=None,
            revision="0" * 64,
            split="golden",
            escape_bank=None,
            engine="onnxruntime-fp32",
            criteria=(),
            scopes=tuple(
                ScopeResult(Scope(product, line), (criterion(blocks=blocks),))
                for scopes, blocks in ((passed, False), (failed, True))
                for product, line in scopes
            ),
            override=None,
            policy={},
            sealed_looks=None,
            created_at=NOW,
        )
        return replace(report, **fields)  # type: ignore[arg-type]  # fields of the report

    def judged(self, version: str) -> JudgedRelease:
        release = self.releases[version]
        return JudgedRelease(release.name, release.version, release.digest)

    def live(self, line: str, product: str = "BRD") -> str | None:
        """What a server that followed every deployment would run."""
        followed: Deployment | None = None
        highest = 0
        log = DeploymentLog(self.registry.storage, "plant-1")
        for serial in log.serials():
            signed = log.require(serial)
            each = verify_deployment(
                signed.document, signed.signature, self.keys.trust, plant="plant-1", now=NOW, highest_serial=highest
            )
            highest = each.serial
            if each.mode is DeploymentMode.LIVE and each.covers(line=line, product=product):
                followed = each
        return None if followed is None else followed.release.digest


def criterion(*, blocks: bool) -> Criterion:
    outcome = Outcome.FAILED if blocks else Outcome.PASSED
    return Criterion(id="escapes", title="escapes", outcome=outcome, blocks=blocks, detail="3 of 100")


def add_release(registry: Registry, folder: Path, version: str) -> Release:
    written = TinyRelease(name=NAME, changes={"version": version}).write(folder)
    manifest = written / MANIFEST_NAME
    manifest.write_text(canonical_json(json.loads(manifest.read_text())))
    return registry.add(written)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    registry, keys = Registry(str(tmp_path / "registry")), TestKeys()
    releases = {}
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        releases[version] = add_release(registry, tmp_path / version, version)
        registry.sign(NAME, version, keys.build)
    return Site(registry, keys, releases)


def reached(promotion: Promotion | Rollback) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(signed.deployment.lines, signed.deployment.products) for signed in promotion.signed]


def test_a_promotion_is_a_deployment_that_a_server_follows(site: Site) -> None:
    report = site.report("1.1.0")
    (signed,) = site.promote("1.1.0", report=report, days=30.0).signed
    found = verify_deployment(
        signed.document, signed.signature, site.keys.trust, plant="plant-1", now=NOW, highest_serial=0
    )
    assert (found.serial, found.previous_serial, found.cause) == (1, None, DeploymentCause.PROMOTION)
    assert found.release.digest == site.releases["1.1.0"].digest
    assert found.expires_at == NOW + timedelta(days=30)
    assert found.gate is not None
    assert found.gate.report_sha256 == report.sha256
    assert site.registry.gate_report(report.sha256) == report.to_bytes()


@pytest.mark.parametrize(
    ("passed", "asked", "expected"),
    [
        pytest.param([("A", "1"), ("", "1")], {}, [(("1",), ("A",))], id="parts of no known product speak for none"),
        pytest.param([("A", "1"), ("A", "")], {}, [(("1",), ("A",))], id="parts of no known line speak for none"),
        pytest.param([("A", "1"), ("A", "2")], {}, [(("1", "2"), ("A",))], id="two lines, one deployment"),
        pytest.param([("A", "1"), ("B", "1")], {}, [(("1",), ("A", "B"))], id="two products, one deployment"),
        pytest.param([("A", "1"), ("B", "2")], {}, [(("1",), ("A",)), (("2",), ("B",))], id="no more than passed"),
        pytest.param([("A", "1"), ("A", "2")], {"lines": ("2",)}, [(("2",), ("A",))], id="only the line asked for"),
        pytest.param([("A", "1"), ("B", "1")], {"products": ("B",)}, [(("1",), ("B",))], id="only the product"),
        pytest.param([("A", "1")], {"lines": ("*",)}, [(("1",), ("A",))], id="all lines are those that passed"),
        pytest.param([("", "")], {}, [(("*",), ("*",))], id="data that names none speaks for all"),
        pytest.param([("", "")], {"lines": ("7",)}, [(("7",), ("*",))], id="narrowed from all"),
        pytest.param([("A", "")], {"products": ("A",)}, [(("*",), ("A",))], id="a product on every line"),
    ],
)
def test_a_promotion_reaches_exactly_what_passed(
    passed: Sequence[tuple[str, str]],
    asked: dict[str, Any],
    expected: list[tuple[tuple[str, ...], tuple[str, ...]]],
    site: Site,
) -> None:
    failed = [("C" if product else "", "9" if line else "") for product, line in passed[:1] if product or line]
    report = site.report("1.1.0", passed=passed, failed=failed)
    promotion = site.promote("1.1.0", report=report, **asked)
    assert sorted(reached(promotion)) == sorted(expected)


def test_what_did_not_pass_is_left_out_and_named(site: Site) -> None:
    report = site.report("1.1.0", passed=[("A", "1")], failed=[("A", "2")])
    promotion = site.promote("1.1.0", report=report)
    assert reached(promotion) == [(("1",), ("A",))]
    assert promotion.left_out == (("2", "A"),)


def no_report(site: Site) -> None:
    site.promote("1.1.0")


def canary_without_report(site: Site) -> None:
    site.promote("1.1.0", mode=DeploymentMode.CANARY, share=0.1, unit=CanaryUnit.PART)


def nothing_passed(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0", passed=[], failed=[("BRD", "line-1")]))


def passed_elsewhere(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0"), lines=("line-9",))


def blocked_everywhere(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0", criteria=(criterion(blocks=True),)))


def report_of_another(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.2.0"))


def report_of_a_recipe(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0", kind=GateKind.RECIPE))


def compared_with_what_is_gone(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0"))
    site.promote("1.2.0", report=site.report("1.2.0", live=site.judged("1.1.0")))
    site.promote("1.3.0", report=site.report("1.3.0", live=site.judged("1.1.0")))


def compared_with_one_of_two(site: Site) -> None:
    """Data that names no line reaches the line that another release was promoted to."""
    site.promote("1.1.0", override=OVERRIDE)
    site.promote("1.2.0", override=OVERRIDE, lines=("line-1",))
    site.promote("1.3.0", report=site.report("1.3.0", passed=[("", "")], live=site.judged("1.1.0")))


def a_line_called_all(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0", passed=[("BRD", "*")], failed=[("BRD", "line-1")]))


def compared_with_nothing(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0"))
    site.promote("1.2.0", report=site.report("1.2.0", live=None))


def compared_with_nothing_though_the_starter_judges(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0", live=None))


def retired(site: Site) -> None:
    site.registry.retire(NAME, "1.1.0", Retirement("Lee", "blind", NOW))
    site.promote("1.1.0", report=site.report("1.1.0"), override=OVERRIDE)


def build_key_deploys(site: Site) -> None:
    plan = PromotionPlan(NAME, "1.1.0", "plant-1")
    signer = Signer(site.keys.build, site.keys.trust, NOW)
    promote(site.registry, plan, signer, report=site.report("1.1.0"))


def stranger_deploys(site: Site) -> None:
    plan = PromotionPlan(NAME, "1.1.0", "plant-1")
    signer = Signer(TestKeys().deploy, site.keys.trust, NOW)
    promote(site.registry, plan, signer, report=site.report("1.1.0"))


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        pytest.param(no_report, "has no gate report", id="no report"),
        pytest.param(canary_without_report, "has no gate report", id="a canary without a report"),
        pytest.param(nothing_passed, "BRD on line-1: escapes", id="nothing passed"),
        pytest.param(passed_elsewhere, "pass nowhere", id="passed on other lines only"),
        pytest.param(blocked_everywhere, "pass nowhere", id="blocked by what concerns every scope"),
        pytest.param(report_of_another, r"judged pcb-single 1\.2\.0", id="the report of another release"),
        pytest.param(report_of_a_recipe, "about a recipe", id="the report of a recipe"),
        pytest.param(compared_with_what_is_gone, r"but pcb-single 1\.2\.0 is live", id="compared with what is gone"),
        pytest.param(compared_with_one_of_two, r"but pcb-single 1\.2\.0 is live", id="compared with one of two"),
        pytest.param(a_line_called_all, "stands for all", id="a line called all"),
        pytest.param(compared_with_nothing, "compared with nothing", id="compared with nothing though one is live"),
        pytest.param(compared_with_nothing_though_the_starter_judges, r"1\.0\.0 is live", id="the starter passed over"),
        pytest.param(retired, "retired by Lee: blind", id="retired, whoever overrides"),
        pytest.param(build_key_deploys, "of role 'build'", id="the build key"),
        pytest.param(stranger_deploys, "trust file does not have", id="a key that is not trusted"),
    ],
)
def test_a_promotion_that_nothing_supports_is_refused(
    attempt: Callable[[Site], None], message: str, site: Site
) -> None:
    with pytest.raises(PromotionRefused, match=message):
        attempt(site)


@pytest.mark.parametrize(
    "override",
    [
        pytest.param(GateOverride("Kim", "x" * 2001), id="a reason longer than a server takes"),
        pytest.param(GateOverride("Kim\nLee", "two of them"), id="a name of two lines"),
        pytest.param(GateOverride("", "nobody"), id="nobody"),
    ],
)
def test_what_a_server_would_refuse_is_not_signed_and_takes_no_serial(override: GateOverride, site: Site) -> None:
    """Once in the log it would stop everything that reads the log."""
    with pytest.raises(PromotionRefused):
        site.promote("1.1.0", override=override)
    assert DeploymentLog(site.registry.storage, "plant-1").serials() == ()


def test_a_release_that_is_not_signed_is_not_promoted(site: Site, tmp_path: Path) -> None:
    add_release(site.registry, tmp_path / "unsigned", "9.0.0")
    with pytest.raises(ReleaseUnverified):
        site.promote("9.0.0", override=OVERRIDE)


def test_a_starter_is_promoted_as_it_is_since_every_server_has_it(site: Site) -> None:
    (signed,) = site.promote(STARTER.version, override=OVERRIDE).signed
    assert signed.deployment.release.digest == STARTER.digest
    assert site.live("line-1") == STARTER.digest
    with pytest.raises(PromotionRefused):
        site.promote(STARTER.version)
    with pytest.raises(ReleaseUnknown):
        site.promote("99.0.0", override=OVERRIDE)


def test_an_override_carries_name_and_reason_into_the_deployment(site: Site) -> None:
    report = site.report("1.1.0", passed=[], failed=[("BRD", "line-1")])
    (signed,) = site.promote("1.1.0", report=report, override=OVERRIDE).signed
    assert signed.deployment.gate is not None
    assert signed.deployment.gate.override == OVERRIDE
    assert signed.deployment.gate.report_sha256 == report.sha256
    (bare,) = site.promote("1.2.0", override=OVERRIDE, lines=("line-2",)).signed
    assert bare.deployment.gate is not None
    assert bare.deployment.gate.report_sha256 is None


def test_an_override_given_at_the_gate_counts(site: Site) -> None:
    said = Override("Lee", "sealed parts agree")
    report = site.report("1.1.0", passed=[("A", "1")], failed=[("B", "1")], override=said)
    (signed,) = site.promote("1.1.0", report=report).signed
    assert signed.deployment.products == ("A", "B")
    assert signed.deployment.gate is not None
    assert signed.deployment.gate.override == GateOverride("Lee", "sealed parts agree")


def test_a_shadow_needs_no_gate_and_leaves_alone_what_is_live(site: Site) -> None:
    site.promote("1.1.0", report=site.report("1.1.0"))
    (signed,) = site.promote("1.2.0", mode=DeploymentMode.SHADOW, share=0.2, lines=("line-1",)).signed
    assert (signed.deployment.gate, signed.deployment.share) == (None, 0.2)
    assert site.live("line-1") == site.releases["1.1.0"].digest


def test_two_who_promote_at_once_never_take_one_serial(site: Site) -> None:
    def one(number: int) -> int:
        (signed,) = site.promote("1.1.0", override=OVERRIDE, lines=(f"line-{number}",)).signed
        return signed.deployment.serial

    with ThreadPoolExecutor(8) as pool:
        serials = sorted(pool.map(one, range(24)))
    assert serials == list(range(1, 25))
    log = DeploymentLog(site.registry.storage, "plant-1")
    assert [each.serial for each in log.verified(site.keys.trust)] == serials


def test_a_rollback_returns_to_what_was_live_before_under_a_new_serial(site: Site) -> None:
    site.promote("1.1.0", override=OVERRIDE)
    site.promote("1.2.0", override=OVERRIDE)
    site.promote("1.3.0", override=OVERRIDE)
    for expected in ("1.2.0", "1.1.0"):
        (signed,) = site.roll_back().signed
        assert (signed.deployment.cause, signed.deployment.gate) == (DeploymentCause.ROLLBACK, None)
        assert site.live("line-1") == site.releases[expected].digest
    assert signed.deployment.serial == 5


def test_below_the_first_deployment_lies_the_starter_and_below_that_nothing(site: Site) -> None:
    site.promote("1.1.0", override=OVERRIDE, lines=("line-1",))
    site.roll_back()
    assert site.live("line-1") == read_release(starter_release_folder(NAME)).digest
    with pytest.raises(NothingToRollBack):
        site.roll_back()
    site.promote("1.2.0", override=OVERRIDE, lines=("line-1",))
    site.roll_back()
    assert site.live("line-1") == read_release(starter_release_folder(NAME)).digest


def test_promoting_again_prolongs_and_does_not_hide_what_was_before(site: Site) -> None:
    for version in ("1.1.0", "1.2.0", "1.2.0"):
        site.promote(version, override=OVERRIDE)
    site.roll_back()
    assert site.live("line-1") == site.releases["1.1.0"].digest


def test_each_line_returns_to_its_own_past(site: Site) -> None:
    site.promote("1.1.0", override=OVERRIDE)
    site.promote("1.2.0", override=OVERRIDE, lines=("line-1", "line-2"))
    site.promote("1.3.0", override=OVERRIDE, lines=("line-2",))
    site.roll_back("line-2")
    assert site.live("line-2") == site.releases["1.2.0"].digest
    assert site.live("line-1") == site.releases["1.2.0"].digest
    site.roll_back()
    assert site.live("line-1") == site.releases["1.1.0"].digest
    assert site.live("line-2") == site.releases["1.1.0"].digest
    assert site.live("line-3") == read_release(starter_release_folder(NAME)).digest


def test_a_retired_release_is_passed_over(site: Site) -> None:
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        site.promote(version, override=OVERRIDE)
    site.registry.retire(NAME, "1.2.0", Retirement("Kim", "blind", NOW))
    site.roll_back()
    assert site.live("line-1") == site.releases["1.1.0"].digest


def test_a_rollback_is_not_led_by_a_deployment_that_somebody_slipped_in(site: Site, tmp_path: Path) -> None:
    """Whoever can write to the registry must not decide what the deploy key signs next."""
    site.promote("1.2.0", override=OVERRIDE)
    thief = TestKeys().deploy
    log = DeploymentLog(site.registry.storage, "plant-1")
    genuine = log.require(1).deployment
    release = replace(genuine.release, version="1.1.0", digest=site.releases["1.1.0"].digest)
    log.append(
        lambda serial, previous: replace(genuine, serial=serial, previous_serial=previous, release=release), thief
    )
    with pytest.raises(RegistryDamaged, match="cannot be relied on"):
        site.roll_back()


def test_a_revoked_deploy_key_stops_neither_promotion_nor_rollback(site: Site) -> None:
    """What it signed counts no more, as on the servers; what the new key signs does."""
    site.promote("1.1.0", override=OVERRIDE)
    new = SigningKey.generate(Role.DEPLOY)
    trust = TrustStore(
        [
            *(replace(key, is_revoked=True) if key.role is Role.DEPLOY else key for key in site.keys.trust.keys),
            new.public,
        ]
    )
    signer = Signer(new, trust, NOW)
    plan = PromotionPlan(NAME, "1.2.0", "plant-1")
    (signed,) = promote(site.registry, plan, signer, report=site.report("1.2.0")).signed
    assert (signed.deployment.serial, signed.deployment.previous_serial) == (2, 1)
    (back,) = roll_back(site.registry, RollbackPlan("plant-1"), signer).signed
    assert back.deployment.release.digest == STARTER.digest


def test_a_deployment_of_another_plant_is_found_out(site: Site, tmp_path: Path) -> None:
    promote(site.registry, PromotionPlan(NAME, "1.1.0", "plant-2"), site.signer, report=None, override=OVERRIDE)
    folder = tmp_path / "registry/deployments"
    (folder / "plant-2").rename(folder / "plant-1")
    with pytest.raises(RegistryDamaged, match="of plant 'plant-2'"):
        site.roll_back()


def test_a_serial_whose_maker_was_killed_is_not_used_again(site: Site, tmp_path: Path) -> None:
    site.promote("1.1.0", override=OVERRIDE)
    site.promote("1.2.0", override=OVERRIDE)
    (tmp_path / "registry/deployments/plant-1/00000002.sig.json").unlink()
    (signed,) = site.promote("1.3.0", override=OVERRIDE).signed
    assert signed.deployment.serial == 3
    assert [each.serial for each in DeploymentLog(site.registry.storage, "plant-1").verified(site.keys.trust)] == [1, 3]


@pytest.mark.parametrize("plant", ["", "..", "a/b", "plant 1", ".hidden"])
def test_a_plant_that_is_a_path_is_refused(plant: str, site: Site) -> None:
    with pytest.raises(RegistryDamaged, match="names a folder"):
        DeploymentLog(site.registry.storage, plant)


def test_an_empty_trust_file_deploys_nothing(site: Site) -> None:
    signer = Signer(site.keys.deploy, TrustStore([]), NOW)
    with pytest.raises(PromotionRefused):
        promote(site.registry, PromotionPlan(NAME, "1.1.0", "plant-1"), signer, report=None, override=OVERRIDE)
