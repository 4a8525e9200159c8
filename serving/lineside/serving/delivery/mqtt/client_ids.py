"""How a sink names itself to a broker."""

import hashlib
import re

from lineside.serving.delivery.mqtt.settings import BrokerSettings


def client_id_of(settings: BrokerSettings, plant: str) -> str:
    """The id from the settings, else one of 23 signs or less that plant and sink always give.

    Every broker takes 23 letters and digits (MQTT 3.1.1, 3.1.3.1). It stays the same over restarts, so that a broker
    throws out what is left of a connection that it still thinks alive.
    """
    if settings.client_id is not None:
        return settings.client_id
    readable = re.sub(r"[^a-z0-9]", "", settings.name)[:7]
    digest = hashlib.sha256(f"{plant}\x00{settings.name}".encode()).hexdigest()
    return f"lineside{readable}{digest[:8]}"
