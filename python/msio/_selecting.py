"""Selections of rows, channels and correlations in the words of slices."""
import operator


def axis(wanted, size, what):
    """(start, count, step) of a slice, an int or None over an axis of `size` elements."""
    if wanted is None:
        return 0, -1, 1
    if isinstance(wanted, slice):
        start, stop, step = wanted.indices(size)
        if step < 1:
            raise ValueError(f"{what} has step {step}: it must be at least 1")
        count = max(0, (stop - start + step - 1) // step)
        return (start if count else 0), count, step
    at = operator.index(wanted)
    at += size if at < 0 else 0
    if not 0 <= at < size:
        raise IndexError(f"{what} {wanted} is asked for; there are {size}")
    return at, 1, 1
