"""The live page: what the line does now, in English and Korean, for whoever is logged in."""

from lineside.serving.dashboard.mounting import PAGE_PATH, mount_dashboard
from lineside.serving.dashboard.texts import Language

__all__ = ["PAGE_PATH", "Language", "mount_dashboard"]
