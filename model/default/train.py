#!/usr/bin/env python3
"""Fit the default model and write it as a loanscorer model file.

    /usr/bin/python3 model/default/train.py loan_train.csv model/default.json

loan_train.csv is the public loan prediction data set (Analytics Vidhya, 614
rows); it is not part of this repository. Needs scikit-learn and pandas
(Debian: python3-sklearn, python3-pandas). The same versions and the same data
give the same bytes.

The forest is RandomForestClassifier(n_estimators=25, max_depth=7,
min_samples_split=25, max_features=1) on four features. A missing LoanAmount
becomes the training mean and a missing Credit_History the training mode; the
label is never looked at to fill a feature. All metrics in the file are
computed here, none is written by hand. In cross-validation the two constants
are fitted inside each fold.

The file is written in the canonical form of model.Encode, so that parsing and
encoding it gives the same bytes (a test checks this).
"""

import decimal
import hashlib
import json
import platform
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import StratifiedKFold

SEED = 0
PARAMS = {
    "n_estimators": 25,
    "max_depth": 7,
    "min_samples_split": 25,
    "max_features": 1,
    "random_state": SEED,
}
FEATURES = ["TotalIncome", "LoanAmount", "Credit_History", "Property_Area"]
AREAS = ["Rural", "Semiurban", "Urban"]
FOLDS = 5


def number(x):
    """A float64 as Go's encoding/json writes it (shortest digits)."""
    x = float(x)
    if x == 0:
        return "-0" if np.signbit(x) else "0"
    sign, digits, exp = decimal.Decimal(repr(x)).as_tuple()
    while len(digits) > 1 and digits[-1] == 0:
        digits, exp = digits[:-1], exp + 1
    s = "".join(map(str, digits))
    point = len(s) + exp
    if 1e-6 <= abs(x) < 1e21:
        if point <= 0:
            text = "0." + "0" * -point + s
        elif point >= len(s):
            text = s + "0" * (point - len(s))
        else:
            text = s[:point] + "." + s[point:]
    else:
        e = point - 1
        text = s[0] + ("." + s[1:] if len(s) > 1 else "")
        text += "e" + ("-" if e < 0 else "+") + str(abs(e))
    return "-" * sign + text


def encode(v):
    """Compact JSON with numbers as Go writes them."""
    if isinstance(v, dict):
        return "{" + ",".join(encode(str(k)) + ":" + encode(x) for k, x in v.items()) + "}"
    if isinstance(v, (list, tuple, np.ndarray)):
        return "[" + ",".join(encode(x) for x in v) + "]"
    if isinstance(v, (bool, np.bool_)) or v is None or isinstance(v, str):
        return json.dumps(bool(v) if isinstance(v, np.bool_) else v, ensure_ascii=False)
    if isinstance(v, (int, np.integer)):
        return str(int(v))
    return number(v)


