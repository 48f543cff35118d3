"""repack_group.py - the files of a group written anew with bitshuffle and LZ4, as HERA's are; run_group.py calls it.

usage: repack_group.py FOLDER NEW      needs h5py and hdf5plugin
"""
import os
import sys

import h5py
import hdf5plugin


def repack(path, target):
    with h5py.File(path, "r") as old, h5py.File(target, "w") as new:
        old.copy("Header", new)
        for name, dataset in old["Data"].items():
            chunks = tuple(map(min, dataset.chunks or (512, 1, 64, 2), dataset.shape))
            new.create_dataset("Data/" + name, data=dataset[()], dtype=dataset.dtype, chunks=chunks,
                               **hdf5plugin.Bitshuffle(cname="lz4"))


def main():
    folder, target = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".hdf5"):
            unfinished = os.path.join(target, name.replace(".hdf5", "_incomplete.hdf5"))
            repack(os.path.join(folder, name), unfinished)
            os.rename(unfinished, os.path.join(target, name))


if __name__ == "__main__":
    main()
