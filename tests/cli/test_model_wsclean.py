#!/usr/bin/env python3
"""`msio model` beside WSClean's -predict of an image with the same points, each within WSClean's own accuracy.

usage: test_model_wsclean.py MSIO [GROUP]      GROUP: Predict (the class below, without Test)
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from running import main, msio_text as msio, oracle, skip

with oracle():
    import numpy as np
    from casacore import tables as ct

WSCLEAN = shutil.which("wsclean")
if not WSCLEAN:
    skip("wsclean is not installed (apt install wsclean)")

# How it is told to use the gridder whose accuracy can be chosen: since 3.4 otherwise.
VERSION = re.search(r"version (\d+)\.(\d+)", subprocess.run([WSCLEAN, "-version"], capture_output=True, text=True).stdout)
GRIDDER = ("-use-wgridder",) if VERSION and (int(VERSION[1]), int(VERSION[2])) < (3, 4) else ("-gridder", "wgridder")

SCRATCH = tempfile.mkdtemp(prefix="msio-wsclean-")
PIXELS, CELL = 512, 5 / 3600  # degrees
POINTS = ((256, 256, 1.5), (300, 200, 1.0), (100, 411, 2.5), (420, 90, 0.75))  # pixel's column and row from 0, Jy


def fits(path, image, ra, dec, frequency, width):
    """An image as WSClean reads models: RA---SIN, DEC--SIN, one frequency, Stokes I."""
    cards = [("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 4), ("NAXIS1", PIXELS), ("NAXIS2", PIXELS), ("NAXIS3", 1), ("NAXIS4", 1),
             ("BUNIT", "JY/PIXEL"), ("EQUINOX", 2000.0), ("CTYPE1", "RA---SIN"), ("CRPIX1", PIXELS / 2 + 1.0), ("CRVAL1", ra),
             ("CDELT1", -CELL), ("CUNIT1", "deg"), ("CTYPE2", "DEC--SIN"), ("CRPIX2", PIXELS / 2 + 1.0), ("CRVAL2", dec),
             ("CDELT2", CELL), ("CUNIT2", "deg"), ("CTYPE3", "FREQ"), ("CRPIX3", 1.0), ("CRVAL3", frequency), ("CDELT3", width),
             ("CUNIT3", "Hz"), ("CTYPE4", "STOKES"), ("CRPIX4", 1.0), ("CRVAL4", 1.0), ("CDELT4", 1.0)]
    text = ""
    for name, value in cards:
        shown = f"'{value:<8}'" if isinstance(value, str) else f"{'T':>20}" if value is True else f"{value!r:>20}".upper()
        text += f"{name:<8}= {shown}".ljust(80)
    text += "END".ljust(80)
    body = image.astype(">f4").tobytes()
    with open(path, "wb") as out:
        out.write(text.ljust(-(-len(text) // 2880) * 2880).encode() + body.ljust(-(-len(body) // 2880) * 2880, b"\0"))


def sky_of(points, ra0, dec0):
    """The points' directions, by the orthographic projection that SIN is."""
    lines = ["Format = Name, Type, Ra, Dec, I"]
    for k, (x, y, flux) in enumerate(points):
        l, m = -np.radians(CELL) * (x - PIXELS / 2), np.radians(CELL) * (y - PIXELS / 2)
        n = np.sqrt(1 - l**2 - m**2)
        ra = ra0 + np.arctan2(l, n * np.cos(dec0) - m * np.sin(dec0))
        dec = np.arcsin(m * np.cos(dec0) + n * np.sin(dec0))
        lines.append(f"p{k}, POINT, {np.degrees(ra):.14f}deg, {np.degrees(dec):.14f}deg, {flux}")
    return "\n".join(lines) + "\n"


class TestPredict(unittest.TestCase):
    def test_points_of_an_image(self):
        path, dark = os.path.join(SCRATCH, "a.ms"), os.path.join(SCRATCH, "dark.txt")
        with open(dark, "w") as out:
            out.write("Format = Name, Type, Ra, Dec, I\nx, POINT, 1deg, 1deg, 0\n")
        msio("simulate", "ms", "--out", path, "--quiet", "--antennas", 16, "--times", 2, "--subbands", 2, "--channels", 8,
             "--corrs", 2, "--imaging", "--sky", dark, "--noise", 1)
        with ct.table(path + "::FIELD", ack=False) as t:
            ra, dec = t.getcell("PHASE_DIR", 0)[0]
        with ct.table(path + "::SPECTRAL_WINDOW", ack=False) as t:
            frequency = t.getcol("CHAN_FREQ")
        image = np.zeros((PIXELS, PIXELS))
        for x, y, flux in POINTS:
            image[y, x] = flux
        fits(os.path.join(SCRATCH, "sky-model.fits"), image, np.degrees(ra), np.degrees(dec), frequency.mean(), np.ptp(frequency))
        run = subprocess.run([WSCLEAN, "-quiet", "-predict", "-reorder", "-j", "2", "-field", "0", "-pol", "I", *GRIDDER,
                              "-wgridder-accuracy", "1e-6", "-no-small-inversion", "-name", "sky", path], cwd=SCRATCH, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        sky = os.path.join(SCRATCH, "sky.txt")
        with open(sky, "w") as out:
            out.write(sky_of(POINTS, ra, dec))
        msio("model", path, "--sky", sky, "--column", "OTHER_DATA", "--quiet")
        with ct.table(path, ack=False) as t:
            mine = t.getcol("FIELD_ID") == 0
            theirs, ours = t.getcol("MODEL_DATA")[mine], t.getcol("OTHER_DATA")[mine]
            # WSClean leaves autocorrelations out
            cross = (t.getcol("ANTENNA1") != t.getcol("ANTENNA2"))[mine]
        flux = sum(p[2] for p in POINTS)
        self.assertGreater(np.abs(ours[cross] - flux).max(), 0.3 * flux)  # there is something to be different in
        np.testing.assert_allclose(theirs[cross], ours[cross], rtol=0, atol=3e-6 * flux)


if __name__ == "__main__":
    main(globals(), SCRATCH)
