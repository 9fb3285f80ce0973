#!/usr/bin/env python3
"""Time scikit-learn, and ONNX Runtime where it is installed, beside this module.

    python3 model/testdata/compare_predict.py

Fits the article's forest (25 trees, depth 7) and two of 100 unlimited trees on
synthetic rows, imports them with `loanscorer model import`, and times rounds of
each contestant in turn, one thread each, in processor time, so that all see
the same machine. scikit-learn and ONNX Runtime get one block of float32 rows,
which is what they take without copying. Prints the median us a row, and the
median over the rounds of how many times faster the module is. Needs
scikit-learn and Go; skl2onnx and onnxruntime are optional.
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

ROWS, ROUNDS, SEED = 100_000, 5, 1
OURS = ["many_at_once", "one_at_a_time"]


def loans(rng, n):
    x = np.column_stack([rng.gamma(2, 3000, n), rng.gamma(2, 70, n), rng.integers(0, 2, n), rng.integers(0, 3, n)])
    noise = rng.normal(size=n)
    return x.round(), (x[:, 2] * 1.5 + noise + np.log(x[:, 0] / x[:, 1] / 40) * 0.5 > 0.6).astype(int)


def wide(rng, n):
    x = np.column_stack([rng.normal(size=(n, 4)), np.exp(rng.normal(size=(n, 4))).round(2), rng.integers(0, 4, (n, 4))])
    signal = x[:, 0] + x[:, 1] * x[:, 2] + np.log(x[:, 4] + 0.01) + x[:, 8] * 0.3
    return x, (signal + rng.normal(size=n) > 0.5).astype(int)


ARTICLE = {"n_estimators": 25, "max_depth": 7, "min_samples_split": 25, "max_features": 1}
FORESTS = [
    ("article's forest", loans, 614, ARTICLE),
    ("100 unlimited trees", loans, 5000, {"n_estimators": 100}),
    ("100 unlimited trees", loans, 15000, {"n_estimators": 100}),
    ("100 unlimited trees", wide, 5000, {"n_estimators": 100}),
    ("100 unlimited trees", wide, 15000, {"n_estimators": 100}),
]


def onnx_session(forest, floats):
    try:
        import onnxruntime
        from skl2onnx import to_onnx
    except ImportError:
        return None
    proto = to_onnx(forest, floats[:1], options={"zipmap": False})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def main():
    rng = np.random.default_rng(SEED)
    print(f"scikit-learn {sklearn.__version__}, {ROWS} rows, median of {ROUNDS} rounds")
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        binary = tmp / "bench.test"
        subprocess.run(["go", "test", "-c", "-o", str(binary), "./model"], check=True)
        for name, draw, fitted, params in FORESTS:
            compare(tmp, binary, name, (draw, fitted, params), rng)


def compare(tmp, binary, name, forest, rng):
    draw, fitted, params = forest
    x, y = draw(rng, fitted)
    rows, _ = draw(rng, ROWS)
    forest = RandomForestClassifier(random_state=SEED, n_jobs=1, **params).fit(x, y)
    (tmp / "forest.pkl").write_bytes(pickle.dumps(forest))
    (tmp / "rows.json").write_text(json.dumps(rows.tolist()))
    model = tmp / "forest.json"
    importing = ["go", "run", "./cmd/loanscorer", "model", "import", str(tmp / "forest.pkl"), "-o", str(model)]
    subprocess.run(importing, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    print(f"{name}, {x.shape[1]} features, fitted on {fitted} rows: {nodes} nodes; load {os.getloadavg()[0]:.1f}")
    floats = np.ascontiguousarray(rows, np.float32)
    peers = {"scikit-learn": lambda: forest.predict_proba(floats)}
    if session := onnx_session(forest, floats):
        peers["ONNX Runtime"] = lambda: session.run(None, {"X": floats})
    rounds = [one_round(tmp, binary, peers) for _ in range(ROUNDS)]
    for who in [*peers, *OURS]:
        line = f"  {who:14} {statistics.median(r[who] for r in rounds):9.4f} us/row"
        for peer in peers if who in OURS else []:
            line += f"  {statistics.median(r[peer] / r[who] for r in rounds):6.1f} x {peer}"
        print(line, flush=True)


def one_round(tmp, binary, peers):
    times = {}
    for peer, run in peers.items():
        start = time.process_time()
        run()
        times[peer] = (time.process_time() - start) / ROWS * 1e6
    env = dict(os.environ, LOANSCORER_BENCH=str(tmp), GOMAXPROCS="1")
    command = [str(binary), "-test.run", "^$", "-test.bench", "BenchmarkPeer", "-test.benchtime", "0.3s"]
    out = subprocess.run(command, check=True, env=env, cwd="model", capture_output=True, text=True).stdout
    for line in out.splitlines():
        words = line.split()
        if line.startswith("BenchmarkPeer/") and "us/row" in words:
            times[words[0].split("/")[1]] = float(words[words.index("us/row") - 1])
    return times


if __name__ == "__main__":
    main()
