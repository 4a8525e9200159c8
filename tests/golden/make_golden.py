"""Writes `heads.npz`: network outputs and what ultralytics makes of them, for the tests of the head decoding.

Needs the training extra. From the repository's root:

    PYTHONPATH=tests/support python tests/golden/make_golden.py
"""

import tempfile
from pathlib import Path

import numpy as np

from lineside.inspection.engines import REFERENCE_ENGINE, load_engine
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.preparation import network_channels
from lineside.inspection.release import InputKind
from random_yolo import END_TO_END_MODELS, PICTURE_SEEDS, RAW_MODELS, decode, export, picture


def main() -> None:
    """Export each network, run it, and keep its output beside ultralytics' own result."""
    arrays: dict[str, np.typing.NDArray[np.generic]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for spec in (*RAW_MODELS, *END_TO_END_MODELS):
            model = export(spec, Path(folder))
            image = picture(spec.size_px, PICTURE_SEEDS[0])
            graph = read_model_graph(model.read_bytes())
            engine = load_engine(REFERENCE_ENGINE, graph.served_model, threads=1)
            output = engine.infer(network_channels(image, InputKind.SINGLE)[None])
            engine.close()
            result = decode(output, spec)
            arrays |= {
                f"{spec.architecture}/output": output,
                f"{spec.architecture}/boxes_xyxy_px": result.boxes_xyxy_px,
                f"{spec.architecture}/confidences": result.confidences,
                f"{spec.architecture}/class_ids": result.class_ids,
            }
    np.savez_compressed(Path(__file__).with_name("heads.npz"), allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
