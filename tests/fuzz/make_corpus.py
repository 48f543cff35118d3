#!/usr/bin/python3
"""make_corpus.py - the seeds in corpus/: tiny tables made by casacore, packed, and the parsers' files taken out of them;
and chunks and files stored by HDF5.

    make_corpus.py [--tiled-data TABLE]... [CORPUS]

A pack is a table's files one after the other: a byte with the length of the name, the name, four bytes with the length
of the content (little endian), the content. The table to open is the folder `t`; others lie beside it. Python cannot
make hypercubes of a TiledDataStMan: --tiled-data packs a table that another program made with casacore.
"""
import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import casacore.tables as ct
import h5py
import numpy as np

# Python has no rows with unsigned shorts.
TYPES = ("boolean", "uchar", "short", "int", "uint", "int64", "float", "double", "complex", "dcomplex", "string")


def values(kind, shape, seed):
    """Some values of a type; a str or list of them for strings."""
    n = int(np.prod(shape)) if shape else 1
    if kind == "string":
        texts = ["" if (i + seed) % 3 == 2 else "text %d %s" % (i + seed, "x" * ((i + seed) % 9)) for i in range(n)]
        return texts if shape else texts[0]
    dtype = {"boolean": "?", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "int64": "i8",
             "float": "f4", "double": "f8", "complex": "c8", "dcomplex": "c16"}[kind]
    numbers = (np.arange(n) * 7 + seed) % 120
    numbers = (numbers % 3 == 0) if kind == "boolean" else numbers.astype(dtype)
    return numbers.reshape(shape) if shape else numbers[0].item()


def scalar(name, kind, manager):
    return ct.makescacoldesc(name, values(kind, (), 0), datamanagertype=manager, datamanagergroup=manager, valuetype=kind)


def array(name, kind, manager, group, shape=None, ndim=0, direct=False):
    options = (5 if direct else 4) if shape else 0
    return ct.makearrcoldesc(name, values(kind, (), 0), ndim=ndim or (len(shape) if shape else 0), shape=list(shape or []),
                             datamanagertype=manager, datamanagergroup=group, valuetype=kind, options=options)


def make(path, columns, managers, rows, endian):
    desc = ct.maketabdesc(columns)
    info = {"*%d" % (i + 1): m for i, m in enumerate(managers)}
    return ct.table(path, desc, nrow=rows, dminfo=info, endian=endian, ack=False)


def manager(kind, name, columns, **spec):
    return {"TYPE": kind, "NAME": name, "SEQNR": 0, "COLUMNS": columns, "SPEC": spec}


def standard(path, endian, rows=9):
    columns = [scalar("S_" + t, t, "StandardStMan") for t in TYPES]
    columns += [array("F_" + t, t, "StandardStMan", "StandardStMan", (2, 3), direct=True) for t in ("boolean", "short", "complex")]
    columns += [array("T_direct", "string", "StandardStMan", "StandardStMan", (2,), direct=True),
                array("T_fixed", "string", "StandardStMan", "StandardStMan", (2,)),
                array("T_any", "string", "StandardStMan", "StandardStMan"),
                array("V_float", "float", "StandardStMan", "StandardStMan"),
                array("V_boolean", "boolean", "StandardStMan", "StandardStMan", ndim=2)]
    names = [c["name"] for c in columns]
    t = make(path, columns, [manager("StandardStMan", "SSM", names, BUCKETSIZE=700, PERSCACHESIZE=2)], rows, endian)
    for row in range(rows):
        for c in columns:
            name, kind = c["name"], c["name"].split("_")[1]
            if name.startswith("S_"):
                t.putcell(name, row, values(kind, (), row))
            elif name.startswith("F_"):
                t.putcell(name, row, values(kind, (2, 3), row))
            elif name in ("T_direct", "T_fixed"):
                t.putcell(name, row, values("string", (2,), row))
            elif row % 4 != 1:  # some cells are never written
                shape = (1 + row % 3, 2)
                t.putcell(name, row, {"array": values("string", shape, row), "shape": list(shape)} if name == "T_any"
                          else values(kind, shape, row))
    t.close()


