"""Training: progress, ends, checkpoints and settings."""

import logging
import pickle
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import run

import slide


@pytest.fixture
def dataset(data):
    return slide.Dataset(*data)


def test_progress(dataset):
    seen = []
    rest, held_out = dataset.hold_out(0.2)
    model = slide.train(rest, epochs=2, mining_rounds=2, validation=held_out, k=[1, 2], callback=seen.append, index="always")
    epochs = [progress for progress in seen if progress.event == "epoch"]
    assert [progress.epoch for progress in epochs] == [1, 2]
    assert all(np.isfinite(progress.loss) and progress.evaluation.precision[1] >= 0 for progress in epochs)
    assert [progress.round for progress in seen if progress.event == "round"] == [1, 2, 3]
    assert [progress.event for progress in seen[-2:]] == ["index", "finished"] and seen[-2].index["lists"] >= 1
    assert seen[-1].evaluation.precision == slide.evaluate(model, held_out, k=[1, 2]).precision


def test_a_callback_ends_the_training(dataset):
    model = slide.train(dataset, epochs=50, callback=lambda progress: progress.epoch == 2)
    assert repr(model) == "Model(features=60, labels=12, parts=network)"
    with pytest.raises(ZeroDivisionError):
        slide.train(dataset, epochs=2, callback=lambda progress: 1 / 0)


def test_verbose_logs(dataset, caplog, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with caplog.at_level(logging.INFO, logger="slide"):
        slide.train(dataset, epochs=2, mining_rounds=1, verbose=1, validation=dataset)
    text = [record.getMessage() for record in caplog.records]
    assert text[0].startswith("epoch 1 of 2: loss ") and "P@1" in text[0] and any("round 2 of 2" in line for line in text)
    assert capsys.readouterr() == ("", "")


def test_verbose_shows_a_bar(dataset, capsys):
    pytest.importorskip("tqdm")
    slide.train(dataset, epochs=1, verbose=1)
    said = capsys.readouterr()
    assert said.out == "" and "network: 100%" in said.err and "linear part: 100%" in said.err


def test_a_checkpoint_continues_to_the_same_bits(dataset, tmp_path):
    whole = pickle.dumps(slide.train(dataset, epochs=4))
    path = tmp_path / "checkpoint"

    def interrupt(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slide.train(dataset, epochs=4, callback=interrupt, checkpoint=path)
    assert pickle.dumps(slide.train(dataset, resume=path)) == whole
    longer = slide.train(dataset, resume=path, epochs=5)
    assert longer.settings["epochs"] == 5
    with pytest.raises(ValueError, match="resume: the settings are those of the checkpoint, found hidden"):
        slide.train(dataset, resume=path, hidden=3)
    with pytest.raises(ValueError, match="the model was made from data with 400 examples"):
        slide.train(dataset.select(range(10)), resume=path)


def test_other_threads_run_meanwhile(dataset):
    counts, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counts[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counts[0]
    slide.train(dataset, epochs=20)
    during = counts[0] - before
    done.set()
    thread.join()
    assert during > 3


LONG = """
import signal, sys, slide, numpy as np
from scipy import sparse
# A shell that starts the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
random = np.random.default_rng(0)
def rows(count, columns, each):
    indptr = np.arange(0, count * each + 1, each)
    return sparse.csr_matrix((np.ones(count * each, np.float32), random.integers(0, columns, count * each), indptr), (count, columns))
X, Y = rows(40000, 5000, 50), rows(40000, 3000, 3) != 0
def say(progress):
    if progress.event == {event!r}:
        sys.stdout.write("ready\\n"); sys.stdout.flush()
try:
    slide.SlideClassifier({options}).fit(X, Y, callback=say)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("event", "options"), [("batch", "epochs=500, checkpoint={path!r}"), ("round", "epochs=1, checkpoint={path!r}, mining_rounds=50")])
def test_control_c_ends_within_a_second(event, options, tmp_path):
    path = str(tmp_path / "checkpoint")
    code = LONG.format(event=event, options=options.format(path=path))
    child = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        start = time.perf_counter()
        child.send_signal(signal.SIGINT)
        while (line := child.stdout.readline()) == "ready\n":
            pass
        seconds = time.perf_counter() - start
        assert line == "interrupted\n" and seconds < 1.0
        assert child.wait(60) == 0
    finally:
        child.kill()
    assert os.path.getsize(path) > 1000, "what was learnt is in the checkpoint"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hiden": 3}, "unknown setting `hiden`"),
        ({"hidden": "x"}, "hidden: expected a whole number, found `x`"),
        ({"hidden": 0}, "hidden: expected 1 to 64 widths"),
        ({"learning_rate": -1}, "learning_rate: expected a positive number, found -1"),
        ({"loss": "mse"}, "loss: unknown"),
        ({"momentum": 0.5}, "`momentum` has no meaning with optimizer `adam`"),
    ],
)
def test_settings_that_are_refused(dataset, settings, message):
    with pytest.raises(ValueError, match=message):
        slide.train(dataset, **settings)


def test_settings_of_any_kind(dataset):
    model = slide.train(
        dataset, epochs=np.int64(1), hidden=np.array([32, 16]), learning_rate=np.float32(0.25), dropout=0, nesterov=np.True_,
        optimizer="sgd", sampler="topk", active=0.5, center_rows=True,
    )
    chosen = {name: model.settings[name] for name in ("hidden", "learning_rate", "nesterov", "active", "dropout")}
    assert chosen == {"hidden": [32, 16], "learning_rate": 0.25, "nesterov": True, "active": 0.5, "dropout": [0.0, 0.0]}
    assert slide.settings()["epochs"]["section"] == "optimizer"


def test_data_that_are_refused(data):
    with pytest.raises(ValueError, match="0 examples"):
        slide.train(slide.Dataset(data[0][:0], data[1][:0]))
    with pytest.raises(OSError, match="missing"):
        slide.train(slide.Dataset(*data), epochs=1, checkpoint="/missing/checkpoint")


def test_import_is_quick_and_light():
    code = """
        import time
        start = time.process_time()
        import slide
        seconds = time.process_time() - start
        import sys
        heavy = [name for name in ("sklearn", "scipy", "numpy") if name in sys.modules]
        print(seconds, heavy)
    """
    times = []
    for _ in range(5):
        seconds, heavy = run(code).split(" ", 1)
        times.append(float(seconds))
        assert heavy.strip() == "[]"
    assert min(times) <= 0.1, times
