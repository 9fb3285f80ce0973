#!/usr/bin/env python3
"""Time scikit-learn, and ONNX Runtime where it is installed, beside this module.

    python3 model/testdata/compare_predict.py

Fits the article's forest (25 trees, depth 7) and one of 100 unlimited trees on
synthetic rows, imports both with `loanscorer model import`, and times rounds
of each in turn, one thread each, so that all see the same machine. Prints the
median us a row and how many times scikit-learn's it is. Needs scikit-learn
and Go; skl2onnx and onnxruntime are optional.
"""

import json
import os
import pathlib
import pickle
import statistics
import subprocess
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402

ROWS, ROUNDS, SEED = 10_000, 5, 1
FORESTS = {
    "article": {"n_estimators": 25, "max_depth": 7, "min_samples_split": 25, "max_features": 1},
    "unlimited": {"n_estimators": 100},
}


def loans(rng, n):
    x = np.column_stack([rng.gamma(2, 3000, n), rng.gamma(2, 70, n), rng.integers(0, 2, n), rng.integers(0, 3, n)])
    noise = rng.normal(size=n)
    return x.round(), (x[:, 2] * 1.5 + noise + np.log(x[:, 0] / x[:, 1] / 40) * 0.5 > 0.6).astype(int)


def onnx_session(forest):
    try:
        import onnxruntime
        from skl2onnx import to_onnx
    except ImportError:
        return None
    proto = to_onnx(forest, np.zeros((1, 4), np.float32), options={"zipmap": False})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def main():
    rng = np.random.default_rng(SEED)
    print(f"scikit-learn {sklearn.__version__}, {ROWS} rows, median of {ROUNDS} rounds")
    with tempfile.TemporaryDirectory() as tmp:
        for name, params in FORESTS.items():
            compare(pathlib.Path(tmp), name, params, rng)


def compare(tmp, name, params, rng):
    x, y = loans(rng, 614 if name == "article" else 5000)
    rows, _ = loans(rng, ROWS)
    forest = RandomForestClassifier(random_state=SEED, n_jobs=1, **params).fit(x, y)
    (tmp / "forest.pkl").write_bytes(pickle.dumps(forest))
    (tmp / "rows.json").write_text(json.dumps(rows.tolist()))
    model = tmp / "forest.json"
    importing = ["go", "run", "./cmd/loanscorer", "model", "import", str(tmp / "forest.pkl"), "-o", str(model)]
    subprocess.run(importing, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    binary = tmp / "bench.test"
    subprocess.run(["go", "test", "-c", "-o", str(binary), "./model"], check=True)
    session, floats = onnx_session(forest), rows.astype(np.float32)
    times = {}
    for _ in range(ROUNDS):
        peers = [("scikit-learn", lambda: forest.predict_proba(rows))]
        if session:
            peers.append(("ONNX Runtime", lambda: session.run(None, {"X": floats})))
        for peer, run in peers:
            start = time.perf_counter()
            run()
            times.setdefault(peer, []).append((time.perf_counter() - start) / ROWS * 1e6)
        env = dict(os.environ, LOANSCORER_BENCH=str(tmp), GOMAXPROCS="1")
        command = [str(binary), "-test.run", "^$", "-test.bench", "BenchmarkPeer", "-test.benchtime", "0.3s"]
        out = subprocess.run(command, check=True, env=env, cwd="model", capture_output=True, text=True).stdout
        for line in out.splitlines():
            words = line.split()
            if line.startswith("BenchmarkPeer/") and "us/row" in words:
                times.setdefault(words[0].split("/")[1], []).append(float(words[words.index("us/row") - 1]))
    base = statistics.median(times["scikit-learn"])
    for peer, values in times.items():
        value = statistics.median(values)
        print(f"{name:10} {peer:20} {value:9.4f} us/row  {base / value:7.1f} x scikit-learn")


if __name__ == "__main__":
    main()
