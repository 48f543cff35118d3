"""HDF5 files whose numbers claim bits that their bytes have not: HDF5 itself may run beyond its memory over them, so they
are read by a process of their own here."""
import pathlib
import struct
import subprocess

import h5py
import numpy as np
import pytest

import msio

MSIO = pathlib.Path(msio.__file__).parent / "msio"  # the command
PART = np.dtype("<i4")


def make(path, kind):
    with h5py.File(path, "w") as file:
        file["numbers"] = np.ones((500, 7), dtype=kind)
    return path


def damage(path, found, put):
    data = path.read_bytes()
    assert found in data
    path.write_bytes(data.replace(found, put))


def read(path):
    return subprocess.run([MSIO, "read", path, "numbers", "--rows", ":2", "--format", "json"], capture_output=True,
                          text=True)


@pytest.mark.parametrize("kind", [np.dtype([("r", PART), ("i", PART)]), PART], ids=["complex", "integer"])
@pytest.mark.parametrize("offset, precision", [(0, 0), (0, 33), (0, 0xffff), (8, 32), (32, 0), (0xffff, 1),
                                               (0xffff, 0xffff)])
def test_integers_beyond_their_bytes(kind, offset, precision, tmp_path):
    path = make(tmp_path / "f.h5", kind)
    assert read(path).returncode == 0
    damage(path, struct.pack("<IHH", 4, 0, 32), struct.pack("<IHH", 4, offset, precision))
    done = read(path)
    assert done.returncode > 0 and done.stderr.startswith("msio read: ")


@pytest.mark.parametrize("fields", [(0, 0, 23, 8, 0, 23), (0, 32, 23, 200, 0, 23), (0, 32, 230, 8, 0, 23),
                                    (0, 32, 23, 8, 200, 23), (0, 32, 23, 0, 0, 23), (16, 32, 23, 8, 0, 23)])
def test_floats_beyond_their_bytes(fields, tmp_path):
    path = make(tmp_path / "f.h5", np.dtype("<f4"))
    damage(path, struct.pack("<IHHBBBB", 4, 0, 32, 23, 8, 0, 23), struct.pack("<IHHBBBB", 4, *fields))
    done = read(path)
    assert done.returncode > 0 and done.stderr.startswith("msio read: ")
