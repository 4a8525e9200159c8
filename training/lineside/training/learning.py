"""The learning itself: epochs of steps, averaged weights, a falling learning rate, and a state to go on from.

Nothing here draws random numbers: weights come in drawn, and crops are decided by seed, epoch and index. So the state
is weights, averages, the optimiser's moments and a few numbers, and a resumed run continues the same run.
"""

import importlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.training import ultralytics_adapter
from lineside.training.batches import Batch, batches_of_epoch, steps_of_epoch
from lineside.training.crops import CropSource
from lineside.training.errors import TrainingError
from lineside.training.plan import Device, TrainingPlan

SETTLING_SHARE = 0.3
"""The last part of a run, in which images are shown as they come, so that the boxes' own margins are learnt.

On DeepPCB the last of eight epochs, the only one of that run without turns, brought mAP50-95 on a board not trained on
from 0.691 to 0.714.
"""

_WARM_UP_EPOCHS = 0.3
_LAST_RATE_SHARE = 0.01
_BETAS = (0.937, 0.999)
_WEIGHT_DECAY = 0.0005
_LARGEST_GRADIENT = 10.0

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class EpochLosses:
    """What an epoch gave.

    Attributes:
        epoch: from 1.
        losses: mean by name, as ultralytics names them.
        learning_rate: of the last step.
        seconds: that it took.
        is_cut_short: the time ran out before its end.
    """

    epoch: int
    losses: Mapping[str, float]
    learning_rate: float
    seconds: float
    is_cut_short: bool


@dataclass(slots=True)
class Progress:
    """How far a run has come; part of its state.

    Attributes:
        epochs_done: whole epochs.
        steps_done: of the optimiser.
        seconds: of learning and looking, before this process.
    """

    epochs_done: int = 0
    steps_done: int = 0
    seconds: float = 0.0


