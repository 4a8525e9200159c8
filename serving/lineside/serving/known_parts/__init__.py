"""Parts whose truth is known beforehand, sent through the line to see what it finds."""

from lineside.serving.known_parts.schemas import KnownPartIn, KnownPartOut, Truth

__all__ = ["KnownPartIn", "KnownPartOut", "Truth"]
