"""Delivery to an MQTT broker: the connection, and the plain JSON mode."""

from lineside.serving.delivery.mqtt.addresses import BrokerAddress, TlsFiles
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.mqtt.settings import BrokerSettings, MqttSettings, TlsSettings
from lineside.serving.delivery.mqtt.topics import TopicTemplate

__all__ = ["BrokerAddress", "BrokerSettings", "Message", "MqttSettings", "TlsFiles", "TlsSettings", "TopicTemplate"]