def document(members, trees):
    """One member a line, one tree a line: the canonical layout."""
    lines = [encode(k) + ":" + encode(v) for k, v in members.items()]
    lines.append('"trees":[\n' + ",\n".join(map(encode, trees)) + "\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def prepare(frame):
    """The four features with their gaps, and the label 1 = approved."""
    x = pd.DataFrame(
        {
            "TotalIncome": frame["ApplicantIncome"] + frame["CoapplicantIncome"],
            "LoanAmount": frame["LoanAmount"],
            "Credit_History": frame["Credit_History"],
            "Property_Area": frame["Property_Area"].map({a: i for i, a in enumerate(AREAS)}),
        }
    )[FEATURES].astype(float)
    y = frame["Loan_Status"].map({"N": 0, "Y": 1}).to_numpy()
    return x, y


def fit_constants(x):
    return {
        "LoanAmount": float(x["LoanAmount"].mean()),
        "Credit_History": float(x["Credit_History"].mode()[0]),
    }


def fit(x, y):
    constants = fit_constants(x)
    return RandomForestClassifier(**PARAMS).fit(x.fillna(constants), y), constants


def cross_validate(x, y):
    """Accuracy and AUC of each fold, and the confusion matrix over all folds."""
    accuracy, auc, confusion = [], [], np.zeros((2, 2), dtype=int)
    for train, test in StratifiedKFold(FOLDS).split(x, y):
        forest, constants = fit(x.iloc[train], y[train])
        proba = forest.predict_proba(x.iloc[test].fillna(constants))
        predicted = proba.argmax(axis=1)
        accuracy.append(float((predicted == y[test]).mean()))
        auc.append(float(roc_auc_score(y[test], proba[:, 1])))
        confusion += confusion_matrix(y[test], predicted)
    return {
        "cv_folds": FOLDS,
        "cv_split": "stratified, not shuffled, constants fitted inside the folds",
        "cv_accuracy": accuracy,
        "cv_accuracy_mean": float(np.mean(accuracy)),
        "cv_accuracy_sd": float(np.std(accuracy, ddof=1)),
        "cv_auc_mean": float(np.mean(auc)),
        "cv_auc_sd": float(np.std(auc, ddof=1)),
        "cv_rejected_as_rejected": int(confusion[0, 0]),
        "cv_rejected_as_approved": int(confusion[0, 1]),
        "cv_approved_as_rejected": int(confusion[1, 0]),
        "cv_approved_as_approved": int(confusion[1, 1]),
    }


def tree_record(t, classes):
    leaf = t.children_left < 0
    return {
        "feature": [int(f) for f in np.where(leaf, -1, t.feature)],
        "threshold": [float(v) for v in np.where(leaf, 0.0, t.threshold)],
        "left": [int(v) for v in t.children_left],
        "right": [int(v) for v in t.children_right],
        "value": [[float(v) for v in row] for row in t.value[:, 0, :classes]],
        "samples": [float(v) for v in t.weighted_n_node_samples],
    }


def reference(x):
    """Aggregates only: inner deciles, or counts where values are few."""
    records = []
    for name in FEATURES:
        column = x[name].dropna()
        record = {"feature": name, "rows": len(x), "missing": int(x[name].isna().sum())}
        values, counts = np.unique(column, return_counts=True)
        if len(values) <= 10:
            record["counts"] = [
                {"value": float(v), "count": int(c)} for v, c in zip(values, counts)
            ]
        else:
            record["deciles"] = [float(v) for v in np.quantile(column, np.arange(1, 10) / 10)]
        records.append(record)
    return records


def main():
    source, target = sys.argv[1:3]
    data = open(source, "rb").read()
    frame = pd.read_csv(source)
    x, y = prepare(frame)
    forest, constants = fit(x, y)
    fractions = abs(forest.estimators_[0].tree_.value[0].sum() - 1) < 1e-9
    members = {
        "format": "loanscorer/model",
        "v": 1,
        "name": "loan-approval-forest",
        "version": "1",
        "features": [
            {"name": "TotalIncome", "kind": "number"},
            {
                "name": "LoanAmount",
                "kind": "number",
                "missing": {"rule": "constant", "value": constants["LoanAmount"], "fitted": "mean"},
            },
            {
                "name": "Credit_History",
                "kind": "number",
                "missing": {
                    "rule": "constant",
                    "value": constants["Credit_History"],
                    "fitted": "mode",
                },
            },
            {"name": "Property_Area", "kind": "category", "categories": AREAS},
        ],
        "classes": [int(c) for c in forest.classes_],
        "positive": 1,
        "policy": {"approve_above": 0.5, "decline_at": 0.5},
        "value_unit": "fraction" if fractions else "count",
        "training": {
            "script": "model/default/train.py",
            "library": "scikit-learn",
            "library_version": sklearn.__version__,
            "numpy_version": np.__version__,
            "python_version": platform.python_version(),
            "algorithm": "RandomForestClassifier",
            "params": PARAMS,
            "seed": SEED,
            "data": "Analytics Vidhya loan prediction, loan_train.csv",
            "data_sha256": hashlib.sha256(data).hexdigest(),
            "rows": len(frame),
            "label": {"column": "Loan_Status", "classes": {"0": "N", "1": "Y"}},
            "class_balance": {"0": int((y == 0).sum()), "1": int((y == 1).sum())},
            "metrics": {
                "train_accuracy": float((forest.predict(x.fillna(constants)) == y).mean()),
                **cross_validate(x, y),
                "baseline_always_approve": float((y == 1).mean()),
                "baseline_credit_history": float(
                    ((x["Credit_History"].to_numpy() != 0).astype(int) == y).mean()
                ),
            },
        },
        "reference": reference(x),
    }
    trees = [tree_record(e.tree_, len(forest.classes_)) for e in forest.estimators_]
    with open(target, "w", encoding="utf-8", newline="\n") as out:
        out.write(document(members, trees))


if __name__ == "__main__":
    main()
