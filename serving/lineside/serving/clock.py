"""Time, as the service sees it: the same injected clock as the stations'."""

from lineside.client.clock import Clock, ManualClock, SystemClock

__all__ = ["Clock", "ManualClock", "SystemClock"]
