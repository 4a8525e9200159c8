"""`lineside release sign|verify|list|show|retire`: the releases of a registry."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.output import print_json, print_line, print_table, say
from lineside.cli.release_options import (
    DEFAULT_REGISTRY,
    BuildKeyOption,
    JsonOption,
    NameArgument,
    RegistryOption,
    TrustOption,
    VersionArgument,
    now,
    open_key,
    trust_of,
)

if TYPE_CHECKING:
    from lineside.training.registry import RegisteredRelease


def sign(
    name: NameArgument,
    version: VersionArgument,
    key: BuildKeyOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    *,
    as_json: JsonOption = False,
) -> None:
    """Sign a release with the build key: say what it is, after a look at every file of it."""
    from lineside.inspection.release import Role
    from lineside.training.registry import Registry

    key_id = Registry(registry).sign(name, version, open_key(key, Role.BUILD))
    if as_json:
        print_json({"name": name, "version": version, "key_id": key_id})
        return
    say(f"signed {name} {version} with build key {key_id}")


def verify(
    name: NameArgument,
    version: VersionArgument,
    trust: TrustOption,
    registry: RegistryOption = DEFAULT_REGISTRY,
    *,
    as_json: JsonOption = False,
) -> None:
    """Check a release as a server does before it loads it: signatures, every file, the model's graph."""
    from lineside.training.registry import Registry

    release = Registry(registry).verify(name, version, trust_of(trust), now=now())
    if as_json:
        print_json({"name": release.name, "version": release.version, "digest": release.digest, "verified": True})
        return
    say(f"{release.name} {release.version} is signed and whole")
    print_line(release.digest)


def list_releases(registry: RegistryOption = DEFAULT_REGISTRY, *, as_json: JsonOption = False) -> None:
    """List the releases of a registry."""
    from lineside.training.registry import Registry

    found = [_summary(each) for each in Registry(registry).list()]
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "version", "digest", "signed by", "retired"),
        [
            (
                each["name"],
                each["version"],
                each["digest"][:12],
                each["key_id"] or "-",
                (each["retired"] or {}).get("at", "-"),
            )
            for each in found
        ],
    )


def show(
    name: NameArgument,
    version: VersionArgument,
    registry: RegistryOption = DEFAULT_REGISTRY,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what a release says of itself: its model card, or the whole manifest as JSON."""
    from lineside.training.registry import Registry
    from lineside.training.release_folder import CARD_NAME

    store = Registry(registry)
    found = store.find(name, version)
    if as_json:
        print_json(_summary(found) | {"manifest": found.manifest.model_dump(mode="json", by_alias=True)})
        return
    say(f"digest {found.digest}")
    say("not signed" if found.key_id is None else f"signed by key {found.key_id} (`lineside release verify` checks it)")
    if found.retirement is not None:
        say(f"retired by {found.retirement.name}: {found.retirement.reason}")
    with store.folder(name, version) as folder:
        card = folder / CARD_NAME
        print_line(card.read_text("utf-8") if card.is_file() else "no model card")


def retire(
    name: NameArgument,
    version: VersionArgument,
    by: Annotated[str, typer.Option("--by", help="Who says so.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    *,
    as_json: JsonOption = False,
) -> None:
    """Mark a release so that it is never promoted or rolled back to again. What runs goes on running."""
    from lineside.training.registry import Registry, Retirement

    if not by.strip() or not reason.strip():
        raise typer.BadParameter("a retirement needs a name and a reason", param_hint="--by, --reason")
    found = Registry(registry).retire(name, version, Retirement(by, reason, now().replace(microsecond=0)))
    if as_json:
        print_json(_summary(found))
        return
    say(f"{name} {version} is retired; roll back where it is live")


def _summary(release: "RegisteredRelease") -> dict[str, Any]:
    from lineside.inspection.release import write_instant

    retirement = release.retirement
    return {
        "name": release.manifest.name,
        "version": release.manifest.version,
        "digest": release.digest,
        "kind": release.manifest.input.kind.value,
        "classes": list(release.manifest.classes),
        "dataset_revision": release.manifest.dataset_revision,
        "key_id": release.key_id,
        "retired": None
        if retirement is None
        else {"name": retirement.name, "reason": retirement.reason, "at": write_instant(retirement.at)},
    }
