"""The client's calls for pictures that the server keeps, and for what is needed to read them."""

import hashlib
from dataclasses import dataclass, field

import httpx

from lineside.client.calls import Calls, Json, json_object, path_segment
from lineside.client.errors import AnswerUnreadable
from lineside.inspection.frames import MediaType, PixelFormat, RawGeometry


@dataclass(frozen=True, slots=True)
class KeptImage:
    """The picture of one view, byte for byte as its station sent it.

    Attributes:
        content: the encoded picture.
        media_type: its encoding.
        digest: lowercase hex SHA-256 of `content`.
        raw: the geometry of a raw body; None for every other.
    """

    content: bytes = field(repr=False)
    media_type: MediaType
    digest: str
    raw: RawGeometry | None = None


class PictureCalls(Calls):
    """Asks for pictures, golden images and catalogues."""

    async def kept_image(self, inspection_id: str, *, view: str = "default") -> KeptImage:
        """The kept picture of one view with its encoding.

        Raises:
            NothingThere: the inspection is unknown, or its picture is no longer kept.
            AnswerUnreadable: the answer is no picture, or not the one that it says.
        """
        response = await self._response(f"/v1/inspections/{path_segment(inspection_id)}/image", {"view": view})
        said, digest = response.headers, hashlib.sha256(response.content).hexdigest()
        if said.get("etag", "").strip('"') != digest:
            raise AnswerUnreadable(
                f"the picture of view {view!r} of {inspection_id} has the digest {digest}, its ETag is "
                f"{said.get('etag', 'missing')}: it changed on its way; ask again"
            )
        try:
            media_type = MediaType(said.get("content-type", ""))
            raw = None
            if media_type is MediaType.RAW:
                raw = RawGeometry(
                    int(said["lineside-width"]),
                    int(said["lineside-height"]),
                    PixelFormat(said["lineside-pixel-format"]),
                )
        except (KeyError, ValueError) as error:
            raise AnswerUnreadable(
                f"the picture of view {view!r} of {inspection_id} has no known encoding ({error}); is that a Lineside "
                "server of this version?"
            ) from error
        return KeptImage(response.content, media_type, digest, raw)

    async def reference_image(self, digest: str) -> bytes:
        """A stored golden image, by the digest that a recipe names it by."""
        return (await self._response(f"/v1/references/{path_segment(digest)}", {})).content

    async def catalogue(self, catalogue_id: str, *, version: int | None = None) -> Json:
        """One version of a defect catalogue with its text; the latest if none is named."""
        asked = {} if version is None else {"version": version}
        return json_object((await self._response(f"/v1/catalogues/{path_segment(catalogue_id)}", asked)).content)

    async def catalogues(self) -> list[Json]:
        """The latest version of every defect catalogue, without its text."""
        items: list[Json] = json_object((await self._response("/v1/catalogues", {})).content)["items"]
        return items

    async def _response(self, path: str, params: dict[str, str] | dict[str, int]) -> httpx.Response:
        request = self._http.build_request("GET", path, params=params)
        return await self._sender.send(request, give_up_after_s=self._timeout_s)
