#!/usr/bin/python3
"""make_hdf5.py - datasets of every kind, and what h5py reads from them: the oracle of test_dataset; and small files
to be damaged, for test_hdf5_hostile.

    make_hdf5.py FOLDER
    make_hdf5.py --small FOLDER

The second form writes FOLDER/small.list, a line for each file, with a dataset "data" and its stretches that may be
damaged: path, whether a checksum guards what is stored, and for each stretch header, layout, index or stored, its
first byte and its length.

Of the first form, FOLDER/list has a line for each dataset and type that it is delivered as, parts separated by tabs:
file, dataset, type, axes (separated by commas, or "scalar"), whether it is read by address (1, 0, -1: not said), where
its elements begin in FOLDER/values. What is expected comes from h5py and numpy alone.
"""
import itertools
import os
import sys
import zlib

import h5py
import numpy as np

MSIO_TYPES = {"bool": "Bool", "int8": "Char", "uint8": "uChar", "int16": "Short", "uint16": "uShort", "int32": "Int",
              "uint32": "uInt", "int64": "Int64", "uint64": "uInt64", "float16": "Float", "float32": "Float",
              "float64": "Double", "complex64": "Complex", "complex128": "DComplex"}


def pair(kind):
    return np.dtype([("r", kind), ("i", kind)])


DTYPES = ["i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8", ">i2", ">u2", ">i4", ">u4", ">i8", ">u8",
          ">f4", ">f8", "?", "<c8", "<c16", ">c8", ">c16", pair("i1"), pair("<u2"), pair("<i4"), pair(">i4"),
          pair("<i8"), pair(">i2")]
FILTERS = {"none": {}, "lzf": {"compression": "lzf"}, "gzip": {"compression": "gzip"}, "shuffle": {"shuffle": True},
           "shuffle_gzip": {"shuffle": True, "compression": "gzip"},
           "shuffle_lzf": {"shuffle": True, "compression": "lzf"}, "fletcher": {"fletcher32": True},
           "gzip_fletcher": {"compression": "gzip", "fletcher32": True},
           "all": {"shuffle": True, "compression": "lzf", "fletcher32": True}}
# shape, chunk, whether the axes have no limit
SHAPES = [((37,), (10,), False), ((37,), (37,), False), ((3,), (8,), True), ((1,), (1,), False), ((0,), (4,), True),
          ((7, 5), (3, 2), False), ((7, 5), (1, 5), False), ((7, 1), (4, 1), True), ((6, 4), (100, 4), True),
          ((0, 4), (2, 3), True), ((5, 0), (2, 3), True), ((9, 6, 4), (4, 6, 4), False), ((9, 6, 4), (2, 4, 1), True),
          ((9, 6, 2), (9, 6, 2), False), ((5, 3, 4, 2), (2, 2, 3, 2), False), ((3, 2, 3, 2, 3), (2, 1, 2, 2, 2), True)]


def label(dtype):
    dtype = np.dtype(dtype)
    return "".join(c for c in str(dtype.descr if dtype.names else dtype.str) if c.isalnum() or c in "<>|")


