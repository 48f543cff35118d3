#!/usr/bin/env python3
"""Checks a Measurement Set of `msio simulate ms` against the formulas of docs/simulation.md, through python-casacore.

usage: check_simulated.py MS [--layout dsa110|default|wide]

Every value of every column of the main table is compared, a block of rows at a time, and what the subtables must hold.
A, T, S, C, P are taken from the subtables. Exit 0: all agree; 1: a difference, which is named; 77: no python-casacore.
"""
import argparse
import re
import sys

try:
    import numpy as np
    from casacore import tables
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

P24, Q24, R23 = 16777213, 16777199, 8388593
ROWS = 20000
SUBTABLES = ("ANTENNA DATA_DESCRIPTION FEED FIELD FLAG_CMD HISTORY OBSERVATION POINTING POLARIZATION PROCESSOR "
             "SPECTRAL_WINDOW STATE").split()
failures = []


def check(good, text):
    """Notes a failure."""
    if not good:
        failures.append(text)
        print("DIFFERS:", text)


class Observation:
    """The numbers of the observation, read from the Measurement Set itself."""

    def __init__(self, ms):
        with tables.table(ms.getkeyword("HISTORY"), ack=False) as history:
            message = history.getcell("MESSAGE", 0)
        found = re.fullmatch(r"simulated: layout (\w+), (\d+) antennas, (\d+) times, (\d+) spectral windows of (\d+) "
                             r"channels, (\d+) correlations", message)
        self.layout = found.group(1)
        self.A, self.T, self.S, self.C, self.P = (int(found.group(i)) for i in range(2, 7))
        self.B = self.A * (self.A + 1) // 2
        pairs = [(i, j) for i in range(self.A) for j in range(i, self.A)]
        self.first = np.array([i for i, _ in pairs])
        self.second = np.array([j for _, j in pairs])
        self.rows = self.S * self.T * self.B
        self.listed = -(-39 * self.A // 32)

    def numbers(self, rows, *cell):
        """n of every element of the rows' cells."""
        elements = int(np.prod(cell))
        n = rows[:, None].astype(np.int64) * elements + np.arange(elements, dtype=np.int64)
        return n.reshape(len(rows), *cell)


def visibilities(n, step_real, step_imag):
    value = np.empty(n.shape, np.complex64)
    value.real = ((step_real * n) % P24 - P24 // 2) / 2.0**20
    value.imag = (Q24 // 2 - (step_imag * n) % Q24) / 2.0**20
    return value


def weights(n, step):
    return (1 + ((step * n) % R23) / 2.0**23).astype(np.float32)


def formulas(o):
    """Column name -> function of row numbers that gives the values."""
    cell = (o.C, o.P)
    time = lambda r: (r // o.B) % o.T
    zero = lambda r: np.zeros(len(r), np.int32)
    return {
        "DATA": lambda r: visibilities(o.numbers(r, *cell), 1, 3),
        "MODEL_DATA": lambda r: visibilities(o.numbers(r, *cell), 5, 7),
        "CORRECTED_DATA": lambda r: visibilities(o.numbers(r, *cell), 9, 11),
        "FLAG": lambda r: (o.numbers(r, *cell) % 37 == 0) | (o.numbers(r, *cell) % 8191 < 64),
        "WEIGHT_SPECTRUM": lambda r: weights(o.numbers(r, *cell), 13),
        "WEIGHT": lambda r: weights(o.numbers(r, o.P), 17),
        "SIGMA": lambda r: weights(o.numbers(r, o.P), 19),
        "IMAGING_WEIGHT": lambda r: weights(o.numbers(r, o.C), 23),
        "UVW": lambda r: ((29 * o.numbers(r % (o.T * o.B), 3)) % P24 - P24 // 2) / 2.0**10,
        "ANTENNA1": lambda r: o.first[r % o.B],
        "ANTENNA2": lambda r: o.second[r % o.B],
        "DATA_DESC_ID": lambda r: r // o.B // o.T,
        "FIELD_ID": time,
        "SCAN_NUMBER": lambda r: 1 + time(r) // 8,
        "TIME": lambda r: 5.2e9 + (12885 * time(r)) / 1000.0,
        "TIME_CENTROID": lambda r: 5.2e9 + (12885 * time(r)) / 1000.0,
        "INTERVAL": lambda r: np.full(len(r), 12.885),
        "EXPOSURE": lambda r: np.full(len(r), 12.885),
        "FLAG_ROW": lambda r: r % 4001 == 17,
        "ARRAY_ID": zero, "OBSERVATION_ID": zero, "PROCESSOR_ID": zero, "STATE_ID": zero, "FEED1": zero, "FEED2": zero,
    }


def check_values(ms, o):
    """Every element of every column; returns how many were compared."""
    compared = 0
    names = formulas(o)
    check(set(names) - {"MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT"} <= set(ms.colnames()), "columns are missing")
    check(set(ms.colnames()) <= set(names) | {"FLAG_CATEGORY"}, "columns that no formula tells")
    for name in ms.colnames():
        if name == "FLAG_CATEGORY":
            some = {0, o.rows // 2, o.rows - 1}
            check(not any(ms.iscelldefined(name, row) for row in some), "FLAG_CATEGORY is defined")
            continue
        for start in range(0, o.rows, ROWS):
            rows = np.arange(start, min(start + ROWS, o.rows), dtype=np.int64)
            want, got = names[name](rows), ms.getcol(name, start, len(rows))
            if got.shape != want.shape or not np.array_equal(got, want):
                check(False, f"{name}, rows {start} to {rows[-1]}")
                break
            compared += got.size
    return compared


def check_description(table, required, name):
    """The description against the definition's, data managers apart."""
    for column, want in required.items():
        if column.startswith("_"):
            continue
        got = table.getcoldesc(column)
        for key in ("valueType", "ndim", "shape", "option", "comment"):
            same = np.array_equal(want.get(key), got.get(key))
            check(same, f"{name}.{column}: {key} {got.get(key)}, the definition says {want.get(key)}")
        for key, value in want.get("keywords", {}).items():
            check(str(got["keywords"].get(key)) == str(value), f"{name}.{column}: keyword {key}")


def expected_tiles(o, name):
    """casacore's order, fastest axis first; None: not tiled."""
    cells = {"WEIGHT": (o.P,), "SIGMA": (o.P,), "UVW": (3,), "IMAGING_WEIGHT": (o.C,)}
    big = ("DATA", "FLAG", "WEIGHT_SPECTRUM", "MODEL_DATA", "CORRECTED_DATA")
    if name in big and o.layout != "default":
        return [o.P, o.C, max(1, 32768 // (o.P * o.C))]
    if name in big:
        return casacore_tile(o)
    if name == "IMAGING_WEIGHT" and o.layout != "default":
        return [min(32, o.C), 128]
    if name in cells:
        elements = int(np.prod(cells[name]))
        return [*cells[name], (32768 + elements // 2) // elements]
    return None


def casacore_tile(o):
    """MSTileLayout::tileShape of casacore, for 200 baselines and one integration."""
    block, chans, elements = 131072, 100, 131072
    if o.C < 100:
        chans = max(1, block // o.P // 200)
    elif o.C < 10000:
        chans = int(np.floor(np.sqrt(np.float32(o.C) / 99.9))) * 10
    while block // o.P // chans > 2000 and chans < o.C:
        chans += 2
    if block // o.P // chans > 2000:
        elements = 2000 * o.P * chans
    chans = min(chans, o.C)
    return [o.P, chans, max(1, elements // o.P // chans)]


def check_managers(ms, o):
    fast, slow = {"ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FLAG_ROW"}, []
    for manager in ms.getdminfo().values():
        columns, spec, kind = list(manager["COLUMNS"]), manager["SPEC"], manager["TYPE"]
        tile = expected_tiles(o, columns[0])
        if tile:
            check(kind == ("TiledColumnStMan" if columns == ["UVW"] else "TiledShapeStMan"), f"{columns}: {kind}")
            cubes = [cube["TileShape"].tolist() for cube in spec["HYPERCUBES"].values() if len(cube["TileShape"])]
            check(cubes == [tile], f"{columns}: tiles {cubes}, to be {tile}")
        elif set(columns) & fast:
            check(kind == "StandardStMan", f"{columns}: {kind}")
            check(o.layout == "default" or spec["BUCKETSIZE"] == 128, f"{columns}: bucket size")
        elif columns != ["FLAG_CATEGORY"]:
            check(kind == "IncrementalStMan" and spec["BUCKETSIZE"] == 32768, f"{columns}: {kind}")
            slow.append(columns)
        check(o.layout == "default" or len(columns) == 1, f"{columns} share a manager")
    check(len(slow) == (1 if o.layout == "default" else 12), f"{len(slow)} incremental managers")


def check_subtables(ms, o):
    t = {name: tables.table(ms.getkeyword(name), ack=False) for name in SUBTABLES}
    rows = {"ANTENNA": o.listed, "DATA_DESCRIPTION": o.S, "FEED": o.listed, "FIELD": o.T, "FLAG_CMD": 0, "HISTORY": 1,
            "OBSERVATION": 1, "POINTING": o.listed, "POLARIZATION": 1, "PROCESSOR": 1, "SPECTRAL_WINDOW": o.S,
            "STATE": 1}
    for name in SUBTABLES:
        check(t[name].nrows() == rows[name], f"{name}: {t[name].nrows()} rows, to be {rows[name]}")
        check_description(t[name], tables.required_ms_desc(name), name)
        for column in t[name].colnames():
            t[name].getcol(column)
    same = lambda name, column, want: check(np.array_equal(np.asarray(t[name].getcol(column)), np.asarray(want)),
                                            f"{name}.{column}")
    a, f = np.arange(o.listed), np.arange(o.T)
    east, north = 25.0 * (a - 48), 20.0 * ((7 * a) % 59)
    same("ANTENNA", "POSITION", np.stack([-2409150 + (7 * east + 2 * north) / 8, -4478573 + (4 * north - 4 * east) / 8,
                                          3838617 + 6 * north / 8], axis=1))
    same("ANTENNA", "NAME", [str(i + 1) for i in a])
    same("ANTENNA", "STATION", [f"DSA-{i + 1:03d}" for i in a])
    same("ANTENNA", "DISH_DIAMETER", np.full(o.listed, 4.65))
    same("FEED", "ANTENNA_ID", a)
    same("FEED", "POL_RESPONSE", np.broadcast_to(np.eye(2), (o.listed, 2, 2)))
    same("POINTING", "ANTENNA_ID", a)
    same("DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID", np.arange(o.S))
    same("FIELD", "NAME", [f"meridian_icrs_t{i}" for i in f])
    for column in ("DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"):
        same("FIELD", column, np.stack([2.5 + f / 1024, np.full(o.T, 0.28125)], axis=1)[:, None, :])
    same("FIELD", "TIME", 5.2e9 + (12885 * f) / 1000.0)
    same("POLARIZATION", "CORR_TYPE", [{1: [9], 2: [9, 12], 4: [9, 10, 11, 12]}[o.P]])
    same("POLARIZATION", "CORR_PRODUCT", [{1: [[0, 0]], 2: [[0, 0], [1, 1]], 4: [[0, 0], [0, 1], [1, 0], [1, 1]]}[o.P]])
    channels = np.arange(o.S * o.C).reshape(o.S, o.C)
    same("SPECTRAL_WINDOW", "CHAN_FREQ", 1311375000 + 244140.625 * channels)
    same("SPECTRAL_WINDOW", "REF_FREQUENCY", 1311375000 + 244140.625 * channels[:, 0])
    for column in ("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"):
        same("SPECTRAL_WINDOW", column, np.full((o.S, o.C), 244140.625))
    same("SPECTRAL_WINDOW", "NUM_CHAN", np.full(o.S, o.C))
    check(t["OBSERVATION"].getcell("TELESCOPE_NAME", 0) == "OVRO_MMA", "OBSERVATION.TELESCOPE_NAME")
    for table in t.values():
        table.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("ms")
    arguments.add_argument("--layout")
    options = arguments.parse_args()
    with tables.table(options.ms, ack=False) as ms:
        o = Observation(ms)
        check(not options.layout or o.layout == options.layout, f"layout {o.layout}")
        check(ms.nrows() == o.rows, f"{ms.nrows()} rows, to be {o.rows}")
        check(ms.getkeyword("MS_VERSION") == 2.0, "MS_VERSION")
        check(ms.info()["type"] == "Measurement Set", "table.info")
        check_description(ms, tables.required_ms_desc(), "MAIN")
        check_managers(ms, o)
        check_subtables(ms, o)
        compared = check_values(ms, o)
    print(f"{options.ms}: {compared} elements compared, {len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
