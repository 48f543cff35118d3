#!/usr/bin/env python3
"""`msio flags --above, --below, --extend`, held against numpy over what python-casacore reads before, by what it reads after.

usage: test_extend_flags.py MSIO [GROUP]      GROUP: Values, Shapes, Errors (the classes below, without Test)
"""
import hashlib
import os
import shutil
import tempfile
import unittest

from running import main, msio, oracle, report

with oracle():
    import numpy as np
    from casacore import tables as ct
    from flag_reference import STEPS, extended

SCRATCH = tempfile.mkdtemp(prefix="msio-extend-")
SMALL = ("--antennas", 7, "--times", 5, "--subbands", 2, "--channels", 9, "--imaging")
COLUMNS = ("DATA", "MODEL_DATA", "FLAG", "FLAG_ROW", "UVW", "TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FIELD_ID",
           "SCAN_NUMBER")


def fill(path, seed=2, spectrum=False):
    """Values over magnitudes, some of them not finite, weights good and bad, flags, antennas in either order, two scans."""
    rng = np.random.default_rng(seed)
    with ct.table(path, readonly=False, ack=False) as t:
        shape, rows = t.getcol("DATA").shape, t.nrows()
        data = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) * np.exp(rng.normal(size=shape))
        spots = rng.random(shape)
        data[spots < 0.004], data[(spots > 0.004) & (spots < 0.008)] = np.nan, complex(1, np.inf)
        t.putcol("DATA", data.astype("c8"))
        t.putcol("MODEL_DATA", (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype("c8"))
        t.putcol("FLAG", rng.random(shape) < 0.3)
        t.putcol("FLAG_ROW", rng.random(rows) < 0.1)
        weight = rng.random((rows, shape[2])).astype("f4") * 3
        weight[::17], weight[5::31], weight[9::41] = 0, -1, np.nan
        t.putcol("WEIGHT", weight)
        one, other, turned = t.getcol("ANTENNA1"), t.getcol("ANTENNA2"), rng.random(rows) < 0.3
        t.putcol("ANTENNA1", np.where(turned, other, one))
        t.putcol("ANTENNA2", np.where(turned, one, other))
        t.putcol("FIELD_ID", (np.arange(rows) > rows * 0.9).astype("i4"))
        t.putcol("SCAN_NUMBER", (np.arange(rows) > rows * 0.55).astype("i4"))
        uvw = rng.normal(size=(rows, 3)) * 800
        uvw[3] = np.nan
        t.putcol("UVW", uvw)
        if spectrum:
            t.putcol("WEIGHT_SPECTRUM", rng.random(shape).astype("f4"))
        else:
            t.removecols(["WEIGHT_SPECTRUM"])
    return path


def simulated(*options, **more):
    path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
    msio("simulate", "ms", "--out", path, "--quiet", *SMALL, *options)
    return fill(path, **more)


def columns(path, first=0, rows=-1):
    with ct.table(path, ack=False) as t:
        found = {name: t.getcol(name, first, rows) for name in COLUMNS}
        found["WEIGHT"] = t.getcol("WEIGHT_SPECTRUM" if "WEIGHT_SPECTRUM" in t.colnames() else "WEIGHT", first, rows)
    with ct.table(path + "::DATA_DESCRIPTION", ack=False) as t:
        windows = t.getcol("SPECTRAL_WINDOW_ID")[found["DATA_DESC_ID"]]
    with ct.table(path + "::SPECTRAL_WINDOW", ack=False) as t:
        frequency = {w: t.getcell("CHAN_FREQ", int(w)) for w in np.unique(windows)}
    found["FREQUENCY"] = np.stack([frequency[w] for w in windows])
    return found


def words(limits):
    """The command's options for limits."""
    above = [(n, limits[n] if n == "chi2" else limits[n][1]) for n in ("amp", "chi2", "uvdist") if n in limits]
    below = [(n, limits[n][0]) for n in ("amp", "uvdist") if n in limits]
    extend = [(n, limits[n]) for n in STEPS[3:] if n in limits]
    options = []
    for option, parts in (("--above", above), ("--below", below), ("--extend", extend)):
        parts = [n if value == 0 else f"{n}={value}" for n, value in parts if value is not None]
        options += [option, ",".join(parts)] if parts else []
    return options


EVERYTHING = {"amp": (0.05, 6), "chi2": 25, "uvdist": (100, 2000), "correlation": 0, "channel": 0.5, "time": 0.5,
              "baseline": 0.7}


class ExtendTest(unittest.TestCase):
    def check(self, path, limits, *options, before=None, rows=None, **how):
        before = before or columns(path)
        picked = slice(None) if rows is None else rows
        flags, flag_row, counts = extended({name: values[picked] for name, values in before.items()}, limits, **how)
        told = report("flags", path, *words(limits), *options)
        after = columns(path)
        want = before["FLAG"].copy(), before["FLAG_ROW"].copy()
        want[0][picked], want[1][picked] = flags, flag_row
        np.testing.assert_array_equal(after["FLAG"], want[0])
        np.testing.assert_array_equal(after["FLAG_ROW"], want[1])
        self.assertEqual(told["added"], {name: counts[name] for name in (*STEPS, "flag_rows")})
        for name in set(COLUMNS) - {"FLAG", "FLAG_ROW"}:
            np.testing.assert_array_equal(after[name], before[name])
        return told, counts


class TestValues(ExtendTest):
    def test_each_alone(self):
        path, kept = simulated(), tempfile.mktemp(dir=SCRATCH, suffix=".ms")
        shutil.copytree(path, kept)
        before = columns(path)
        for name, limit in {**EVERYTHING, "baseline": 0.35}.items():
            for own in ((limit, (limit[0], None), (None, limit[1])) if isinstance(limit, tuple) else (limit,)):
                told, counts = self.check(path, {name: own}, before=before)
                self.assertGreater(counts[name], 0, name)
                shutil.rmtree(path)
                shutil.copytree(kept, path)

    def test_all_together(self):
        told, counts = self.check(simulated(), EVERYTHING)
        self.assertEqual(told["before"]["flagged"], counts["before"])
        self.assertEqual(told["after"]["flagged"], counts["after"])

    def test_extension_of_what_is_flagged(self):
        for limits in ({"correlation": 0.5}, {"channel": 0}, {"time": 0}, {"baseline": 0.2}, {"channel": 0.2, "time": 0.3},
                       {"time": 0.2, "baseline": 0.3}, {"correlation": 0, "baseline": 0.45}):
            self.check(simulated(), limits)

    def test_one_and_four_correlations(self):
        for corrs in (1, 4):
            self.check(simulated("--corrs", corrs), EVERYTHING)

    def test_wavelengths_and_weights_by_channel(self):
        self.check(simulated(spectrum=True), {"uvdist": (400, 5000), "chi2": 4, "correlation": 0}, "--wavelengths",
                   wavelengths=True)

    def test_flag_row_left_alone(self):
        self.check(simulated(), EVERYTHING, "--no-flag-row", flag_row=False)

    def test_some_rows(self):
        limits = {"amp": (None, 4), "channel": 0.3, "time": 0.3, "baseline": 0.3}
        self.check(simulated(), limits, "--rows", "11:200:3", rows=slice(11, 200, 3))
        self.check(simulated(), limits, "--rows=-1:20:-2", rows=np.arange(columns(simulated())["TIME"].size)[-1:20:-2][::-1])

    def test_threads_change_nothing(self):
        seen, path = set(), simulated("--antennas", 30)
        for threads in range(1, 9):
            copy = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
            shutil.copytree(path, copy)
            told = report("flags", copy, *words(EVERYTHING), "--threads", threads)
            after = columns(copy)
            seen.add((str(told["added"]), hashlib.md5(after["FLAG"].tobytes() + after["FLAG_ROW"].tobytes()).hexdigest()))
            shutil.rmtree(copy)
        self.assertEqual(len(seen), 1)

    def test_dry_run_and_backup(self):
        path, kept = simulated(), os.path.join(SCRATCH, "kept.flags")
        before = columns(path)
        counts = extended(before, EVERYTHING)[2]
        told = report("flags", path, *words(EVERYTHING), "--dry-run")
        self.assertEqual(told["added"], {name: counts[name] for name in (*STEPS, "flag_rows")})
        for name in ("FLAG", "FLAG_ROW"):
            np.testing.assert_array_equal(columns(path)[name], before[name])
        self.check(path, EVERYTHING, "--backup", kept)
        report("flags", path, "--restore", kept)
        for name in ("FLAG", "FLAG_ROW"):
            np.testing.assert_array_equal(columns(path)[name], before[name])

    def test_report_for_people(self):
        said = msio("flags", simulated(), "--extend", "channel=0.1").stdout.decode()
        self.assertRegex(said, r"flagged before .* after")
        self.assertRegex(said, r"over channels +[1-9]")


class TestShapes(ExtendTest):
    def test_windows_of_several_shapes(self):
        wide, narrow, path = simulated(), simulated("--channels", 5, seed=3), tempfile.mktemp(dir=SCRATCH, suffix=".ms")
        shutil.copytree(wide, path)
        for name in ("SPECTRAL_WINDOW", "DATA_DESCRIPTION"):
            with ct.table(f"{path}::{name}", readonly=False, ack=False) as to, ct.table(f"{narrow}::{name}", ack=False) as other:
                other.copyrows(to)
                if name == "DATA_DESCRIPTION":
                    to.putcol("SPECTRAL_WINDOW_ID", np.arange(4, dtype=np.int32))
        with ct.table(path, readonly=False, ack=False) as to, ct.table(narrow, ack=False) as other:
            n = to.nrows()
            other.copyrows(to)
            to.putcol("DATA_DESC_ID", other.getcol("DATA_DESC_ID") + 2, n, other.nrows())
        parts = [columns(path, 0, n), columns(path, n, -1)]
        wanted = [extended(part, EVERYTHING) for part in parts]
        told = report("flags", path, *words(EVERYTHING))
        for (flags, flag_row, _), part in zip(wanted, (columns(path, 0, n), columns(path, n, -1))):
            np.testing.assert_array_equal(part["FLAG"], flags)
            np.testing.assert_array_equal(part["FLAG_ROW"], flag_row)
        self.assertEqual(told["added"], {name: sum(w[2][name] for w in wanted) for name in (*STEPS, "flag_rows")})

    def test_real_column_and_no_rows(self):
        path = simulated()
        with ct.table(path, readonly=False, ack=False) as t:
            t.addcols(ct.maketabdesc(ct.makearrcoldesc("FLOAT_DATA", 0.0, ndim=2, valuetype="float")))
            real = t.getcol("DATA").real
            t.putcol("FLOAT_DATA", real)
        before = columns(path)
        told = report("flags", path, "--above", "amp=2", "--below", "amp=0.3", "--column", "FLOAT_DATA")
        flags, _, counts = extended({**before, "DATA": real}, {"amp": (0.3, 2)})
        np.testing.assert_array_equal(columns(path)["FLAG"], flags)
        self.assertEqual(told["added"]["amp"], counts["amp"])
        told = report("flags", path, "--extend", "time", "--rows", "0:0")
        self.assertEqual(set(told["added"].values()), {0})


class TestErrors(unittest.TestCase):
    def test_wrong_usage(self):
        path = simulated()
        before = columns(path)
        for wrong in (("--above", "amp"), ("--above", "amp=-1"), ("--above", "amp=x"), ("--above", "freq=3"),
                      ("--below", "chi2=3"), ("--extend", "scan"), ("--extend", "time=1"), ("--extend", "time=nan"),
                      ("--extend", "time=0.5x"), ("--extend", ""), ("--above", "amp=1,"), ("--column", "DATA"), ("--chi2", "DATA,MODEL_DATA"),
                      ("--above", "chi2=1", "--chi2", "DATA"), ("--above", "chi2=1", "--chi2", "A,B,C"),
                      ("--extend", "time", "--set"), ("--extend", "time", "--chans", "1:2"),
                      ("--extend", "time", "--by", "spw"), ("--extend", "time", "--nolock"), ("--extend", "time", "--sync")):
            msio("flags", path, *wrong, code=2)
        for missing in (("--above", "amp=1", "--column", "NONE"), ("--above", "amp=1", "--column", "UVW"),
                        ("--above", "chi2=1", "--chi2", "DATA,NONE"), ("--above", "chi2=1", "--chi2", "DATA,WEIGHT")):
            self.assertNotEqual(msio("flags", path, *missing, code=None).returncode, 0)
        msio("flags", path + "/ANTENNA", "--extend", "time", code=3)
        after = columns(path)
        for name in ("FLAG", "FLAG_ROW"):
            np.testing.assert_array_equal(after[name], before[name])

    def test_what_the_rows_say(self):
        path = simulated()
        with ct.table(path, readonly=False, ack=False) as t:
            t.putcell("DATA_DESC_ID", 7, 9)
        said = msio("flags", path, "--extend", "time", code=3).stderr.decode()
        self.assertIn("DATA_DESC_ID of row 7 is 9", said)


if __name__ == "__main__":
    main(globals(), SCRATCH)
