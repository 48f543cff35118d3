#!/usr/bin/env python3
"""`msio stats`, held against numpy in double precision over what python-casacore reads: every number, by every key, with
flags, FLAG_ROW, NaN, infinities, weights that are 0, several shapes; threads; errors.

usage: test_stats_command.py MSIO [GROUP]      GROUP: Values, Shapes, Errors (the classes below, without Test)
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import running
from running import main, msio_text as msio, oracle

with oracle():
    import numpy as np
    from casacore import tables

SCRATCH = tempfile.mkdtemp(prefix="msio-stats-")
SMALL = ("--antennas", 9, "--times", 4, "--subbands", 3, "--channels", 10, "--corrs", 4, "--imaging")
KEYS = ("spw", "field", "scan", "antenna", "baseline", "channel", "correlation", "time")


def stats(path, *options):
    return json.loads(msio("stats", path, "--json", *options).stdout)


def simulated(*options):
    """A copy of a Measurement Set with all sorts of values in DATA and WEIGHT_SPECTRUM."""
    kept = os.path.join(SCRATCH, f"kept{'-'.join(map(str, options))}.ms")
    if not os.path.exists(kept):
        msio("simulate", "ms", "--out", kept, "--quiet", *SMALL, *options)
        rng = np.random.default_rng(1)
        with tables.table(kept, readonly=False, ack=False) as t:
            data, weight = t.getcol("DATA"), t.getcol("WEIGHT_SPECTRUM")
            data *= np.exp(rng.normal(size=data.shape) * 3).astype(np.float32)
            spots = rng.random(data.shape)
            data[spots < 0.01] = np.nan
            data[(spots > 0.01) & (spots < 0.015)] = complex(np.inf, 1)
            data[(spots > 0.015) & (spots < 0.02)] = complex(1, -np.inf)
            data[(spots > 0.02) & (spots < 0.022)] = complex(np.nan, np.inf)
            data[(spots > 0.022) & (spots < 0.1)] = 0
            weight[rng.random(weight.shape) < 0.05] = 0
            weight[rng.random(weight.shape) < 0.01] = np.nan
            weight[rng.random(weight.shape) < 0.01] = -1
            flag_row = t.getcol("FLAG_ROW")
            flag_row[rng.random(len(flag_row)) < 0.03] = True
            scan = t.getcol("SCAN_NUMBER")
            t.putcol("SCAN_NUMBER", np.where(scan == 1, 7, scan))
            t.putcol("DATA", data)
            t.putcol("WEIGHT_SPECTRUM", weight)
            t.putcol("FLAG_ROW", flag_row)
    path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
    shutil.copytree(kept, path)
    return path


def close(a, b):
    a = np.array([float(x) if isinstance(x, str) else x for x in np.atleast_1d(np.array(a, dtype=object)).ravel()], float)
    np.testing.assert_allclose(a, np.atleast_1d(b), rtol=1e-9, atol=1e-9)


class Oracle:
    """What numpy says of an MS, or of some rows of one shape."""

    def __init__(self, path, columns=("DATA",), chi2=None, flag_row=True, weight="WEIGHT_SPECTRUM", rows=slice(None)):
        with tables.table(path, ack=False) as t:
            names = set(columns) | set(chi2 or ())
            if rows == slice(None):
                read = t.getcol
            else:
                read = lambda name: np.stack([np.asarray(t.getcell(name, int(r))) for r in np.arange(t.nrows())[rows]])
            self.values = {name: read(name).astype(complex) for name in names}
            self.keys = {name: read(name) for name in ("FIELD_ID", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2", "TIME",
                                                       "DATA_DESC_ID")}
            self.flag = read("FLAG")
            if flag_row:
                self.flag = self.flag | read("FLAG_ROW")[:, None, None]
            self.weight = read(weight).astype(float) if weight else None
            if weight == "WEIGHT":
                self.weight = np.broadcast_to(self.weight[:, None, :], self.flag.shape)
        with tables.table(path + "::DATA_DESCRIPTION", ack=False) as t:
            self.window = t.getcol("SPECTRAL_WINDOW_ID")[self.keys["DATA_DESC_ID"]]
        self.columns, self.chi2 = columns, chi2
        if chi2:
            difference = self.values[chi2[0]] - self.values[chi2[1]]
            with np.errstate(invalid="ignore"):
                self.power = np.abs(difference)**2 * (1 if self.weight is None else self.weight)
                self.counts = ~self.flag & np.isfinite(self.values[chi2[0]]) & np.isfinite(self.values[chi2[1]])
                if self.weight is not None:
                    self.counts &= np.isfinite(self.weight) & (self.weight >= 0)

    def check_values(self, got, name, where, whole=False):
        v, flag = self.values[name][where], self.flag[where]
        good = v[~flag & np.isfinite(v)]
        nan = np.isnan(v.real) | np.isnan(v.imag)
        assert got["count"] == good.size, (got["count"], good.size)
        assert got["nan"] == int((~flag & nan).sum())
        assert got["inf"] == int((~flag & ~nan & ~np.isfinite(v)).sum())
        if not good.size:
            assert got["mean"] == ["nan", "nan"] and got["rms"] == got["min"] == got["max"] == "nan"
            return
        a = np.abs(good)
        scale = a.mean()
        np.testing.assert_allclose(np.array(got["mean"]) / scale, np.array([good.real.mean(), good.imag.mean()]) / scale,
                                   rtol=1e-9, atol=1e-9)
        close((got["amplitude"], got["rms"], got["min"], got["max"]),
              (a.mean(), np.sqrt((a**2).mean()), a.min(), a.max()))
        if whole:
            median = np.median(a)
            np.testing.assert_allclose(got["median"], median, rtol=1.2e-3)
            mad = np.median(np.abs(a - median))
            np.testing.assert_allclose(got["mad"], mad, rtol=0, atol=2.5e-3 * (median + mad))

    def check_chi2(self, got, where):
        counts = self.counts[where]
        assert got["dof"] == 2 * int(counts.sum())
        close(got["value"], self.power[where][counts].sum())

    def check_where(self, got, where, whole=False):
        assert set(got["columns"]) == set(self.columns)
        for name in self.columns:
            self.check_values(got["columns"][name], name, where, whole)
        if self.chi2:
            self.check_chi2(got["chi2"], where)

    def entries(self, key):
        """(keys of an entry, where it is in the arrays)."""
        k, shape = self.keys, self.flag.shape
        per_row = {"spw": self.window, "field": k["FIELD_ID"], "scan": k["SCAN_NUMBER"], "time": k["TIME"]}
        if key in per_row:
            return [({key: value.item()}, per_row[key] == value) for value in np.unique(per_row[key])]
        one, two = k["ANTENNA1"], k["ANTENNA2"]
        if key == "antenna":
            return [({key: a.item()}, (one == a) | (two == a)) for a in np.unique(np.concatenate([one, two]))]
        if key == "baseline":
            return [({"antenna1": a, "antenna2": b}, (one == a) & (two == b)) for a, b in sorted(set(zip(one.tolist(), two.tolist())))]
        if key == "correlation":
            return [({key: c}, (slice(None), slice(None), c)) for c in range(shape[2])]
        return [({"spw": w.item(), "channel": c}, (self.window == w, c)) for w in np.unique(self.window)
                for c in range(shape[1])]

    def check(self, told, by=()):
        self.check_where(told, slice(None), True)
        assert set(told["by"]) == set(by)
        for key in by:
            wanted = self.entries(key)
            assert len(told["by"][key]) == len(wanted), key
            for got, (keys, where) in zip(told["by"][key], wanted):
                for name, value in keys.items():
                    assert got[name] == value, (key, name, got[name], value)
                self.check_where(got, where)


class TestValues(unittest.TestCase):
    def test_the_whole(self):
        path = simulated()
        told = stats(path)
        self.assertEqual(told["rows"], 540)
        self.assertNotIn("chi2", told)
        Oracle(path).check(told)
        self.assertGreater(told["columns"]["DATA"]["nan"], 10)
        self.assertGreater(told["columns"]["DATA"]["inf"], 10)

    def test_all_keys(self):
        path = simulated()
        columns, chi2 = ("CORRECTED_DATA", "DATA"), ("DATA", "MODEL_DATA")
        told = stats(path, "--columns", ",".join(columns), "--by", "all", "--chi2", ",".join(chi2))
        self.assertEqual(told["weights"], "WEIGHT_SPECTRUM")
        Oracle(path, columns, chi2).check(told, KEYS)

    def test_each_key_alone(self):
        path = simulated()
        oracle = Oracle(path, ("DATA",), ("DATA", "CORRECTED_DATA"))
        for key in KEYS:
            oracle.check(stats(path, "--by", key, "--chi2", "DATA,CORRECTED_DATA"), (key,))

    def test_flag_row_is_left_out(self):
        path = simulated()
        Oracle(path, flag_row=False).check(stats(path, "--no-flag-row", "--by", "field,channel"), ("field", "channel"))

    def test_weights(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            t.removecols("WEIGHT_SPECTRUM")
        told = stats(path, "--chi2", "DATA,MODEL_DATA", "--by", "channel,baseline")
        self.assertEqual(told["weights"], "WEIGHT")
        Oracle(path, chi2=("DATA", "MODEL_DATA"), weight="WEIGHT").check(told, ("channel", "baseline"))

    def test_chi_squared_alone(self):
        path = simulated()
        oracle = Oracle(path, (), ("DATA", "CORRECTED_DATA"))
        told = stats(path, "--columns", "none", "--by", "all", "--chi2", "DATA,CORRECTED_DATA")
        self.assertEqual(told["columns"], {})
        oracle.check(told, KEYS)
        with tables.table(path, readonly=False, ack=False) as t:
            t.removecols("WEIGHT_SPECTRUM")
        Oracle(path, (), ("CORRECTED_DATA", "DATA"), weight="WEIGHT").check(
            stats(path, "--columns", "none", "--by", "antenna", "--chi2", "CORRECTED_DATA,DATA"), ("antenna",))
        with tables.table(path, readonly=False, ack=False) as t:
            t.removecols("WEIGHT")
        Oracle(path, (), ("CORRECTED_DATA", "DATA"), weight=None).check(
            stats(path, "--columns", "none", "--chi2", "CORRECTED_DATA,DATA"))
        msio("stats", path, "--columns", "none", code=2)
        self.assertIn("chi-squared", msio("stats", path, "--columns", "none", "--chi2", "DATA,CORRECTED_DATA").stdout)

    def test_no_medians(self):
        path = simulated()
        whole, without = stats(path, "--by", "antenna"), stats(path, "--by", "antenna", "--no-medians")
        self.assertEqual([without["columns"]["DATA"].pop(name) for name in ("median", "mad")], ["nan", "nan"])
        for told in (whole, without):
            told.pop("seconds")
        for name in ("median", "mad"):
            self.assertNotEqual(whole["columns"]["DATA"].pop(name), "nan")
        self.assertEqual(whole, without)

    def test_all_is_flagged(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            t.putcol("FLAG", np.ones_like(t.getcol("FLAG")))
        told = stats(path, "--by", "spw,correlation", "--chi2", "DATA,MODEL_DATA")
        Oracle(path, chi2=("DATA", "MODEL_DATA")).check_where(told, slice(None))
        self.assertEqual(told["columns"]["DATA"]["median"], "nan")
        self.assertEqual(told["chi2"], {"value": 0.0, "dof": 0})
        self.assertIn("all are flagged", msio("stats", path).stdout)

    def test_threads_change_nothing(self):
        path = simulated("--antennas", 24)
        told = set()
        for threads in range(1, 9):
            got = stats(path, "--by", "all", "--chi2", "DATA,MODEL_DATA", "--threads", threads)
            del got["seconds"]
            told.add(json.dumps(got))
        self.assertEqual(len(told), 1)

    def test_for_people(self):
        path = simulated()
        said = msio("stats", path, "--by", "antenna", "--chi2", "DATA,MODEL_DATA").stdout
        for word in ("540 rows", "median", "by antenna", "chi-squared", "WEIGHT_SPECTRUM"):
            self.assertIn(word, said)


class TestShapes(unittest.TestCase):
    def test_windows_of_several_shapes(self):
        path, narrow = simulated(), simulated("--channels", 7)
        for name in ("SPECTRAL_WINDOW", "DATA_DESCRIPTION"):
            with tables.table(f"{path}::{name}", readonly=False, ack=False) as to, \
                    tables.table(f"{narrow}::{name}", ack=False) as other:
                other.copyrows(to)
                if name == "DATA_DESCRIPTION":
                    to.putcol("SPECTRAL_WINDOW_ID", np.arange(6, dtype=np.int32))
        with tables.table(path, readonly=False, ack=False) as to, tables.table(narrow, ack=False) as other:
            n = to.nrows()
            other.copyrows(to)
            to.putcol("DATA_DESC_ID", other.getcol("DATA_DESC_ID") + 3, n, other.nrows())
        told = stats(path, "--by", "spw,channel", "--chi2", "DATA,MODEL_DATA")
        self.assertEqual(told["rows"], 2 * n)
        for rows in (slice(0, n), slice(n, 2 * n)):
            oracle = Oracle(path, chi2=("DATA", "MODEL_DATA"), rows=rows)
            for key in ("spw", "channel"):
                mine = [e for e in told["by"][key] if (e["spw"] >= 3) == (rows.start > 0)]
                wanted = oracle.entries(key)
                self.assertEqual(len(mine), len(wanted))
                for got, (keys, where) in zip(mine, wanted):
                    self.assertEqual({k: got[k] for k in keys}, keys)
                    oracle.check_where(got, where)

    def test_float_data_alone(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            for name in ("FLOAT_DATA", "OTHER_DATA"):
                t.addcols(tables.maketabdesc(tables.makearrcoldesc(name, 0.0, ndim=2, valuetype="float")))
                t.putcol(name, t.getcol("DATA").real * (1 if name == "FLOAT_DATA" else 0.5))
        for pair in (("FLOAT_DATA", "OTHER_DATA"), ("FLOAT_DATA", "MODEL_DATA")):
            Oracle(path, (), pair).check(stats(path, "--columns", "none", "--chi2", ",".join(pair), "--by", "channel"), ("channel",))

    def test_float_data(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            real = t.getcol("DATA").real.astype(np.float32)
            t.addcols(tables.maketabdesc(tables.makearrcoldesc("FLOAT_DATA", 0.0, ndim=2, valuetype="float")))
            t.putcol("FLOAT_DATA", real)
        Oracle(path, ("FLOAT_DATA",)).check(stats(path, "--columns", "FLOAT_DATA", "--by", "correlation"), ("correlation",))

    def test_other_peoples_measurement_sets(self):
        tried = 0
        for packed in sorted(glob.glob(os.path.join(running.DATA, "*.ms.tgz"))):
            folder = tempfile.mkdtemp(dir=SCRATCH)
            subprocess.run(["tar", "xzf", packed, "-C", folder], check=True)
            for path in glob.glob(os.path.join(folder, "*.[mM][sS]")):
                run = msio("stats", path, "--json", "--by", "antenna,spw", code=None)
                try:
                    oracle = Oracle(path)
                except (RuntimeError, KeyError, IndexError, ValueError):
                    continue  # cells of several shapes, or no DATA
                if run.returncode:
                    self.assertRegex(run.stderr, "DATA|undefined|never written|casacore|rows")
                    continue
                oracle.check(json.loads(run.stdout), ("antenna", "spw"))
                tried += 1
        if not tried:
            self.skipTest(f"no Measurement Sets in {running.DATA}")


class TestErrors(unittest.TestCase):
    def refused(self, path, words, *options, code=3):
        self.assertIn(words, msio("stats", path, *options, code=code).stderr)

    def test_what_is_refused(self):
        path = simulated()
        self.refused(path, "NOTHING", "--columns", "NOTHING")
        self.refused(path, "holds", "--columns", "TIME", code=2)
        self.refused(path, "named twice", "--columns", "DATA,DATA", code=2)
        self.refused(path, "--chi2 wants two", "--chi2", "DATA", code=2)
        self.refused(path, "--by", "--by", "colour", code=2)
        self.refused(path + "/FIELD", "no Measurement Set", code=2)
        self.refused(os.path.join(SCRATCH, "none.ms"), "none.ms")
        msio("stats", code=2)

    def test_cells_that_were_never_written(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            t.addcols(tables.maketabdesc(tables.makearrcoldesc("FRESH", 0j, ndim=2, valuetype="complex")))
        self.refused(path, "FRESH", "--columns", "FRESH")


if __name__ == "__main__":
    main(globals(), SCRATCH)
