"""How a training split is made larger."""

from dataclasses import dataclass

from lineside.datasets.errors import AugmentationRefused

MOST_SYNTHETIC_SHARE = 0.5
"""Of the training images may show pasted defects: past it a model learns the seams of pasting."""


@dataclass(frozen=True, slots=True)
class AugmentationPlan:
    """What is made.

    Attributes:
        copies: varied copies of every training image.
        photometric: share of the copies whose light, sharpness or noise changes.
        rotate_deg: copies are turned by up to this, with their references.
        crop_px: copies are cut to squares of this side that keep at least one defect; None: whole.
        paste_share: of the resulting training images that are good ones with pasted defects, at most
            `MOST_SYNTHETIC_SHARE`.
        defects_pasted: on one image, at most.
        seed: of everything.
    """

    copies: int = 1
    photometric: float = 0.7
    rotate_deg: float = 2.0
    crop_px: int | None = None
    paste_share: float = 0.0
    defects_pasted: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what makes nothing, or too much.

        Raises:
            AugmentationRefused: naming the value.
        """
        if self.copies < 0 or self.defects_pasted < 1 or (self.crop_px is not None and self.crop_px < 1):
            raise AugmentationRefused(
                f"{self.copies} copies, crops of {self.crop_px} px, {self.defects_pasted} defects pasted: expected 0 "
                "or more copies and at least 1 of the others"
            )
        if not (0 <= self.photometric <= 1 and 0 <= self.rotate_deg <= _LARGEST_TURN_DEG):
            raise AugmentationRefused(
                f"a photometric share of {self.photometric} and turns of {self.rotate_deg} degrees: expected 0 to 1 "
                f"and 0 to {_LARGEST_TURN_DEG:g}; boxes stay upright, so a larger turn would make them too large"
            )
        if not 0 <= self.paste_share <= MOST_SYNTHETIC_SHARE:
            raise AugmentationRefused(
                f"a share of {self.paste_share} pasted images: expected 0 to {MOST_SYNTHETIC_SHARE}; real defects have "
                "to stay the larger part"
            )
        if not self.copies and not self.paste_share:
            raise AugmentationRefused("neither copies nor pasted images were asked for; nothing would be made")


_LARGEST_TURN_DEG = 10.0