def numbers(dtype, shape, seed):
    """Half of them noise, half with runs that filters like."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(seed)
    n = int(np.prod(shape))
    if dtype.names:
        values = np.empty(n, dtype)
        for i, name in enumerate(dtype.names):
            values[name] = numbers(dtype[name], (n,), seed + i)
    elif dtype.kind == "b":
        values = rng.integers(0, 2, n).astype(bool)
    elif dtype.kind == "c":
        values = (rng.normal(size=n) + 1j * rng.normal(size=n) * 1e3).astype(dtype)
    elif dtype.kind == "f":
        values = (rng.normal(size=n) * 1e3).astype(dtype)
        values[: n // 8] = np.resize([0, -0.0, np.inf, -np.inf, 1e-45, 3e38], n // 8).astype(dtype)
    else:
        values = np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).copy()
    values[n // 2:] = values[n // 2:] if n < 8 else np.repeat(values[: n // 8 + 1], 8)[: n - n // 2]
    return values.reshape(shape)


# ---------------------------------------------------------------- what is expected

def delivered(values):
    """The elements as msio delivers them, by dtype."""
    if values.dtype.names:
        part = values.dtype[0]
        single = part.itemsize <= (4 if part.kind == "f" else 2)
        values = values[values.dtype.names[0]] + 1j * values[values.dtype.names[1]].astype("f8")
        return [values.astype("c8"), values] if single else [values, values.astype("c8")]
    if values.dtype.kind == "c":
        return [values.astype("c8"), values.astype("c16")]
    half = values.dtype.kind == "f" and values.dtype.itemsize == 2
    wanted = [] if half else [values.astype(values.dtype.newbyteorder("="))]
    wanted += [values.astype(t) for t in ("f4", "f8")]
    if values.dtype.kind != "f":
        wanted.append(values != 0)
    return list({w.dtype: w for w in wanted}.values())


class Cases:
    def __init__(self, folder):
        self.folder = folder
        self.list = open(os.path.join(folder, "list"), "w")
        self.values = open(os.path.join(folder, "values"), "wb")
        self.told = []

    def write(self, name, make, **options):
        """A file, made by make(h5py.File, tell); tell(dataset, native=1) tells of each dataset to be read."""
        path, told = os.path.join(self.folder, name), []
        with np.errstate(all="ignore"), h5py.File(path, "w", **options) as file:
            make(file, lambda name, native=1, wrote=None: told.append((name, native, wrote)))
        with np.errstate(all="ignore"), h5py.File(path, "r") as file:
            for dataset, native, wrote in told:
                self.expect(path, file[dataset], native, wrote)

    def expect(self, path, dataset, native, wrote):
        shape = dataset.shape if dataset.shape is not None else (0,)
        found = np.asarray(dataset[()]) if dataset.shape is not None else np.empty(0, dataset.dtype)
        if wrote is not None:
            assert found.tobytes() == np.asarray(wrote).tobytes(), dataset.name
        for values in delivered(found):
            axes = ",".join(str(n) for n in shape) or "scalar"
            self.list.write("%s\t%s\t%s\t%s\t%d\t%d\n" % (path, dataset.name[1:], MSIO_TYPES[values.dtype.name], axes,
                                                          native, self.values.tell()))
            self.values.write(values.tobytes())


# ---------------------------------------------------------------- datasets

def compact(file, name, data):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    kind = h5py.h5t.py_create(data.dtype, logical=True)
    made = h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple(data.shape), plist)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)


def matrix(file, tell, native):
    """Every filter with every type and with every shape."""
    jobs = [(d, ((9, 6, 4), (4, 4, 3), False), f) for d in DTYPES for f in FILTERS]
    jobs += [(d, s, f) for s in SHAPES for f in FILTERS for d in ("<f4", pair("<i4"), ">u2", "?")]
    made = set()
    for seed, (dtype, (shape, chunk, grows), filters) in enumerate(jobs):
        name = "m/%s_%s_%s_%s" % (label(dtype), filters, "x".join(map(str, shape)), "x".join(map(str, chunk)))
        if name in made:
            continue
        made.add(name)
        data = numbers(dtype, shape, seed)
        file.create_dataset(name, data=data, chunks=chunk, maxshape=(None,) * len(shape) if grows else None,
                            **FILTERS[filters])
        tell(name, native, data)
    for seed, (dtype, (shape, _, _)) in enumerate(itertools.product(DTYPES, SHAPES)):
        name = "c/%s_%s" % (label(dtype), "x".join(map(str, shape)))
        if name not in file:
            data = numbers(dtype, shape, seed)
            file[name] = data
            tell(name, native, data)
    for seed, dtype in enumerate(DTYPES):
        for shape in ((5, 3), (2,)):
            name = "p_%s_%d" % (label(dtype), len(shape))
            data = numbers(dtype, shape, seed)
            compact(file, name, data)
            tell(name, 0, data)


def scalars(file, tell):
    for seed, dtype in enumerate(DTYPES):
        data = numbers(dtype, (1,), seed)[0]
        file["scalar_" + label(dtype)] = data
        tell("scalar_" + label(dtype), 1)
    file["null"] = h5py.Empty("f4")
    tell("null", -1)


def fills(file, tell):
    """Chunks that were never written, values that were never allocated."""
    for kind, value in (("<f4", -2.5), (">f8", 1e300), ("<i2", -7), (">u4", 77), ("u1", 255), ("?", True),
                        ("<c8", 3 - 4j), (pair("<i4"), (5, -6)), (">i8", None)):
        fill = None if value is None else np.array(value, dtype=kind)[()]
        for filters in ("none", "shuffle_gzip", "all"):
            name = "fill_%s_%s" % (label(kind), filters)
            data = file.create_dataset(name, (23, 9), kind, chunks=(5, 4), fillvalue=fill, **FILTERS[filters])
            data[6:8, 5:] = numbers(kind, (2, 4), 5)
            data[20:, :2] = numbers(kind, (3, 2), 6)
            tell(name)
            empty = file.create_dataset(name + "_empty", (23, 9), kind, chunks=(5, 4), fillvalue=fill,
                                        **FILTERS[filters])
            assert empty.id.get_storage_size() == 0
            tell(name + "_empty")
        file.create_dataset("late_" + label(kind), (23, 9), kind, fillvalue=fill)
        tell("late_" + label(kind))
    grown = file.create_dataset("grown", (4, 3), "<f4", chunks=(3, 2), maxshape=(None, None), fillvalue=9)
    grown[...] = numbers("<f4", (4, 3), 1)
    grown.resize((9, 8))
    grown[8, 7] = 1
    tell("grown")
    shrunk = file.create_dataset("shrunk", (9, 8), "<f4", chunks=(3, 2), maxshape=(None, None), fillvalue=9)
    shrunk[...] = numbers("<f4", (9, 8), 1)
    shrunk.resize((4, 3))
    tell("shrunk")


def shuffled(data):
    return np.frombuffer(data.tobytes(), "u1").reshape(data.size, -1).T.tobytes()


def masks(file, tell):
    """Each chunk with filters of its own: bit 0 of the mask leaves out shuffle, bit 1 deflate."""
    data = numbers("<f8", (40, 6), 3)
    made = file.create_dataset("masks", data.shape, data.dtype, chunks=(10, 6), shuffle=True, compression="gzip")
    for i in range(4):
        part = np.ascontiguousarray(data[10 * i:10 * i + 10])
        stored = part.tobytes() if i & 1 else shuffled(part)
        made.id.write_direct_chunk((10 * i, 0), stored if i & 2 else zlib.compress(stored), i)
    tell("masks", 1)
    noise = np.random.default_rng(1).integers(0, 256, (64, 100), "u1")
    noise[::3] = 7
    file.create_dataset("lzf_gives_up", data=noise, chunks=(1, 100), compression="lzf")
    tell("lzf_gives_up", 1, noise)


def many(file, tell, native=1):
    """More chunks than a node, and a level, of the index holds."""
    data = numbers("<i2", (1500, 3), 1)
    file.create_dataset("many_rows", data=data, chunks=(1, 3))
    tell("many_rows", native, data)
    file.create_dataset("many_both", data=data, chunks=(2, 1), compression="gzip")
    tell("many_both", native, data)
    other = file.create_dataset("many_backwards", (700, 4), "<f4", chunks=(1, 4), maxshape=(None, 4))
    for i in range(699, -1, -1):
        other[i] = numbers("<f4", (4,), i)
    tell("many_backwards", native)


def truths(file, name, kind, values):
    values = np.array(values, kind)
    enum = h5py.h5t.enum_create(h5py.h5t.py_create(np.dtype(kind)))
    enum.enum_insert(b"FALSE", 0)
    enum.enum_insert(b"TRUE", 1)
    made = h5py.h5d.create(file.id, name.encode(), enum, h5py.h5s.create_simple(values.shape))
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, values, enum)


def enumerations(file, tell):
    for kind in ("i1", "u1", "<i2", ">i4", "<u8"):
        truths(file, "truth_" + label(kind), kind, [[0, 1], [1, 0], [1, 0]])
        tell("truth_" + label(kind), 1)
    kind = h5py.enum_dtype({"A": 0, "B": 5, "C": -3}, basetype=">i2")
    file.create_dataset("enum", data=np.array([5, -3, 0, 5], ">i2"), dtype=kind, chunks=(3,))
    tell("enum", 1)


def elsewhere(file, tell):
    """What only the library reads."""
    folder = os.path.dirname(file.filename)
    data = numbers("<f4", (7, 4, 2), 1)
    outside = os.path.join(folder, "outside")
    file.create_dataset("external", data=data, external=[(outside, 16, data.nbytes)])
    tell("external", 0, data)
    with h5py.File(os.path.join(folder, "source.h5"), "w") as source:
        source["data"] = data
        layout = h5py.VirtualLayout((9, 4, 2), "<f4")
        layout[:7] = h5py.VirtualSource(source["data"])
    file.create_virtual_dataset("virtual", layout, fillvalue=-1)
    tell("virtual", 0, np.concatenate([data, np.full((2, 4, 2), -1, "<f4")]))
    integers = numbers("<i2", (9, 6, 4), 1) % 100
    file.create_dataset("scaled", data=integers, chunks=(4, 4, 3), scaleoffset=0)
    tell("scaled", 0, integers)
    for kind in ("<f2", ">f2"):
        halves = numbers("<f4", (9, 6, 4), 2).astype(kind)
        file.create_dataset("halves_" + label(kind), data=halves, chunks=(4, 4, 3), compression="gzip")
        tell("halves_" + label(kind), 0, halves)
    narrow = h5py.h5t.STD_I32LE.copy()
    narrow.set_precision(12)
    small = numbers("<i4", (6, 5), 1) % 1000
    made = h5py.h5d.create(file.id, b"narrow", narrow, h5py.h5s.create_simple(small.shape))
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, small)
    tell("narrow", 0)


def named(file, tell):
    file["Header/a"] = np.arange(3)
    file["Data/a"] = np.arange(4)
    file["Data/b"] = np.arange(5)
    file["top"] = np.arange(6)
    file["texts"] = np.array([[b"one", b"two "], [b"", b"four"], [b"x", b"y"]], "S6")
    file["words"] = np.array(["alpha", "", "gamma"], dtype=h5py.string_dtype())
    truths(file, "truths8", "u1", [0, 1, 2, 255])
    truths(file, "truths16", ">i2", [0, 1, 256, -1])
    file["record"] = np.zeros(3, [("a", "i4"), ("b", "f4")])


# ---------------------------------------------------------------- to be damaged

def header_stretches(content, at):
    """An object header without its data layout message, that, and in a header of version 2 the bytes that a checksum
    follows."""
    if content[at:at + 4] == b"OHDR":
        flags, head = content[at + 5], 6 if content[at + 5] & 4 else 4
        size, message = 1 << (flags & 3), at + 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0)
        end = message + size + int.from_bytes(content[message:message + size], "little")
        message, sealed = message + size, [("sealed", at, end - at)]
    else:
        end = at + 16 + int.from_bytes(content[at + 8:at + 12], "little")
        message, head, sealed = at + 16, 8, []
    while content[message] != 8:
        message += head + int.from_bytes(content[message + (1 if sealed else 2):][:2], "little")
        assert message < end, "the layout is in the header's first block"
    length = int.from_bytes(content[message + (1 if sealed else 2):][:2], "little")
    start = message + head
    return sealed + [("header", at, start - at), ("layout", start, length),
                     ("header", start + length, end - start - length)]


def stretches(path):
    """Where the dataset's object header, its index and its chunks lie."""
    with h5py.File(path) as file:
        data = file["data"].id
        base = file.userblock_size
        header = h5py.h5o.get_info(data).addr + base
        stored = []
        if file["data"].chunks:
            for i in range(data.get_num_chunks()):
                chunk = data.get_chunk_info(i)
                start = chunk.byte_offset + base
                if stored and sum(stored[-1][1:]) == start:
                    stored[-1] = ("stored", stored[-1][1], stored[-1][2] + chunk.size)
                else:
                    stored.append(("stored", start, chunk.size))
    content = open(path, "rb").read()
    index, at = [], content.find(b"TREE\x01")
    while at >= 0:
        used = content[at + 6] + 256 * content[at + 7]
        index.append(("index", at, min(24 + (used + 1) * 40, len(content) - at)))
        at = content.find(b"TREE\x01", at + 1)
    return header_stretches(content, header) + index + stored


