"""DeepPCB's layout: pairs of a tested image and its defect-free template (Tang et al., 2019)."""

from lineside.datasets.formats.deeppcb.reading import LabelledPair, deeppcb_groups, read_deeppcb, read_deeppcb_layout
from lineside.datasets.formats.deeppcb.writing import write_deeppcb_layout

__all__ = ["LabelledPair", "deeppcb_groups", "read_deeppcb", "read_deeppcb_layout", "write_deeppcb_layout"]
