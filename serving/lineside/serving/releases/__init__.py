"""The releases that this server has loaded and may judge with."""

from lineside.serving.releases.service import LoadedRelease, ReleaseShelf

__all__ = ["LoadedRelease", "ReleaseShelf"]
