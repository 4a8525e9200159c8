"""Files of studies, small and true, for the tests of reading, serving and commands."""

import math

import numpy as np

from lineside.statistics.agreement import Call


def pod_text(*, targets: int = 80, defect_free: int = 40, design: str = "designed", seed: int = 11) -> str:
    """A study whose true a90 is exp((ln 9 - 5) / 3.5) = 0.449; the first two good parts are called."""
    generator = np.random.default_rng(seed)
    lines = [f"# design: {design}", "# unit: mm", "part_id,size,result"]
    for number in range(targets):
        size = math.exp(generator.uniform(math.log(0.05), math.log(1.2)))
        chance = 1 / (1 + math.exp(-5 - 3.5 * math.log(size)))
        lines.append(f"T-{number:03},{size:.3f},{'hit' if generator.random() < chance else 'miss'}")
    lines += [f"G-{number:03},,{'false_call' if number < 2 else 'clear'}" for number in range(defect_free)]
    return "\n".join(lines) + "\n"


def key_text(parts: int = 20) -> str:
    """Codes K01 up: the odd ones are defective, the first eight are borderline."""
    rows = [
        f"K{number:02},P-{number:03},{reference_of(number).value},{'yes' if number <= 8 else 'no'}"
        for number in range(1, parts + 1)
    ]
    return "\n".join(("# kind: attribute", "# detector: aoi-1", "code,part_id,reference,borderline", *rows)) + "\n"


def reference_of(number: int) -> Call:
    """What the part of a code is."""
    return Call.NG if number % 2 else Call.OK


def sheet_text(parts: int = 20, trials: int = 2) -> str:
    """Kim is always right; aoi-1 misses part 1 in every trial and part 3 in the first, and calls part 2 once."""
    lines = ["# kind: attribute", "appraiser,trial,order,code,call"]
    for trial in range(1, trials + 1):
        for name in ("kim", "aoi-1"):
            for number in range(1, parts + 1):
                call = reference_of(number)
                if name == "aoi-1" and (number == 1 or (number in (2, 3) and trial == 1)):
                    call = Call.OK if call is Call.NG else Call.NG
                lines.append(f"{name},{trial},{number},K{number:02},{call.value}")
    return "\n".join(lines) + "\n"


def size_key_text(parts: int = 10) -> str:
    """A variable study's key."""
    rows = [f"K{number:02},P-{number:03}" for number in range(1, parts + 1)]
    return "\n".join(("# kind: variable", "# tolerance: 0.5", "code,part_id", *rows)) + "\n"


def size_sheet_text(parts: int = 10, trials: int = 3) -> str:
    """Two people measure; standard deviations are 0.02 of repeating and 0.2 of parts."""
    generator = np.random.default_rng(4)
    true = generator.normal(1.0, 0.2, parts)
    lines = ["# kind: variable", "appraiser,trial,order,code,size"]
    for trial in range(1, trials + 1):
        for name in ("kim", "lee"):
            for number in range(1, parts + 1):
                size = true[number - 1] + generator.normal(0, 0.02)
                lines.append(f"{name},{trial},{number},K{number:02},{size:.4f}")
    return "\n".join(lines) + "\n"
