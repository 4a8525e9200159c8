"""The search itself: judging images among those that the candidate has learnt from."""

from collections.abc import Callable, Sequence

from lineside.datasets.labelled import LabelledImage
from lineside.datasets.leaks import find_leaks
from lineside.datasets.revisions import RevisionStore
from lineside.training.gate.leak_check import LeakCheck
from lineside.training.gate.lineage import LearntImages


def search_for_leaks(
    learnt: LearntImages,
    judging: Sequence[LabelledImage],
    store: RevisionStore,
    *,
    on_image: Callable[[int, int], None] | None = None,
) -> LeakCheck:
    """Look for every judging image among the learnt ones: by digest, ancestor, part and group, and by its look.

    Args:
        learnt: what the candidate has learnt from.
        judging: the golden or sealed images.
        store: holds the pictures of both.
        on_image: called after each picture that was looked at, with how many are done and how many there are.

    Raises:
        RevisionCorrupt: a picture is missing from the store or was changed.
    """
    leaks = find_leaks(judging, learnt.images, store, on_image=on_image)
    return LeakCheck(
        learnt.searched,
        learnt.unknown,
        tuple(leak.detail for leak in leaks),
        has_generated=learnt.has_generated,
    )
