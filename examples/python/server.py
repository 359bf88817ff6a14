"""Serves a model over HTTP: `MODEL=debian.slide uvicorn --app-dir examples/python server:app` (pip install fastapi uvicorn)."""

import os

import numpy as np
import slide
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()
model = slide.Model.load(os.environ["MODEL"])


class Example(BaseModel):
    """Features of an example, ascending, and their values."""

    features: list[int]
    values: list[float]
    k: int = 5


@app.post("/predict")
def predict(example: Example) -> list[tuple[int, float]]:
    """The best labels and their probabilities; requests are answered beside each other, since prediction releases the interpreter."""
    indices, values = np.array(example.features, np.int64), np.array(example.values, np.float32)
    try:
        labels, scores = model.predict_one(indices, values, example.k)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    return [(label, score) for label, score in zip(labels.tolist(), scores.tolist()) if label >= 0]
