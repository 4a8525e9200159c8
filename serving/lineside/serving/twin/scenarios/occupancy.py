"""How long parts occupied a place, from when they came and went: waiting taken out."""

import numpy as np

from lineside.serving.twin.line_model.durations import Numbers


def most_at_once(came_s: Numbers, went_s: Numbers) -> int:
    """The largest number of parts that were there at one time; 0 of none.

    Args:
        came_s: (n,) in any order.
        went_s: (n,) of the same parts, not before they came; one that goes as another comes makes room first.
    """
    instants = np.concatenate([went_s, came_s])
    steps = np.concatenate([-np.ones(len(went_s)), np.ones(len(came_s))])
    order = np.lexsort((steps, instants))
    return int(np.cumsum(steps[order]).max(initial=0))


def service_times(came_s: Numbers, went_s: Numbers, *, places: int) -> Numbers:
    """The seconds that parts were worked on, first come first served.

    With as many places as were ever needed nobody waited, and it is the time between. With fewer, work on the k-th to
    come began when it came or when the k-th last place before it became free, whichever is later: Lindley's recursion
    (Proc. Camb. Phil. Soc. 48, 1952) read backwards. Those that overtook are exchanged, so that each leaves in the
    order of coming; the number inside at any time, and so the mean time inside, stays what it was.

    Args:
        came_s: (n,) seconds, in any order.
        went_s: (n,) of the same parts, not before they came.
        places: that work at once, at least 1.

    Returns:
        (n,) in the order of coming, 0 or more.
    """
    order = np.argsort(came_s, kind="stable")
    came = came_s[order]
    if places >= most_at_once(came_s, went_s):
        return np.asarray(went_s[order] - came)
    went = np.sort(went_s)
    free = np.concatenate([np.full(places, -np.inf), went[:-places]])
    return np.asarray(went - np.maximum(came, free))
