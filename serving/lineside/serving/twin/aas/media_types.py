"""In which form a file of the twin is asked for."""

from typing import Final

from lineside.serving.twin.aas.errors import NoSuchSerialization

JSON_MEDIA_TYPE: Final = "application/json"
AASX_MEDIA_TYPE: Final = "application/asset-administration-shell-package+xml"
"""Of AASX packages (IDTA 01002, GenerateSerializationByIds)."""

_NAMES: Final = {
    JSON_MEDIA_TYPE: JSON_MEDIA_TYPE,
    "application/*": JSON_MEDIA_TYPE,
    "*/*": JSON_MEDIA_TYPE,
    AASX_MEDIA_TYPE: AASX_MEDIA_TYPE,
    "application/asset-administration-shell-package": AASX_MEDIA_TYPE,
}


def chosen_media_type(accept: str | None) -> str:
    """The form that an Accept header asks for: the first in it that there is; JSON without a header.

    Weights are not looked at: programs ask for one form.

    Raises:
        NoSuchSerialization: it asks for others alone.
    """
    if accept is None or not accept.strip():
        return JSON_MEDIA_TYPE
    for asked in accept.split(","):
        found = _NAMES.get(asked.partition(";")[0].strip().lower())
        if found is not None:
            return found
    raise NoSuchSerialization(
        f"the twin is not given out as {accept[:80]!r}; expected Accept: {JSON_MEDIA_TYPE} or {AASX_MEDIA_TYPE}"
    )