def few(path, endian, rows=5):
    """A small standard table, for the exhaustive tests."""
    columns = [scalar("NUMBER", "int", "StandardStMan"), scalar("FLAG", "boolean", "StandardStMan"),
               scalar("NAME", "string", "StandardStMan"), array("VECTOR", "float", "StandardStMan", "StandardStMan")]
    t = make(path, columns, [manager("StandardStMan", "SSM", [c["name"] for c in columns], BUCKETSIZE=64)], rows, endian)
    for row in range(rows):
        t.putcell("NUMBER", row, row)
        t.putcell("FLAG", row, row % 2 == 1)
        t.putcell("NAME", row, "a name that does not fit its row %d" % row)
        t.putcell("VECTOR", row, np.arange(row + 1, dtype="f4"))
    t.close()


def incremental(path, endian, rows=9):
    kinds = ("boolean", "short", "int", "double", "dcomplex", "string")
    columns = [scalar("S_" + k, k, "IncrementalStMan") for k in kinds]
    columns += [array("V_float", "float", "IncrementalStMan", "IncrementalStMan"),
                array("T_any", "string", "IncrementalStMan", "IncrementalStMan")]
    names = [c["name"] for c in columns]
    t = make(path, columns, [manager("IncrementalStMan", "ISM", names, BUCKETSIZE=600)], rows, endian)
    for row in range(rows):
        for kind in kinds:
            t.putcell("S_" + kind, row, values(kind, (), row // 2))
        t.putcell("V_float", row, values("float", (1 + row // 3,), row))
        t.putcell("T_any", row, np.array(values("string", (2,), row // 3)))
    t.close()


def tiled_column(path, endian, rows=7):
    columns = [array("DATA", "complex", "TiledColumnStMan", "data", (3, 2)), array("FLAG", "boolean", "TiledColumnStMan", "flag", (3, 2)),
               array("SIGMA", "float", "TiledColumnStMan", "sigma", (2,))]
    managers = [manager("TiledColumnStMan", "data", ["DATA"], DEFAULTTILESHAPE=[2, 3, 4]),
                manager("TiledColumnStMan", "flag", ["FLAG"], DEFAULTTILESHAPE=[2, 2, 3]),
                manager("TiledColumnStMan", "sigma", ["SIGMA"], DEFAULTTILESHAPE=[2, 8])]
    t = make(path, columns, managers, rows, endian)
    for row in range(rows):
        t.putcell("DATA", row, values("complex", (3, 2), row))
        t.putcell("FLAG", row, values("boolean", (3, 2), row))
        t.putcell("SIGMA", row, values("float", (2,), row))
    t.close()


def tiled_varying(kind, path, endian, rows=8):
    columns = [array("DATA", "float", kind, "data", ndim=2), array("FLAG", "boolean", kind, "flag", ndim=2)]
    tile = [2, 3, 3] if kind == "TiledShapeStMan" else [2, 2]
    managers = [manager(kind, "data", ["DATA"], DEFAULTTILESHAPE=tile), manager(kind, "flag", ["FLAG"], DEFAULTTILESHAPE=tile)]
    t = make(path, columns, managers, rows, endian)
    for row in range(rows):
        if row in (3, 7):  # never written
            continue
        shape = (2 + row % 2, 2)
        t.putcell("DATA", row, values("float", shape, row))
        t.putcell("FLAG", row, values("boolean", shape, row))
    t.close()


def keywords(path, endian):
    few(path, endian, 2)
    few(os.path.join(path, "SUB"), endian, 1)
    t = ct.table(path, readonly=False, ack=False)
    t.putkeywords({"VERSION": 2.0, "NAMES": ["a", "bc"], "NUMBERS": np.arange(4, dtype="i4"), "FLAG": True, "Z": 1 + 2j,
                   "NESTED": {"A": {"B": 1, "C": "deep"}, "EMPTY": {}}, "SUB": "Table: " + os.path.join(path, "SUB")})
    t.putcolkeywords("NUMBER", {"QuantumUnits": ["s"], "MEASINFO": {"type": "epoch", "Ref": "UTC"}})
    t.close()


def reference(path, endian):
    root = os.path.join(os.path.dirname(path), "root")
    few(root, endian)
    t = ct.table(root, ack=False)
    t.selectrows([4, 1, 1, 3]).copy(path, deep=False).close()
    t.close()


def concatenated(path, endian):
    parts = [os.path.join(os.path.dirname(path), name) for name in ("a", "b")]
    few(parts[0], endian, 2)
    few(parts[1], endian, 3)
    t = ct.table(parts, ack=False)
    t.rename(path)
    t.flush(True)
    t.close()



def pack(folder):
    out = b""
    for top, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(top, name)
            inside = os.path.relpath(path, folder).encode()
            with open(path, "rb") as file:
                content = file.read()
            out += struct.pack("<B", len(inside)) + inside + struct.pack("<I", len(content)) + content
    return out


def seed(corpus, target, name, content):
    folder = os.path.join(corpus, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def take_parts(corpus, name, table):
    """Seeds of the single parsers. A manager's main file comes behind the table.dat that describes its columns."""
    with open(os.path.join(table, "table.dat"), "rb") as file:
        dat = file.read()
    seed(corpus, "table_dat", name, dat)
    if name in ("reference", "concatenated"):
        return
    for number in range(2):  # of further managers' headers nothing new can be learnt
        path = os.path.join(table, "table.f%d" % number)
        if not os.path.exists(path):
            break
        with open(path, "rb") as file:
            content = file.read()
        target = "ssm" if b"StandardStMan" in content[:64] else "ism" if b"IncrementalStMan" in content[:64] else "tiled"
        seed(corpus, target, "%s_%d" % (name, number), struct.pack("<I", len(dat)) + dat + content)
    if os.path.exists(os.path.join(table, "table.lock")):
        with open(os.path.join(table, "table.lock"), "rb") as file:
            seed(corpus, "aipsio", name, file.read()[264:])


def take_chunks(corpus):
    """Chunks as h5py stores them, behind their pipelines: fuzz_hdf5_filters.c tells how."""
    place = {1: 0, 2: 1, 3: 2, 32000: 3}
    data = np.arange(60, dtype="<f4") // 7
    with h5py.File("none.h5", "w", driver="core", backing_store=False) as file:
        for shuffle in (False, True):
            for compression in (None, "lzf", "gzip"):
                for fletcher32 in (False, True):
                    name = "_".join(("shuffle",) * shuffle + (compression or "none",) + ("fletcher32",) * fletcher32)
                    chunk = file.create_dataset(name, data=data, chunks=data.shape, shuffle=shuffle,
                                                compression=compression, fletcher32=fletcher32).id
                    plist = chunk.get_create_plist()
                    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
                    mask, stored = chunk.read_direct_chunk((0,))
                    pipeline = b"".join(struct.pack("<2B", place[f[0]], f[2][0] if f[0] == 2 else 0) for f in filters)
                    seed(corpus, "hdf5_filters", name, struct.pack("<B", len(filters)) + pipeline +
                         struct.pack("<BH", mask, data.nbytes) + stored)


def take_packed(corpus):
    """Chunks of LZ4, Zstandard and bitshuffle as store_packed.py packs them, and of Blosc by HDF5 with its plugin."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "io", "filters"))
    import store_packed as packed
    data = np.arange(300, dtype="<f4") // 7
    raw = data.tobytes()
    seeds = {"lz4": (5, 64, packed.store(data, [(packed.LZ4, (64,))])[2]),
             "zstd": (7, 0, packed.zstandard.ZstdCompressor().compress(raw)),
             "zstd_noise": (7, 0, packed.zstandard.ZstdCompressor(write_checksum=True).compress(raw[:40] + os.urandom(1160)))}
    for size, block, codec in ((1, 0, 0), (4, 0, 0), (4, 2, 2), (8, 0, 2), (3, 1, 2), (4, 2, 3), (1, 0, 3)):
        seeds["bits_%d_%d_%d" % (size, block, codec)] = (
            6, size - 1 | block << 3 | codec << 6, packed.bitshuffle(raw, size, 8 * block, codec))
    for shuffle in range(3):
        for codec in range(6):
            seeds["blosc_%d_%d" % (shuffle, codec)] = (
                4, 0, packed.store(data, [(packed.BLOSC, (0, 0, 0, 0, 9, shuffle, codec))])[2])
    for name, (which, client, stored) in seeds.items():
        seed(corpus, "hdf5_filters", name, struct.pack("<3BBH", 1, which, client, 0, len(raw)) + stored)


def take_indices(corpus):
    """Files with one chunked dataset, behind what HDF5 says of it: fuzz_hdf5_chunks.c tells how."""
    for name, shape, chunk in (("row", (40,), (10,)), ("grid", (30, 6), (12, 4)), ("cube", (4, 3, 2), (2, 2, 1)),
                               ("many", (150,), (1,)), ("flat", (5, 4), None)):
        for version, block in (("earliest", 0), ("earliest", 512), ("latest", 0)):
            with tempfile.NamedTemporaryFile() as place:
                with h5py.File(place.name, "w", libver=version, userblock_size=block) as file:
                    data = file.create_dataset("d", data=np.zeros(shape, "<u2"), chunks=chunk)
                    header = h5py.h5o.get_info(data.id).addr + block
                axes = b"".join(struct.pack("<BH", c, n) for c, n in zip(chunk or (1, 1), shape))
                seed(corpus, "hdf5_chunks", "%s_%s_%d" % (name, version, block),
                     struct.pack("<B", len(shape) - 1) + axes + struct.pack("<BBH", 2, block // 256, header) +
                     place.read())


def take_located(corpus):
    """Files with several datasets, behind what HDF5 says of them: fuzz_locate_hdf5.c tells how."""
    kinds = {"rows": [((40,), (10,), None)], "plain": [((5, 4), None, None)],
             "both": [((30, 6), (12, 4), None), ((7, 3), None, None)],
             "packed": [((30, 6), (12, 4), "gzip"), ((150,), (1,), None), ((4, 3, 2), (2, 2, 1), "lzf")]}
    for name, datasets in kinds.items():
        for version in ("earliest", "latest"):
            with tempfile.NamedTemporaryFile() as place:
                told = struct.pack("<B", len(datasets) - 1)
                with h5py.File(place.name, "w", libver=version) as file:
                    for i, (shape, chunk, filters) in enumerate(datasets):
                        data = file.create_dataset("d%d" % i, data=np.arange(np.prod(shape), dtype="<u2").reshape(shape),
                                                   chunks=chunk, compression=filters)
                        file.flush()
                        where = h5py.h5o.get_info(data.id).addr if chunk else data.id.get_offset()
                        told += struct.pack("<B", (chunk is not None) | len(shape) - 1 << 1 | (filters is not None) << 3)
                        told += b"".join(struct.pack("<BH", c, n) for c, n in zip(chunk or (1,) * len(shape), shape))
                        told += struct.pack("<BH", 2, where)
                seed(corpus, "locate_hdf5", "%s_%s" % (name, version), told + place.read())


class Conversion:
    """Input of fuzz_conversion.c, in the order in which it takes it."""
    TEXTS = ["sidereal", "icrs", "fk5", "fk4", "x", "Y", "", "east", "north", "phased", "drift", "itrs", "a/b", "r", "a.b",
             "observer"]

    def __init__(self):
        self.content = b""

    def bytes(self, *values):
        self.content += bytes(values)

    def number(self, *values):
        for value in values:
            self.content += b"\xff" + struct.pack("<d", value)

    def integer(self, *values):
        for value in values:
            self.content += bytes([value]) if 0 <= value < 16 else b"\xff" + struct.pack("<i", value)

    def text(self, *values):
        for value in values:
            self.bytes(255 if value is None else self.TEXTS.index(value))


def conversion(phase, pols, pairs, centres=(), phase_type="drift", feeds=0, earth=False, times=2):
    """A file of two windows. phase: as msio_convert_phase; pols: AIPS numbers; centres: (lon, lat, id) of a catalog."""
    c = Conversion()
    c.bytes(phase, 0, 0, 1, len(pols), 1, 3, 1, 3)
    for channel in range(6):
        c.number(1.4e9 + 1e6 * channel, 1e6)
    c.integer(*(p + 8 for p in pols))
    antennas = 1 + max(max(pair) for pair in pairs)
    c.bytes(antennas - 1, feeds)
    for a in range(antennas):
        c.integer(a)
        c.number(4.65, 30.0 * a, 17.0 * a * a, 1.0 * a)
        c.bytes(1)
    for feed in ["x", "Y"][:feeds] * antennas:
        c.text(feed)
        c.number(0)
    c.bytes(1, *([1] if feeds else []))
    c.text("east")
    c.number(37.23, -118.28, 1222)
    c.bytes(1)
    c.integer(1)
    c.text(None, None)
    c.bytes(3)
    for name, kind, ndim in (("observer", 10, 0), ("x", 8, 0), ("a.b", 5, 0)):
        c.text(name)
        c.number(17)
        c.bytes(kind, ndim, *([1] if ndim else []), 1, *([1] if kind == 10 else []))
    c.bytes(len(centres))
    for lon, lat, number in centres:
        c.number(lon, lat, 0, 0)
        c.integer(number)
        c.bytes(1, 1)
        c.text("sidereal", "icrs", "x")
        c.number(2000, 0)
    c.text(phase_type)
    c.number(1.25, 0.5, 2000)
    c.text("icrs", "x")
    c.number(np.nan, 0.28125)
    rows = [(t, pair) for t in range(times) for pair in pairs]
    c.bytes(len(rows), 2 if centres else 0)
    for t, (one, two) in rows:
        c.number(2460953.5 + 1e-3 * t)
        c.integer(one, two)
        c.number(12.885, 1.5)
        c.integer(centres[t % len(centres)][2] if centres else 0)
        c.number(10.0, 20.0, 0.5)
    c.bytes(1 if earth else 0)
    return c.content


def take_conversions(corpus):
    pairs, centres = [(0, 0), (0, 1), (1, 1)], [(1.25, 0.5, 3), (1.26, 0.5, 1)]
    seed(corpus, "conversion", "meridian", conversion(1, (-5, -6), pairs, earth=True))
    seed(corpus, "conversion", "turned", conversion(1, (-5, -7, -8, -6), [(0, 1), (2, 1)], feeds=2))
    seed(corpus, "conversion", "centre", conversion(2, (-5, -6, -7, -8), [(0, 1), (1, 2)]))
    seed(corpus, "conversion", "zenith", conversion(3, (-1, -2), [(2, 1), (1, 0)], earth=True))
    seed(corpus, "conversion", "catalog", conversion(0, (-5, -6), pairs, centres, phase_type=None, feeds=2))
    seed(corpus, "conversion", "phased", conversion(4, (1, 2, 3, 4), [(0, 1)], phase_type="phased"))
    seed(corpus, "conversion", "mixed", conversion(0, (-5, -1), pairs))


def journal(mode, sealed, slots):
    """A table.msio_write (docs/formats.md). slots: (valid, offset, length) of the fuzz target's data file, each with 512
    bytes; inode 0 stands for that file's."""
    head = struct.pack("=8sIIIIqqqq256sII", b"MSIOUNDO", 1, 0x01020304, mode, len(slots), 512, 1, 0, 9, b"DATA", sealed, 0)
    content = head.ljust(8192, b"\0")
    for valid, offset, length in slots:
        slot = struct.pack("=IIQQqq64s", valid, 0, 0, 0, offset, length, b"table.f0_TSM1")
        content += slot.ljust(4096, b"\0") + (b"old" * 171)[:512].ljust(4096, b"\0")
    return content


def take_journals(corpus):
    seed(corpus, "journal", "blocks", journal(1, 0, [(1, 4096, 512)]))
    seed(corpus, "journal", "whole", journal(2, 1, [(1, 0, 100), (0, 5, 5)]))
    seed(corpus, "journal", "decided", journal(2, 2, [(1, 0, 100)]))
    seed(corpus, "journal", "beyond", journal(1, 0, [(1, 19900, 512)]))


TRACED = """
import sys
import numpy as np
import casacore.tables as ct
t = ct.table(sys.argv[1], ct.maketabdesc([ct.makearrcoldesc('DATA', 0j, shape=[4, 2]), ct.makescacoldesc('A TIME', 0.)]),
             nrow=20, ack=False)
t.putcol('DATA', np.ones((20, 4, 2), complex))
t.getcell('DATA', 3), t.getcellslice('DATA', 2, [0, 0], [1, 1]), t.getcolslice('DATA', [0, 0], [2, 1], [2, 1], 3, 9)
t.getcol('A TIME'), t.getcol('A TIME', 2, 5, 2), t.getcol('DATA', 2, 5), t.getcell('A TIME', 4)
s = t.selectrows(list(range(0, 20, 3)) * int(sys.argv[2]))
s.getcol('DATA'), s.getcol('A TIME')
t.close()
"""


def take_text_traces(corpus):
    """What casacore writes of accesses: fuzz_text_trace.c tells what stands before it."""
    for name, repeat, step in (("short", 1, 255), ("long", 200, 99), ("pieces", 2, 6)):
        folder = tempfile.mkdtemp()
        rc, trace = os.path.join(folder, "rc"), os.path.join(folder, "trace")
        with open(rc, "w", encoding="utf-8") as file:
            file.write("table.trace.filename: %s\ntable.trace.operation: srw\ntable.trace.columntype: sar\n" % trace)
        subprocess.run([sys.executable, "-c", TRACED, os.path.join(folder, "a t.tab"), str(repeat)], check=True,
                       env={**os.environ, "CASARCFILES": rc})
        with open(trace, "rb") as file:
            seed(corpus, "text_trace", name, bytes([step]) + file.read().replace(folder.encode(), b"/data"))
        shutil.rmtree(folder)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiled-data", action="append", default=[])
    parser.add_argument("corpus", nargs="?", default=os.path.join(here, "corpus"))
    args = parser.parse_args()
    makers = {"few_little": lambda p: few(p, "little"), "few_big": lambda p: few(p, "big"),
              "standard_little": lambda p: standard(p, "little"), "standard_big": lambda p: standard(p, "big"),
              "incremental_little": lambda p: incremental(p, "little"), "incremental_big": lambda p: incremental(p, "big"),
              "tiled_column": lambda p: tiled_column(p, "little"),
              "tiled_shape": lambda p: tiled_varying("TiledShapeStMan", p, "big"),
              "tiled_cell": lambda p: tiled_varying("TiledCellStMan", p, "little"),
              "keywords": lambda p: keywords(p, "little"), "reference": lambda p: reference(p, "little"),
              "concatenated": lambda p: concatenated(p, "big")}
    take_chunks(args.corpus)
    take_packed(args.corpus)
    take_indices(args.corpus)
    take_located(args.corpus)
    take_journals(args.corpus)
    take_conversions(args.corpus)
    take_text_traces(args.corpus)
    for i, path in enumerate(args.tiled_data):
        makers["tiled_data_%d" % i] = lambda p, path=path: shutil.copytree(path, p)
    for name, maker in makers.items():
        folder = tempfile.mkdtemp()
        table = os.path.join(folder, "t")
        maker(table)
        seed(args.corpus, "table", name, pack(folder))
        take_parts(args.corpus, name, table)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
