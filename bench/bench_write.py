"""A worker of the benchmarks of writing: python-casacore, one repetition a request.

usage: bench_write.py MS
Reads lines "WORK VARIANT THREADS CHECK" as bench_write does. The table is opened and write-locked before the clock starts;
what is timed is the put and the flush. "describe" answers with a checksum of what casacore says of the imaging columns.
"""
import json
import sys
import time

import numpy as np
from casacore.tables import addImagingColumns, table

from bench_checksum import checksum

PATH = sys.argv[1]
COLUMNS = {"write-model": "MODEL_DATA", "write-zeros-new": "MODEL_DATA", "write-flag": "FLAG", "write-flag-channels": "FLAG",
           "write-antenna1": "ANTENNA1", "write-antenna1-cell": "ANTENNA1", "write-copy": "CORRECTED_DATA"}
IMAGING = ["MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT"]
KEPT = {}  # the values of a work, and their checksum


def values(t, work, name):
    """Values of this worker's own, dense, [row][channel][correlation]."""
    if work not in KEPT:
        KEPT.clear()
        rows = t.nrows()
        if name == "ANTENNA1":
            out = np.arange(rows, dtype=np.int32) * np.int32(7919)
        else:
            cell = t.getcell(name if name == "FLAG" else "DATA", 0)
            shape = (rows, 12 if work.endswith("-channels") else cell.shape[0], cell.shape[1])
            out = np.empty(shape, cell.dtype)
            flat = out.reshape(rows, -1)
            flat[...] = 0 if work.startswith("write-zeros") else np.arange(flat.shape[1]) % 3 == 1
            if not work.startswith("write-zeros"):
                flat[::5] = 1
        KEPT[work] = out, checksum(out)
    return KEPT[work]


def put(t, work, name, value):
    start = time.perf_counter()
    if work.endswith("-channels"):
        last = value.shape[2] - 1
        t.putcolslice(name, value, [12, 0], [23, last])
    elif work == "write-antenna1-cell":
        t.putcell(name, t.nrows() // 2, value)
    elif work == "write-copy":
        value = t.getcol("DATA")
        t.putcol(name, value)
    else:
        t.putcol(name, value)
    t.flush()
    return time.perf_counter() - start, value.nbytes


def describe():
    """What casacore says of the imaging columns: descriptions but for comments (casacore gives IMAGING_WEIGHT none),
    keywords, tiles, and the values of cells that both have."""
    with table(PATH, ack=False) as t:
        told = {n: [t.getcoldesc(n) | {"comment": ""}, t.getcolkeywords(n)] for n in IMAGING}
        managers = {c: (m["TYPE"], m["SPEC"].get("DEFAULTTILESHAPE")) for m in t.getdminfo().values() for c in m["COLUMNS"]
                    if c in IMAGING}
        cells = {n: t.getcell(n, 0).tolist() for n in IMAGING if t.iscelldefined(n, 0)}
    cells = {n: c for n, c in cells.items() if n == "IMAGING_WEIGHT"}  # the others' may be there, or not
    return checksum(np.frombuffer(repr(([told[n] for n in IMAGING], sorted(managers.items()), cells)).encode(), np.uint8))


def imaging():
    start = time.perf_counter()
    addImagingColumns(PATH, ack=False)
    return time.perf_counter() - start


def run(work):
    if work == "describe":
        return 0, 0, describe()
    if work == "write-imaging":
        return imaging(), 0, 0
    t = table(PATH, ack=False, readonly=False, lockoptions="user")
    try:
        t.lock(True)
        name = COLUMNS.get(work, "DATA")
        if work == "write-antenna1-cell":
            KEPT["value"] = value = np.int32(KEPT.get("value", 2000000) + 1)
            total = checksum(np.array([value]))
        elif work == "write-copy":
            value, total = None, 0
        else:
            value, total = values(t, work, name)
        return *put(t, work, name, value), total
    finally:
        t.close()


def main():
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        work, *_ = line.split()
        try:
            seconds, size, total = run(work)
        except Exception as error:  # what cannot be done is reported, and the others go on
            print(f"bench_write.py: {work}: {error}", file=sys.stderr)
            seconds, size, total = -1, 0, 0
        print(json.dumps({"seconds": seconds, "bytes": size, "checksum": total}), flush=True)


main()
