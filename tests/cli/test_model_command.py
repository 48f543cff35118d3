#!/usr/bin/env python3
"""`msio model`, held against the textbook's sum in numpy over what python-casacore reads; MODEL_DATA where it is missing, cells
that were never written, several shapes, threads; errors.

usage: test_model_command.py MSIO [GROUP]      GROUP: Values, Columns, Real, Errors (the classes below, without Test)
"""
import glob
import hashlib
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
    from sky_model import DEGREE, SKY, model, smeared, text

SCRATCH = tempfile.mkdtemp(prefix="msio-model-")
SMALL = ("--antennas", 9, "--times", 3, "--subbands", 3, "--channels", 10)
FLUX = sum(s[3] for s in SKY)


def sky_file(content=None):
    path = tempfile.mkstemp(dir=SCRATCH, suffix=".txt")[1]
    with open(path, "w") as out:
        out.write(text() if content is None else content)
    return path


def simulated(*options, corrs=4):
    """A Measurement Set whose values follow formulas, but fields and uvw are those of an observation; from copies."""
    kept = os.path.join(SCRATCH, f"kept-{corrs}-{'-'.join(map(str, options))}.ms")
    if not os.path.exists(kept):
        dark = sky_file(text([("x", 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0)]))
        msio("simulate", "ms", "--out", kept, "--quiet", *SMALL, "--corrs", corrs, "--sky", dark, "--noise", 1, *options)
    path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
    shutil.copytree(kept, path)
    return path


def column(path, name="MODEL_DATA"):
    with tables.table(path, ack=False) as t:
        return t.getcol(name)


def expected(path, sky=SKY, rows=None, sums=model):
    """[row][channel][correlation] of a Measurement Set of one shape, or of some of its rows; sums: as sky_model's model."""
    with tables.table(path, ack=False) as t:
        uvw, window, field = (t.getcol(n) for n in ("UVW", "DATA_DESC_ID", "FIELD_ID"))
    if rows is not None:
        uvw, window, field = uvw[rows], window[rows], field[rows]
    with tables.table(path + "::FIELD", ack=False) as t:
        place = t.getcol("PHASE_DIR")[:, 0]
    with tables.table(path + "::SPECTRAL_WINDOW", ack=False) as t:
        frequency = [t.getcell("CHAN_FREQ", i) for i in range(t.nrows())]
    with tables.table(path + "::DATA_DESCRIPTION", ack=False) as t:
        window = t.getcol("SPECTRAL_WINDOW_ID")[window]
    with tables.table(path + "::POLARIZATION", ack=False) as t:
        types = t.getcell("CORR_TYPE", 0)
    out = np.empty((len(uvw), len(frequency[window[0]]), len(types)), complex)
    for spw in np.unique(window):
        mine = window == spw
        out[mine] = sums(uvw[mine], frequency[spw], place[field[mine], 0], place[field[mine], 1], types, sky)
    return out


def check(got, want, scale=FLUX):
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * scale)


