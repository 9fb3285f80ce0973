#!/usr/bin/env python3
"""Write the golden files that the package's tests compare with.

    for f in article multi_weighted best_first; do
        loanscorer model import model/testdata/golden/$f.pkl --positive LABEL -o MODELS/$f.model.json
    done
    python3 model/explain/testdata/golden.py MODELS

NAME.json gets the base value and the Shapley values of the positive class as
shap's TreeExplainer computes them with
feature_perturbation="tree_path_dependent", for the first rows of the forest's
own golden file (model/testdata/golden). Needs shap 0.51.0 and scikit-learn
1.9.1. Forests of that scikit-learn are given to shap as they are; it cannot
load the older pickles, so it gets the trees of the imported model files.
"""

import json
import pathlib
import pickle
import sys

import numpy as np
import shap

# name: index of the positive class
IMPORTED = {"article": 1, "multi_weighted": 10, "best_first": 0}
LOADED = {"fractions": 2, "weighted_fractions": 8}
GOLDEN = pathlib.Path("model/testdata/golden")
OUT = pathlib.Path("model/explain/testdata")
ROWS = 24


def trees(model, positive):
    """The forest as shap's own dictionaries of trees."""
    for t in model["trees"]:
        value = np.array(t["value"], dtype=float)
        share = value / value.sum(axis=1, keepdims=True)
        yield {
            "children_left": np.array(t["left"]),
            "children_right": np.array(t["right"]),
            "children_default": np.array(t["right"]),
            "features": np.array(t["feature"]),
            "thresholds": np.array(t["threshold"], dtype=float),
            "values": share[:, positive : positive + 1] / len(model["trees"]),
            "node_sample_weight": np.array(t["samples"], dtype=float),
        }


def imported(name, positive, x):
    """Base value and contributions from a model file's trees."""
    model = json.loads((pathlib.Path(sys.argv[1]) / f"{name}.model.json").read_text())
    explainer = shap.TreeExplainer(
        {"trees": list(trees(model, positive)), "internal_dtype": np.float64, "input_dtype": np.float32},
        feature_perturbation="tree_path_dependent",
    )
    phi = np.asarray(explainer.shap_values(x, check_additivity=False)).reshape(x.shape)
    return np.ravel(explainer.expected_value)[0], phi


def loaded(name, positive, x):
    """The same from the forest itself."""
    forest = pickle.loads((GOLDEN / f"{name}.pkl").read_bytes())
    explainer = shap.TreeExplainer(forest, feature_perturbation="tree_path_dependent")
    return explainer.expected_value[positive], explainer.shap_values(x, check_additivity=False)[:, :, positive]


def main():
    for name, positive in {**IMPORTED, **LOADED}.items():
        golden = json.loads((GOLDEN / f"{name}.json").read_text())
        rows = [[float.fromhex(v) for v in row] for row in golden["x"][:ROWS]]
        # What the trees see, as float64: shap's own cast differs between versions.
        x = np.array(rows).astype(np.float32).astype(np.float64)
        base, phi = (imported if name in IMPORTED else loaded)(name, positive, x)
        record = {
            "script": "model/explain/testdata/golden.py",
            "shap": shap.__version__,
            "positive": positive,
            "base": float(base),
            "x": rows,
            "contributions": phi.tolist(),
        }
        text = json.dumps(record).replace("], [", "],\n[")
        (OUT / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
