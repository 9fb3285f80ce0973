#!/usr/bin/env python3
"""Write the golden files that model's parity tests compare with, bit for bit.

    /usr/bin/python3 model/testdata/golden.py model/testdata/golden
    python3 model/testdata/golden.py model/testdata/golden fractions weighted_fractions \
        routed_forest routed_extra routed_tree new_pipeline onnx_two onnx_three onnx_pipeline onnx_tree
    python3 model/testdata/golden.py model/testdata/golden old_forest old_tree

Each forest is fitted on synthetic rows, saved as NAME.pkl, NAME.joblib or
NAME.onnx, and scored on rows that lie exactly on thresholds, one float32 step
beside them, and on negative, huge, tiny, denormal and missing values. NAME.json
holds rows and answers as hexadecimal floats. The first command needs
scikit-learn 1.2 or 1.3, whose trees hold counts (Debian: python3-sklearn
1.2.1); the second, for the named forests, needs 1.6 or later, whose trees hold
fractions and route missing values, and skl2onnx (1.9.1 and 1.20.0 were used);
the third needs 0.21 or older (0.21.3 was used). The files of one version are
the same at every run, but for the time in a gzip file.
"""

import json
import pathlib
import pickle
import sys

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

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

FOREST, EXTRA, TREE = RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier

