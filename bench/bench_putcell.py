#!/usr/bin/env python3
"""bench_putcell.py - single cells put in a loop over all rows of a column: python-casacore, and the same program patched.

usage: bench_putcell.py [MS] [TRIES]
MS: one that may be written to; without it one of DSA-110's shape is simulated in a folder of its own, and removed. Each
loop runs in a process of its own, in turn, TRIES times (3): the table is open before the clock starts, and flushed before it
stops. What it put is read back and compared. Needs an installed msio, and python-casacore. Prints a line of JSON each, then a
table.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

LOOP = """
import json, sys, time
import numpy as np
from casacore.tables import table
path, column, number = sys.argv[1:]
t = table(path, ack=False, readonly=False)
first = t.getcell(column, 0)
value = np.full_like(first, int(number)) if isinstance(first, np.ndarray) else type(first)(number)
rows = t.nrows()
t.unlock()
start = time.perf_counter()
for row in range(rows):
    t.putcell(column, row, value)
t.flush()
seconds = time.perf_counter() - start
t.close()
with table(path, ack=False) as t:
    assert all((t.getcol(column, at, 50_000) == value).all() for at in range(0, rows, 50_000)), "other values than were put"
print(json.dumps({"column": column, "rows": rows, "seconds": seconds}))
"""
WAYS = {"python-casacore": [], "patched by msio": ["-m", "msio"]}


def measure(path, column, way, number):
    with tempfile.NamedTemporaryFile("w", suffix=".py") as program:
        program.write(LOOP)
        program.flush()
        command = [sys.executable, *WAYS[way], program.name, path, column, str(number)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"way": way, **json.loads(done.stdout)}


def run(path, tries):
    for column in ("DATA", "FLAG", "ANTENNA1"):
        seconds = {way: [] for way in WAYS}
        for number in range(tries):
            for place, way in enumerate(WAYS):
                found = measure(path, column, way, (2 * number + place) % 2 if column == "FLAG" else 2 * number + place)
                print(json.dumps(found), flush=True)
                seconds[way].append(found["seconds"] / found["rows"] * 1e6)
        print(f"| {column} |", " | ".join(f"{min(all):.2f} / {statistics.median(all):.2f}" for all in seconds.values()),
              f"| {statistics.median(seconds['python-casacore']) / statistics.median(seconds['patched by msio']):.1f} |")


def main():
    tries = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    if len(sys.argv) > 1:
        return run(sys.argv[1], tries)
    import msio
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", ".")) as folder:
        path = os.path.join(folder, "putcell.ms")
        msio.simulate_ms(path)
        return run(path, tries)


main()
