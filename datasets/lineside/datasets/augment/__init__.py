"""More training images from those there are: other light, small turns, crops, and defects on good parts.

Only the training split is ever taken from and added to. What was done is in the new revision's provenance, and every
made image names the ones that it was made from, so that a leak into a judging split is found.
"""

from lineside.datasets.augment.augmenting import PROVENANCE_KEY, Augmented, augment_revision
from lineside.datasets.augment.plan import MOST_SYNTHETIC_SHARE, AugmentationPlan
from lineside.datasets.augment.variation import PhotometricVariation

__all__ = [
    "MOST_SYNTHETIC_SHARE",
    "PROVENANCE_KEY",
    "AugmentationPlan",
    "Augmented",
    "PhotometricVariation",
    "augment_revision",
]