# name: how it is saved, labels, class, constructor arguments, arguments of the
# SimpleImputer before it or None, feature names, share of missing values
MODELS = {
    "extra_trees": ("joblib", ["N", "Y"], EXTRA, {"n_estimators": 3, "max_depth": 5}, None, LOANS, 0),
    "one_tree": ("zlib", ["a", "b", "c"], TREE, {"max_depth": 6}, None, None, 0),
    "packed_gzip": ("gzip", [0, 1], FOREST, {"n_estimators": 3, "max_depth": 4}, None, None, 0),
    "packed_bz2": ("bz2", np.array([1, 2], dtype=np.int32), FOREST, {"n_estimators": 3, "max_depth": 4}, None, None, 0),
    "packed_xz": ("xz", ["N", "Y"], FOREST, {"n_estimators": 3, "max_depth": 4}, None, LOANS, 0),
    "packed_lzma": ("lzma", ["N", "Y"], EXTRA, {"n_estimators": 3, "max_depth": 4}, None, LOANS, 0),
    "mapped": ("mapped", ["N", "Y"], FOREST, {"n_estimators": 3, "max_depth": 5}, None, LOANS, 0),
    "mapped_pickle": ("mapped pickle", ["N", "Y"], FOREST, {"n_estimators": 2, "max_depth": 5}, None, LOANS, 0),
    "fill_mean": ("pickle", ["N", "Y"], FOREST, {"n_estimators": 5, "max_depth": 5}, {}, LOANS, 0.2),
    "fill_mode": ("joblib", ["N", "Y"], TREE, {}, {"strategy": "most_frequent"}, LOANS, 0.2),
    "fill_median": ("xz", [0, 1], EXTRA, {"n_estimators": 3}, {"strategy": "median", "add_indicator": True}, LOANS, 0.3),
    "fill_constant": ("pickle", [0, 1, 2], FOREST, {"n_estimators": 4}, {"strategy": "constant", "fill_value": -1.5, "add_indicator": True}, None, 0.3),
}
LATER_MODELS = {
    "routed_forest": ("joblib", ["N", "Y"], FOREST, {"n_estimators": 5}, None, LOANS, 0.3),
    "routed_extra": ("pickle", ["N", "R", "Y"], EXTRA, {"n_estimators": 3}, None, None, 0.3),
    "routed_tree": ("lzma", [False, True], TREE, {"class_weight": "balanced"}, None, None, 0.3),
    "new_pipeline": ("joblib", ["N", "Y"], FOREST, {"n_estimators": 3}, {"add_indicator": True, "keep_empty_features": True}, LOANS, 0.3),
    "onnx_two": ("onnx", [0, 1], FOREST, {"n_estimators": 7, "max_depth": 6}, None, None, 0),
    "onnx_three": ("onnx", ["a", "b", "c"], EXTRA, {"n_estimators": 3, "max_depth": 5}, None, None, 0),
    "onnx_pipeline": ("onnx", ["N", "Y"], FOREST, {"n_estimators": 3, "max_depth": 5}, {}, None, 0.2),
    "onnx_tree": ("onnx", [False, True], TREE, {"max_depth": 8}, None, None, 0),
}
OLD_MODELS = {
    "old_forest": ("pickle", ["N", "Y"], FOREST, {"n_estimators": 4, "max_depth": 5}, {"strategy": "mean"}, None, 0.2),
    "old_tree": ("joblib", [0, 1], TREE, {"max_depth": 5}, None, None, 0),
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
    for tree in forest.estimators_[:4] if hasattr(forest, "estimators_") else [forest]:
        t = tree.tree_
        inner = np.flatnonzero((t.children_left >= 0) & (t.feature < x.shape[1]) & np.isfinite(t.threshold))
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
    record(out, name, forest, probe, rows, {"protocol": protocol, "features": names})


def write_model(out, name, spec):
    how, labels, make, params, fill, names, share = spec
    rng = np.random.RandomState(SEED % 2**32)
    x, y = training_rows(np.random.default_rng(SEED), labels)
    x[rng.rand(*x.shape) < share] = np.nan
    frame = pd.DataFrame(x, columns=names) if names else x
    last = make(random_state=SEED, **params)
    model = last if fill is None else Pipeline([("imputer", SimpleImputer(**fill)), ("model", last)])
    model.fit(frame, y)
    rows = probe_rows(np.random.default_rng(SEED + 1), last, np.nan_to_num(x, nan=1.0))
    if share:
        rows[::3][rng.rand(*rows[::3].shape) < 0.5] = np.nan
        rows[0] = np.nan
    probe = pd.DataFrame(rows, columns=names) if names else rows
    save(out, name, how, model)
    record(out, name, model, probe, rows, {"saved": how, "features": names})


def save(out, name, how, model):
    """Write the model; mapped ones are loaded with memory-mapped arrays first."""
    if how == "onnx":
        from skl2onnx import to_onnx

        (out / f"{name}.onnx").write_bytes(to_onnx(model, np.zeros((1, 4), np.float32)).SerializeToString())
        return
    if how.startswith("mapped"):
        path = str(out / "mapped.tmp")
        joblib.dump(model, path)
        model = joblib.load(path, mmap_mode="r")
        pathlib.Path(path).unlink()
    if how.endswith("pickle"):
        (out / f"{name}.pkl").write_bytes(pickle.dumps(model, protocol=4))
        return
    joblib.dump(model, str(out / f"{name}.joblib"), compress=0 if how in ("joblib", "mapped") else (how, 3))


def record(out, name, forest, probe, rows, how):
    answers = {
        "script": "model/testdata/golden.py",
        "sklearn": sklearn.__version__,
        "numpy": np.__version__,
        "seed": SEED,
        **how,
        "classes": [c.item() if hasattr(c, "item") else c for c in forest.classes_],
        "x": [[float(v).hex() for v in row] for row in rows],
        "proba": [[float(v).hex() for v in row] for row in forest.predict_proba(probe)],
        "predict": [str(v) for v in forest.predict(probe)],
    }
    text = json.dumps(answers, ensure_ascii=False).replace("], [", "],\n[")
    (out / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(exist_ok=True)
    forests = {**FORESTS, **FRACTIONS}
    models = {**MODELS, **LATER_MODELS, **OLD_MODELS}
    for name in sys.argv[2:] or [*FORESTS, *MODELS]:
        if name in forests:
            write(out, name, forests[name])
        else:
            write_model(out, name, models[name])


if __name__ == "__main__":
    main()
