#!/usr/bin/env python3
"""Time loanscorer beside public tools on one generated file, in one run.

    make bench-compare            # installs the peers into .cache/bench, then this
    python3 internal/bench/compare.py --rows 2000000 --rounds 5

The contestants take turns, so that whatever else the machine does hits all of
them. Each is a whole process; printed are the medians of wall time and of CPU
time (user and system), and the highest resident memory.

  loanscorer   score: parse, check, score, explain declines, write Parquet
  DuckDB       read_csv to Parquet: conversion alone, nothing is scored
  scikit-learn the usual script: pandas.read_csv, fill, predict_proba, to_csv;
               single-threaded, a forest like the built-in one
  pyarrow      read_csv to Parquet: conversion alone

Needs numpy, duckdb, pandas, scikit-learn and pyarrow.
"""

import argparse
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

import numpy as np

COLUMNS = ("Loan_ID,Gender,Married,Dependents,Education,Self_Employed,ApplicantIncome,CoapplicantIncome,"
           "LoanAmount,Loan_Amount_Term,Credit_History,Property_Area")


def write_rows(path, n, seed):
    """Write n made-up applications. The shares of values and of missing cells
    are those of the public data set; no row of it is used."""
    g = np.random.Generator(np.random.PCG64(seed))
    with open(path, "w", encoding="ascii", newline="") as out:
        out.write(COLUMNS + "\n")
        for start in range(0, n, 100_000):
            m = min(100_000, n - start)
            pick = lambda values, p: g.choice(np.array(values, dtype=object), m, p=p)
            ids = range(start + 1, start + m + 1)
            text = [
                pick(["Male", "Female", ""], [0.80, 0.18, 0.02]), pick(["Yes", "No", ""], [0.65, 0.345, 0.005]),
                pick(["0", "1", "2", "3+", ""], [0.56, 0.17, 0.16, 0.08, 0.03]),
                pick(["Graduate", "Not Graduate"], [0.78, 0.22]), pick(["No", "Yes", ""], [0.81, 0.13, 0.06]),
            ]
            income = np.exp(g.normal(8.34, 0.65, m)).astype(int)
            second = np.where(g.random(m) < 0.44, 0, np.exp(g.normal(7.7, 0.6, m))).astype(int)
            amount = np.maximum(9, np.exp(g.normal(4.86, 0.5, m))).astype(int)
            known = g.random(m) < 0.964
            rest = [
                pick(["360", "180", "480", "300", "84", ""], [0.83, 0.07, 0.03, 0.03, 0.02, 0.02]),
                pick(["1", "0", ""], [0.77, 0.15, 0.08]), pick(["Semiurban", "Urban", "Rural"], [0.38, 0.33, 0.29]),
            ]
            out.write("".join(
                f"LP{i:09d},{a},{b},{c},{d},{e},{x},{y},{z if k else ''},{f},{h},{p}\n"
                for i, a, b, c, d, e, x, y, z, k, f, h, p in zip(ids, *text, income, second, amount, known, *rest)))


DUCKDB = """
import duckdb, sys
db = duckdb.connect(config={"threads": int(sys.argv[3])})
db.execute(f"COPY (SELECT * FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet)")
"""

ARROW = """
import sys, pyarrow as pa, pyarrow.csv, pyarrow.parquet
pa.set_cpu_count(1); pa.set_io_thread_count(1)
pa.parquet.write_table(pa.csv.read_csv(sys.argv[1], pa.csv.ReadOptions(use_threads=False)), sys.argv[2])
"""

SKLEARN_PREPARE = """
def prepare(d):
    return pd.DataFrame({
        "TotalIncome": d.ApplicantIncome + d.CoapplicantIncome, "LoanAmount": d.LoanAmount.fillna(146.4),
        "Credit_History": d.Credit_History.fillna(1), "Property_Area": d.Property_Area.map({"Rural": 0, "Semiurban": 1, "Urban": 2}),
    })
"""

