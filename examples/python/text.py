"""Guesses from its description which module of Python a function is of: `python examples/python/text.py`."""

import importlib
import inspect

import numpy as np
import slide
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

MODULES = "argparse array ast asyncio calendar collections csv datetime decimal email.message fractions heapq inspect io json logging "
MODULES += "math os pathlib random re shutil socket sqlite3 ssl statistics string subprocess tarfile threading tkinter unittest zipfile"

texts, labels = [], []
for name in MODULES.split():
    try:
        module = importlib.import_module(name)
    except ImportError:
        continue
    for member in vars(module).values():
        for function in [member, *(vars(member).values() if inspect.isclass(member) else [])]:
            text = inspect.getdoc(function) if callable(function) else None
            if text and len(text) > 40:
                texts.append(text)
                labels.append(name)

X, X_test, y, y_test = train_test_split(texts, labels, random_state=0)
pipeline = make_pipeline(TfidfVectorizer(dtype=np.float32), slide.SlideClassifier(epochs=20))
pipeline.fit(X, y)
print(f"{len(X)} descriptions; best label right: {pipeline.score(X_test, y_test):.1%}")
print(pipeline.predict(["Return the square root of x.", "Open a socket and connect it to an address."]))