class TestValues(unittest.TestCase):
    def test_linear_correlations(self):
        for corrs in (1, 2, 4):
            path = simulated(corrs=corrs)
            told = json.loads(msio("model", path, "--sky", sky_file(), "--json").stdout)
            self.assertEqual((told["components"], told["rows"]), (3, 405))
            self.assertEqual(set(told), {"components", "rows", "seconds"})
            check(column(path), expected(path))

    def test_circular_correlations_and_stokes(self):
        for types in ((5, 6, 7, 8), (1, 2, 3, 4), (12, 9, 11, 10)):
            path = simulated()
            with tables.table(path + "::POLARIZATION", readonly=False, ack=False) as t:
                t.putcell("CORR_TYPE", 0, np.array(types, np.int32))
            msio("model", path, "--sky", sky_file(), "--quiet")
            check(column(path), expected(path))

    def test_smearing(self):
        path, sky = simulated("--subbands", 1, "--channels", 4), [s[:7] + (0,) + s[8:] for s in SKY[:2]]
        with tables.table(path, readonly=False, ack=False) as t:
            t.putcol("UVW", t.getcol("UVW") * 3)
            t.putcol("INTERVAL", np.full(t.nrows(), 20.0))
        with tables.table(path + "::SPECTRAL_WINDOW", readonly=False, ack=False) as t:
            t.putcell("CHAN_WIDTH", 0, np.full(4, -2e6))
        plain = expected(path, sky)
        for words, how in (("frequency", {"width": 2e6}), ("time", {"interval": 20.0}), ("all", {"width": 2e6, "interval": 20.0})):
            msio("model", path, "--sky", sky_file(text(sky)), "--smear", words, "--quiet")
            want = expected(path, sky, sums=lambda *a: smeared(*a, **how))
            self.assertGreater(np.abs(want - plain).max(), 0.005 * FLUX, words)
            # the mean of 40 values each way is the integral to some 1e-4 of what is lost
            np.testing.assert_allclose(column(path), want, rtol=0, atol=3e-4 * FLUX)
        msio("model", path, "--sky", sky_file(text(sky)), "--quiet")
        check(column(path), plain)
        msio("model", path, "--sky", sky_file(text(sky)), "--smear", "space", code=2)

    def test_add_and_subtract(self):
        path = simulated("--imaging")
        before, want = column(path, "CORRECTED_DATA"), expected(path)
        msio("model", path, "--sky", sky_file(), "--column", "CORRECTED_DATA", "--subtract", "--quiet")
        check(column(path, "CORRECTED_DATA"), before - want)
        for _ in range(2):
            msio("model", path, "--sky", sky_file(), "--column", "CORRECTED_DATA", "--add", "--quiet")
        check(column(path, "CORRECTED_DATA"), before + want)

    def test_uneven_channels_and_long_baselines(self):
        path = simulated()
        with tables.table(path + "::SPECTRAL_WINDOW", readonly=False, ack=False) as t:
            t.putcell("CHAN_FREQ", 1, t.getcell("CHAN_FREQ", 1) * (1 + 1e-4 * np.arange(10)**2))
            t.putcell("CHAN_FREQ", 2, t.getcell("CHAN_FREQ", 2)[::-1])
        with tables.table(path, readonly=False, ack=False) as t:
            t.putcol("UVW", t.getcol("UVW") * 200)
        msio("model", path, "--sky", sky_file(), "--quiet")
        check(column(path), expected(path))

    def test_threads_change_nothing(self):
        seen = set()
        sky = sky_file()
        for threads in range(1, 9):
            path = simulated("--antennas", 40, "--times", 2)
            msio("model", path, "--sky", sky, "--quiet", "--threads", threads)
            seen.add(hashlib.md5(column(path).tobytes()).hexdigest())
        self.assertEqual(len(seen), 1)

    def test_many_components(self):
        rng = np.random.default_rng(3)
        sky = [(f"s{k}", 285.2 + rng.normal(), 16.0 + rng.normal(), rng.uniform(), 0, 0, 0, rng.normal(),
                30 * (k % 3), 10 * (k % 3), 20 * k) for k in range(200)]
        path = simulated(corrs=2)
        msio("model", path, "--sky", sky_file(text(sky)), "--quiet")
        check(column(path), expected(path, sky), sum(s[3] for s in sky))


