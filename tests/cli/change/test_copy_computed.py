#!/usr/bin/env python3
"""`msio copy` with --minus, --conjugate, --scale and --stats, held against numpy in double precision over what python-casacore
reads before and after.

usage: test_copy_computed.py MSIO [GROUP]      GROUP: Values, Shapes, Errors (the classes below, without Test)
"""
import itertools
import os
import shutil
import tempfile
import unittest

from running import main, msio_text as msio, oracle, report

with oracle():
    import numpy as np
    from casacore import tables as ct

SCRATCH = tempfile.mkdtemp(prefix="msio-computed-")
SMALL = ("--antennas", 8, "--times", 4, "--subbands", 3, "--channels", 10, "--corrs", 4, "--imaging")


def simulated():
    """A copy of an MS with all sorts of values, and flags."""
    kept = os.path.join(SCRATCH, "kept.ms")
    if not os.path.exists(kept):
        msio("simulate", "ms", "--out", kept, "--quiet", *SMALL)
        rng = np.random.default_rng(2)
        with ct.table(kept, readonly=False, ack=False) as t:
            shape = t.getcol("DATA").shape
            data = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) * np.exp(rng.normal(size=shape) * 4)
            spots = rng.random(shape)
            data[spots < 0.01], data[(spots > 0.01) & (spots < 0.02)] = np.nan, complex(1, np.inf)
            t.putcol("DATA", data.astype("c8"))
            t.putcol("MODEL_DATA", (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype("c8"))
            t.putcol("FLAG", rng.random(shape) < 0.1)
            t.putcol("FLAG_ROW", rng.random(shape[0]) < 0.1)
    path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
    shutil.copytree(kept, path)
    return path


def column(path, name):
    with ct.table(path, ack=False) as t:
        return t.getcol(name)


def close(got, want):
    """Single precision's rounding of the double's; NaN and infinities in the same parts."""
    for a, b in ((got.real, want.real), (got.imag, want.imag)):
        np.testing.assert_allclose(a[np.isfinite(b)], b[np.isfinite(b)], rtol=6e-8, atol=1e-37)
        np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b))


def parts(data, model, conjugate, scale):
    """What is to be there, in double precision: by real and imaginary parts, so that infinities stay in theirs."""
    with np.errstate(all="ignore"):
        x, y = (np.asarray(p, "f8") for p in (data.real, data.imag))
        if model is not None:
            x, y = x - model.real.astype("f8"), y - model.imag.astype("f8")
        y = -y if conjugate else y
        a, b = np.real(scale), np.imag(scale)
        x, y = (x * a, y * a) if b == 0 else (x * a - y * b, x * b + y * a)
        out = np.empty(data.shape, "c16")
        out.real, out.imag = x, y
        return out


def check_statistics(told, values, good):
    values = values.astype("c16")
    finite = np.isfinite(values.real) & np.isfinite(values.imag)
    mine = values[good & finite]
    amplitude = np.abs(mine)
    assert told["count"] == mine.size
    odd = values[good & ~finite]
    nan = np.isnan(odd.real) | np.isnan(odd.imag)
    assert (told["nan"], told["inf"]) == (nan.sum(), (~nan).sum())
    np.testing.assert_allclose(told["mean"], [mine.real.mean(), mine.imag.mean()], rtol=1e-9)
    np.testing.assert_allclose([told["amplitude"], told["rms"], told["min"], told["max"]],
                               [amplitude.mean(), np.sqrt((amplitude**2).mean()), amplitude.min(), amplitude.max()], rtol=1e-9)
    np.testing.assert_allclose(told["median"], np.median(amplitude), rtol=1.2e-3)


