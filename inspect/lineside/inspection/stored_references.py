"""A stored reference image made ready to be laid on frames, the same way wherever a part is judged."""

from lineside.inspection.decoding import DecodingLimits, ExpectedGeometry, decode
from lineside.inspection.frames import MediaType
from lineside.inspection.recipe import ReferenceSpec, View
from lineside.inspection.reference import PreparedReference, Reference, to_gray

_MAGIC = ((b"\x89PNG", MediaType.PNG), (b"\xff\xd8", MediaType.JPEG), (b"BM", MediaType.BMP))


def prepare_reference(
    view: View, reference: ReferenceSpec, body: bytes, *, limits: DecodingLimits
) -> PreparedReference:
    """Decode and prepare a reference image: some milliseconds a megapixel.

    Args:
        view: that it is of.
        reference: what the recipe says of it.
        body: the stored image.
        limits: of decoding.

    Raises:
        FrameError: it is unreadable or has not the view's size.
    """
    expected = None if view.size_wh_px is None else ExpectedGeometry(view.size_wh_px)
    frame = decode(body, media_type_by_magic(body), limits=limits, expected=expected, view=view.name)
    return PreparedReference.prepare(
        Reference(
            id=reference.id,
            image=to_gray(frame.image),
            approved_by=reference.approved_by,
            approved_at=reference.approved_at,
            expires_at=reference.expires_at,
        )
    )


def media_type_by_magic(body: bytes) -> MediaType:
    """What an encoded picture is by its first bytes; PNG if it is none of ours, so that decoding says so."""
    return next((kind for magic, kind in _MAGIC if body.startswith(magic)), MediaType.PNG)
