"""The labelling loop's state: what was picked, its tasks in Label Studio, what people said, and what needs a person."""

from lineside.serving.labelling.schemas import AttentionOut, LabelPickChanged, PickState

__all__ = ["AttentionOut", "LabelPickChanged", "PickState"]
