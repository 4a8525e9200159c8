"""A station's own judge: the last verified deployment, kept whole on disk, and the engine that runs it."""

from lineside.station.own_engine.errors import KitStoreFailed, NoKit, OwnEngineError
from lineside.station.own_engine.fetching import KitKeeper
from lineside.station.own_engine.kit_record import Kit, KitPapers
from lineside.station.own_engine.kit_store import KitStore
from lineside.station.own_engine.own_engine import EngineSettings, OwnEngine
from lineside.station.own_engine.verification import verify_kit

__all__ = [
    "EngineSettings",
    "Kit",
    "KitKeeper",
    "KitPapers",
    "KitStore",
    "KitStoreFailed",
    "NoKit",
    "OwnEngine",
    "OwnEngineError",
    "verify_kit",
]