def small_file(folder, out, name, guarded, shape, chunk, filters, dtype="<f4", grows=None, **options):
    path = os.path.join(folder, name)
    with h5py.File(path, "w", **options) as file:
        file.create_dataset("data", data=numbers(dtype, shape, 1), chunks=chunk, maxshape=grows, **FILTERS[filters])
    out.write("\t".join([path, str(int(guarded))] + ["%s\t%d\t%d" % s for s in stretches(path)]) + "\n")


def lies(folder):
    """Chunks that hold more, or less, than they can; axes as long as they come."""
    with h5py.File(os.path.join(folder, "lies.h5"), "w") as file:
        bomb = file.create_dataset("bomb", (1000,), "u1", chunks=(1000,), compression="gzip")
        bomb.id.write_direct_chunk((0,), zlib.compress(bytes(64 << 20)))
        shuffled = file.create_dataset("shuffled_bomb", (250,), "<f4", chunks=(250,), compression="gzip", shuffle=True)
        shuffled.id.write_direct_chunk((0,), zlib.compress(bytes(64 << 20)))
        for name, filters in (("huge_gzip", {"compression": "gzip"}), ("huge_lzf", {"compression": "lzf"}),
                              ("huge_plain", {}), ("huge_shuffle", {"shuffle": True, "fletcher32": True})):
            huge = file.create_dataset(name, (1 << 28,), "<f4", chunks=(1 << 28,), **filters)
            huge.id.write_direct_chunk((0,), zlib.compress(bytes(1000)))
        file.create_dataset("long", (1 << 60,), "<f8")
        file.create_dataset("wide", (2, 1 << 59), "<f8")
        file.create_dataset("longest", ((1 << 63) - 1,), "u1", chunks=(1 << 20,))
        file.create_dataset("long_chunks", (1 << 62,), "<f8", chunks=(1000,))