SKLEARN_FIT = """
import pickle, sys, numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
""" + SKLEARN_PREPARE + """
d = pd.read_csv(sys.argv[1], nrows=614)
y = np.where(d.Credit_History == 0, 0.1, 0.8) > np.random.default_rng(0).random(len(d))
f = RandomForestClassifier(25, max_depth=7, min_samples_split=25, max_features=1, random_state=0, n_jobs=1)
pickle.dump(f.fit(prepare(d), y), open(sys.argv[2], "wb"))
"""

SKLEARN = """
import pickle, sys, pandas as pd
""" + SKLEARN_PREPARE + """
forest = pickle.load(open(sys.argv[3], "rb"))
d = pd.read_csv(sys.argv[1])
d["probability"] = forest.predict_proba(prepare(d))[:, 1]
d["approved"] = d.probability > 0.5
d.to_csv(sys.argv[2], index=False)
"""


def run(command, env=None):
    """Run a process; return wall seconds, CPU seconds and peak MB."""
    before = os.times()
    p = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))}: ended with {status}")
    return os.times().elapsed - before.elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def version(module):
    return subprocess.check_output([sys.executable, "-c", f"import {module}; print({module}.__version__)"], text=True).strip()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--rows", type=int, default=2_000_000)
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--binary", default="bin/loanscorer")
    a = a.parse_args()
    one = {v: "1" for v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GOMAXPROCS")}
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: str(pathlib.Path(folder) / name)
        print(f"making {a.rows:,} rows", file=sys.stderr)
        write_rows(at("rows.csv"), a.rows, 1)
        subprocess.run([sys.executable, "-c", SKLEARN_FIT, at("rows.csv"), at("forest.pkl")], check=True)
        score = [a.binary, "score", at("rows.csv"), "--rejects", at("rejects.csv"), "-o"]
        python = [sys.executable, "-c"]
        duckdb = f"DuckDB {version('duckdb')}"
        contestants = {
            "loanscorer score, 1 core": (score + [at("one.parquet")], one, at("one.parquet")),
            "loanscorer score, all cores": (score + [at("all.parquet")], {}, at("all.parquet")),
            f"{duckdb}, threads=1 (converts)": (python + [DUCKDB, at("rows.csv"), at("duck.parquet"), "1"], {}, at("duck.parquet")),
            f"{duckdb}, threads={os.cpu_count()} (converts)":
                (python + [DUCKDB, at("rows.csv"), at("duck.parquet"), str(os.cpu_count())], {}, at("duck.parquet")),
            f"pyarrow {version('pyarrow')}, 1 thread (converts)": (python + [ARROW, at("rows.csv"), at("arrow.parquet")], one, at("arrow.parquet")),
            f"pandas {version('pandas')}, scikit-learn {version('sklearn')}":
                (python + [SKLEARN, at("rows.csv"), at("out.csv"), at("forest.pkl")], one, at("out.csv")),
        }
        times = {name: [] for name in contestants}
        for k in range(a.rounds):
            print(f"round {k + 1} of {a.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
            for name, (command, env, _) in contestants.items():
                times[name].append(run(command, env))
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        print(f"\n{a.rows:,} rows, {os.path.getsize(at('rows.csv')) / 1e6:.0f} MB; commit {commit}; {platform.machine()}, "
              f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {a.rounds} rounds\n")
        print("| | wall s | M rows/s | M rows per CPU s | peak MB | output MB |\n|---|---|---|---|---|---|")
        for name, (_, _, out) in contestants.items():
            wall, cpu, memory = (statistics.median(t[i] for t in times[name]) for i in range(3))
            print(f"| {name} | {wall:.2f} | {a.rows / wall / 1e6:.2f} | {a.rows / cpu / 1e6:.2f} | {memory:.0f} | {os.path.getsize(out) / 1e6:.1f} |")


if __name__ == "__main__":
    main()
