#!/usr/bin/python3
"""store_chunks.py - chunks as HDF5 stores them, and what it reads from them: the oracle of test_hdf5_filters.

    store_chunks.py CASES ANSWER

Each case in the answer: five numbers (filters, mask, bytes of a chunk, stored bytes, whether HDF5 reads it), for each
filter its number, how many client values it has and these, the stored bytes, and where HDF5 reads it the chunk. 999
filters end it.
"""
import itertools
import struct
import sys
import zlib

import h5py
import numpy as np

DEFLATE, SHUFFLE, FLETCHER, LZF = 1, 2, 3, 32000
file = h5py.File("none.h5", "w", driver="core", backing_store=False, rdcc_nbytes=0)
out = None


def make(data, filters, name=None):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(data.shape)
    for f in filters:
        if f == DEFLATE:
            plist.set_deflate(4)
        elif f == SHUFFLE:
            plist.set_shuffle()
        elif f == FLETCHER:
            plist.set_fletcher32()
        else:
            plist.set_filter(LZF, h5py.h5z.FLAG_OPTIONAL)
    return h5py.h5d.create(file.id, name, h5py.h5t.py_create(data.dtype), h5py.h5s.create_simple(data.shape), plist)


def read(dset, data):
    """The dataset's bytes, None where HDF5 refuses it."""
    found = np.empty_like(data)
    try:
        dset.read(h5py.h5s.ALL, h5py.h5s.ALL, found, dset.get_type())
    except (OSError, RuntimeError):
        return None
    return found.tobytes()


def write_case(filters, nbytes, mask, stored, found):
    """filters: numbers, each with its client values."""
    out.write(struct.pack("<5I", len(filters), mask, nbytes, len(stored), found is not None))
    for number, values in filters:
        out.write(struct.pack("<%dI" % (2 + len(values)), number, len(values), *values))
    out.write(stored + (found or b""))


def tell(dset, data, mask, stored, found):
    plist = dset.get_create_plist()
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    write_case([(f[0], f[2]) for f in filters], data.nbytes, mask, stored, found)


def tell_stored(dset, data, mask, stored):
    """Puts the bytes into the dataset's chunk. Returns what HDF5 reads."""
    dset.write_direct_chunk((0,), stored, mask)
    found = read(dset, data)
    tell(dset, data, mask, stored, found)
    return found


def store(data, filters):
    """The dataset, the chunk's mask, its stored bytes."""
    dset = make(data, filters)
    dset.write(h5py.h5s.ALL, h5py.h5s.ALL, data, dset.get_type())
    mask, stored = dset.read_direct_chunk((0,))
    return dset, mask, stored


def numbers(dtype, n, kind):
    size = np.dtype(dtype).itemsize
    raw = {"noise": lambda: np.random.default_rng(n).integers(0, 256, n * size), "zeros": lambda: np.zeros(n * size),
           "ones": lambda: np.full(n * size, 255), "steps": lambda: np.arange(n * size) // size // 3 % 5}[kind]()
    return np.frombuffer(raw.astype("u1").tobytes(), dtype)


# ---------------------------------------------------------------- cases

def pipelines():
    for pack in ((), (LZF,), (DEFLATE,), (DEFLATE, LZF)):
        for more in ((), (SHUFFLE,), (FLETCHER,), (SHUFFLE, FLETCHER), (FLETCHER, FLETCHER, SHUFFLE)):
            yield from sorted(set(itertools.permutations(pack + more)))


def all_pipelines():
    """Noise is what LZF gives up on; a checksum before a shuffle leaves bytes beyond the last whole element."""
    for filters in pipelines():
        for dtype in ("u1", "<i2", "<f4", "<f8", "<c16", "V3", "V11"):
            if len(filters) > 3 and dtype not in ("<f8", "V3"):
                continue
            for n, kind in itertools.product((1, 2, 67, 1000), ("steps", "noise")):
                data = numbers(dtype, n, kind)
                dset, mask, stored = store(data, filters)
                assert read(dset, data) == data.tobytes()
                tell(dset, data, mask, stored, data.tobytes())


def checksums():
    """The checksum with its bytes in all orders that some machine might have; HDF5 takes two of them."""
    for dtype, kind in itertools.product(("u1", "<f4"), ("noise", "zeros", "ones", "steps")):
        for n in (1, 2, 255, 256, 257, 511, 512, 513, 720, 721, 5001, 70001):
            data = numbers(dtype, n, kind)
            dset, mask, stored = store(data, (FLETCHER,))
            for order in ((0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)):
                found = tell_stored(dset, data, 0, stored[:-4] + bytes(stored[i - 4] for i in order))
                assert order > (1, 0, 3, 2) or found == data.tobytes()


def masks():
    """Bits beyond the filters that there are mean nothing. HDF5 1.10 knows the mask after it opened the dataset again."""
    data = numbers("<f4", 100, "steps")
    raw, shuffled = data.tobytes(), data.view("u1").reshape(-1, 4).T.tobytes()
    for mask, beyond in itertools.product(range(8), (0, 0x50)):
        stored = raw if mask & 1 else shuffled
        stored = stored if mask & 2 else zlib.compress(stored)
        stored = stored if mask & 4 else store(np.frombuffer(stored, "u1"), (FLETCHER,))[2]
        make(data, (SHUFFLE, DEFLATE, FLETCHER), b"masked").write_direct_chunk((0,), stored, mask | beyond)
        dset = h5py.h5d.open(file.id, b"masked")
        assert read(dset, data) == raw
        tell(dset, data, mask | beyond, stored, raw)
        del file["masked"]


def changes():
    """Every byte of small chunks changed."""
    for filters in ((SHUFFLE,), (LZF,), (DEFLATE,), (FLETCHER,), (SHUFFLE, LZF), (SHUFFLE, DEFLATE), (LZF, FLETCHER),
                    (SHUFFLE, LZF, FLETCHER), (FLETCHER, DEFLATE), (DEFLATE, LZF)):
        data = numbers("<f4", 50, "steps")
        dset, mask, stored = store(data, filters)
        for i, change in itertools.product(range(len(stored)), (1, 0x10, 0x80, 0xff)):
            tell_stored(dset, data, mask, stored[:i] + bytes((stored[i] ^ change,)) + stored[i + 1:])


def cuts():
    """Chunks cut after every byte. HDF5 itself is not asked: it reads beyond the end of some."""
    for filters in ((), (SHUFFLE,), (LZF,), (DEFLATE,), (FLETCHER,), (SHUFFLE, LZF), (SHUFFLE, DEFLATE, FLETCHER)):
        data = numbers("<f4", 50, "steps")
        dset, mask, stored = store(data, filters)
        for n in range(len(stored)):
            tell(dset, data, mask, stored[:n], None)


def run(cases):
    """The case that the command names, into the file that it names."""
    global out
    with open(sys.argv[2], "wb") as out:
        {c.__name__: c for c in cases}[sys.argv[1]]()
        out.write(struct.pack("<5I", 999, 0, 0, 0, 0))


if __name__ == "__main__":
    run((all_pipelines, checksums, masks, changes, cuts))
