#!/usr/bin/env python3
"""`msio flags`, held against numpy over python-casacore's FLAG and FLAG_ROW.

usage: test_flags.py MSIO [GROUP]      GROUP: Simulated, Managers, Threads, Views, Real, Sample, Command (classes below)

Exit codes: 0 all passed, 1 some failed, 77 nothing could be tested (and why).
"""
import json
import os
import tarfile
import tempfile
import unittest
from collections import defaultdict

from running import DATA, main, msio, oracle

with oracle():
    import numpy as np
    import casacore.tables as ct

SCRATCH = tempfile.mkdtemp(prefix="msio-flags-")
KEYS = ("DATA_DESC_ID", "FIELD_ID", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2", "TIME")


# ---------------------------------------------------------------- running the command

def report(path, *arguments, code=0):
    return json.loads(msio("flags", path, *arguments, "--json", code=code).stdout)


# ---------------------------------------------------------------- the oracle

def cells_of(table):
    """FLAG of each row as an array, None where it was never written."""
    return [np.asarray(table.getcell("FLAG", row), dtype=bool) if table.iscelldefined("FLAG", row) else None
            for row in range(table.nrows())]


def expected(path, flag_row=True):
    """What `msio flags PATH --by all` must count."""
    with ct.table(path, ack=False) as table:
        cells = cells_of(table)
        key = {name: table.getcol(name) for name in KEYS}
        rows = table.getcol("FLAG_ROW") if flag_row and "FLAG_ROW" in table.colnames() else None
        with ct.table(table.getkeyword("DATA_DESCRIPTION").split(": ", 1)[1], ack=False) as descriptions:
            windows = descriptions.getcol("SPECTRAL_WINDOW_ID")
    by = {name: defaultdict(lambda: np.zeros(3, dtype=np.int64))
          for name in ("spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time")}
    whole = np.zeros(3, dtype=np.int64)
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        set_row = rows is not None and rows[row]
        both = cell | bool(set_row)
        stack = np.stack([both, np.ones_like(cell), both & ~cell]).astype(np.int64)
        sums = stack.reshape(3, -1).sum(axis=1)
        window = int(windows[key["DATA_DESC_ID"][row]])
        first, second = int(key["ANTENNA1"][row]), int(key["ANTENNA2"][row])
        whole += sums
        for name, value in (("spw", window), ("field", int(key["FIELD_ID"][row])),
                            ("scan", int(key["SCAN_NUMBER"][row])), ("time", float(key["TIME"][row])),
                            ("baseline", (first, second))):
            by[name][value] += sums
        for antenna in {first, second}:
            by["antenna"][antenna] += sums
        for channel, of_channel in enumerate(stack.sum(axis=2).T):
            by["channel"][(window, channel)] += of_channel
        for corr, of_corr in enumerate(stack.sum(axis=1).T):
            by["correlation"][corr] += of_corr
    return whole, by, sum(cell is None for cell in cells)


def entries(by, name):
    keys = {"baseline": ("antenna1", "antenna2"), "channel": ("spw", "channel")}.get(name, (name,))
    found = []
    for value, sums in sorted(by[name].items()):
        if sums[1]:
            value = value if isinstance(value, tuple) else (value,)
            found.append({**dict(zip(keys, value)), "flagged": int(sums[0]), "total": int(sums[1]),
                          "from_flag_row": int(sums[2])})
    return found


class FlagsTest(unittest.TestCase):
    maxDiff = 2000

    def compare(self, path, *arguments, way=None):
        whole, by, undefined = expected(path, "--no-flag-row" not in arguments)
        for chosen in ([], ["--by", "all"]):
            found = report(path, *chosen, *arguments)
            self.assertEqual([found["flagged"], found["total"], found["from_flag_row"]], whole.tolist())
            self.assertEqual(found["undefined"], undefined)
            self.assertAlmostEqual(found["fraction"], whole[0] / whole[1] if whole[1] else 0, places=12)
            if way:
                self.assertEqual(found["way"], way)
        for name in by:
            self.assertEqual(found["by"][name], entries(by, name), name)

    def compare_all_ways(self, path, way):
        self.compare(path, way=way)
        self.compare(path, "--no-flag-row", "--threads", "1", way=way)
        self.compare(path, "--native", "no", way="casacore")


# ---------------------------------------------------------------- tables

def scratch(name):
    return os.path.join(SCRATCH, name)


def simulate(name, *arguments):
    path = scratch(name)
    run = msio("simulate", "ms", "--out", path, "--quiet", *arguments, code=None)
    if b"casacore" in run.stderr:
        raise unittest.SkipTest(run.stderr.decode())
    assert run.returncode == 0, run.stderr
    return path


def put_random_flags(path, seed, share=0.3, rows_set=0.1):
    """Random flags in place of the simulated ones, and FLAG_ROW set in some rows."""
    random = np.random.default_rng(seed)
    with ct.table(path, readonly=False, ack=False) as table:
        for row in range(table.nrows()):
            cell = table.getcell("FLAG", row)
            table.putcell("FLAG", row, random.random(cell.shape) < share)
        table.putcol("FLAG_ROW", random.random(table.nrows()) < rows_set)


def with_keys(path, rows, flag, manager, seed=1, endian="little", flag_row=True):
    """An MS of only what flags need: FLAG described by `flag`, in the data manager `manager` (type, spec)."""
    random = np.random.default_rng(seed)
    columns = [ct.makescacoldesc(name, 0.0 if name == "TIME" else 0) for name in KEYS] + [flag]
    if flag_row:
        columns.append(ct.makescacoldesc("FLAG_ROW", False))
    info = {"*1": {"NAME": "FlagManager", "TYPE": manager[0], "SPEC": manager[1], "COLUMNS": ["FLAG"], "SEQNR": 1}}
    table = ct.table(path, ct.maketabdesc(columns), nrow=rows, dminfo=info, endian=endian, ack=False)
    sub = ct.table(path + "/DATA_DESCRIPTION", ct.maketabdesc([ct.makescacoldesc("SPECTRAL_WINDOW_ID", 0)]), nrow=4,
                   ack=False)
    sub.putcol("SPECTRAL_WINDOW_ID", np.array([2, 0, 1, 0], dtype=np.int32))
    table.putkeyword("DATA_DESCRIPTION", sub)
    sub.close()
    table.putcol("DATA_DESC_ID", np.sort(random.integers(0, 4, rows)).astype(np.int32))
    table.putcol("FIELD_ID", random.integers(-1, 3, rows).astype(np.int32))
    table.putcol("SCAN_NUMBER", np.repeat(np.arange(rows), 7)[:rows].astype(np.int32))
    table.putcol("ANTENNA1", random.integers(0, 6, rows).astype(np.int32))
    table.putcol("ANTENNA2", random.integers(0, 6, rows).astype(np.int32))
    table.putcol("TIME", 5e9 + np.floor(np.arange(rows) / 11) / 3)
    if flag_row:
        table.putcol("FLAG_ROW", random.random(rows) < 0.2)
    return table


def fill(table, shape_of, seed=3, share=0.3, repeats=1):
    """Random cells; shape_of(row): (chans, corrs), None for a row that is left unwritten."""
    random = np.random.default_rng(seed)
    cell = None
    for row in range(table.nrows()):
        shape = shape_of(row)
        if shape is None:
            continue
        if cell is None or row % repeats == 0 or cell.shape != shape:
            cell = random.random(shape) < share
        table.putcell("FLAG", row, cell)
    table.close()


def fixed(*shape, option=5):
    return ct.makearrcoldesc("FLAG", False, ndim=len(shape), shape=list(shape), options=option, valuetype="boolean")


def varying(ndim=2):
    return ct.makearrcoldesc("FLAG", False, ndim=ndim, valuetype="boolean")


# ---------------------------------------------------------------- tests

class TestSimulated(FlagsTest):
    def check(self, name, *arguments):
        path = simulate(name, "--antennas", 6, "--times", 4, "--subbands", 3, *arguments)
        self.compare_all_ways(path, "packed bits")
        put_random_flags(path, 5)
        self.compare_all_ways(path, "packed bits")
        put_random_flags(path, 6, rows_set=0)
        self.compare(path)
        put_random_flags(path, 7, share=0, rows_set=0.005)
        self.compare(path)

    def test_dsa110(self):
        self.check("dsa110.ms", "--channels", 8)

    def test_default_layout(self):
        self.check("default.ms", "--channels", 16, "--layout", "default", "--corrs", 4)

    def test_wide(self):
        self.check("wide.ms", "--channels", 8, "--layout", "wide")

    def test_big_endian(self):
        self.check("big.ms", "--channels", 5, "--byte-order", "big", "--corrs", 1)

    def test_many_rows(self):
        path = simulate("many.ms", "--antennas", 20, "--times", 4, "--subbands", 3, "--channels", 6)
        self.compare(path, way="packed bits")
        put_random_flags(path, 8, rows_set=0.01)
        self.compare(path)


class TestManagers(FlagsTest):
    ROWS = 230

    def make(self, name, flag, manager, spec=None, **more):
        return with_keys(scratch(name), self.ROWS, flag, (manager, spec or {}), **more)

    def check(self, table, name, shape_of, way, **more):
        fill(table, shape_of, **more)
        self.compare_all_ways(scratch(name), way)

    def test_tiles_of_any_shape(self):
        for corrs, chans, rows in ((2, 9, 16), (1, 9, 7), (2, 4, 10), (3, 2, 1), (3, 9, 64), (4, 16, 5), (3, 4, 33)):
            name = f"tiles_{corrs}_{chans}_{rows}"
            table = self.make(name, varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [corrs, chans, rows]})
            self.check(table, name, lambda row: (9, 3), "packed bits")

    def test_tiled_column(self):
        for tile in ([4, 5, 8], [4, 3, 6], [2, 5, 3]):
            name = "column_" + "_".join(map(str, tile))
            table = self.make(name, fixed(5, 4), "TiledColumnStMan", {"DEFAULTTILESHAPE": tile})
            self.check(table, name, lambda row: (5, 4), "packed bits")

    def test_tiled_cells(self):
        table = self.make("cells", varying(), "TiledCellStMan", {"DEFAULTTILESHAPE": [2, 3]})
        self.check(table, "cells", lambda row: None if row % 9 == 4 else (3 + row % 5, 2 + row % 3), "packed bits")

    def test_shapes_that_vary_and_cells_never_written(self):
        table = self.make("varying", varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [2, 4, 8]})
        self.check(table, "varying", lambda row: None if 50 <= row < 70 else ((4, 2), (16, 4), (7, 1))[row // 13 % 3],
                   "packed bits")

    def test_shapes_that_vary_from_row_to_row(self):
        table = self.make("ragged", varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [4, 4, 16]})
        self.check(table, "ragged", lambda row: ((4, 2), (16, 4), (7, 1))[row * 7 % 3], "packed bits")

    def test_nothing_written(self):
        table = self.make("nothing", varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [2, 4, 8]})
        self.check(table, "nothing", lambda row: None, "packed bits")

    def test_standard_direct(self):
        for shape in ((5, 3), (8, 2), (64, 4)):
            name = f"direct_{shape[0]}"
            self.check(self.make(name, fixed(*shape), "StandardStMan"), name, lambda row: shape, "bytes")

    def test_standard_indirect(self):
        self.check(self.make("indirect", varying(), "StandardStMan"), "indirect",
                   lambda row: None if row % 31 == 7 else (3 + row % 4, 2), "bytes")

    def test_incremental(self):
        for repeats in (1, 5):
            name = f"incremental_{repeats}"
            self.check(self.make(name, fixed(6, 3), "IncrementalStMan"), name, lambda row: (6, 3), "bytes",
                       repeats=repeats)

    def test_incremental_indirect(self):
        self.check(self.make("incremental_indirect", varying(), "IncrementalStMan"), "incremental_indirect",
                   lambda row: (6 + row // 40 % 2, 3), "bytes", repeats=4)

    def test_one_flag_a_cell(self):
        table = self.make("single", varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [1, 1, 40]})
        self.check(table, "single", lambda row: (1, 1), "packed bits")

    def test_large_cells(self):
        table = with_keys(scratch("large"), 40, varying(), ("TiledShapeStMan", {"DEFAULTTILESHAPE": [4, 2000, 3]}))
        self.check(table, "large", lambda row: (2000, 4), "packed bits")

    def test_big_endian(self):
        table = self.make("endian", varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [4, 5, 16]}, endian="big")
        self.check(table, "endian", lambda row: (9, 4), "packed bits")

    def test_no_flag_row(self):
        table = self.make("without", varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [4, 5, 16]}, flag_row=False)
        self.check(table, "without", lambda row: (9, 4), "packed bits")

    def test_many_flag_rows(self):
        table = self.make("many", varying(), "TiledShapeStMan", {"DEFAULTTILESHAPE": [4, 5, 16]})
        table.putcol("FLAG_ROW", np.arange(self.ROWS) % 3 > 0)
        self.check(table, "many", lambda row: (9, 4) if row % 40 else None, "packed bits")


