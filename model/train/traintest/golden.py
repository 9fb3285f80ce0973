#!/usr/bin/env python3
"""Make synthetic loans and what scikit-learn computes from them.

    /usr/bin/python3 model/train/traintest/golden.py

writes loans.csv and golden.json beside this script. Needs scikit-learn and
pandas (Debian 12: python3-sklearn 1.2.1). No row is anybody's: incomes,
amounts and outcomes are drawn from distributions.

With a CSV file as its argument the script prints the statistics of 200 seeds
for that file instead and writes nothing.
"""

import hashlib
import json
import os
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, StratifiedKFold

HERE = os.path.dirname(os.path.abspath(__file__))
ARTICLE = dict(n_estimators=25, max_depth=7, min_samples_split=25, max_features=1)
AREAS = {"Rural": 0, "Semiurban": 1, "Urban": 2}
SEEDS = 40
ROWS = 600


def synthesize():
    g = np.random.Generator(np.random.PCG64(20261122))
    n = ROWS
    pick = lambda names, p: np.array(names)[g.choice(len(names), n, p=p)]
    frame = pd.DataFrame({"Loan_ID": [f"S{i:04d}" for i in range(1, n + 1)]})
    frame["Gender"] = pick(["Male", "Female"], [0.8, 0.2])
    frame["Married"] = pick(["Yes", "No"], [0.65, 0.35])
    frame["Dependents"] = pick(["0", "1", "2", "3+"], [0.57, 0.17, 0.17, 0.09])
    frame["Education"] = pick(["Graduate", "Not Graduate"], [0.78, 0.22])
    frame["Self_Employed"] = pick(["No", "Yes"], [0.86, 0.14])
    income = np.rint(np.exp(g.normal(8.3, 0.6, n)))
    frame["ApplicantIncome"] = income.astype(int)
    other = np.where(g.random(n) < 0.45, 0, np.rint(np.exp(g.normal(7.7, 0.6, n))))
    frame["CoapplicantIncome"] = other.astype(int)
    amount = np.maximum(np.rint((income + other) ** 0.75 / 6 * np.exp(g.normal(0, 0.35, n))), 9)
    history = (g.random(n) < 0.84).astype(float)
    area = g.choice(3, n)
    burden = amount / (income + other) * 1000
    z = -3.1 + 4.2 * history + 0.6 * (area == 1) - 0.02 * (burden - 30)
    status = np.where(g.random(n) < 1 / (1 + np.exp(-z)), "Y", "N")
    gap = lambda v, share: [("" if hole else f"{x:g}") for x, hole in zip(v, g.random(n) < share)]
    frame["LoanAmount"] = gap(amount, 0.04)
    frame["Loan_Amount_Term"] = gap(np.array([360, 180, 480, 300])[g.choice(4, n, p=[0.85, 0.08, 0.04, 0.03])], 0.02)
    frame["Credit_History"] = gap(history, 0.08)
    frame["Property_Area"] = np.array(list(AREAS))[area]
    frame["Loan_Status"] = status
    frame.to_csv(os.path.join(HERE, "loans.csv"), index=False)


def prepare(path):
    frame = pd.read_csv(path)
    x = pd.DataFrame(
        {
            "TotalIncome": frame["ApplicantIncome"] + frame["CoapplicantIncome"],
            "LoanAmount": frame["LoanAmount"],
            "Credit_History": frame["Credit_History"],
            "Property_Area": frame["Property_Area"].map(AREAS),
        }
    ).astype(float)
    return x, frame["Loan_Status"].map({"N": 0, "Y": 1}).to_numpy()


def fit(x, y, **params):
    constants = {"LoanAmount": x["LoanAmount"].mean(), "Credit_History": x["Credit_History"].mode()[0]}
    return RandomForestClassifier(**params).fit(x.fillna(constants), y), constants