class TestColumns(unittest.TestCase):
    def test_model_data_is_made_with_its_keywords(self):
        path = simulated()
        msio("model", path, "--sky", sky_file(), "--quiet")
        with tables.table(path, ack=False) as t:
            self.assertTrue({"MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT"} <= set(t.colnames()))
            np.testing.assert_array_equal(t.getcolkeyword("MODEL_DATA", "CHANNEL_SELECTION"), [[0, 10]] * 3)

    def test_any_column(self):
        path = simulated()
        msio("model", path, "--sky", sky_file(), "--column", "OTHER_DATA", "--quiet")
        check(column(path, "OTHER_DATA"), expected(path))
        with tables.table(path, ack=False) as t:
            self.assertNotIn("MODEL_DATA", t.colnames())

    def test_cells_that_were_never_written(self):
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            description = tables.makearrcoldesc("MODEL_DATA", 0j, ndim=2, valuetype="complex")
            t.addcols(tables.maketabdesc(description), {"TYPE": "TiledShapeStMan", "NAME": "Fresh",
                                                        "SPEC": {"DEFAULTTILESHAPE": [4, 10, 20]}})
            self.assertFalse(t.iscelldefined("MODEL_DATA", 0))
        msio("model", path, "--sky", sky_file(), "--quiet")
        check(column(path), expected(path))

    def test_windows_of_several_shapes(self):
        path = tempfile.mktemp(dir=SCRATCH, suffix=".ms")
        wide, narrow = simulated(corrs=2), simulated("--channels", 7, corrs=2)
        # one table: the narrow one's rows, in its own shape and windows, behind the wide one's
        shutil.copytree(wide, path)
        with tables.table(path + "::SPECTRAL_WINDOW", readonly=False, ack=False) as to, \
                tables.table(narrow + "::SPECTRAL_WINDOW", ack=False) as other:
            other.copyrows(to)
        with tables.table(path + "::DATA_DESCRIPTION", readonly=False, ack=False) as to, \
                tables.table(narrow + "::DATA_DESCRIPTION", ack=False) as other:
            other.copyrows(to)
            to.putcol("SPECTRAL_WINDOW_ID", np.arange(6, dtype=np.int32))
        with tables.table(path, readonly=False, ack=False) as to, tables.table(narrow, ack=False) as other:
            n = to.nrows()
            other.copyrows(to)
            to.putcol("DATA_DESC_ID", other.getcol("DATA_DESC_ID") + 3, n, other.nrows())
        for _ in range(2):
            msio("model", path, "--sky", sky_file(), "--quiet")
            with tables.table(path, ack=False) as t:
                check(t.getcol("MODEL_DATA", 0, n), expected(path, rows=np.arange(n)))
                check(t.getcol("MODEL_DATA", n), expected(path, rows=np.arange(n, 2 * n)))

    def test_a_virtual_model_is_told(self):
        path = simulated("--imaging")
        with tables.table(path, readonly=False, ack=False) as t:
            t.putkeyword("definedmodel_field_0", "model_0")
        said = msio("model", path, "--sky", sky_file()).stderr
        self.assertIn("virtual models", said)


class TestReal(unittest.TestCase):
    def test_other_peoples_measurement_sets(self):
        tried = 0
        for packed in sorted(glob.glob(os.path.join(running.DATA, "*.ms.tgz"))):
            folder = tempfile.mkdtemp(dir=SCRATCH)
            subprocess.run(["tar", "xzf", packed, "-C", folder], check=True)
            for path in glob.glob(os.path.join(folder, "*.ms")) + glob.glob(os.path.join(folder, "*.MS")):
                self.try_one(path)
                tried += 1
        if not tried:
            self.skipTest(f"no Measurement Sets in {running.DATA}")

    def try_one(self, path):
        with tables.table(path, ack=False) as t:
            if "DATA" not in t.colnames() or t.nrows() == 0:
                return
            windows, fields = t.getcol("DATA_DESC_ID"), t.getcol("FIELD_ID")
        with tables.table(path + "::FIELD", ack=False) as t:
            ra, dec = t.getcell("PHASE_DIR", int(fields[0]))[0] / DEGREE
            frame = t.getcolkeyword("PHASE_DIR", "MEASINFO").get("Ref")
        near = [(name, ra + r, dec + d, *rest) for (name, _, _, *rest), r, d in zip(SKY, (0.3, -0.2, 0.1), (0.1, 0.3, -0.4))]
        run = msio("model", path, "--sky", sky_file(text(near)), "--column", "MSIO_MODEL", code=None)
        if run.returncode:
            self.assertEqual(run.returncode, 3, run.stderr)
            self.assertTrue(frame not in ("J2000", "ICRS") or "locked" in run.stderr or "frame" in run.stderr
                            or "Stokes" in run.stderr or "casacore" in run.stderr or "moves" in run.stderr, run.stderr)
            return
        with tables.table(path, ack=False) as t:
            for window in np.unique(windows):
                rows = np.flatnonzero(windows == window)[::7][:200]
                got = np.stack([t.getcell("MSIO_MODEL", int(r)) for r in rows])
                check(got, expected_rows(path, near, rows))


