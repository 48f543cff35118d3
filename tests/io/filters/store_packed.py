#!/usr/bin/python3
"""store_packed.py - chunks that LZ4, Zstandard, Blosc and bitshuffle packed, and what they hold: test_hdf5_packed's oracle.

    store_packed.py CASES ANSWER     the answer is as that of store_chunks.py

LZ4 and Blosc: packed and read by HDF5 with the plugins that Debian has. Bitshuffle and Zstandard, of which Debian has no
plugin: packed here, bit by bit, with python3-lz4 and python3-zstandard; what damaged chunks give is asked of these too.
"""
import itertools
import struct

import h5py
import lz4.block
import numpy as np
import zstandard

import store_chunks
from store_chunks import numbers, read, tell, write_case

SHUFFLE, FLETCHER, BLOSC, LZ4, BITSHUFFLE, ZSTD = 2, 3, 32001, 32004, 32008, 32015
TYPES = ("u1", "<i2", "<f4", "<f8", "<c16", "V3", "V11")
NONE, WITH_LZ4, WITH_ZSTD = 0, 2, 3


# ---------------------------------------------------------------- packing, by the book

def default_block(size):
    return max(8192 // size // 8 * 8, 128)


def turn(block, size):
    """Bits of n elements: all of one place in an element side by side, from the least significant one of byte 0 on."""
    bits = np.unpackbits(np.frombuffer(block, "u1").reshape(-1, size), axis=1, bitorder="little")
    return np.packbits(bits.T, axis=1, bitorder="little").tobytes()


def turn_back(block, size):
    bits = np.unpackbits(np.frombuffer(block, "u1").reshape(8 * size, -1), axis=1, bitorder="little")
    return np.packbits(bits.T, axis=1, bitorder="little").tobytes()


def pack_block(data, codec):
    if codec == NONE:
        return data
    packed = lz4.block.compress(data, store_size=False) if codec == WITH_LZ4 else zstandard.ZstdCompressor().compress(data)
    return struct.pack(">I", len(packed)) + packed


def unpack_block(stored, n, codec):
    """The block's bytes, and what is behind it."""
    if codec == NONE:
        return stored[:n], stored[n:]
    length, = struct.unpack(">I", stored[:4])
    stored, rest = stored[4:4 + length], stored[4 + length:]
    if codec == WITH_LZ4:
        block = lz4.block.decompress(stored, uncompressed_size=n)
    else:
        block = zstandard.ZstdDecompressor().decompress(stored, max_output_size=n)
    if len(stored) != length or len(block) != n:
        raise ValueError("no block")
    return block, rest


def bitshuffle(data, size, block, codec):
    block = (block or default_block(size)) * size
    whole = len(data) // (8 * size) * 8 * size
    out = b"" if codec == NONE else struct.pack(">QI", len(data), block)
    for i in range(0, whole, block):
        out += pack_block(turn(data[i:min(i + block, whole)], size), codec)
    return out + data[whole:]


def unbitshuffle(stored, size, block, codec):
    total, block = len(stored), block * size
    if codec != NONE:
        total, block = struct.unpack(">QI", stored[:12])
        stored = stored[12:]
    block = block // size * size or default_block(size) * size
    if block // size % 8 or total % size or total > 1 << 20:
        raise ValueError("sizes")
    out, whole = b"", total // (8 * size) * 8 * size
    while len(out) < whole:
        data, stored = unpack_block(stored, min(block, whole - len(out)), codec)
        out += turn_back(data, size)
    return out + stored[:total - whole]


def unlz4(stored, *_):
    total, block = struct.unpack(">QI", stored[:12])
    stored, out = stored[12:], b""
    if total > 1 << 20 or not block:
        raise ValueError("sizes")
    while len(out) < total:
        block = min(block, total - len(out))
        if struct.unpack(">I", stored[:4])[0] == block:
            out += stored[4:4 + block]
            stored = stored[4 + block:]
        else:
            data, stored = unpack_block(stored, block, WITH_LZ4)
            out += data
    return out


def unzstd(stored, *_):
    return zstandard.ZstdDecompressor().decompress(stored, max_output_size=1 << 20)


# ---------------------------------------------------------------- through HDF5

def make(data, filters):
    """A dataset of one chunk; filters: numbers, each with what its user says."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(data.shape)
    for number, values in filters:
        if number == SHUFFLE:
            plist.set_shuffle()
        elif number == FLETCHER:
            plist.set_fletcher32()
        else:
            plist.set_filter(number, h5py.h5z.FLAG_OPTIONAL, values)
    return h5py.h5d.create(store_chunks.file.id, None, h5py.h5t.py_create(data.dtype),
                           h5py.h5s.create_simple(data.shape), plist)


def store(data, filters):
    dset = make(data, filters)
    dset.write(h5py.h5s.ALL, h5py.h5s.ALL, data, dset.get_type())
    mask, stored = dset.read_direct_chunk((0,))
    return dset, mask, stored


def around(packer):
    """The packer alone, and with HDF5's own filters before and behind it."""
    return [(packer,), ((SHUFFLE, ()), packer), (packer, (FLETCHER, ())), ((SHUFFLE, ()), packer, (FLETCHER, ()))]


def store_all(packers):
    for packer in packers:
        for filters, dtype in itertools.product(around(packer), TYPES):
            for n, kind in itertools.product((1, 7, 67, 1000, 9001), ("steps", "noise", "zeros")):
                data = numbers(dtype, n, kind)
                dset, mask, stored = store(data, filters)
                assert read(dset, data) == data.tobytes()
                tell(dset, data, mask, stored, data.tobytes())


def lz4_by_hdf5():
    store_all([(LZ4, values) for values in ((), (64,), (1000,), (1 << 20,))])


def blosc_by_hdf5():
    store_all([(BLOSC, (0, 0, 0, 0, level, shuffle, codec))
               for level, shuffle, codec in itertools.product((0, 5), (0, 1, 2), range(6))])


# ---------------------------------------------------------------- by our own packing

def bitshuffles():
    """The client data that the filter writes for each type, the size of a block and the codec."""
    for size, block, codec in itertools.product((1, 2, 4, 8, 16, 3, 11), (0, 8, 64, 1000, 8192), (NONE, WITH_LZ4, WITH_ZSTD)):
        yield (BITSHUFFLE, (0, 3, size, block) + ((codec,) if codec else ())), size, block, codec


def bitshuffled():
    for packer, size, block, codec in bitshuffles():
        for n, kind in itertools.product((1, 7, 8, 67, 1000, 9001), ("steps", "noise")):
            data = numbers("V%d" % size, n, kind).tobytes()
            write_case([packer], len(data), 0, bitshuffle(data, size, block, codec), data)


def with_others():
    """HDF5's own filters before and behind, as HDF5 runs them: what is behind sees bytes. Masks leave out all, or the last."""
    data = numbers("<f4", 1003, "steps")
    shuffled = data.view("u1").reshape(-1, 4).T.tobytes()
    packers = [((BITSHUFFLE, (0, 3, 4, 64, c)), lambda b, c=c: bitshuffle(b, 4, 64, c)) for c in (NONE, WITH_LZ4, WITH_ZSTD)]
    packers += [((ZSTD, values), lambda b: zstandard.ZstdCompressor().compress(b)) for values in ((), (3,))]
    for (packer, pack), first, last in itertools.product(packers, (False, True), (False, True)):
        stored = pack(shuffled if first else data.tobytes())
        filters = [(SHUFFLE, (4,))] * first + [packer]
        if last:
            filters.append((FLETCHER, ()))
            stored = store_chunks.store(np.frombuffer(stored, "u1"), (FLETCHER,))[2]
        write_case(filters, data.nbytes, 0, stored, data.tobytes())
        write_case(filters, data.nbytes, (1 << len(filters)) - 1, data.tobytes(), data.tobytes())
        if last:
            write_case(filters, data.nbytes, 1 << len(filters) - 1, stored[:-4], data.tobytes())


def zstandards():
    for dtype, n, kind in itertools.product(TYPES, (1, 67, 1000, 200001), ("steps", "noise", "zeros")):
        data = numbers(dtype, n, kind).tobytes()
        for how in ({}, {"level": 19}, {"write_checksum": True}, {"write_content_size": False}, {"threads": 2}):
            write_case([(ZSTD, (3,))], len(data), 0, zstandard.ZstdCompressor(**how).compress(data), data)


# ---------------------------------------------------------------- damaged

def small():
    """Small chunks: filters, stored bytes, the chunk, and who undoes them."""
    data = numbers("<f4", 83, "steps").tobytes()
    for codec, block in itertools.product((NONE, WITH_LZ4, WITH_ZSTD), (0, 16)):
        yield ((BITSHUFFLE, (0, 3, 4, block, codec)), bitshuffle(data, 4, block, codec), data,
               lambda b, block=block, codec=codec: unbitshuffle(b, 4, block, codec))
    for size in (64, 4000):
        yield (LZ4, (size,)), store(np.frombuffer(data, "<f4"), [(LZ4, (size,))])[2], data, unlz4
    for how in ({}, {"write_checksum": True}):
        yield (ZSTD, (3,)), zstandard.ZstdCompressor(**how).compress(data), data, unzstd


def undone(undo, stored, n):
    """What a chunk holds; None where it is none."""
    try:
        found = undo(stored)
    except (ValueError, RuntimeError, MemoryError, struct.error, zstandard.ZstdError, lz4.block.LZ4BlockError):
        return None
    return found if len(found) == n else None


def changed():
    """Every byte changed in several ways."""
    for packer, stored, data, undo in small():
        for i, change in itertools.product(range(len(stored)), (1, 2, 0x10, 0x80, 0xff)):
            other = stored[:i] + bytes((stored[i] ^ change,)) + stored[i + 1:]
            write_case([packer], len(data), 0, other, undone(undo, other, len(data)))


def cut():
    """Cut after every byte: never a chunk."""
    for packer, stored, data, undo in small():
        for n in range(len(stored)):
            write_case([packer], len(data), 0, stored[:n], None)


def bloscs():
    data = numbers("<f4", 300, "steps")
    for shuffle, codec in itertools.product((0, 1, 2), range(6)):
        dset, mask, stored = store(data, [(BLOSC, (0, 0, 0, 0, 9, shuffle, codec))])
        yield (BLOSC, dset.get_create_plist().get_filter(0)[2]), stored, data.tobytes()


def blosc_cut():
    for packer, stored, data in bloscs():
        for n in range(len(stored)):
            write_case([packer], len(data), 0, stored[:n], None)


def blosc_changed():
    """The chunk itself is the answer, though another may come: nobody else says what damaged ones hold."""
    for packer, stored, data in bloscs():
        for i, change in itertools.product(range(len(stored)), (1, 0x80, 0xff)):
            write_case([packer], len(data), 0, stored[:i] + bytes((stored[i] ^ change,)) + stored[i + 1:], data)


if __name__ == "__main__":
    store_chunks.run((lz4_by_hdf5, blosc_by_hdf5, bitshuffled, with_others, zstandards, changed, cut, blosc_cut,
                      blosc_changed))
