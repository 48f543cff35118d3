"""compare_pyuvdata.py - the same group loaded by msio and by pyuvdata, which concatenates it along frequency.

usage: compare_pyuvdata.py DUMP_LOAD FOLDER     FOLDER holds one group; MSIO_TEST_DATA may hold single files of others
"""
import glob
import os
import sys
import warnings

import numpy as np

import loading

warnings.filterwarnings("ignore")
from pyuvdata import UVData  # noqa: E402

loading.DUMP = sys.argv[1]


def compare(name, paths, out):
    """Values, frequencies, and the order of rows, channels and polarizations."""
    parts = [UVData.from_file(path, run_check=False) for path in paths]
    for part in parts:
        part.uvw_array = part.uvw_array.astype(float)  # the correlator's are singles, which its check refuses
    uvd = parts[0]
    if len(parts) > 1:
        uvd.fast_concat(parts[1:], "freq", inplace=True, run_check=False)
    got = loading.load(out, {}, *paths)
    order = np.argsort(uvd.freq_array.ravel(), kind="stable")
    assert got["frequencies"] == list(uvd.freq_array.ravel()[order]), f"{name}: frequencies"
    assert got["polarizations"] == list(uvd.polarization_array), f"{name}: polarizations"
    for ours, theirs in (("visdata", uvd.data_array), ("flags", uvd.flag_array), ("nsamples", uvd.nsample_array)):
        theirs = theirs.reshape(got[ours].shape)[:, order]
        assert (got[ours] == theirs).all(), f"{name}: {ours}"
    assert got["times"] == list(uvd.time_array), f"{name}: times"
    assert got["antenna1"] == list(uvd.ant_1_array) and got["antenna2"] == list(uvd.ant_2_array), f"{name}: antennas"
    assert (np.array(got["uvw"]).reshape(-1, 3) == uvd.uvw_array).all(), f"{name}: uvw"
    assert got["integrations"] == list(uvd.integration_time), f"{name}: integration times"
    print(f"{name}: {len(paths)} files, {got['visdata'].size} visibilities equal")


group = sorted(glob.glob(os.path.join(sys.argv[2], "*.hdf5")))
links = []
for path in group:  # pyuvdata knows the format by the ending
    link = path[:-5] + ".uvh5"
    if not os.path.exists(link):
        os.symlink(os.path.basename(path), link)
    links.append(link)
out = os.path.join(sys.argv[2], "loaded")
compare("simulated group", links, out)
compare("simulated group, backwards", links[::-1], out)
for path in sorted(glob.glob(os.path.join(os.environ.get("MSIO_TEST_DATA", ""), "*.uvh5"))):
    compare(os.path.basename(path), [path], out)
