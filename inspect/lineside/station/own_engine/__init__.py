"""A station's own judge: the last verified deployment, kept whole on disk, and the engine that runs it."""

from lineside.station.own_engine.errors import KitStoreFailed, NoKit, OwnEngineError

__all__ = ["KitStoreFailed", "NoKit", "OwnEngineError"]
