"""Bringing signed deployments, and the releases that they name, from a registry to a server."""

import asyncio
from collections.abc import Sequence

from lineside.client import LinesideClient, ReleasePackage, pack_release
from lineside.inspection.release import ReleaseReference
from lineside.training.registry import Registry, SignedDeployment

GIVE_UP_AFTER_S = 120.0
"""Of each call: packages are large, and a release is loaded and tried before the answer."""


def bring(registry: Registry, signed: Sequence[SignedDeployment], *, server: str, api_key: str) -> None:
    """Upload each release once, then post the deployments in the order of their serials.

    A release that comes with the package is on every server and is not uploaded.

    Args:
        registry: holds the releases.
        signed: what to bring.
        server: its address, e.g. "http://127.0.0.1:8470".
        api_key: of role mlops.

    Raises:
        ClientError: the server refused, or was not there.
        RegistryError: a release is neither in the registry nor comes with the package.
    """
    asyncio.run(_bring(registry, signed, server=server, api_key=api_key))


async def _bring(registry: Registry, signed: Sequence[SignedDeployment], *, server: str, api_key: str) -> None:
    packages = {release: _package(registry, release) for release in {each.deployment.release for each in signed}}
    async with LinesideClient(server, api_key) as client:
        for package in packages.values():
            if package is not None:
                await client.upload_release(package, give_up_after_s=GIVE_UP_AFTER_S)
        for each in sorted(signed, key=lambda one: one.deployment.serial):
            await client.deploy(each.document, each.signature, give_up_after_s=GIVE_UP_AFTER_S)


def _package(registry: Registry, release: ReleaseReference) -> ReleasePackage | None:
    if registry.is_starter(release):
        return None
    with registry.folder(release.name, release.version) as folder:
        return pack_release(folder)
