"""Readers of the layouts that labelled images come in."""

from lineside.datasets.formats.deeppcb import LabelledPair, deeppcb_groups, read_deeppcb

__all__ = ["LabelledPair", "deeppcb_groups", "read_deeppcb"]
