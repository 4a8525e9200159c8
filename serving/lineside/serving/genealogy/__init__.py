"""Where parts and lots have been: attempts, what they belong to, and what was said and done."""

from lineside.serving.genealogy.schemas import LotOut, PartOut

__all__ = ["LotOut", "PartOut"]
