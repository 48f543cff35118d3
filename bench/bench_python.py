"""A worker of the benchmarks: python-casacore or arcae, one repetition a request.

usage: bench_python.py python-casacore|arcae MS
Reads lines "WORK VARIANT THREADS CHECK" as bench_msio does. Variants: getcol, getcolnp (python-casacore); new, result (arcae,
whose THREADS are its instances).
"""
import json
import sys
import time

import numpy as np

from bench_checksum import checksum

READER, PATH = sys.argv[1:3]
COLUMNS = {"flag": "FLAG", "uvw": "UVW", "time": "TIME", "antenna1": "ANTENNA1"}
WARM = {}


def random_rows(rows):
    x, out = 12345, np.empty(10000, np.int64)
    for i in range(10000):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        out[i] = (x >> 33) % rows
    return out


class PythonCasacore:
    def __init__(self):
        from casacore.tables import table
        self.open = lambda: table(PATH, ack=False, lockoptions="usernoread")
        self.table = None

    def close(self):
        if self.table:
            self.table.close()
        self.table = None

    def read(self, work, variant, _instances):
        t = self.table = self.table or self.open()
        column = COLUMNS.get(work, "DATA")
        channels = {"channels": (12, 12), "wide-channels": (96, 48)}.get(work)
        rows = random_rows(t.nrows()) if work == "random" else None
        if variant == "getcolnp" and (column, work) not in WARM:
            WARM[column, work] = np.ascontiguousarray(t.getcol(column))
        start = time.perf_counter()
        if channels:
            last = t.getcell(column, 0).shape[1] - 1
            out = t.getcolslice(column, [channels[0], 0], [channels[0] + channels[1] - 1, last])
        elif work == "spw-rows":
            n = t.nrows() // 16
            out = t.getcol(column, n * 8, n)
        elif work == "stride":
            out = t.getcol(column, 0, -1, 178)
        elif work == "random":
            out = t.selectrows(rows).getcol(column)
        elif work == "metadata":  # what the pipeline asks, a subtable each
            from casacore.tables import table
            for name, columns in (("SPECTRAL_WINDOW", ["CHAN_FREQ"]), ("FIELD", ["NAME", "PHASE_DIR"]), ("ANTENNA", ["NAME", "POSITION"])):
                with table(PATH + "::" + name, ack=False) as sub:
                    for wanted in columns:
                        out = np.asarray(sub.getcol(wanted))
        elif work == "flag-fraction":
            out = np.asarray(t.getcol("FLAG", 0, -1, 178 if variant == "sampled" else 1).mean())
        elif work == "cell":
            for row in range(500):
                out = t.getcell(column, row)
            return (time.perf_counter() - start) / 500, out
        elif variant == "getcolnp":
            out = WARM[column, work]
            t.getcolnp(column, out)
        else:
            out = t.getcol(column)
        return time.perf_counter() - start, out


class Arcae:
    def __init__(self):
        import arcae
        self.open = lambda n: arcae.table(PATH, ninstances=n, lockoptions="nolock")
        self.tables = {}

    def close(self):
        for t in self.tables.values():
            t.close()
        self.tables = {}

    def read(self, work, variant, instances):
        t = self.tables.get(instances) or self.open(instances)
        self.tables[instances] = t
        rows, column = t.nrow(), COLUMNS.get(work, "DATA")
        index = {
            "channels": (slice(None), slice(12, 24)),
            "wide-channels": (slice(None), slice(96, 144)),
            "spw-rows": (slice(rows // 16 * 8, rows // 16 * 9),),
            "stride": (np.arange(0, rows, 178, dtype=np.int64),),
            "random": (random_rows(rows),) if work == "random" else None,
        }.get(work)
        if work == "random":  # arcae refuses repeated rows: they are put back afterwards
            unique, again = np.unique(index[0], return_inverse=True)
            index = (unique,)
        key = (work, column)
        if variant == "result" and key not in WARM:
            WARM[key] = np.ascontiguousarray(t.getcol(column, index) if index else t.getcol(column))
        start = time.perf_counter()
        if variant == "result":
            out = WARM[key]
            t.getcol(column, index, out) if index else t.getcol(column, result=out)
        else:
            out = t.getcol(column, index) if index else t.getcol(column)
            out = out[again] if work == "random" else out
        return time.perf_counter() - start, out


def main():
    reader = PythonCasacore() if READER == "python-casacore" else Arcae()
    print(json.dumps({"ready": True}), flush=True)
    last = None
    for line in sys.stdin:
        work, variant, n, check = line.split()
        if work != last:
            WARM.clear()  # the memory of the work before
        last = work
        try:
            reader.close()  # tiles that the try before left in casacore's own memory are not what "warm" means
            if work == "close":
                print(json.dumps({"seconds": -1, "bytes": 0, "checksum": 0}), flush=True)
                continue
            seconds, out = reader.read(work, variant, int(n))
            total = checksum(out) if int(check) and work not in ("cell", "metadata", "flag-fraction") else 0
            print(json.dumps({"seconds": seconds, "bytes": out.nbytes, "checksum": total}), flush=True)
            del out
        except Exception as error:  # a peer that cannot do a work is reported, and the others go on
            print(f"bench_python: {READER} {work} {variant}: {error}", file=sys.stderr)
            print(json.dumps({"seconds": -1, "bytes": 0, "checksum": 0}), flush=True)


main()
