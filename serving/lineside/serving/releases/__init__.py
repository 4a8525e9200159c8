"""The releases that this server has, and those that it holds in memory."""

from lineside.serving.releases.archives import ArchiveLimits, unpack
from lineside.serving.releases.leases import Lease, LoadedRelease, SharedRelease
from lineside.serving.releases.packages import PackageStore
from lineside.serving.releases.shelf import STARTERS, Purpose, ReleaseRef, ReleaseShelf
from lineside.serving.releases.trusted import TrustFile

__all__ = [
    "STARTERS",
    "ArchiveLimits",
    "Lease",
    "LoadedRelease",
    "PackageStore",
    "Purpose",
    "ReleaseRef",
    "ReleaseShelf",
    "SharedRelease",
    "TrustFile",
    "unpack",
]
