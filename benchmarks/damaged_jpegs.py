"""How many randomly damaged JPEGs does the strict decoder catch, where no digest does?

Prints one row per kind of damage, with a plain `cv2.imdecode` of the same bodies beside it. "changed" is what
hurts: accepted although the pixels are not the ones that were sent. "harmless" bodies decode to the same pixels.

    python benchmarks/damaged_jpegs.py [--count 1000] [--seed 1]
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import Image, MediaType

_LIMITS = DecodingLimits()
_ZEROED_BYTES = 200


@dataclass(slots=True)
class Tally:
    """What became of the damaged bodies of one kind."""

    caught: int = 0
    changed: int = 0
    harmless: int = 0

    def count(self, decoded: Image | None, original: Image) -> None:
        """Note one body."""
        if decoded is None:
            self.caught += 1
        elif np.array_equal(decoded, original):
            self.harmless += 1
        else:
            self.changed += 1


def board_jpeg(rng: np.random.Generator, *, side_px: int = 640) -> bytes:
    """A gray board as a camera sees it: traces and pads, shading, noise, JPEG quality 90."""
    board = np.full((side_px, side_px), 70.0, np.float32)
    for _ in range(30):
        start, end = rng.integers(0, side_px, (2, 2))
        corner = (int(end[0]), int(start[1]))
        cv2.line(board, (int(start[0]), int(start[1])), corner, 180.0, 6)
        cv2.line(board, corner, (int(end[0]), int(end[1])), 180.0, 6)
        cv2.circle(board, (int(end[0]), int(end[1])), 12, 190.0, -1)
    shading = np.linspace(0.85, 1.1, side_px, dtype=np.float32)[None, :]
    seen = cv2.GaussianBlur(board * shading, (0, 0), 0.9) + rng.normal(0, 3, board.shape)
    encoded, body = cv2.imencode(".jpg", np.clip(seen, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return body.tobytes()


def _flip_bit(body: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(body)
    damaged[rng.integers(len(body))] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def _zero_run(body: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(body) - _ZEROED_BYTES))
    return body[:start] + bytes(_ZEROED_BYTES) + body[start + _ZEROED_BYTES :]


def _cut(body: bytes, rng: np.random.Generator) -> bytes:
    return body[: int(rng.integers(1, len(body)))]


def _insert(body: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(body)))
    return body[:start] + rng.bytes(int(rng.integers(1, 33))) + body[start:]


def _drop(body: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(body) - 1500))
    return body[:start] + body[start + int(rng.integers(1, 1460)) :]


DAMAGES: Mapping[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "one bit flipped": _flip_bit,
    f"{_ZEROED_BYTES} bytes zeroed": _zero_run,
    "cut": _cut,
    "1..32 bytes inserted": _insert,
    "1..1459 bytes lost": _drop,
}


def measure(count: int, *, seed: int) -> tuple[dict[str, Tally], dict[str, Tally]]:
    """Damage `count` JPEGs, the kinds in turn; return tallies of the strict decoder and of plain OpenCV."""
    rng = np.random.default_rng(seed)
    strict = {kind: Tally() for kind in DAMAGES}
    plain = {kind: Tally() for kind in DAMAGES}
    bodies = [board_jpeg(rng) for _ in range(min(count, 20))]
    for index in range(count):
        kind = list(DAMAGES)[index % len(DAMAGES)]
        body = bodies[index % len(bodies)]
        original = decode(body, MediaType.JPEG, limits=_LIMITS).image
        damaged = DAMAGES[kind](body, rng)
        strict[kind].count(_strictly_decoded(damaged), original)
        plain[kind].count(_plainly_decoded(damaged), original)
    return strict, plain


def _strictly_decoded(body: bytes) -> Image | None:
    try:
        return decode(body, MediaType.JPEG, limits=_LIMITS).image
    except FrameError:
        return None


def _plainly_decoded(body: bytes) -> Image | None:
    try:
        image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    return None if image is None else image.astype(np.uint8, copy=False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    strict, plain = measure(arguments.count, seed=arguments.seed)
    print(f"{'damage':24}{'bodies':>8}{'caught':>9}{'changed':>9}{'harmless':>10}{'OpenCV caught':>16}{'changed':>9}")
    for kind, tally in strict.items():
        other = plain[kind]
        bodies = tally.caught + tally.changed + tally.harmless
        print(
            f"{kind:24}{bodies:>8}{tally.caught:>9}{tally.changed:>9}{tally.harmless:>10}"
            f"{other.caught:>16}{other.changed:>9}"
        )
    caught, changed = sum(t.caught for t in strict.values()), sum(t.changed for t in strict.values())
    other_caught, other_changed = sum(t.caught for t in plain.values()), sum(t.changed for t in plain.values())
    harmless = arguments.count - caught - changed
    print(f"{'all':24}{arguments.count:>8}{caught:>9}{changed:>9}{harmless:>10}{other_caught:>16}{other_changed:>9}")


if __name__ == "__main__":
    main()
