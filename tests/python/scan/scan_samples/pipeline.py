"""A pipeline's habits, as scanned by test_scan.py: every line that ends in `# rule: NAME` is to be found, no other."""
import os
from functools import lru_cache

import casacore.tables as ct
import casatools
import numpy as np
from casacore.tables import table as open_table
from pyuvdata import UVData

_kept = {}


def populated(ms):
    with open_table(ms, readonly=False) as t:
        for row in range(t.nrows()):
            for name in ("DATA", "FLAG"):
                if not t.getcell(name, row).any():  # rule: getcell-loop
                    return False
            t.putcell("MODEL_DATA", row, 0)  # rule: putcell-loop
    return True


def first_cells(ms):
    t = ct.table(ms)
    return {name: t.getcell(name, 0) for name in ("DATA", "FLAG", "WEIGHT")}


def spectra(ms, rows):
    tb = casatools.table()
    tb.open(ms)
    row, sums = 0, []
    while row < tb.nrows():
        sums.append(tb.getcell("DATA", row).sum())  # rule: getcell-loop
        row += 1
    cells = [tb.getcol("DATA", startrow=row, nrow=1) for row in rows]  # rule: getcell-loop
    tb.close()
    return sums, cells


def chunks(ms, size=100000):
    t = ct.table(ms)
    for start in range(0, t.nrows(), size):
        yield t.getcol("DATA", start, size), t.getcol("FLAG", startrow=start, nrow=size)


def summary(ms):
    t = ct.table(ms)
    times = t.getcol("TIME")  # rule: column-for-metadata
    span = np.max(times) - np.min(times)
    fields = np.unique(t.getcol("FIELD_ID"))  # rule: column-for-metadata
    scans = sorted(set(t.getcol("SCAN_NUMBER")))  # rule: column-for-metadata
    rows = len(t.getcol("TIME"))  # rule: column-for-shape
    shape = t.getcol("DATA").shape  # rule: column-for-shape
    first = t.getcol("UVW")[0]  # rule: column-for-cell
    return span, fields, scans, rows, shape, first


def flagged(ms, antennas):
    t = ct.table(ms)
    flags = t.getcol("FLAG")  # rule: flag-statistics
    one, other = t.getcol("ANTENNA1"), t.getcol("ANTENNA2")
    by_antenna = [flags[(one == ant) | (other == ant)].mean() for ant in range(antennas)]
    return np.count_nonzero(flags) / flags.size, by_antenna


def masked(ms):
    t = ct.table(ms)
    flags, times = t.getcol("FLAG"), t.getcol("TIME")
    data = t.getcol("DATA")
    data[flags] = 0
    return data[times == times.min()]


def windows(ms):
    out = []
    for spw in range(16):
        with open_table(ms + "::SPECTRAL_WINDOW") as t:  # rule: open-loop
            out.append(t.getcol("CHAN_FREQ"))
    return out


def names(paths):
    return [open_table(path + "/ANTENNA").getcol("NAME") for path in paths]


def by_window(ms, ids):
    t = open_table(ms)
    for ddid in ids:
        part = t.query(f"DATA_DESC_ID=={ddid}")  # rule: query-loop
        yield part.getcol("DATA")


def kept_fields(ms_path):
    key = (ms_path, os.path.getmtime(ms_path))  # rule: mtime-cache
    if key not in _kept:
        _kept[key] = summary(ms_path)
    return _kept[key]


@lru_cache(maxsize=8)
def _catalogue(path, mtime):
    return path, mtime


def catalogue(csv_file):
    return _catalogue(csv_file, os.path.getmtime(csv_file))


def subbands(files):
    whole = None
    for name in files:
        part = UVData()
        part.read(name)
        if whole is None:
            whole = part
        else:
            whole += part  # rule: subband-loading
    return whole