def score(forest, constants, x, y):
    proba = forest.predict_proba(x.fillna(constants))
    return (proba.argmax(axis=1) == y).mean(), roc_auc_score(y, proba[:, 1])


def folds(cv, x, y, seed):
    scores = []
    for train, test in cv.split(x, y):
        forest, constants = fit(x.iloc[train], y[train], **ARTICLE, random_state=seed)
        scores.append(score(forest, constants, x.iloc[test], y[test]))
    return np.mean(scores, axis=0)


def statistics(x, y, seeds):
    """Mean and standard deviation over the seeds, all numbers shares of 1."""
    rows = {"train_accuracy": [], "kfold_accuracy": [], "stratified_accuracy": [], "stratified_auc": []}
    for seed in range(seeds):
        rows["train_accuracy"].append(score(*fit(x, y, **ARTICLE, random_state=seed), x, y)[0])
        rows["kfold_accuracy"].append(folds(KFold(5), x, y, seed)[0])
        accuracy, auc = folds(StratifiedKFold(5), x, y, seed)
        rows["stratified_accuracy"].append(accuracy)
        rows["stratified_auc"].append(auc)
    return {k: {"mean": float(np.mean(v)), "sd": float(np.std(v, ddof=1))} for k, v in rows.items()}


def digest(forest):
    """SHA-256 over every tree's arrays, little endian, one array after another."""
    h = hashlib.sha256()
    for e in forest.estimators_:
        t = e.tree_
        leaf = t.children_left < 0
        h.update(np.where(leaf, -1, t.feature).astype("<i4").tobytes())
        h.update(np.where(leaf, 0.0, t.threshold).astype("<f8").tobytes())
        h.update(t.children_left.astype("<i4").tobytes())
        h.update(t.children_right.astype("<i4").tobytes())
        h.update(t.value.astype("<f8").tobytes())
        h.update(t.weighted_n_node_samples.astype("<f8").tobytes())
    return h.hexdigest()


def forests(x, y):
    """Forests that must come out the same, bit for bit."""
    cases = [dict(ARTICLE, random_state=s) for s in (0, 1, 42, 4294967295)]
    cases += [
        dict(n_estimators=10, max_depth=None, min_samples_split=2, max_features=2, random_state=7),
        dict(n_estimators=10, max_depth=5, min_samples_split=2, min_samples_leaf=9, max_features=4, random_state=8),
        dict(n_estimators=10, max_depth=4, min_samples_split=40, min_samples_leaf=3, max_features=3,
             bootstrap=False, random_state=9),
    ]
    return [{"params": p, "sha256": digest(fit(x, y, **p)[0])} for p in cases]


def near(x, y):
    """What rounding may change: weighted classes, entropy. Statistics only."""
    out = []
    for p in (dict(class_weight="balanced"), dict(criterion="entropy")):
        v = [score(*fit(x, y, **ARTICLE, **p, random_state=s), x, y) for s in range(SEEDS)]
        out.append({"params": p, "accuracy": float(np.mean(v, 0)[0]), "auc": float(np.mean(v, 0)[1])})
    return out


def main():
    if len(sys.argv) > 1:
        print(json.dumps(statistics(*prepare(sys.argv[1]), 200), indent=1))
        return
    synthesize()
    x, y = prepare(os.path.join(HERE, "loans.csv"))
    r = np.random.RandomState(5)
    cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=3)
    golden = {
        "script": "model/train/traintest/golden.py",
        "sklearn": sklearn.__version__,
        "numpy": np.__version__,
        "randint": [int(r.randint(0, 10 ** k)) for k in range(10)],
        "test_folds": [hashlib.sha256(t.astype("<i4").tobytes()).hexdigest() for _, t in cv.split(x, y)],
        "forests": forests(x, y),
        "seeds": SEEDS,
        "statistics": statistics(x, y, SEEDS),
        "near": near(x, y),
    }
    with open(os.path.join(HERE, "golden.json"), "w", encoding="utf-8") as out:
        json.dump(golden, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
