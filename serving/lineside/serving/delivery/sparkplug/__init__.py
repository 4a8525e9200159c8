"""Delivery as a Sparkplug B 3.0 edge node; the settings need no extra, the rest needs `lineside[mqtt]`."""

from lineside.serving.delivery.sparkplug.settings import SparkplugSettings

__all__ = ["SparkplugSettings"]
