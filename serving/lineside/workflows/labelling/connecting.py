"""Connect: Label Studio asks our server for the live model's boxes, and tells it when somebody labelled."""

import asyncio

from lineside.datasets.labelling import ConnectedBackend, LabelStudio, Token
from lineside.workflows.labelling.site import LabelSite
from lineside.workflows.labelling.studio_projects import require_studio_project


async def connect_labels(
    site: LabelSite, studio: LabelStudio, *, studio_url: str, own_url: str, key: Token
) -> ConnectedBackend:
    """Make our server the ML backend and the webhook of a project, or put right what stands there.

    Args:
        site: where; its project was pushed before.
        studio: Label Studio, open.
        studio_url: its address.
        own_url: of our server, as Label Studio reaches it.
        key: API key of role `label_studio`: Label Studio keeps it in the clear.

    Raises:
        LabelProjectUnfit: the project was never pushed, or lies in another Label Studio.
        ProjectGone: it was deleted in Label Studio.
        StudioRefused: Label Studio does not reach our server, or may not, or our server refuses the key.
        LabellingError: Label Studio cannot be asked.
        ClientError: our server cannot be asked.
    """
    project = await site.read()

    def connect() -> ConnectedBackend:
        found = require_studio_project(studio, studio_url, project)
        return studio.connect_backend(found.id, url=f"{own_url.rstrip('/')}/label-studio", key=key)

    connected = await asyncio.to_thread(connect)
    await site.client.put_label_project(
        site.project, webhook={"id": connected.webhook_id, "url": connected.webhook_url}
    )
    return connected