class Learner:
    """A network being trained. Use it within `ultralytics_adapter.ultralytics_in`.

    Args:
        network: starts from its weights as they are.
        plan: how to train.
        source: of the crops.
        clock: monotonic seconds.
        threads: that cut crops.
        reserve_seconds: of the plan's minutes that are kept for the last look and the export.
    """

    def __init__(
        self,
        network: ultralytics_adapter.Network,
        *,
        plan: TrainingPlan,
        source: CropSource,
        clock: Clock = time.monotonic,
        threads: int = 1,
        reserve_seconds: float = 0.0,
    ) -> None:
        self._torch: Any = importlib.import_module("torch")
        self._plan = plan
        self._source = source
        self._clock = clock
        self._started = clock()
        self._threads = threads
        self._limit_seconds = math.inf if plan.minutes is None else max(1.0, plan.minutes * 60 - reserve_seconds)
        self.network = network.to(plan.device).to(memory_format=self._torch.channels_last)
        self._criterion = ultralytics_adapter.build_criterion(self.network)
        self._average = ultralytics_adapter.build_average(self.network)
        self._optimizer = self._build_optimizer()
        self.progress = Progress()

    @property
    def average(self) -> ultralytics_adapter.Network:
        """The network with the averaged weights, in evaluation mode."""
        return self._average.ema

    @property
    def seconds(self) -> float:
        """Of the whole run so far, resumed parts together."""
        return self.progress.seconds + self._clock() - self._started

    @property
    def is_out_of_time(self) -> bool:
        """Whether the plan's minutes are used up, but for the reserve."""
        return self.seconds >= self._limit_seconds

    def seconds_left(self) -> float | None:
        """How long the run still takes if it goes on as so far; None before the first step."""
        steps = self.progress.steps_done
        if not steps:
            return None
        by_steps = self.seconds / steps * (self.steps_per_epoch() * self._plan.epochs - steps)
        return max(0.0, min(by_steps, self._limit_seconds - self.seconds))

    def steps_per_epoch(self) -> int:
        """Steps of the optimiser in one epoch."""
        return steps_of_epoch(self._source, self._plan.batch)

    def learn_epoch(self, *, on_step: Callable[[int], None]) -> EpochLosses:
        """One pass over the crops.

        Args:
            on_step: called after each step with its number in the epoch, from 1.

        Raises:
            TrainingError: the loss is not finite.
        """
        started = self._clock()
        epoch = self.progress.epochs_done
        share = self._share_done()
        sums: dict[str, float] = {}
        steps, rate, is_cut_short = 0, 0.0, False
        self.network.train()
        for batch in self._batches(epoch, is_settling=share >= 1 - SETTLING_SHARE):
            rate = self._set_rate()
            losses = self._step(batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            steps += 1
            self.progress.steps_done += 1
            on_step(steps)
            if self.is_out_of_time:
                is_cut_short = steps < self.steps_per_epoch()
                break
        self.progress.epochs_done += 1
        if hasattr(self._criterion, "update"):  # an end-to-end head's loss shifts its weight from epoch to epoch
            self._criterion.update()
        means = {name: value / max(1, steps) for name, value in sums.items()}
        return EpochLosses(epoch + 1, means, rate, self._clock() - started, is_cut_short)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that `restore` needs but `progress`, as arrays by name."""
        arrays: dict[str, Any] = {}
        for part, module in (("network", self.network), ("average", self._average.ema)):
            arrays |= {f"{part}/{name}": value for name, value in module.state_dict().items()}
        for index, moments in self._optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer/{index}/{name}": value for name, value in moments.items()}
        arrays["average.updates"] = self._torch.tensor(self._average.updates)
        return {name: value.detach().cpu().numpy().copy() for name, value in arrays.items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]], progress: Progress) -> None:
        """Go on from a state.

        Raises:
            TrainingError: it is of another network.
        """
        torch = self._torch
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
        try:
            for part, module in (("network", self.network), ("average", self._average.ema)):
                module.load_state_dict({name[len(part) + 1 :]: v for name, v in tensors.items() if _is_of(name, part)})
        except RuntimeError as error:
            raise TrainingError(f"the saved state is of another network: {error}") from error
        moments: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            if _is_of(name, "optimizer"):
                _, index, key = name.split("/", 2)
                moments.setdefault(int(index), {})[key] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self._average.updates = int(tensors["average.updates"])
        self.progress = progress
        self._started = self._clock()
        for _ in range(progress.epochs_done):
            if hasattr(self._criterion, "update"):
                self._criterion.update()

    def _batches(self, epoch: int, *, is_settling: bool) -> Iterator[Batch]:
        plan = self._plan
        return batches_of_epoch(
            self._source,
            epoch=epoch,
            batch=plan.batch,
            seed=plan.seed,
            is_settling=is_settling,
            threads=self._threads,
        )

    def _step(self, batch: Batch) -> dict[str, float]:
        torch, device = self._torch, self._plan.device
        pixels = torch.from_numpy(batch.pixels_nhwc_u8).to(device).permute(0, 3, 1, 2)
        images = (pixels.float() / 255).contiguous(memory_format=torch.channels_last)
        targets = {
            "batch_idx": torch.from_numpy(batch.image_index).to(device),
            "cls": torch.from_numpy(batch.class_ids).to(device).view(-1, 1),
            "bboxes": torch.from_numpy(batch.boxes_cxcywh).to(device),
        }
        with mixed_precision(device):
            predictions = self.network(images)
        # The loss in single precision: boxes in bfloat16 would be right to two or three digits only.
        losses, items = self._criterion(_in_float32(predictions), targets)
        total = losses.sum()
        if not bool(torch.isfinite(total)):
            raise TrainingError(
                f"the loss is {float(total)} in epoch {self.progress.epochs_done + 1}: the learning rate "
                f"{self._plan.learning_rate:g} is too high for these images; give a lower one and start again"
            )
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self._optimizer.step()
        self._average.update(self.network)
        return {str(name): float(value) for name, value in items.items()}

    def _share_done(self) -> float:
        """How much of the run is over, by steps or by time, whichever is more."""
        steps = self.progress.steps_done / (self.steps_per_epoch() * self._plan.epochs)
        return min(1.0, max(steps, self.seconds / self._limit_seconds))

    def _set_rate(self) -> float:
        """Warm up from zero, then fall as half a cosine (Loshchilov and Hutter, 2017)."""
        plan = self._plan
        fall = (1 + math.cos(math.pi * self._share_done())) / 2
        rate = plan.learning_rate * (_LAST_RATE_SHARE + (1 - _LAST_RATE_SHARE) * fall)
        warm_up = min(_WARM_UP_EPOCHS, plan.epochs / 4) * self.steps_per_epoch()
        rate *= min(1.0, (self.progress.steps_done + 1) / max(1.0, warm_up))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _build_optimizer(self) -> Any:
        """AdamW; weights decay, biases and the parameters of normalisations do not."""
        decaying: list[Any] = []
        free: list[Any] = []
        for parameter in self.network.parameters():
            if parameter.requires_grad:
                (decaying if parameter.ndim > 1 else free).append(parameter)
        groups = [{"params": decaying, "weight_decay": _WEIGHT_DECAY}, {"params": free, "weight_decay": 0.0}]
        return self._torch.optim.AdamW(groups, lr=self._plan.learning_rate, betas=_BETAS)


def mixed_precision(device: Device) -> AbstractContextManager[Any]:
    """bfloat16 where the processor computes in it: on a GPU, and on CPUs with AVX512-BF16 or AMX.

    Measured on two cores of an AVX512-BF16 processor, yolo11n at 320 px: 28 ms an image in float32, 19 ms in
    bfloat16, 15 ms in bfloat16 with channels last.
    """
    torch: Any = importlib.import_module("torch")
    if device == "cuda" or has_bfloat16():
        return torch.autocast(device, torch.bfloat16)  # type: ignore[no-any-return]  # torch is imported untyped here
    return nullcontext()


def has_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16; emulated, it is slower than float32."""
    capabilities: Mapping[str, Any] = importlib.import_module("torch").cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))


@contextmanager
def torch_seed(seed: int) -> Iterator[None]:
    """Random weights are drawn from this seed; the process's generator is as before afterwards."""
    torch: Any = importlib.import_module("torch")
    before = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.random.set_rng_state(before)


def _in_float32(predictions: Any) -> Any:
    if isinstance(predictions, Mapping):
        return {name: _in_float32(value) for name, value in predictions.items()}
    if isinstance(predictions, list | tuple):
        return [_in_float32(value) for value in predictions]
    return predictions.float()


def _is_of(name: str, part: str) -> bool:
    return name.startswith(f"{part}/")
