"""What a count is: the checks that every function of counts makes first."""


def check_counts(**counts: int) -> None:
    """Refuse what is no count.

    Args:
        counts: each by the name that the message uses.

    Raises:
        TypeError: one is no integer; a share of a part is not a count.
        ValueError: one is negative.
    """
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int):
            raise TypeError(f"{name} is {count!r} ({type(count).__name__}); expected an integer count")
        if count < 0:
            raise ValueError(f"{name} is {count}; expected 0 or more")


def check_share(name: str, share: float) -> None:
    """Refuse what is not strictly between 0 and 1, NaN included.

    Raises:
        ValueError: it is outside.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"{name} is {share}; expected a number strictly between 0 and 1, such as 0.95")
