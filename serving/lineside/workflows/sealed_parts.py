"""Whatever evaluates sealed parts writes the look down first."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from lineside.datasets.labelled import LabelledImage, Split
from lineside.training.registry.looks import Look, LookLog


def record_look(
    images: Iterable[LabelledImage],
    *,
    name: str | None,
    registry: str,
    revision: str,
    releases: Sequence[str],
    now: datetime,
) -> Look | None:
    """Log a look at those of the images that are sealed; None if none is.

    Args:
        images: about to be judged.
        name: who looks; required where an image is sealed.
        registry: keeps the log, a folder or a URL.
        revision: id of the revision.
        releases: digests of what is to be judged.
        now: aware.

    Raises:
        GateRefused: nobody gave a name.
        StoreUnwritable: the registry refused; then nobody may look.
    """
    sealed = [image for image in images if image.split is Split.SEALED]
    if not sealed:
        return None
    return LookLog(registry).record(sealed, name=name or "", revision=revision, releases=releases, now=now)
