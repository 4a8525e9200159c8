"""Which gray value of a mask is which class."""

from collections.abc import Mapping

from lineside.datasets.errors import SampleUnreadable


def parse_mask_values(text: str) -> Mapping[int, str]:
    """Read `1=scratch,2=dent`; 0 is the background.

    >>> dict(parse_mask_values("1=scratch, 255=dent"))
    {1: 'scratch', 255: 'dent'}

    Raises:
        SampleUnreadable: it is written otherwise, or a value or class stands twice.
    """
    values: dict[int, str] = {}
    for entry in text.split(","):
        number, equals, name = (part.strip() for part in entry.partition("="))
        is_value = number.isascii() and number.isdigit() and 1 <= int(number) <= 255
        if not equals or not is_value or not name or int(number) in values or name in values.values():
            raise SampleUnreadable(
                f"--mask-values {text!r}: {entry.strip()!r}; expected gray values from 1 to 255 and a class for each, "
                "such as 1=scratch,2=dent"
            )
        values[int(number)] = name
    return values
