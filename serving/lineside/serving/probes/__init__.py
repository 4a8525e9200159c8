"""Whether the server lives, whether it can judge, and how it does."""

from lineside.serving.probes.schemas import Alive, Readiness

__all__ = ["Alive", "Readiness"]
