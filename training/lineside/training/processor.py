"""Which processor this is, for records of what was measured on it."""

import platform
from pathlib import Path


def processor_model(cpu_info: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model, as far as the system tells; its architecture otherwise."""
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
