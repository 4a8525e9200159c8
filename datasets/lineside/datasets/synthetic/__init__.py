"""Synthetic bare boards as a line scanner sees them, with exact ground truth.

```python
board = Board(BoardDesign(LayoutFamily.BUS, seed=7))
good = board.sample(look=Look.CAMERA, defects=0, seed=1)
bad = board.sample(look=Look.CAMERA, defects=3, seed=2)  # bad.reference == good.reference
```
"""

from lineside.datasets.synthetic.board import BOX_MARGIN_PX, Board
from lineside.datasets.synthetic.design import (
    DEFECT_CLASSES,
    LARGEST_SIDE_PX,
    PX_PER_MM,
    TILE_PX,
    BoardDesign,
    Defect,
    DefectClass,
    DefectLook,
    LayoutFamily,
    Look,
    Mark,
    MarkKind,
    Sample,
    Strip,
)
from lineside.datasets.synthetic.generation import generate, golden, strips

__all__ = [
    "BOX_MARGIN_PX",
    "DEFECT_CLASSES",
    "LARGEST_SIDE_PX",
    "PX_PER_MM",
    "TILE_PX",
    "Board",
    "BoardDesign",
    "Defect",
    "DefectClass",
    "DefectLook",
    "LayoutFamily",
    "Look",
    "Mark",
    "MarkKind",
    "Sample",
    "Strip",
    "generate",
    "golden",
    "strips",
]
