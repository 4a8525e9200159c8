"""Which labels are probably wrong: those that models which never saw them contradict.

`divide_into_folds` says on which images each of several models is trained, so that every image is judged by one that
was not trained on it; `suspect_labels` ranks what those models contradict. Needs the extra `labelling` (cleanlab).
"""

from lineside.datasets.label_quality.folds import Fold, divide_into_folds, fold_draft
from lineside.datasets.label_quality.scoring import CheckedImage, SuspectKind, SuspectLabel, suspect_labels

__all__ = [
    "CheckedImage",
    "Fold",
    "SuspectKind",
    "SuspectLabel",
    "divide_into_folds",
    "fold_draft",
    "suspect_labels",
]