class TestThreads(FlagsTest):
    def test_counts_do_not_depend_on_threads(self):
        rows, random = 120000, np.random.default_rng(4)
        for name, tile in (("rows", [4, 24, 100]), ("parts", [4, 7, 333])):
            path = scratch("threads_" + name)
            table = with_keys(path, rows, varying(), ("TiledShapeStMan", {"DEFAULTTILESHAPE": tile}))
            flags, set_row = random.random((rows, 24, 4)) < 0.1, np.asarray(table.getcol("FLAG_ROW"), dtype=bool)
            table.putcol("FLAG", flags)
            windows = np.array([2, 0, 1, 0])[table.getcol("DATA_DESC_ID")]
            table.close()
            both = flags | set_row[:, None, None]
            found = report(path, "--by", "all", "--threads", 4)
            self.assertEqual(found, report(path, "--by", "all", "--threads", 1))
            self.assertEqual((found["flagged"], found["from_flag_row"]), (both.sum(), (both & ~flags).sum()))
            self.assertEqual([entry["flagged"] for entry in found["by"]["channel"]],
                             [both[windows == window, channel].sum() for window in range(3) for channel in range(24)])
            self.assertEqual([entry["flagged"] for entry in found["by"]["correlation"]],
                             both.sum(axis=(0, 1)).tolist())


