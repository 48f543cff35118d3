#!/usr/bin/env python3
"""`msio model --sky LIST`, CASA's component lists as python-casacore writes them: held against the sum in numpy; what is refused.

usage: test_model_lists.py MSIO [GROUP]      GROUP: Values, Hostile (the classes below, without Test)
"""
import os
import shutil
import tempfile
import unittest

from running import main, msio_text as msio, oracle

with oracle():
    import numpy as np
    from casacore import tables as ct
    from casacore.measures import measures
    from sky_model import DEGREE, model

SCRATCH = tempfile.mkdtemp(prefix="msio-lists-")
ARCSEC = DEGREE / 3600

# What CASA's componentlist tool writes: name, type, cells' shape.
COLUMNS = (("Flux", "dcomplex", [4]), ("Flux_Unit", "string", None), ("Flux_Polarisation", "string", None),
           ("Flux_Error", "dcomplex", [4]), ("Shape", "string", None), ("Reference_Direction", "double", [2]),
           ("Direction_Frame", "string", None), ("Shape_Parameters", "double", []), ("Spectrum_Shape", "string", None),
           ("Reference_Frequency", "double", None), ("Frequency_Frame", "string", None),
           ("Spectral_Parameters", "double", []), ("Label", "string", None))

POINT = {"Flux": [2 + 0j, 0, 0, 0], "Flux_Unit": "Jy", "Flux_Polarisation": "Stokes", "Flux_Error": [0j] * 4, "Shape": "Point",
         "Reference_Direction": [285.3 * DEGREE, 16.3 * DEGREE], "Direction_Frame": "J2000",
         "Shape_Parameters": np.zeros(0), "Spectrum_Shape": "Constant", "Reference_Frequency": 1.4e9, "Frequency_Frame": "LSRK",
         "Spectral_Parameters": np.zeros(0), "Label": "a"}
GAUSSIAN = {**POINT, "Shape": "Gaussian", "Shape_Parameters": np.array([90 * ARCSEC, 30 * ARCSEC, 25 * DEGREE]),
            "Spectrum_Shape": "Spectral Index", "Spectral_Parameters": np.array([-0.7]), "Label": "b",
            "Reference_Direction": [284.9 * DEGREE, 15.9 * DEGREE], "Direction_Frame": "ICRS"}


def description(name, kind, shape):
    if shape is None:
        return ct.makescacoldesc(name, {"string": "", "double": 0.0}[kind], valuetype=kind)
    more = {"shape": shape} if shape else {}
    keywords = {"Reference_Direction": {"QuantumUnits": ["rad", "rad"]}}.get(name, {})
    return ct.makearrcoldesc(name, {"dcomplex": 0j, "double": 0.0}[kind], ndim=1, valuetype=kind, keywords=keywords, **more)


def component_list(rows, columns=COLUMNS):
    path = tempfile.mktemp(dir=SCRATCH, suffix=".cl")
    with ct.table(path, ct.maketabdesc([description(*c) for c in columns]), nrow=len(rows), ack=False) as t:
        for i, row in enumerate(rows):
            for name in t.colnames():
                if row.get(name) is not None:
                    t.putcell(name, i, row[name])
    return path


def simulated():
    """What `msio model` is asked of; a copy."""
    kept, path = os.path.join(SCRATCH, "kept.ms"), tempfile.mktemp(dir=SCRATCH, suffix=".ms")
    if not os.path.exists(kept):
        dark = os.path.join(SCRATCH, "dark.txt")
        with open(dark, "w") as out:
            out.write("Format = Name, Type, Ra, Dec, I\nx, POINT, 1deg, 1deg, 0\n")
        msio("simulate", "ms", "--out", kept, "--quiet", "--antennas", 7, "--times", 2, "--subbands", 2, "--channels", 6,
             "--corrs", 4, "--sky", dark, "--noise", 1)
    shutil.copytree(kept, path)
    return path


def predicted(path, sky):
    msio("model", path, "--sky", sky, "--quiet")
    with ct.table(path, ack=False) as t:
        return t.getcol("MODEL_DATA")


def expected(path, sky):
    """sky: as sky_model's, with I, Q, U, V of which the spectral index is I's."""
    with ct.table(path, ack=False) as t:
        uvw, window, field = (t.getcol(n) for n in ("UVW", "DATA_DESC_ID", "FIELD_ID"))
    with ct.table(path + "::FIELD", ack=False) as t:
        place = t.getcol("PHASE_DIR")[field, 0]
    with ct.table(path + "::SPECTRAL_WINDOW", ack=False) as t:
        frequency = t.getcol("CHAN_FREQ")
    with ct.table(path + "::POLARIZATION", ack=False) as t:
        types = t.getcell("CORR_TYPE", 0)
    out = np.empty((len(uvw), frequency.shape[1], len(types)), complex)
    for spw in np.unique(window):
        mine = window == spw
        out[mine] = model(uvw[mine], frequency[spw], place[mine, 0], place[mine, 1], types, sky)
    return out


