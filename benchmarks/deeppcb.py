"""`python -m benchmarks.deeppcb`: train a model on real boards (DeepPCB) and judge it on a board that it never saw.

One command from the data set's folder to figures, by way of the commands that anyone would use: import, split by board,
train from a starter release, evaluate. It takes an hour and a half on two cores and so is no part of `make bench`.
What it writes (the images and weights trained on them) may be used for research only and is never published.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LICENCE = "DeepPCB: research only (Tang et al., 2019)"
VALIDATION_SHARE = 0.05
"""One board: group 44000 with the seed that `dataset split` has by default."""

_CROPS_PER_IMAGE = 8
_MOST_EPOCHS = 60  # the time ends the run, and the learning rate falls with the time
_THRESHOLD_SEARCH = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deeppcb", description=__doc__.split("\n")[0])
    parser.add_argument("--kind", choices=["single", "reference"], required=True, help="the model's input")
    parser.add_argument("--boards", type=Path, required=True, help="the data set's folder: holds trainval.txt")
    parser.add_argument("--out", type=Path, required=True, help="gets store/, run/ and evaluation/")
    parser.add_argument("--minutes", type=float, default=85.0, help="of training (default: 85)")
    parser.add_argument("--epochs", type=int, default=_MOST_EPOCHS, help=f"at most (default: {_MOST_EPOCHS})")
    parser.add_argument("--seed", type=int, default=1, help="of crops and order (default: 1)")
    options = parser.parse_args(arguments)
    store, run, evaluation = (str(options.out / name) for name in ("store", "run", "evaluation"))
    whole = _identifier(
        "dataset", "import", str(options.boards), "--format", "deeppcb", "--licence", LICENCE, "--store", store
    )
    shares = ("--train", str(1 - VALIDATION_SHARE), "--val", str(VALIDATION_SHARE), "--golden", "0")
    split = _identifier("dataset", "split", whole, *shares, "--store", store)
    _lineside(
        "train", "--data", split, "--store", store, "--kind", options.kind, "--from", f"starter:pcb-{options.kind}",
        "--crops-per-image", str(_CROPS_PER_IMAGE), "--epochs", str(options.epochs),
        "--minutes", str(options.minutes), "--seed", str(options.seed), "--out", run,
    )  # fmt: skip
    judge = ("evaluate", run, "--data", f"{split}:val", "--store", store, "--engine", "onnxruntime-fp32")
    _lineside(*judge, "--confidence", str(_THRESHOLD_SEARCH), "--out", evaluation)
    document = json.loads(Path(evaluation, "evaluation.json").read_text("utf-8"))
    threshold = document["figures"]["deeppcb"]["threshold"]
    _lineside(*judge, "--confidence", f"{threshold:.4f}", "--out", f"{evaluation}-at-threshold")
    return 0


def _identifier(*words: str) -> str:
    """A command's identifier of what it made."""
    return str(json.loads(_lineside(*words, "--json", keeps_output=True))["id"])


def _lineside(*words: str, keeps_output: bool = False) -> str:
    """Run a command as a person would; what it does is said first."""
    sys.stderr.write(f"$ {shlex.join(['lineside', *words])}\n")
    ran = subprocess.run(
        [sys.executable, "-m", "lineside.cli", *words],
        check=True,
        text=True,
        stdout=subprocess.PIPE if keeps_output else None,
    )
    return ran.stdout or ""


if __name__ == "__main__":
    sys.exit(main())