def linked(folder):
    """A dataset in another file, where something else stands at its address in the first."""
    with h5py.File(os.path.join(folder, "linked_to.h5"), "w") as file:
        file["flat"] = np.arange(1000, 1100, dtype="<f8")
        file.create_dataset("chunked", data=np.arange(1000, 1100, dtype="<f8"), chunks=(50,))
    with h5py.File(os.path.join(folder, "linked.h5"), "w") as file:
        file["here/own"] = np.arange(1000, dtype="<f8")
        for name in "flat", "chunked":
            file["here/" + name] = h5py.ExternalLink("linked_to.h5", "/" + name)


def small(folder):
    with open(os.path.join(folder, "small.list"), "w") as out, np.errstate(all="ignore"):
        old, new = {"libver": "earliest"}, {"libver": "latest"}
        small_file(folder, out, "plain.h5", False, (40,), (10,), "none", **old)
        small_file(folder, out, "lzf.h5", False, (30, 6), (12, 4), "lzf", **old)
        small_file(folder, out, "gzip.h5", True, (30, 6), (12, 4), "shuffle_gzip", **old)
        small_file(folder, out, "fletcher.h5", True, (30, 6), (12, 4), "fletcher", dtype="<i4", **old)
        small_file(folder, out, "block.h5", True, (30, 6), (12, 4), "all", userblock_size=512, **old)
        small_file(folder, out, "deep.h5", False, (150,), (1,), "none", **old)
        small_file(folder, out, "flat.h5", False, (30, 6), None, "none", **old)
        small_file(folder, out, "flat_block.h5", False, (30, 6), None, "none", userblock_size=512, **old)
        small_file(folder, out, "new.h5", True, (30, 6), (12, 4), "shuffle_gzip", **new)
        small_file(folder, out, "new_one.h5", True, (30, 6), (30, 6), "shuffle_gzip", **new)
        small_file(folder, out, "new_grows.h5", True, (30, 6), (12, 4), "shuffle_gzip", grows=(None, 6), **new)
        small_file(folder, out, "new_free.h5", True, (30, 6), (12, 4), "shuffle_gzip", grows=(None, None), **new)
        small_file(folder, out, "new_flat.h5", False, (30, 6), None, "none", **new)
    lies(folder)
    linked(folder)