class TestValues(unittest.TestCase):
    def check(self, rows, sky):
        path = simulated()
        flux = sum(abs(s[3]) for s in sky)
        np.testing.assert_allclose(predicted(path, component_list(rows)), expected(path, sky), rtol=0, atol=1e-6 * flux)

    def test_points_and_gaussians(self):
        self.check([POINT, GAUSSIAN], [("a", 285.3, 16.3, 2, 0, 0, 0, 0, 0, 0, 0), ("b", 284.9, 15.9, 2, 0, 0, 0, -0.7, 90, 30, 25)])

    def test_units(self):
        for unit, factor in (("mJy", 1e-3), ("uJy", 1e-6), ("nJy", 1e-9), ("kJy", 1e3), ("MJy", 1e6)):
            self.check([{**POINT, "Flux_Unit": unit}], [("a", 285.3, 16.3, 2 * factor, 0, 0, 0, 0, 0, 0, 0)])

    def test_polarisations(self):
        i, q, u, v = 3.0, 0.5, -0.25, 0.125
        for name, flux in (("Stokes", [i, q, u, v]), ("Linear", [i + q, u + 1j * v, u - 1j * v, i - q]),
                           ("Circular", [i + v, q + 1j * u, q - 1j * u, i - v])):
            self.check([{**POINT, "Flux": np.array(flux, complex), "Flux_Polarisation": name}],
                       [("a", 285.3, 16.3, i, q, u, v, 0, 0, 0, 0)])

    def test_galactic_points(self):
        """Directions as casacore's measures turn them."""
        convert, rows, sky = measures(), [], []
        for k, (ra, dec) in enumerate(((285.3, 16.3), (284.8, 15.9), (285.0, 16.25))):
            turned = convert.measure(convert.direction("J2000", f"{ra}deg", f"{dec}deg"), "GALACTIC")
            place = [turned["m0"]["value"], turned["m1"]["value"]]
            rows.append({**POINT, "Reference_Direction": place, "Direction_Frame": "GALACTIC", "Label": str(k)})
            sky.append((str(k), ra, dec, 2, 0, 0, 0, 0, 0, 0, 0))
        self.check(rows, sky)

    def test_many_components(self):
        rng = np.random.default_rng(4)
        rows, sky = [], []
        for k in range(5000):
            ra, dec, flux = 285 + rng.normal() * 0.1, 16 + rng.normal() * 0.1, rng.random()
            rows.append({**POINT, "Reference_Direction": [ra * DEGREE, dec * DEGREE], "Flux": [flux, 0, 0, 0], "Label": None})
            sky.append((str(k), ra, dec, flux, 0, 0, 0, 0, 0, 0, 0))
        self.check(rows, sky)

    def test_simulated_sets_show_one(self):
        path = os.path.join(SCRATCH, "shown.ms")
        msio("simulate", "ms", "--out", path, "--quiet", "--antennas", 5, "--times", 2, "--subbands", 2, "--channels", 4,
             "--sky", component_list([POINT]))
        with ct.table(path, ack=False) as t:
            data, one, two = t.getcol("DATA"), t.getcol("ANTENNA1"), t.getcol("ANTENNA2")
        np.testing.assert_allclose(data[one == two], 2, atol=2e-6)
        np.testing.assert_allclose(np.abs(data), 2, atol=2e-6)


class TestHostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = simulated()

    def refused(self, words, rows, columns=COLUMNS, change=None):
        path = component_list(rows, columns)
        if change:
            change(path)
        said = msio("model", self.path, "--sky", path, code=3).stderr
        self.assertIn(words, said)
        with ct.table(self.path, ack=False) as t:
            self.assertNotIn("MODEL_DATA", t.colnames())

    def test_what_is_not_done_is_named(self):
        for words, change in (('shape "Disk"', {"Shape": "Disk"}), ('shape "Limb-darkened disk"', {"Shape": "Limb-darkened disk"}),
                              ('frame "B1950"', {"Direction_Frame": "B1950"}), ('frame "AZEL"', {"Direction_Frame": "AZEL"}),
                              ('spectrum "Tabular Spectrum"', {"Spectrum_Shape": "Tabular Spectrum"}),
                              ('spectrum "Power Logarithmic Polynomial"', {"Spectrum_Shape": "Power Logarithmic Polynomial"}),
                              ('fluxes in "WU"', {"Flux_Unit": "WU"}), ('polarisation "XYZ"', {"Flux_Polarisation": "XYZ"}),
                              ("not real", {"Flux": [1, 1j, 0, 0]}),
                              ("not real", {"Flux": [1, 1, 0.5, 1], "Flux_Polarisation": "Linear"})):
            self.refused("component 1: ", [POINT, {**POINT, **change}])
            self.refused(words, [POINT, {**POINT, **change}])
        for words, change in (("Q, U or V", {"Flux": [1, 0.5, 0, 0]}), ('frame "REST"', {"Frequency_Frame": "REST"}),
                              ('frame "GALACTIC"', {"Direction_Frame": "GALACTIC"})):
            self.refused(words, [{**GAUSSIAN, **change}])

    def test_numbers_that_are_none(self):
        nan, inf = float("nan"), float("inf")
        for words, change in (("no finite number", {"Flux": [nan, 0, 0, 0]}), ("no finite number", {"Flux": [1, complex(0, inf), 0, 0]}),
                              ("no finite number", {"Reference_Direction": [nan, 0]}),
                              ("beyond 90 degrees", {"Reference_Direction": [0, 1.6]}),
                              ("beyond 360 degrees", {"Reference_Direction": [1e9, 0.1]}),
                              ("has 2 numbers, not 3", {"Shape_Parameters": np.zeros(2)}),
                              ("has 0 numbers, not 3", {"Shape_Parameters": None}),
                              ("0 to 180 degrees", {"Shape_Parameters": np.array([-1e-3, 1e-4, 0])}),
                              ("0 to 180 degrees", {"Shape_Parameters": np.array([4, 1e-4, 0])}),
                              ("no finite number", {"Shape_Parameters": np.array([1e-3, 1e-4, inf])}),
                              ("has 0 numbers, not 1", {"Spectral_Parameters": np.zeros(0)}),
                              ("has 5 numbers, not 1", {"Spectral_Parameters": np.zeros(5)}),
                              ("beyond 100", {"Spectral_Parameters": np.array([1e9])}),
                              ("above 0", {"Reference_Frequency": 0.0}), ("no finite number", {"Reference_Frequency": nan}),
                              ("shape \"\"", {"Shape": ""}), ('shape "A?', {"Shape": "A\nB" + 9000 * "x"}),
                              ("beyond all numbers", {"Flux": [1e308, 0, 0, 0], "Flux_Unit": "MJy"})):
            self.refused(words, [{**GAUSSIAN, **change}])

    def test_tables_that_are_no_lists(self):
        self.refused("no component", [])
        self.refused("no column Label", [POINT], COLUMNS[:-1])
        self.refused("Flux holds Double", [{**POINT, "Flux": np.zeros(4)}], (("Flux", "double", [4]), *COLUMNS[1:]))
        self.refused("Flux has 3 numbers, not 4", [{**POINT, "Flux": np.zeros(3, complex)}], (("Flux", "dcomplex", []), *COLUMNS[1:]))

        def degrees(path):
            with ct.table(path, readonly=False, ack=False) as t:
                t.putcolkeyword("Reference_Direction", "QuantumUnits", ["deg", "deg"])
        self.refused('in "deg", not in rad', [POINT], change=degrees)
        said = msio("model", self.path, "--sky", self.path, code=3).stderr
        self.assertIn("no component list", said)
        folder = os.path.join(SCRATCH, "folder")
        os.makedirs(folder)
        msio("model", self.path, "--sky", folder, code=3)

    def test_files_that_are_cut_or_spoilt(self):
        path = component_list([POINT, GAUSSIAN] * 50)
        rng = np.random.default_rng(5)
        for name in ("table.dat", "table.f0", "table.f0i"):
            with open(os.path.join(path, name), "rb") as file:
                whole = file.read()
            for turn in range(40):
                spoilt = bytearray(whole)
                if turn < 10:
                    spoilt = spoilt[:int(rng.integers(len(whole)))]
                else:
                    for at in rng.integers(len(whole), size=4):
                        spoilt[at] = int(rng.integers(256))
                with open(os.path.join(path, name), "wb") as file:
                    file.write(spoilt)
                run = msio("model", self.path, "--sky", path, "--column", "OTHER_DATA", code=None, errors="replace")
                self.assertIn(run.returncode, (0, 3), run.stderr)
            with open(os.path.join(path, name), "wb") as file:
                file.write(whole)


if __name__ == "__main__":
    main(globals(), SCRATCH)
