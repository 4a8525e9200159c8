"""Numbers in, numbers out: how sure a figure of the line is."""

from lineside.statistics.rates import RateInterval, wilson_interval

__all__ = ["RateInterval", "wilson_interval"]
