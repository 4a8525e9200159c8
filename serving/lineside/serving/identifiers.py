"""Identifiers that sort by the time they were made: the same ones as the stations'."""

from lineside.client.identifiers import IdentifierSource

__all__ = ["IdentifierSource"]