def main():
    if sys.argv[1] == "--small":
        return small(sys.argv[2])
    cases = Cases(sys.argv[1])
    # addresses in a file with a user block are known of the oldest index alone
    for name, options, native in (("earliest", {"libver": "earliest"}, 1), ("latest", {"libver": "latest"}, 1),
                                  ("block", {"libver": "earliest", "userblock_size": 512}, 1),
                                  ("latest_block", {"libver": "latest", "userblock_size": 1024}, -1)):
        old = options["libver"] == "earliest"
        cases.write(name + ".h5", lambda file, tell: matrix(file, tell, native), **options)
        cases.write(name + "_scalars.h5", lambda f, tell: scalars(f, lambda n, c, w=None: tell(n, c if old else -1, w)),
                    **options)
        cases.write(name + "_fills.h5", lambda f, tell: fills(f, lambda n, c=-1, w=None: tell(n, 1 if old else -1, w)),
                    **options)
        cases.write(name + "_masks.h5", lambda f, tell: masks(f, lambda n, c, w=None: tell(n, 1 if old else -1, w)),
                    **options)
        cases.write(name + "_many.h5", lambda f, tell: many(f, tell, 1 if old else -1), **options)
        cases.write(name + "_truths.h5", lambda f, tell: enumerations(f, lambda n, c: tell(n, native)), **options)
        cases.write(name + "_elsewhere.h5", elsewhere, **options)
    cases.write("named.h5", named)


if __name__ == "__main__":
    main()
