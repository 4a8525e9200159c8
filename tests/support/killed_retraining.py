"""Retrainings that kill themselves: a program that forks one for each place, so that what it imports is imported once.

Its arguments are the folder of a `Workshop`, that of the retraining, the head revision, and places such as
`train:started`, `train:said`, `build:unwritten` (all of it done, its state not yet written). It exits 0 if each of them
was reached.
"""

import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from lineside.inspection.release import Role, SigningKey, TrustStore
from lineside.workflows.retraining import Promotion, RetrainPlan, RetrainProgress, TrainingWishes, retrain
from lineside.workflows.retraining.states import StepStates
from retraining_set import OPEN_GATE, Workshop
from signing import TestKeys
from tiny_revision import store_in


def keep_keys(shop: Workshop) -> None:
    """Write the keys down for the program."""
    for name, key in (("build", shop.keys.build), ("deploy", shop.keys.deploy)):
        (shop.folder / f"{name}.pem").write_bytes(key.to_pem(None))


def whole_plan(shop: Workshop, out: Path) -> RetrainPlan:
    """A retraining of two epochs that ends with a deployment."""
    training = TrainingWishes(**{**_fields(shop.plan(out).training), "epochs": 2})
    promotion = Promotion(key=shop.keys.deploy, trust=TrustStore([shop.keys.build.public, shop.keys.deploy.public]))
    return shop.plan(out, training=training, policy=OPEN_GATE, promotion=promotion)


def _fields(wishes: TrainingWishes) -> dict[str, Any]:
    return {name: getattr(wishes, name) for name in TrainingWishes.__dataclass_fields__}


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def _until(place: str, plan: RetrainPlan) -> None:
    """Retrain until a place is reached."""
    step, _, phase = place.partition(":")
    write = StepStates.write

    def write_or_die(states: StepStates, done: Any, *rest: Any, **more: Any) -> Any:
        if phase == "unwritten" and done.value == step:
            _die()
        return write(states, done, *rest, **more)

    def hear(told: RetrainProgress) -> None:
        if (told.step.value, told.phase.value) == (step, phase):
            _die()

    setattr(StepStates, "write", write_or_die)  # noqa: B010  # of this process alone, which ends here
    retrain(plan, on_progress=hear)


def _key(folder: Path, role: Role) -> SigningKey:
    path = folder / f"{role.value}.pem"
    return SigningKey.from_pem(path.read_bytes(), role, passphrase=None, source=str(path))


def main() -> int:
    """Reach every place, one process each."""
    for name in ("torch", "onnxruntime", "openvino", "faster_coco_eval", "matplotlib.figure", "scipy.stats"):
        importlib.import_module(name)  # once, before the forks; nothing of it does anything yet
    import lineside.training.ultralytics_adapter as adapter

    setattr(adapter, "available_threads", lambda: 1)  # noqa: B010  # as in the tests of training
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    store = store_in(folder / "datasets")
    shop = Workshop(
        folder, store, store.read(sys.argv[3]), TestKeys(_key(folder, Role.BUILD), _key(folder, Role.DEPLOY))
    )
    for place in sys.argv[4:]:
        child = os.fork()
        if child == 0:
            try:
                _until(place, whole_plan(shop, out))
            except BaseException:  # noqa: BLE001  # the end of a process; its parent says what it means
                traceback.print_exc()
            os._exit(3)
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            sys.stderr.write(f"{place} was not reached: status {status}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
