"""Selections of rows, channels and correlations in numpy's words."""
import operator

import numpy as np

from ._errors import RangeError


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
    try:
        at = operator.index(None if isinstance(wanted, bool) else wanted)
    except TypeError:
        raise TypeError(f"{what} has to be a slice, an integer or None, not {wanted!r}") from None
    at += size if at < 0 else 0
    if not 0 <= at < size:
        raise RangeError(f"{what}: {wanted} is asked for; there are {size}")
    return at, 1, 1


def integers(wanted, what, kind=np.int64):
    """A one-dimensional array of integers; nothing is rounded, and nothing wraps."""
    given = np.atleast_1d(np.asarray(wanted))
    if given.size == 0:
        return np.zeros(0, kind)
    if given.dtype == object and all(isinstance(one, int) for one in given.ravel()):  # beyond 64 bits
        raise RangeError(f"{what}: {max(given.ravel(), key=abs)} is asked for, more than there can be")
    if given.ndim > 1 or given.dtype.kind not in "iu":
        raise TypeError(f"{what} have to be integers in one dimension, not {given.dtype} in {given.ndim}")
    if given.max() > np.iinfo(kind).max or given.min() < np.iinfo(kind).min:
        raise RangeError(f"{what}: {given.max()} is asked for, more than there can be")
    return given.astype(kind)


def rows(wanted, total):
    """Rows as the extension takes them: None, a slice, an int, or an array of int64, of a mask where it is true.

    `total` is a function that tells how many there are; it is called for a mask only.
    """
    if wanted is None or isinstance(wanted, slice):
        return wanted
    given = np.asarray(wanted)
    if given.dtype == bool:
        if given.shape != (total(),):
            raise RangeError(f"rows is a mask of shape {given.shape}; there are {total()} rows")
        return np.flatnonzero(given)
    return operator.index(wanted) if given.ndim == 0 and given.dtype.kind in "iu" else integers(given, "rows")


def positive(wanted, what):
    """A number above 0 as it is, and 0 for None."""
    if wanted is None:
        return 0
    if operator.index(wanted) < 1:
        raise ValueError(f"{what} is {wanted}: it has to be at least 1, or None")
    return operator.index(wanted)
