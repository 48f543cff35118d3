"""Makes the tables and the HDF5 file of test_view.c in a folder, and beside them what casacore and h5py read of each
column and dataset, raw: NAME.raw."""
import sys

import casacore.tables as ct
import h5py
import numpy as np

folder = sys.argv[1]
ROWS = 23
random = np.random.default_rng(5)


def numbers(dtype, *shape):
    values = random.integers(-1000, 1000, shape)
    return (values + 1j * random.integers(-1000, 1000, shape)).astype(dtype) if dtype == "complex64" else values.astype(dtype)


def columns():
    cells = ct.makearrcoldesc
    return [cells("DATA", 0j, ndim=2, valuetype="complex", datamanagertype="TiledShapeStMan", datamanagergroup="whole"),
            cells("SPLIT", 0j, ndim=2, valuetype="complex", datamanagertype="TiledShapeStMan", datamanagergroup="split"),
            cells("FLAG", False, ndim=2, datamanagertype="TiledShapeStMan", datamanagergroup="bits"),
            cells("HOLES", 0.0, ndim=2, valuetype="float", datamanagertype="TiledShapeStMan", datamanagergroup="holes"),
            cells("UVW", 0.0, shape=[3], options=5, datamanagertype="TiledColumnStMan", datamanagergroup="uvw"),
            cells("ONE", 0.0, ndim=2, valuetype="float", datamanagertype="TiledCellStMan", datamanagergroup="cells"),
            ct.makescacoldesc("TIME", 0.0, datamanagertype="StandardStMan", datamanagergroup="standard"),
            ct.makescacoldesc("SAME", 0, datamanagertype="IncrementalStMan", datamanagergroup="same"),
            ct.makescacoldesc("NAME", "", datamanagertype="StandardStMan", datamanagergroup="names")]


def manager(number, kind, name, column, **spec):
    return {"TYPE": kind, "NAME": name, "SEQNR": number, "SPEC": spec, "COLUMNS": [column]}


def make(path, rows=ROWS):
    tiled = [manager(0, "TiledShapeStMan", "whole", "DATA", DEFAULTTILESHAPE=[2, 4, 5]),
             manager(1, "TiledShapeStMan", "split", "SPLIT", DEFAULTTILESHAPE=[2, 2, 5]),
             manager(2, "TiledShapeStMan", "bits", "FLAG", DEFAULTTILESHAPE=[2, 4, 8]),
             manager(3, "TiledShapeStMan", "holes", "HOLES", DEFAULTTILESHAPE=[2, 4, 5]),
             manager(4, "TiledColumnStMan", "uvw", "UVW", DEFAULTTILESHAPE=[3, 7]),
             manager(5, "TiledCellStMan", "cells", "ONE", DEFAULTTILESHAPE=[2, 4])]
    table = ct.table(path, ct.maketabdesc(columns()), nrow=rows, dminfo={f"*{i}": m for i, m in enumerate(tiled)}, ack=False)
    table.putcol("DATA", numbers("complex64", rows, 4, 2))
    table.putcol("SPLIT", numbers("complex64", rows, 4, 2))
    table.putcol("FLAG", numbers("int", rows, 4, 2) > 0)
    for row in range(3, 7 if rows > 6 else 3):
        table.putcell("HOLES", row, numbers("float32", 4, 2))
    table.putcol("UVW", numbers("float64", rows, 3))
    table.putcol("ONE", numbers("float32", rows, 4, 2))
    table.putcol("TIME", numbers("float64", rows))
    table.putcol("SAME", np.full(rows, 7))
    table.flush()
    return table


def keep(table, prefix, names):
    for name in names:
        np.ascontiguousarray(table.getcol(name)).tofile(f"{folder}/{prefix}{name}.raw")


first = make(f"{folder}/t.tab")
keep(first, "", ["DATA", "SPLIT", "UVW", "ONE", "TIME"])
np.array([first.getcell("HOLES", row) for row in range(3, 7)]).tofile(f"{folder}/HOLES.raw")
first.copy(f"{folder}/big.tab", deep=True, valuecopy=True, endian="big").close()
part = first.selectrows(list(range(4, 15, 2)))
part.copy(f"{folder}/part.tab").close()
part.close()
second = make(f"{folder}/u.tab", 6)
both = ct.table([f"{folder}/t.tab", f"{folder}/u.tab"], ack=False)
both.rename(f"{folder}/both.tab")
for table in (both, second, first):
    table.close()

with h5py.File(f"{folder}/views.h5", "w") as file:
    values = numbers("float32", 11, 3, 4)
    file["plain"] = values
    values.tofile(f"{folder}/plain.raw")
    file["scalar"] = np.float64(2.5)
    file.create_dataset("big", data=values.astype(">f4"))
    file.create_dataset("chunk", data=values, chunks=(11, 3, 4))
    file.create_dataset("chunks", data=values, chunks=(11, 2, 4))
    file.create_dataset("packed", data=values, chunks=(4, 3, 4), compression="gzip")
    file.create_dataset("odd", data=values, chunks=(11, 3, 4))  # behind packed chunks of odd lengths
    file.create_dataset("unwritten", shape=(5,), dtype="f8")
    # 6 GB that take no room: allocated at once, filled never.
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    large = h5py.h5d.create(file.id, b"large", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((3 << 18, 1024)), properties)
    h5py.Dataset(large)[-1, -1] = 4.75