def expected_rows(path, sky, rows):
    with tables.table(path, ack=False) as t:
        uvw = np.stack([t.getcell("UVW", int(r)) for r in rows])
        field = np.array([t.getcell("FIELD_ID", int(r)) for r in rows])
        description = t.getcell("DATA_DESC_ID", int(rows[0]))
    with tables.table(path + "::DATA_DESCRIPTION", ack=False) as t:
        window, polarization = t.getcell("SPECTRAL_WINDOW_ID", description), t.getcell("POLARIZATION_ID", description)
    with tables.table(path + "::SPECTRAL_WINDOW", ack=False) as t:
        frequency = t.getcell("CHAN_FREQ", window)
    with tables.table(path + "::POLARIZATION", ack=False) as t:
        types = t.getcell("CORR_TYPE", polarization)
    with tables.table(path + "::FIELD", ack=False) as t:
        place = np.array([t.getcell("PHASE_DIR", int(f))[0] for f in field])
    return model(uvw, frequency, place[:, 0], place[:, 1], types, sky)


class TestErrors(unittest.TestCase):
    def refused(self, path, words, *options, code=3, sky=None):
        said = msio("model", path, "--sky", sky or sky_file(), *options, code=code).stderr
        self.assertIn(words, said)

    def test_what_is_refused(self):
        path = simulated()
        bad = sky_file("Format = Name, Type, Ra, Dec, I\na, POINT, 1deg, 1deg, 1,extra\n")
        self.refused(path, "line 2, column 25", sky=bad)
        self.refused(os.path.join(SCRATCH, "none.ms"), "none.ms")
        self.refused(path + "/ANTENNA", "no Measurement Set", code=2)
        self.refused(path, "FLAG holds", "--column", "FLAG", code=2)
        self.refused(path, "--force", "--column", "DATA", code=2)
        self.refused(path, "not both", "--add", "--subtract", code=2)
        msio("model", path, code=2)
        with tables.table(path, ack=False) as t:
            self.assertNotIn("MODEL_DATA", t.colnames())

    def test_what_the_subtables_say(self):
        path = simulated()
        with tables.table(path + "::FIELD", readonly=False, ack=False) as t:
            info = t.getcolkeyword("PHASE_DIR", "MEASINFO")
            t.putcolkeyword("PHASE_DIR", "MEASINFO", {**info, "Ref": "B1950"})
        self.refused(path, 'the frame "B1950"')
        path = simulated()
        with tables.table(path + "::POLARIZATION", readonly=False, ack=False) as t:
            t.putcell("CORR_TYPE", 0, np.array([9, 13, 11, 12], np.int32))
        self.refused(path, "Stokes code 13")
        path = simulated()
        with tables.table(path, readonly=False, ack=False) as t:
            t.putcell("DATA_DESC_ID", 7, 9)
        self.refused(path, "DATA_DESC_ID of row 7 is 9")
        path = simulated()
        with tables.table(path + "::SPECTRAL_WINDOW", readonly=False, ack=False) as t:
            t.putcell("CHAN_FREQ", 1, np.zeros(10))
        self.refused(path, "frequency 0 Hz")

    def test_cells_of_another_shape(self):
        path = simulated("--imaging")
        with tables.table(path + "::SPECTRAL_WINDOW", readonly=False, ack=False) as t:
            for row in range(3):
                t.putcell("CHAN_FREQ", row, 1e9 + np.arange(8.0))
                t.putcell("NUM_CHAN", row, 8)
        self.refused(path, "not of the 8 channels")


if __name__ == "__main__":
    main(globals(), SCRATCH)
