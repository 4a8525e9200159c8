"""The service that people write first: FastAPI around ultralytics' `YOLO("model.onnx")`.

This is the peer that the `served` benchmark compares with; it is meant to be fair, so it is what the documentation of
both libraries leads to: the model is loaded once, the endpoint is a plain `def` (FastAPI runs it on a thread), the
upload is a file. It keeps nothing, checks nothing and knows nobody.

    PLAIN_SERVICE_MODEL=model.onnx python -m uvicorn benchmarks.plain_service:app --port 8471
"""

import os
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI, HTTPException, UploadFile

from lineside.training.ultralytics_adapter import install_torchvision_stand_in

install_torchvision_stand_in()  # where torchvision cannot be imported beside this torch; harmless elsewhere

from ultralytics import YOLO  # type: ignore[attr-defined]  # noqa: E402 - exported lazily; imports torchvision

app = FastAPI()
model: Any = YOLO(os.environ["PLAIN_SERVICE_MODEL"], task="detect")


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the service runs."""
    return {"status": "ok"}


@app.post("/predict")
def predict(file: UploadFile) -> dict[str, list[dict[str, object]]]:
    """Find the defects in an uploaded picture."""
    image = cv2.imdecode(np.frombuffer(file.file.read(), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise HTTPException(400, "not a picture")
    result = model.predict(image, verbose=False)[0]
    return {
        "detections": [
            {"class": result.names[int(class_id)], "confidence": confidence, "box": box}
            for class_id, confidence, box in zip(
                result.boxes.cls.tolist(), result.boxes.conf.tolist(), result.boxes.xyxy.tolist(), strict=True
            )
        ]
    }
