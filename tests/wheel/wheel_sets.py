#!/usr/bin/env python3
"""Makes what the wheel is tested on: a Measurement Set, a group of UVH5 files, and their values as casacore and h5py read them.

usage: wheel_sets.py MSIO FOLDER      MSIO: a command that has casacore; run by a Python that has casacore and h5py
"""
import glob
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
from casacore import tables

COLUMNS = ("DATA", "FLAG", "UVW", "TIME", "ANTENNA1", "ANTENNA2", "WEIGHT_SPECTRUM", "DATA_DESC_ID")


def main(msio, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shape = ["--quiet", "--antennas", "7", "--times", "3", "--subbands", "2"]
    subprocess.run([msio, "simulate", "ms", "--out", f"{folder}/small.ms", *shape], check=True)
    subprocess.run([msio, "simulate", "uvh5", "--out", f"{folder}/group", "--compression", "lzf", *shape], check=True)
    values = {}
    with tables.table(f"{folder}/small.ms", ack=False) as table:
        for column in COLUMNS:
            values[column] = table.getcol(column)
    with tables.table(f"{folder}/small.ms/ANTENNA", ack=False) as table:
        values["NAME"] = np.array(table.getcol("NAME"))
    for path in sorted(glob.glob(f"{folder}/group/*")):
        with h5py.File(path) as file:
            values["uvh5:" + os.path.basename(path)] = file["Data/visdata"][...]
    np.savez(f"{folder}/values.npz", **values)


if __name__ == "__main__":
    main(*sys.argv[1:])
