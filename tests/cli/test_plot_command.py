#!/usr/bin/env python3
"""`msio plot`, whose grids are held against numpy's histogram2d over what python-casacore reads: by every axis, with flags, FLAG_ROW,
NaN and infinities, ranges, several shapes; threads. A script stands for the Python that draws, and keeps what it is handed;
msio.plot itself is tested with the package.

usage: test_plot_command.py MSIO [GROUP]      GROUP: Values, Shapes, Drawing, Errors (the classes below, without Test)
"""
import json
import os
import shutil
import sys
import tempfile
import unittest

import running
from running import main, msio_text as msio, oracle

with oracle():
    import numpy as np
    from casacore import tables

SCRATCH = tempfile.mkdtemp(prefix="msio-plot-")
LIGHT = 299792458.0
SMALL = ("--antennas", 7, "--times", 4, "--subbands", 3, "--channels", 10, "--corrs", 4)
GRID, PICTURE = os.path.join(SCRATCH, "grid"), os.path.join(SCRATCH, "a.png")
AXES = ("time", "freq", "chan", "uvdist", "baseline", "antenna", "amp", "phase", "real", "imag", "flag", "u", "v")


def stand_in(body):
    """A program that is started in the place of a Python."""
    fd, path = tempfile.mkstemp(dir=SCRATCH, suffix=".py")
    with open(fd, "w") as out:
        out.write(f"#!{sys.executable}\nimport os, sys\n{body}\n")
    os.chmod(path, 0o755)
    return {"MSIO_PYTHON": path}


KEEPS = stand_in(f"""assert sys.argv[1:3] == ["-m", "msio.plot"] and sys.argv[3] in ("png", "svg") and sys.argv[4], sys.argv
print("some warning\\nready", file=sys.stderr, flush=True)
open({GRID!r}, "wb").write(sys.stdin.buffer.read())
os.write(1, b"picture")""")


def plot(path, x, y, *options):
    """The report of a plot, with the grid that was to be drawn."""
    told = json.loads(msio("plot", path, "--x", x, "--y", y, "--out", PICTURE, "--json", *options, env=KEEPS).stdout)
    with open(GRID, "rb") as kept:
        head, cells = json.loads(kept.readline()), np.frombuffer(kept.read(), np.int64)
    assert head["rows"] == told["rows"] and head["points"] == told["points"]
    for name in "xy":
        axis, unit, bins, low, width = head[name]
        assert [axis, unit, bins, low] == [told[name][k] for k in ("axis", "unit", "bins", "low")]
        assert told[name]["high"] == low + bins * width
        told[name + "_edges"], told[name + "_width"] = low + np.arange(bins + 1) * width, width
    shape = (head["y"][2], head["x"][2])
    assert cells.size == shape[0] * shape[1] * (2 if head["flagged"] else 1)
    told["count"] = cells[:shape[0] * shape[1]].reshape(shape)
    told["flagged"] = cells[shape[0] * shape[1]:].reshape(shape) if head["flagged"] else None
    told["antennas"] = head["antennas"]
    return told


def simulated(*options):
    """A copy of a Measurement Set of a sky, with all sorts of values in DATA, and some rows flagged."""
    kept = os.path.join(SCRATCH, f"kept{'-'.join(map(str, options))}.ms")
    if not os.path.exists(kept):
        sky = os.path.join(SCRATCH, "sky.txt")
        with open(sky, "w") as out:
            out.write("Format = Type, Ra, Dec, I, Q\nPOINT, 285.3deg, 16.2deg, 3, 0.5\n")
        msio("simulate", "ms", "--out", kept, "--quiet", *SMALL, "--sky", sky, "--noise", 0.3, *options)
        rng = np.random.default_rng(3)
        with tables.table(kept, readonly=False, ack=False) as t:
            data, flag, flag_row, one, two = (t.getcol(n) for n in ("DATA", "FLAG", "FLAG_ROW", "ANTENNA1", "ANTENNA2"))
            spots = rng.random(data.shape)
            data[spots < 0.01] = complex(np.nan, 1)
            data[(spots > 0.01) & (spots < 0.015)] = complex(1, -np.inf)
            data[(spots > 0.015) & (spots < 0.05)] = 0
            data[(spots > 0.05) & (spots < 0.07)] = rng.choice([1, -1, 1j, -1j, 1 + 1j, -2 + 2j, -4 - 4j, 3 - 3j], ((spots > 0.05) & (spots < 0.07)).sum())
            t.putcol("DATA", data)
            t.putcol("FLAG", (rng.random(flag.shape) < 0.1) | (one == 3)[:, None, None] & (np.arange(flag.shape[1]) < 4)[:, None])
            t.putcol("FLAG_ROW", rng.random(len(flag_row)) < 0.05)
            swapped = rng.random(len(one)) < 0.1
            t.putcol("ANTENNA1", np.where(swapped, two, one))
            t.putcol("ANTENNA2", np.where(swapped, one, two))
    path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
    shutil.copytree(kept, path)
    return path