class TestValues(unittest.TestCase):
    def test_all_that_is_computed(self):
        path = simulated()
        data, model = column(path, "DATA"), column(path, "MODEL_DATA")
        good = ~(column(path, "FLAG") | column(path, "FLAG_ROW")[:, None, None])
        for minus, conjugate, scale in itertools.product((None, "MODEL_DATA"), (False, True), (None, 2.5, -1, 0, "1+2j")):
            options = [*(["--minus", minus] if minus else []), *(["--conjugate"] if conjugate else []),
                       *(["--scale", scale] if scale is not None else []), "--stats"]
            with self.subTest(options=options):
                told = report("copy", path, "DATA", "CORRECTED_DATA", *options)
                got = column(path, "CORRECTED_DATA")
                close(got, parts(data, model if minus else None, conjugate, complex(scale) if scale is not None else 1))
                check_statistics(told["statistics"], got, good)
                self.assertEqual((told["rows"], told["bytes"]), (len(data), data.nbytes))
        np.testing.assert_array_equal(column(path, "DATA").view("u4"), data.view("u4"))
        np.testing.assert_array_equal(column(path, "MODEL_DATA"), model)

    def test_difference_and_conjugate_are_exact(self):
        path = simulated()
        data, model = column(path, "DATA"), column(path, "MODEL_DATA")
        report("copy", path, "DATA", "CORRECTED_DATA", "--minus", "MODEL_DATA")
        np.testing.assert_array_equal(column(path, "CORRECTED_DATA"), data - model)
        report("copy", path, "DATA", "CORRECTED_DATA", "--conjugate")
        np.testing.assert_array_equal(column(path, "CORRECTED_DATA"), data.conj())

    def test_into_itself(self):
        path = simulated()
        data, model = column(path, "MODEL_DATA"), column(path, "CORRECTED_DATA")
        report("copy", path, "MODEL_DATA", "MODEL_DATA", "--minus", "CORRECTED_DATA", "--scale", "0.5")
        close(column(path, "MODEL_DATA"), parts(data, model, False, 0.5))
        report("copy", path, "MODEL_DATA", "MODEL_DATA", "--minus", "MODEL_DATA")
        self.assertFalse(column(path, "MODEL_DATA").any())
        before = column(path, "DATA")
        self.assertIn("--force", msio("copy", path, "DATA", "DATA", "--scale", 2, code=2).stderr)
        np.testing.assert_array_equal(column(path, "DATA"), before)
        report("copy", path, "DATA", "DATA", "--scale", 2, "--force")
        np.testing.assert_array_equal(column(path, "DATA"), parts(before, None, False, 2).astype("c8"))

    def test_a_part(self):
        path = simulated()
        data, model, wanted = (column(path, n) for n in ("DATA", "MODEL_DATA", "CORRECTED_DATA"))
        box = np.s_[5:90:3, 2:8:2, 1:3]
        wanted[box] = parts(data[box], model[box], True, 1)
        told = report("copy", path, "DATA", "CORRECTED_DATA", "--minus", "MODEL_DATA", "--conjugate", "--stats",
                      "--rows", "5:90:3", "--chans", "2:8:2", "--corrs", "1:3")
        np.testing.assert_array_equal(column(path, "CORRECTED_DATA"), wanted)
        good = ~(column(path, "FLAG") | column(path, "FLAG_ROW")[:, None, None])
        check_statistics(told["statistics"], wanted[box], good[box])
        told = report("copy", path, "DATA", "CORRECTED_DATA", "--stats", "--rows", "::-1", "--no-flag-row")
        np.testing.assert_array_equal(column(path, "CORRECTED_DATA"), data)
        check_statistics(told["statistics"], data, ~column(path, "FLAG"))
        told = report("copy", path, "DATA", "CORRECTED_DATA", "--stats", "--rows", "0:0")
        self.assertEqual((told["statistics"]["count"], told["statistics"]["rms"]), (0, "nan"))

    def test_a_target_that_is_made(self):
        path = simulated()
        told = report("copy", path, "DATA", "RESIDUAL", "--make", "--minus", "MODEL_DATA", "--stats")
        self.assertTrue(told["made"])
        np.testing.assert_array_equal(column(path, "RESIDUAL"), column(path, "DATA") - column(path, "MODEL_DATA"))
        with ct.table(path, readonly=False, ack=False) as t:
            t.addcols(ct.maketabdesc(ct.makearrcoldesc("FRESH", 0j, ndim=2, valuetype="complex")),
                      {"TYPE": "TiledShapeStMan", "NAME": "fresh", "SPEC": {"DEFAULTTILESHAPE": np.array([4, 10, 20], "i4")}})
        report("copy", path, "DATA", "FRESH", "--scale", "-2", "--chans", "0:3")
        wanted = np.zeros_like(column(path, "DATA"))
        wanted[:, :3] = parts(column(path, "DATA")[:, :3], None, False, -2)
        np.testing.assert_array_equal(column(path, "FRESH"), wanted)

    def test_threads_change_nothing(self):
        path = simulated()
        told, values = set(), set()
        for threads in range(1, 9):
            got = report("copy", path, "DATA", "CORRECTED_DATA", "--minus", "MODEL_DATA", "--scale", "1+0.3j", "--stats", "--threads", threads)
            told.add(repr(got["statistics"]))
            values.add(column(path, "CORRECTED_DATA").tobytes())
        self.assertEqual((len(told), len(values)), (1, 1))

    def test_for_people(self):
        path = simulated()
        run = msio("copy", path, "DATA", "CORRECTED_DATA", "--stats")
        self.assertIn("median", run.stdout)
        self.assertIn("rows written", run.stderr)
        before = column(path, "CORRECTED_DATA")
        told = report("copy", path, "DATA", "CORRECTED_DATA", "--scale", 3, "--stats", "--dry-run")
        self.assertNotIn("statistics", told)
        np.testing.assert_array_equal(column(path, "CORRECTED_DATA"), before)


