#!/usr/bin/env python3
"""Write the golden files that model's parity tests compare with, bit for bit.

    /usr/bin/python3 model/testdata/golden.py model/testdata/golden
    python3 model/testdata/golden.py model/testdata/golden fractions weighted_fractions

Each forest is fitted on synthetic rows, saved as NAME.pkl, and scored on rows
that lie exactly on thresholds, one float32 step beside them, and on negative,
huge, tiny and denormal values. NAME.json holds rows and answers as hexadecimal
floats. The first command needs scikit-learn up to 1.3, whose trees hold counts
(Debian: python3-sklearn 1.2.1); the second, for the named forests, needs 1.4
or later, whose trees hold fractions (1.9.1 was used). The files of one version
are the same at every run.
"""

import json
import pathlib
import pickle
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import RandomForestClassifier

SEED = 20240607
LOANS = ["TotalIncome", "LoanAmount", "Credit_History", "Property_Area"]

# name: pickle protocol, labels, constructor arguments, feature names
FORESTS = {
    "article": (4, [0, 1], {"n_estimators": 25, "max_depth": 7, "min_samples_split": 25, "max_features": 1}, LOANS),
    "binary_text": (5, ["N", "Y"], {"n_estimators": 10, "max_depth": 6}, None),
    "multi_text": (2, ["approve", "decline", "refer, please"], {"n_estimators": 7, "max_depth": 4}, ["a b", "c,d", "é", "f"]),
    "multi_weighted": (3, list(range(-3, 8)), {"n_estimators": 5, "max_depth": 4, "class_weight": "balanced"}, None),
    "bools": (1, [False, True], {"n_estimators": 3}, None),
    "floats": (0, [0.0, 1.0], {"n_estimators": 3, "max_depth": 3}, None),
    "one_class": (4, ["Y"], {"n_estimators": 2}, None),
    "leaves": (4, ["N", "Y"], {"n_estimators": 3, "min_samples_split": 10_000}, None),
    "best_first": (4, ["N", "Y"], {"n_estimators": 4, "max_leaf_nodes": 12, "criterion": "entropy", "bootstrap": False}, None),
}
FRACTIONS = {
    "fractions": (5, ["N", "R", "Y"], {"n_estimators": 6, "max_depth": 5}, LOANS),
    "weighted_fractions": (4, list(range(9)), {"n_estimators": 4, "max_depth": 4, "class_weight": "balanced"}, None),
}


def training_rows(rng, labels):
    """240 rows: money, a number near zero, a flag, a code."""
    n = 240
    x = np.column_stack(
        [
            rng.gamma(2.0, 3000.0, n),
            rng.normal(size=n) * 1e-4,
            rng.integers(0, 2, n),
            rng.integers(0, 3, n),
        ]
    )
    y = np.array(labels)[(x[:, 0] / 4000 + rng.integers(0, 2 * len(labels), n)).astype(int) % len(labels)]
    return x, y


def probe_rows(rng, forest, x):
    """Rows that sit on and beside thresholds, and odd values."""
    rows = [x[i].copy() for i in rng.choice(len(x), 12)]
    for tree in forest.estimators_[:4]:
        t = tree.tree_
        inner = np.flatnonzero(t.children_left >= 0)
        for node in inner[:6]:
            edge = np.float32(t.threshold[node])
            for v in (
                t.threshold[node],
                np.nextafter(t.threshold[node], np.inf),
                edge,
                np.nextafter(edge, np.float32(np.inf)),
                np.nextafter(edge, np.float32(-np.inf)),
            ):
                row = x[rng.integers(len(x))].copy()
                row[t.feature[node]] = v
                rows.append(row)
    for v in (-1.0, -0.0, 0.0, 3.4e38, -3.4e38, 1e-45, -1e-45, 1e-310, 5e-324, 16777217.0):
        rows.append(np.full(x.shape[1], v))
    return np.array(rows)


def write(out, name, spec):
    protocol, labels, params, names = spec
    rng = np.random.default_rng(SEED)
    x, y = training_rows(rng, labels)
    frame = pd.DataFrame(x, columns=names) if names else x
    forest = RandomForestClassifier(random_state=SEED, **params).fit(frame, y)
    rows = probe_rows(rng, forest, x)
    probe = pd.DataFrame(rows, columns=names) if names else rows
    (out / f"{name}.pkl").write_bytes(pickle.dumps(forest, protocol=protocol))
    record = {
        "script": "model/testdata/golden.py",
        "sklearn": sklearn.__version__,
        "numpy": np.__version__,
        "seed": SEED,
        "protocol": protocol,
        "features": names,
        "classes": [c.item() if hasattr(c, "item") else c for c in forest.classes_],
        "x": [[float(v).hex() for v in row] for row in rows],
        "proba": [[float(v).hex() for v in row] for row in forest.predict_proba(probe)],
        "predict": [str(v) for v in forest.predict(probe)],
    }
    text = json.dumps(record, ensure_ascii=False).replace("], [", "],\n[")
    (out / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(exist_ok=True)
    every = {**FORESTS, **FRACTIONS}
    for name in sys.argv[2:] or FORESTS:
        write(out, name, every[name])


if __name__ == "__main__":
    main()