class Oracle:
    """The points of an MS of one shape, or of some of its rows, by numpy in double precision."""

    def __init__(self, path, column="DATA", rows=slice(None)):
        with tables.table(path, ack=False) as t:
            read = (lambda n: t.getcol(n)) if rows == slice(None) else \
                (lambda n: np.stack([np.asarray(t.getcell(n, int(r))) for r in np.arange(t.nrows())[rows]]))
            self.c = {n: read(n) for n in ("TIME", "UVW", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FIELD_ID", "FLAG", "FLAG_ROW")}
            self.data = read(column)
        with tables.table(f"{path}::SPECTRAL_WINDOW", ack=False) as t:
            frequency = {i: t.getcell("CHAN_FREQ", i) for i in range(t.nrows())}
        self.frequency = np.array([frequency[i] for i in self.c["DATA_DESC_ID"]])
        with tables.table(f"{path}::ANTENNA", ack=False) as t:
            self.antennas = t.nrows()

    def value(self, axis, second=False, wavelengths=False):
        u, v = self.c["UVW"][:, 0], self.c["UVW"][:, 1]
        with np.errstate(over="ignore"):
            metres = {"u": u, "v": v, "uvdist": np.sqrt(u * u + v * v)}
        low, high = np.minimum(self.c["ANTENNA1"], self.c["ANTENNA2"]), np.maximum(self.c["ANTENNA1"], self.c["ANTENNA2"])
        rows = {"time": self.c["TIME"], "baseline": low * self.antennas - low * (low - 1) // 2 + high - low,
                "antenna": self.c["ANTENNA2" if second else "ANTENNA1"]}
        real, imag = self.data.real.astype(float), self.data.imag.astype(float)
        with np.errstate(invalid="ignore"):
            if axis in rows:
                found = rows[axis][:, None, None]
            elif axis in metres:
                found = (metres[axis][:, None] * (self.frequency / LIGHT if wavelengths else 1))[:, :, None]
            elif axis == "freq":
                found = self.frequency[:, :, None]
            elif axis == "chan":
                found = np.arange(self.data.shape[1])[:, None]
            elif axis == "flag":
                found = self.flag
            else:
                found = {"amp": np.sqrt(real**2 + imag**2), "phase": np.degrees(np.arctan2(imag, real)), "real": real,
                         "imag": imag}[axis]
                found = np.where(np.isfinite(real) & np.isfinite(imag), found, np.nan)
        return np.broadcast_to(np.asarray(found, float), self.data.shape)

    def check(self, told, flags=False, wavelengths=False, flag_row=True, where=True):
        x, y = told["x"]["axis"], told["y"]["axis"]
        self.flag = self.c["FLAG"] | (self.c["FLAG_ROW"][:, None, None] & flag_row)
        use = np.broadcast_to(where, self.flag.shape) & (self.flag | ~self.flag if flags or "flag" in (x, y) else ~self.flag)
        count = np.zeros(told["count"].shape)
        flagged, all_points, odd = count.copy(), 0, 0
        for second in (False, True) if "antenna" in (x, y) else (False,):
            mine = use & (self.c["ANTENNA1"] != self.c["ANTENNA2"])[:, None, None] if second else use
            a, b, f = (v[mine] for v in (self.value(x, second, wavelengths), self.value(y, second, wavelengths), self.flag))
            good = np.isfinite(a) & np.isfinite(b)
            all_points, odd = all_points + good.size, odd + int((~good).sum())
            edges = [told["x_edges"], told["y_edges"]]
            count += np.histogram2d(a[good], b[good], edges)[0].T
            flagged += np.histogram2d(a[good & f], b[good & f], edges)[0].T
        np.testing.assert_array_equal(told["count"], count)
        if flags:
            np.testing.assert_array_equal(told["flagged"], flagged)
        else:
            assert told["flagged"] is None
        assert told["points"] == count.sum() and told["not_finite"] == odd and told["outside"] == all_points - odd - count.sum()
        return count


class TestValues(unittest.TestCase):
    def test_every_pair_of_axes(self):
        path = simulated()
        truth = Oracle(path)
        for i, one in enumerate(AXES):
            for k, other in enumerate(AXES[:i]):
                x, y = (one, other) if (i + k) % 2 else (other, one)
                with self.subTest(x=x, y=y):
                    told = plot(path, x, y)
                    self.assertGreater(truth.check(told).sum(), 0)
                    self.assertEqual(told["outside"], 0)

    def test_scales_that_the_metadata_tell(self):
        path = simulated()
        with tables.table(path, ack=False) as t:
            times, interval = np.unique(t.getcol("TIME")), t.getcell("INTERVAL", 0)
        told = plot(path, "time", "freq")
        np.testing.assert_allclose(told["x_edges"][:-1] + interval / 2, times, rtol=0, atol=1e-3)
        self.assertEqual((told["x"]["unit"], told["y"]["unit"]), ("s", "Hz"))
        frequency = np.unique(Oracle(path).frequency)
        np.testing.assert_allclose((told["y_edges"][1:] + told["y_edges"][:-1]) / 2, frequency, rtol=1e-9)
        self.assertTrue((told["count"] > 0).all())
        told = plot(path, "baseline", "chan", "--bins", "10x4")
        truth = Oracle(path)
        pairs = truth.antennas * (truth.antennas + 1) // 2
        self.assertEqual((told["x_width"], told["x"]["bins"]), (-(-pairs // 10), -(-pairs // -(-pairs // 10))))
        self.assertEqual((told["y_width"], told["y"]["bins"]), (3, 4))  # 10 channels
        truth.check(told)
        self.assertEqual(told["antennas"], truth.antennas)

    def test_scales_that_are_found(self):
        path = simulated()
        truth = Oracle(path)
        for bins in (2, 7, 64, 511, 8192):
            for axis in ("amp", "real", "u", "v", "uvdist"):
                told = plot(path, "chan", axis, "--bins", f"16x{bins}")
                truth.check(told)
                value = truth.value(axis)
                used = np.isfinite(value) & ~truth.flag
                half = bins // 2 if axis in ("real", "u", "v") else bins
                # of u, v and uvdist rows that are flagged count for the scale too
                most = np.abs(value[used if axis in ("amp", "real") else np.isfinite(value)]).max()
                self.assertEqual(np.log2(told["y_width"]) % 1, 0)
                self.assertLess(most, half * told["y_width"])
                self.assertGreaterEqual(most, half * told["y_width"] / 2)
                if axis in ("u", "v"):
                    self.assertEqual(told["y"]["low"], -told["y"]["high"])
                if axis == "real":
                    self.assertTrue(told["count"][0].any() and told["count"][-1].any())

    def test_ranges(self):
        path = simulated()
        truth = Oracle(path)
        for x, low, high in (("amp", 1, 3), ("phase", -90, 45.5), ("chan", -0.5, 4.5), ("u", -100.25, 400), ("antenna", 1.5, 4.5)):
            told = plot(path, x, "imag", "--x-range", f"{low}:{high}", "--y-range=-1.7:2.3", "--bins", "37x41")
            truth.check(told)
            self.assertGreater(told["outside"], 0)
            self.assertEqual((told["x"]["low"], told["y"]["low"]), (low, -1.7))
            self.assertAlmostEqual(told["x"]["high"], high)
            self.assertEqual(told["x"]["bins"], {"chan": 5, "antenna": 3}.get(x, 37))

    def test_flags(self):
        path = simulated()
        truth = Oracle(path)
        for x, y in (("time", "freq"), ("amp", "baseline"), ("antenna", "chan"), ("flag", "chan")):
            truth.check(plot(path, x, y, "--show", "flags"), flags=True)
        truth.check(plot(path, "time", "amp", "--no-flag-row"), flag_row=False)
        truth.check(plot(path, "time", "chan", "--show", "flags", "--no-flag-row"), flags=True, flag_row=False)

    def test_wavelengths(self):
        path = simulated()
        for x, y in (("u", "v"), ("uvdist", "amp"), ("flag", "uvdist")):
            told = plot(path, x, y, "--wavelengths")
            Oracle(path).check(told, wavelengths=True)
            self.assertIn("wavelengths", (told["x"]["unit"], told["y"]["unit"]))

    def test_chosen_rows_and_correlation(self):
        path = simulated()
        truth = Oracle(path)
        window, field = truth.c["DATA_DESC_ID"][:, None, None], truth.c["FIELD_ID"][:, None, None]
        truth.check(plot(path, "freq", "amp", "--spw", 1), where=window == 1)
        told = plot(path, "time", "amp", "--spw", 2, "--field", 3, "--corr", 1)
        truth.check(told, where=(window == 2) & (field == 3) & (np.arange(4) == 1))
        self.assertEqual(told["x"]["bins"], 1)
        self.assertEqual(told["rows"], int(((window == 2) & (field == 3)).sum()))
        truth.check(plot(path, "real", "imag", "--corr", 3), where=np.arange(4) == 3)

    def test_nothing_to_see(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            t.putcol("FLAG_ROW", np.ones(t.nrows(), bool))
        for x, y in (("time", "amp"), ("real", "imag"), ("u", "v")):
            told = plot(path, x, y)
            self.assertEqual((told["points"], told["outside"], told["not_finite"], told["count"].sum()), (0, 0, 0, 0))
        with tables.table(path, readonly=False, ack=False) as t:
            t.putcol("FLAG_ROW", np.zeros(t.nrows(), bool))
            t.putcol("DATA", np.zeros_like(t.getcol("DATA")))
        for x, y in (("time", "amp"), ("real", "imag")):
            self.assertGreater(Oracle(path).check(plot(path, x, y)).sum(), 0)

    def test_threads_change_nothing(self):
        path = simulated("--antennas", 24)
        for x, y in (("uvdist", "amp"), ("imag", "v")):
            told = [plot(path, x, y, "--threads", threads, "--show", "flags") for threads in range(1, 9)]
            for other in told[1:]:
                self.assertEqual(other["x"], told[0]["x"])
                np.testing.assert_array_equal(other["count"], told[0]["count"])
                np.testing.assert_array_equal(other["flagged"], told[0]["flagged"])


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
        for x, y in (("freq", "amp"), ("chan", "uvdist"), ("time", "phase")):
            told = plot(path, x, y, "--wavelengths")
            parts = []
            for rows in (slice(0, n), slice(n, 2 * n)):
                truth = Oracle(path, rows=rows)
                truth.flag = truth.c["FLAG"] | truth.c["FLAG_ROW"][:, None, None]
                a, b = (truth.value(axis, wavelengths=True)[~truth.flag] for axis in (x, y))
                good = np.isfinite(a) & np.isfinite(b)
                parts.append(np.histogram2d(a[good], b[good], [told["x_edges"], told["y_edges"]])[0].T)
            np.testing.assert_array_equal(told["count"], sum(parts))
            self.assertEqual(told["outside"], 0)
        wide = plot(path, "freq", "amp", "--spw", 1)
        Oracle(path, rows=slice(0, n)).check(wide, where=Oracle(path, rows=slice(0, n)).c["DATA_DESC_ID"][:, None, None] == 1)

    def test_float_data(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            real = t.getcol("DATA").real.astype(np.float32)
            t.addcols(tables.maketabdesc(tables.makearrcoldesc("FLOAT_DATA", 0.0, ndim=2, valuetype="float")))
            t.putcol("FLOAT_DATA", real)
        truth = Oracle(path, "FLOAT_DATA")
        for axis in ("amp", "real"):
            truth.check(plot(path, "chan", axis, "--column", "FLOAT_DATA"))
        self.assertIn("neither phase", msio("plot", path, "--x", "time", "--y", "phase", "--out", PICTURE, "--column", "FLOAT_DATA",
                                            code=2, env=KEEPS).stderr)

    def test_u_v_and_antennas_that_are_none(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            uvw, one = t.getcol("UVW"), t.getcol("ANTENNA1")
            uvw[3, 0], uvw[5, 1], uvw[9] = np.nan, np.inf, 1e300
            one[2], one[4], one[6] = -1, Oracle(path).antennas, 2**31 - 1
            t.putcol("UVW", uvw)
            t.putcol("ANTENNA1", one)
        truth = Oracle(path)
        for x, y in (("chan", "u"), ("v", "amp")):
            told = plot(path, x, y)
            truth.check(told)
            self.assertGreater(told["not_finite"], 0)
        for x in ("antenna", "baseline"):
            told = plot(path, x, "chan")
            self.assertGreater(told["outside"], 0)
            good = (truth.c["ANTENNA1"] >= 0) & (truth.c["ANTENNA1"] < truth.antennas)
            if x == "baseline":
                points = int((~truth.c["FLAG"] & ~truth.c["FLAG_ROW"][:, None, None])[good].sum())
                self.assertEqual(told["points"], points)


class TestDrawing(unittest.TestCase):
    def plot(self, path, env, code=0, out=PICTURE, *options):
        return msio("plot", path, "--x", "time", "--y", "amp", "--out", out, *options, code=code, env=env)

    def test_the_picture_is_what_the_program_gives(self):
        path = simulated()
        said = self.plot(path, KEEPS).stderr
        self.assertIn("visibilities of 336 rows", said)
        self.assertIn("NaN or infinite", said)
        with open(PICTURE, "rb") as picture:
            self.assertEqual(picture.read(), b"picture")
        large = stand_in("sys.stdin.buffer.read(); sys.stderr.write('x' * 300000 + '\\n'); sys.stdout.buffer.write(bytes(3 << 20))")
        out = os.path.join(SCRATCH, "large.svg")
        self.plot(path, large, 0, out)
        self.assertEqual(os.path.getsize(out), 3 << 20)

    def test_what_cannot_draw_says_why_and_leaves_no_picture(self):
        path = simulated()
        out = os.path.join(SCRATCH, "none.png")
        for body, words in (
                ("sys.exit(\"ModuleNotFoundError: No module named 'matplotlib'\")", "pip install matplotlib"),
                ("sys.exit('/usr/bin/python3: No module named msio')", "docs/python.md"),
                ("sys.stdin.buffer.read(); raise ValueError('too large')", "ValueError: too large"),
                ("sys.stdin.buffer.read()", "it said nothing"),
                ("print('ready', file=sys.stderr, flush=True); sys.stdin.buffer.read(); print('half', flush=True); os._exit(3)", "did not draw"),
                ("print('ready', file=sys.stderr, flush=True); os.close(0); os.kill(os.getpid(), 9)", "did not draw")):
            run = self.plot(path, stand_in(body), 3, out)
            self.assertIn(words, run.stderr)
            self.assertEqual(len(run.stderr.splitlines()), 1)
            self.assertFalse(os.path.exists(out))
        self.assertIn("No such file", self.plot(path, {"MSIO_PYTHON": "/none/python"}, 3, out).stderr)
        told = json.loads(self.plot(path, stand_in("sys.exit(\"No module named 'matplotlib'\")"), 3, out, "--json").stdout)
        self.assertEqual(told["error"]["code"], "E_UNSUPPORTED")
        self.assertEqual([name for name in os.listdir(SCRATCH) if name.startswith(".")], [])


class TestErrors(unittest.TestCase):
    def refused(self, path, words, *options, code=2):
        self.assertIn(words, msio("plot", path, *options, code=code, env=KEEPS).stderr)

    def test_what_is_refused(self):
        path = simulated()
        axes, out = ("--x", "time", "--y", "amp"), ("--out", PICTURE)
        for words, options in (("which axes", ("--x", "time", *out)), ("where to", axes), ("FILE.svg", (*axes, "--out", "a.jpg")),
                               ("same", ("--x", "u", "--y", "u", *out)), ("--y", ("--x", "u", "--y", "colour", *out)),
                               ("--show", (*axes, *out, "--show", "all")), ("1024x512", (*axes, *out, "--bins", "100")),
                               ("--bins", (*axes, *out, "--bins", "1x5")), ("cells", (*axes, *out, "--bins", "8192x8192")),
                               ("LOW:HIGH", (*axes, *out, "--x-range", "3:2")), ("LOW:HIGH", (*axes, *out, "--y-range", "3")),
                               ("must go up", (*axes, *out, "--y-range", "5e9:5.000000000000001e9")),
                               ("must go up", (*axes, *out, "--y-range=-inf:3")), ("--spw", (*axes, *out, "--spw", "x")),
                               ("no row", (*axes, *out, "--field", "77")), ("no row", (*axes, *out, "--corr", "4")),
                               ("holds", (*axes, *out, "--column", "TIME"))):
            with self.subTest(options=options):
                self.refused(path, words, *options)
        self.refused(path, "NOTHING", *axes, *out, "--column", "NOTHING", code=3)
        self.refused(path + "/FIELD", "no Measurement Set", *axes, *out)
        self.refused(os.path.join(SCRATCH, "none.ms"), "none.ms", *axes, *out, code=3)
        self.refused(path, "none/a.png", *axes, "--out", os.path.join(SCRATCH, "none", "a.png"), code=3)
        msio("plot", code=2)


if __name__ == "__main__":
    main(globals(), SCRATCH)