class TestShapes(unittest.TestCase):
    def test_cells_of_several_shapes(self):
        rng, path = np.random.default_rng(5), os.path.join(SCRATCH, "ragged.tab")
        description = ct.maketabdesc([ct.makearrcoldesc(n, 0j, ndim=2, valuetype="complex") for n in ("A", "B", "C")])
        cells = [rng.normal(size=(2 + row % 3, 2)).astype("c8") for row in range(40)]
        with ct.table(path, description, nrow=40, ack=False) as t:
            for row, cell in enumerate(cells):
                for factor, name in enumerate("ABC"):
                    t.putcell(name, row, cell * np.float32(factor + 1))
        told = report("copy", path, "A", "C", "--minus", "B", "--scale", 3, "--stats")
        with ct.table(path, ack=False) as t:
            for row, cell in enumerate(cells):
                np.testing.assert_array_equal(t.getcell("C", row), (cell - cell * np.float32(2)) * np.float32(3))
        every = np.concatenate([cell.ravel() for cell in cells]) * np.float32(3)
        self.assertEqual(told["statistics"]["count"], every.size)
        np.testing.assert_allclose(told["statistics"]["rms"], np.sqrt((np.abs(every.astype("c16"))**2).mean()), rtol=1e-9)
        np.testing.assert_allclose(told["statistics"]["median"], np.median(np.abs(every)), rtol=1.2e-3)

    def test_real_numbers(self):
        path = simulated()
        weight, flag = column(path, "WEIGHT_SPECTRUM"), column(path, "FLAG") | column(path, "FLAG_ROW")[:, None, None]
        told = report("copy", path, "WEIGHT_SPECTRUM", "OTHER", "--make", "--scale", "0.1", "--stats")
        np.testing.assert_array_equal(column(path, "OTHER"), (weight.astype("f8") * 0.1).astype("f4"))
        check_statistics(told["statistics"], column(path, "OTHER").astype("c16"), ~flag)
        for option in (("--conjugate",), ("--scale", "2j")):
            self.assertIn("is real", msio("copy", path, "WEIGHT_SPECTRUM", "OTHER", *option, code=2).stderr)


class TestErrors(unittest.TestCase):
    def test_what_is_refused(self):
        path = simulated()
        before = column(path, "CORRECTED_DATA")
        for words, code, options in (("--atomic", 2, ("--minus", "MODEL_DATA", "--atomic")), ("--sync", 2, ("--stats", "--sync")),
                                     ("NOTHING", 3, ("--minus", "NOTHING")), ("different types", 2, ("--minus", "WEIGHT_SPECTRUM")),
                                     ("--scale", 2, ("--scale", "twice")), ("holds", 2, ("--minus", "TIME"))):
            with self.subTest(options=options):
                self.assertIn(words, msio("copy", path, "DATA", "CORRECTED_DATA", *options, code=code).stderr)
        self.assertIn("Complex or Float", msio("copy", path, "ANTENNA1", "ANTENNA2", "--scale", 2, code=2).stderr)
        np.testing.assert_array_equal(column(path, "CORRECTED_DATA"), before)

    def test_shapes_that_differ(self):
        path = simulated()
        with ct.table(path, readonly=False, ack=False) as t:
            t.addcols(ct.maketabdesc(ct.makearrcoldesc("SMALL", 0j, ndim=2, valuetype="complex")))
            t.putcol("SMALL", np.zeros((t.nrows(), 3, 4), "c8"))
        self.assertIn("differ in shape", msio("copy", path, "DATA", "CORRECTED_DATA", "--minus", "SMALL", code=3).stderr)


if __name__ == "__main__":
    main(globals(), SCRATCH)
