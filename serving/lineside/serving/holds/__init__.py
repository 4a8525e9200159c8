"""Parts that are held back, a station's or a lot's; no verdict is altered by it."""

from lineside.serving.holds.schemas import HoldChanged, HoldIn, HoldOut, HoldState
from lineside.serving.holds.service import HoldBook

__all__ = ["HoldBook", "HoldChanged", "HoldIn", "HoldOut", "HoldState"]
