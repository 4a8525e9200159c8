"""GenTL producers, the vendors' .cti libraries: each opened once for all its cameras.

GenTL lets a process open a producer's system once (TLOpen answers GC_ERR_RESOURCE_IN_USE the second time), however many
of its cameras a station has. That is a property of the process, and so is the one pool here: `PRODUCERS`.
A producer runs inside the station's process; one that crashes takes the station with it, whose PLC then has no permit.
"""

import ctypes
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from genicam import gentl
from harvesters.core import DeviceInfo, Harvester, ImageAcquirer, ParameterKey, ParameterSet

from lineside.station.cameras.errors import CameraLost, CameraMisconfigured

_ENTRY: Final = "GCInitLib"
"""Every GenTL producer exports it (GenTL 1.6, 6.2.1)."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Opened:
    """A producer in use, and the cameras that use it."""

    harvester: Harvester
    acquirers: list[ImageAcquirer] = field(default_factory=list)


class ProducerPool:
    """Opens producers when their first camera comes, closes them when the last one goes. Safe from any thread."""

    def __init__(self) -> None:
        self._opened: dict[Path, _Opened] = {}
        self._lock = threading.Lock()

    def open_device(self, producer: Path, device: str | None, *, camera: str, buffers: int) -> ImageAcquirer:
        """Take a device for one camera.

        A producer lists its devices anew only while none of them is open: harvesters would close the others.

        Args:
            producer: the .cti file.
            device: serial number, user-defined name or id; None if there is one only.
            camera: what the station calls it, for errors.
            buffers: that the producer may fill before it loses frames.

        Raises:
            CameraMisconfigured: no producer, or a device that is not told from another.
            CameraLost: no such device now, or it is in use.
        """
        producer = producer.resolve()
        with self._lock:
            opened = self._opened.get(producer)
            if opened is None:
                _check_producer(producer, camera=camera)
                opened = _Opened(Harvester(config=ParameterSet({ParameterKey.LOGGER: _LOG})))
                opened.harvester.add_file(str(producer))
            if not opened.acquirers:
                opened.harvester.update()
            try:
                acquirer = _acquirer(opened.harvester, device, camera=camera, buffers=buffers)
            except BaseException:
                if not opened.acquirers:
                    opened.harvester.reset()
                    self._opened.pop(producer, None)
                raise
            opened.acquirers.append(acquirer)
            self._opened[producer] = opened
            return acquirer

    def close_device(self, producer: Path, acquirer: ImageAcquirer) -> None:
        """Give a device back; after it `acquirer` is of no use."""
        producer = producer.resolve()
        with self._lock:
            opened = self._opened[producer]
            opened.acquirers.remove(acquirer)
            try:
                acquirer.destroy()
            finally:
                if not opened.acquirers:
                    del self._opened[producer]
                    opened.harvester.reset()

    def devices(self, producer: Path) -> tuple[str, ...]:
        """A line about each device of a producer; none while its cameras are in use here.

        Raises:
            CameraMisconfigured: no producer.
        """
        producer = producer.resolve()
        with self._lock:
            if producer in self._opened:
                return ()
            _check_producer(producer, camera=producer.name)
            harvester = Harvester(config=ParameterSet({ParameterKey.LOGGER: _LOG}))
            try:
                harvester.add_file(str(producer))
                harvester.update()
                return tuple(f"{_described(info)} by {producer}" for info in harvester.device_info_list)
            finally:
                harvester.reset()


PRODUCERS: Final = ProducerPool()
"""The process's own; see above."""


def _check_producer(producer: Path, *, camera: str) -> None:
    """Refuse what is no producer before harvesters calls into it: that would end the process."""
    try:
        library = ctypes.CDLL(str(producer))
    except OSError as error:
        raise CameraMisconfigured(f"camera {camera!r}: producer {producer} cannot be loaded: {error}") from error
    if not hasattr(library, _ENTRY):
        raise CameraMisconfigured(f"camera {camera!r}: {producer} is no GenTL producer: it has no {_ENTRY}")


def _acquirer(harvester: Harvester, device: str | None, *, camera: str, buffers: int) -> ImageAcquirer:
    infos: Sequence[DeviceInfo] = harvester.device_info_list
    fitting = [info for info in infos if device is None or device in _names(info)]
    seen = "; ".join(_described(info) for info in infos) or "none"
    if not fitting:
        raise CameraLost(f"camera {camera!r}: the producer has no such device now; it has: {seen}")
    if len(fitting) > 1:
        raise CameraMisconfigured(f"camera {camera!r}: the producer has several devices ({seen}); name one by device")
    config = ParameterSet(
        {
            ParameterKey.ENABLE_AUTO_CHUNK_DATA_UPDATE: False,
            ParameterKey.NUM_BUFFERS_FOR_FETCH_CALL: buffers,
        }
    )
    try:
        return harvester.create(fitting[0], config=config)
    except gentl.GenericException as error:
        raise CameraLost(f"camera {camera!r}: {_described(fitting[0])} cannot be opened: {error}") from error


def _names(info: DeviceInfo) -> tuple[str, ...]:
    return tuple(str(value) for key in ("serial_number", "user_defined_name", "id_") if (value := _property(info, key)))


def _described(info: DeviceInfo) -> str:
    maker = " ".join(value for key in ("vendor", "model") if (value := _property(info, key)))
    return f"{_property(info, 'serial_number') or _property(info, 'id_')} ({maker})"


def _property(info: DeviceInfo, key: str) -> str | None:
    """A property that not every producer has."""
    try:
        value: str | None = getattr(info, key)
    except gentl.GenericException:
        return None
    return value
