"""What msio converts opens in CASA, is calibrated, and shows its sources at their places: CASA's own tasks are asked."""
import pytest

from test_casa import IMPORTS, runner

SKY = """
import glob
msio.simulate_uvh5("probe", antennas=2, times=3, subbands=1, channels=1)
msio.convert("probe", "probe.ms", expected=1)
centre = msio.read("probe.ms::FIELD", "PHASE_DIR")[1, 0]  # of the second integration
source = centre + np.radians((400 / 3600 / np.cos(centre[1]), -250 / 3600))
with open("sky.txt", "w") as file:
    file.write("Format = Name, Type, Ra, Dec, I\\na, POINT, %.12fdeg, %.12fdeg, 3\\n" % tuple(np.degrees(source)))
"""


@pytest.mark.parametrize("phase", ["meridian", "centre"])
def test_a_source_is_at_its_place(tmp_path, phase):
    """The antennas stand on a lattice, whose images of the source only a wide band makes weaker."""
    runner(tmp_path, IMPORTS["msio first"])(SKY + f"""
phase = {phase!r}
""" + """
msio.simulate_uvh5("group", antennas=32, times=3, sky="sky.txt", missing=[n for n in range(16) if n % 3])
made = msio.convert(sorted(glob.glob("group/*")), "obs.ms",
                    phase=phase if phase == "meridian" else np.degrees(centre))
assert (made.phase, made.spectral_windows, made.rows) == (phase, 6, 6 * 3 * 528)

casatasks.listobs("obs.ms", listfile="listed.txt")
listed = open("listed.txt").read()
assert "OVRO_MMA" in listed and "Spectral Windows:  (6 unique" in listed and "Antennas: 32" in listed, listed
meta = casatools.msmetadata()
assert meta.open("obs.ms")
fields = ["meridian_icrs_t%d" % t for t in range(3)] if phase == "meridian" else ["centre"]
assert meta.fieldnames() == fields and meta.nspw() == 6 and meta.nantennas() == 39
assert meta.observatorynames() == ["OVRO_MMA"] and len(meta.scannumbers()) == len(fields)
assert meta.nbaselines() == 32 * 31 // 2 and meta.intentsforfield(0) == ["OBSERVE_TARGET#ON_SOURCE"]
assert np.array_equal(np.sort(meta.timesforspws(0)), np.unique(msio.read("obs.ms", "TIME")))
for spw in range(6):
    assert np.array_equal(meta.chanfreqs(spw), msio.read("obs.ms::SPECTRAL_WINDOW", "CHAN_FREQ")[spw])
meta.close()

casatasks.tclean(vis="obs.ms", imagename="sky", field="1" if phase == "meridian" else "0", datacolumn="data", imsize=256,
                 cell="6arcsec", niter=10, gain=0.1, specmode="mfs", weighting="natural", gridder="standard")
image = casatools.image()
image.open("sky.image")
pixels, beam = image.getchunk()[:, :, 0, 0], image.restoringbeam()
at = np.unravel_index(pixels.argmax(), pixels.shape)
place = np.array(image.toworld([*at, 0, 0])["numeric"][:2])
image.close()
# the vertex of the parabola through the highest pixel and its neighbours, in pixels
def vertex(a, b, c):
    return (a - c) / (a - 2 * b + c) / 2
(i, j), pixel = at, np.radians(6 / 3600)
off = (place - source) * (np.cos(centre[1]), 1)
off[0] = (off[0] + np.pi) % (2 * np.pi) - np.pi  # right ascension grows to the left
off += pixel * np.array((-vertex(*pixels[i - 1:i + 2, j]), vertex(*pixels[i, j - 1:j + 2])))
off = np.degrees(off) * 3600
assert np.abs(off).max() < 0.1 * beam["minor"]["value"], (off, beam)
assert abs(pixels.max() - 3) < 0.15, pixels.max()
""")


def test_gains_are_found(tmp_path):
    """Gains of antennas go into the files, the sky into MODEL_DATA; gaincal finds the gains, in each window: but for a
    hundredth of an arcsec by which the source's aberration is not the field's."""
    runner(tmp_path, IMPORTS["msio first"])(SKY + """
msio.simulate_uvh5("group", antennas=12, times=3, subbands=4, channels=1, sky="sky.txt", gains=5)
gains = np.load("group.gains.npy")  # of channels, ascending
msio.convert("group", "obs.ms", expected=4, imaging="zeros")
msio.model("obs.ms", "sky.txt")
casatasks.gaincal(vis="obs.ms", caltable="gains.cal", solint="inf", combine="scan,field", refant="0", gaintype="G",
                  calmode="ap", minsnr=0)
tools = casatools.table()
tools.open("gains.cal")
solved, antenna = tools.getcol("CPARAM")[:, 0].T, tools.getcol("ANTENNA1")
window, flagged = tools.getcol("SPECTRAL_WINDOW_ID"), tools.getcol("FLAG")[:, 0].T
tools.close()
found = 0
for spw in range(4):
    truth = gains[:, :, spw]
    truth = truth * np.exp(-1j * np.angle(truth[:1]))  # phases are relative to antenna 0
    for row in np.flatnonzero((window == spw) & (antenna < 12)):
        assert not flagged[row].any() and np.allclose(solved[row], truth[antenna[row]], rtol=3e-3), (spw, antenna[row])
        found += 1
assert found >= 4 * 12, found
casatasks.applycal(vis="obs.ms", gaintable=["gains.cal"], flagbackup=False)
corrected, model = msio.read("obs.ms", "CORRECTED_DATA"), msio.read("obs.ms", "MODEL_DATA")
assert np.abs(corrected - model).max() < 0.01 and np.abs(model).max() > 2.9
""")
