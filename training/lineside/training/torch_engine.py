"""A network of the training framework behind the Protocol that serving's engines have.

The serving detector then judges it as it judges an exported model: same padding, tiles, decoding and suppression.
"""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detector import Detector
from lineside.inspection.heads import Head
from lineside.inspection.release import InputKind, Release
from lineside.training.plan import Device
from lineside.training.ultralytics_adapter import Network

LOWEST_CONFIDENCE = 0.01


class TorchEngine:
    """Runs a network in float32.

    Args:
        network: in evaluation mode whenever `infer` is called.
        device: that it is on.
    """

    def __init__(self, network: Network, *, device: Device = "cpu") -> None:
        self._torch: Any = importlib.import_module("torch")
        self._network = network
        self._device = device

    @property
    def name(self) -> str:
        """As engines are named."""
        return "pytorch-fp32"

    @property
    def streams(self) -> int:
        """One: torch spreads a single call over the cores."""
        return 1

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Engine.infer`."""
        torch = self._torch
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(batch_nhwc_u8)).to(self._device).permute(0, 3, 1, 2)
            images = (pixels.float() / 255).contiguous(memory_format=torch.channels_last)
            output: NDArray[np.float32] = self._network(images)[0].float().cpu().numpy()
        return output

    def close(self) -> None:
        """Nothing to free: the network is its owner's."""


def network_detector(
    network: Network, *, kind: InputKind, size_wh_px: tuple[int, int], device: Device = "cpu"
) -> Detector:
    """The serving detector around a network that is no release.

    Args:
        network: of `ultralytics_adapter.build_network`, in evaluation mode.
        kind: what its channels are.
        size_wh_px: of the windows that it judges; larger frames are tiled.
        device: that it is on.
    """
    classes = tuple(network.names[index] for index in range(len(network.names)))
    release = Release(
        name="network",
        version="0",
        digest="",
        input_kind=kind,
        input_size_wh_px=size_wh_px,
        head=Head.END_TO_END if network.end2end else Head.RAW,
        classes=classes,
        thresholds=dict.fromkeys(classes, LOWEST_CONFIDENCE),
        catalogue_id="none",
        catalogue_version=1,
        licence="AGPL-3.0-only",
        canary=(),
        served_model=b"",
    )
    return Detector(release, TorchEngine(network, device=device))