class TestViews(FlagsTest):
    def test_rows_of_another_table(self):
        fill(with_keys(scratch("root"), 300, varying(), ("TiledShapeStMan", {"DEFAULTTILESHAPE": [2, 4, 8]})),
             lambda row: ((4, 2), (16, 4))[row // 30 % 2])
        with ct.table(scratch("root"), ack=False) as table:
            for name, rows in (("ascending", range(3, 300, 4)), ("shuffled", (np.arange(200) * 77) % 300)):
                table.selectrows(list(map(int, rows))).copy(scratch(name), deep=False).close()
                self.compare(scratch(name))

    def test_tables_in_a_row(self):
        for part in range(3):
            fill(with_keys(scratch(f"part{part}"), 60 + part, varying(), ("TiledShapeStMan",
                           {"DEFAULTTILESHAPE": [2, 4, 8]}), seed=part, endian=("little", "big")[part % 2]),
                 lambda row: (4, 2), seed=part)
        parts = [scratch(f"part{part}") for part in range(3)]
        whole = ct.table(parts, ack=False)
        whole.rename(scratch("whole"))
        whole.close()
        self.compare(scratch("whole"))


class TestReal(FlagsTest):
    def check(self, archive):
        path = os.path.join(DATA, archive)
        if not os.path.exists(path):
            self.skipTest(f"{path} is not there; MSIO_TEST_DATA names its folder")
        target = scratch(archive[:-4])
        with tarfile.open(path) as tar:
            tar.extractall(target)
        (name,) = os.listdir(target)
        self.compare(os.path.join(target, name))
        self.compare(os.path.join(target, name), "--no-flag-row")
        put_random_flags(os.path.join(target, name), 9)
        self.compare(os.path.join(target, name))

    def test_vla(self):
        self.check("vla_small.ms.tgz")

    def test_lofar_big_endian(self):
        self.check("lofar_be.ms.tgz")

    def test_baseline_dependent_averaging(self):
        self.check("bda_variable_shape.ms.tgz")


class TestSample(FlagsTest):
    def test_interval_holds_the_truth(self):
        path = simulate("sampled.ms", "--antennas", 30, "--times", 12, "--subbands", 4, "--channels", 48)
        whole = report(path)
        found = report(path, "--sample=0.1")
        low, high = found["interval"]
        self.assertTrue(found["sampled"])
        self.assertLess(found["total"], whole["total"])
        self.assertLessEqual((high - low) / 2, 0.1)
        self.assertTrue(low <= whole["fraction"] <= high)
        self.assertTrue(low <= found["fraction"] <= high)
        self.assertEqual(found, report(path, "--sample=0.1", "--threads", "1"))

    def test_few_tiles_are_all_drawn(self):
        path = simulate("few.ms", "--antennas", 4, "--times", 3, "--subbands", 2, "--channels", 4)
        whole, found = report(path, "--by", "all"), report(path, "--by", "all", "--sample")
        for key in ("flagged", "total", "fraction", "from_flag_row", "by"):
            self.assertEqual(whole[key], found[key], key)
        self.assertEqual(found["interval"], [whole["fraction"]] * 2)


class TestCommand(FlagsTest):
    @classmethod
    def setUpClass(cls):
        cls.path = simulate("command.ms", "--antennas", 4, "--times", 3, "--subbands", 2, "--channels", 4)

    def test_only_what_was_asked_for(self):
        self.assertEqual(report(self.path)["by"], {})
        self.assertEqual(list(report(self.path, "--by", "time,spw")["by"]), ["spw", "time"])

    def test_limit(self):
        fraction = report(self.path)["fraction"]
        self.assertTrue(report(self.path, "--limit", fraction / 2, code=1)["exceeded"])
        self.assertFalse(report(self.path, "--limit", fraction)["exceeded"])
        msio("flags", self.path, "--limit", "0", code=1)

    def test_report_for_people(self):
        shown = msio("flags", self.path, "--by", "all", "--limit", "0.5").stdout.decode()
        for words in ("flagged", "by correlation", "antenna1", "2023-", "kept"):
            self.assertIn(words, shown)

    def test_wrong_usage(self):
        for wrong in ((), (self.path, self.path), (self.path, "--by", "row"), (self.path, "--by", ""),
                      (self.path, "--limit", "2"), (self.path, "--limit", "x"), (self.path, "--sample=0"),
                      (self.path, "--limit", "nan")):
            msio("flags", *wrong, code=2)

    def test_unreadable(self):
        self.assertEqual(report(scratch("absent.ms"), code=3)["error"]["code"], "E_NOT_FOUND")
        self.assertEqual(report(self.path + "::ANTENNA", code=3)["error"]["code"], "E_NO_COLUMN")

    def test_missing_keys(self):
        path = scratch("bare")
        table = ct.table(path, ct.maketabdesc([varying()]), nrow=3, ack=False)
        fill(table, lambda row: (2, 2))
        self.assertEqual(report(path, "--by", "correlation")["total"], 12)
        self.assertEqual(report(path, "--by", "scan", code=3)["error"]["code"], "E_NO_COLUMN")
        self.assertEqual(report(path, "--by", "spw", code=3)["error"]["code"], "E_NOT_FOUND")

    def test_wrong_data_description(self):
        table = with_keys(scratch("beyond"), 5, varying(), ("StandardStMan", {}))
        table.putcell("DATA_DESC_ID", 3, 9)
        fill(table, lambda row: (2, 2))
        found = report(scratch("beyond"), "--by", "spw,channel")
        windows = {entry["spw"]: entry["total"] for entry in found["by"]["spw"]}
        self.assertEqual((windows[-1], sum(windows.values())), (4, 20))
        channels = {(entry["spw"], entry["channel"]): entry["total"] for entry in found["by"]["channel"]}
        self.assertEqual((channels[-1, 0], channels[-1, 1], sum(channels.values())), (2, 2, 20))

    def test_no_rows(self):
        fill(with_keys(scratch("empty"), 0, varying(), ("StandardStMan", {})), lambda row: None)
        found = report(scratch("empty"), "--by", "all")
        self.assertEqual((found["flagged"], found["total"], found["fraction"]), (0, 0, 0))
        self.assertTrue(all(not breakdown for breakdown in found["by"].values()))


if __name__ == "__main__":
    main(globals(), SCRATCH)
