"""bench_checksum.py - the checksum by which the results of all readers are compared."""
import numpy as np


def checksum(a):
    """As bench_raw.c's: 64-bit words times 1, 3, 5, ...; the last one filled with zeros."""
    data = np.ascontiguousarray(a).reshape(-1).view(np.uint8)
    whole, step, total = data.size // 8, 1 << 20, 0
    words = data[:whole * 8].view(np.uint64)
    for at in range(0, whole, step):
        part = words[at:at + step]
        factors = np.arange(at, at + part.size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        total += int((part * factors).sum(dtype=np.uint64))
    total += int.from_bytes(data[whole * 8:].tobytes(), "little") * (2 * whole + 1)
    return total % 2**64
