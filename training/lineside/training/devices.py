"""Where a run computes."""

import importlib
import os
import platform
from typing import Any

from lineside.training.errors import DeviceMissing, ExtraMissing
from lineside.training.plan import Device, DeviceChoice

_MOST_THREADS = 12


def choose_device(choice: DeviceChoice) -> Device:
    """The device to train on; "auto" is a GPU where there is one.

    Raises:
        DeviceMissing: a GPU was asked for and torch sees none.
        ExtraMissing: torch is not installed.
    """
    if choice is DeviceChoice.CPU:
        return "cpu"
    try:
        torch: Any = importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}; install the training extra: pip install 'lineside[training]'") from error
    if torch.cuda.is_available():
        return "cuda"
    if choice is DeviceChoice.CUDA:
        raise DeviceMissing(
            f"a GPU was asked for, but torch {torch.__version__} sees none: its driver is missing, or this torch is "
            "built for CPUs only; install a CUDA build, or train with --device cpu"
        )
    return "cpu"


def crop_threads(device: Device) -> int:
    """How many threads cut crops: on a CPU the network needs the cores."""
    return 1 if device == "cpu" else min(_MOST_THREADS, os.cpu_count() or 1)


def describe_machine(device: Device) -> str:
    """Kind of machine, for the run's record."""
    cores = f"{os.cpu_count()} CPU cores ({platform.machine()})"
    if device == "cpu":
        return cores
    name: str = importlib.import_module("torch").cuda.get_device_name(0)
    return f"{name}, {cores}"
