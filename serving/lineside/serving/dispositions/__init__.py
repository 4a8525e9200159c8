"""What physically happened to parts."""

from lineside.serving.dispositions.schemas import DispositionIn, DispositionKind, DispositionOut

__all__ = ["DispositionIn", "DispositionKind", "DispositionOut"]
