"""msio.model of component lists that CASA's own tool made, beside CASA's ft, within ft's own accuracy (docs/guide.md)."""
from test_casa import IMPORTS, runner


def test_component_lists_beside_ft(tmp_path):
    runner(tmp_path, IMPORTS["msio first"])("""
msio.unpatch_casacore()
with open("dark.txt", "w") as file:
    file.write("Format = Name, Type, Ra, Dec, I\\nx, POINT, 1deg, 1deg, 0\\n")
msio.simulate_ms("obs.ms", antennas=9, times=2, subbands=2, channels=6, imaging_columns=True, sky="dark.txt", noise=1)
centre = msio.read("obs.ms::FIELD", "PHASE_DIR")[0, 0]
mine = msio.read("obs.ms", "FIELD_ID") == 0

def component_list(name, *components):
    made = casatools.componentlist()
    for east, north, more in components:  # degrees from the phase centre
        ra, dec = centre[0] + np.radians(east) / np.cos(centre[1]), centre[1] + np.radians(north)
        more = {"fluxunit": "Jy", "polarization": "Stokes", "freq": "TOPO 1.4GHz", "shape": "point", **more}
        made.addcomponent(dir="J2000 %.14frad %.14frad" % (ra, dec), **more)
    made.rename(name)
    made.close()
    return name

def difference(sky):
    casatasks.ft(vis="obs.ms", complist=sky, usescratch=True, field="0")
    msio.model("obs.ms", sky, column="OTHER_DATA")
    theirs, ours = msio.read("obs.ms", "MODEL_DATA")[mine], msio.read("obs.ms", "OTHER_DATA")[mine]
    assert np.ptp(np.angle(ours)) > 0.1 or np.ptp(np.abs(ours)) > 0.1  # there is something to be different in
    return np.abs(theirs - ours).max()

points = component_list("points.cl", (0.05, -0.03, {"flux": [2, 0.2, 0.1, 0.3]}), (-1, 0.6, {"flux": [1, 0, 0, 0]}),
                        (0.3, 0.4, {"flux": [1, 0, 0, 0], "spectrumtype": "spectral index", "index": -0.7}),
                        (-0.2, 0.3, {"flux": [500, 0, 0, 0], "fluxunit": "mJy", "freq": "LSRK 1.4GHz"}))
assert difference(points) < 2e-6, difference(points)

wide = {"shape": "gaussian", "majoraxis": "60arcsec", "minoraxis": "20arcsec", "positionangle": "25deg", "flux": [2, 0, 0, 0]}
assert difference(component_list("centre.cl", (0, 0, wide))) < 2e-6
# beside the centre ft turns the baselines until they face the component, msio takes them as they stand, as DP3 does
assert difference(component_list("beside.cl", (0.01, -0.006, wide))) < 5e-5

try:
    msio.model("obs.ms", component_list("disk.cl", (0, 0, {**wide, "shape": "disk"})))
except msio.UnsupportedError as error:
    assert "Disk" in str(error)
else:
    raise AssertionError("a disk was predicted")
""")
