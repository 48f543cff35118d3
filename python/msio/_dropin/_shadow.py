"""Shadow reads: casacore reads a share of what msio serves as well, and where the two differ its answer is given."""
import logging
import os
import random
import weakref

import numpy as np

from ._counting import served

log = logging.getLogger("msio")


def _share_of_environment():
    text = os.environ.get("MSIO_SHADOW", "0")
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if 0 <= share <= 1:
        return share
    log.warning("MSIO_SHADOW is %s: it has to be a number from 0 to 1; nothing is compared", text)
    return 0.0


#: Share of the served calls that casacore reads too; see `msio.tables.shadow`.
share = _share_of_environment()
_chance = random.Random()  # the program's own, which it may have seeded, is left alone


def is_due():
    """Whether casacore is to read this call too."""
    return share > 0 and _chance.random() < share


def compared(method, table, file, arguments, ours, theirs):
    """The answer to be given: ours, or casacore's where this call is compared and the two differ."""
    if not is_due():
        return ours
    expected = theirs(table, *arguments)
    return ours if agree(method, file, arguments, ours, expected) else expected


def agree(method, file, arguments, ours, expected):
    """Whether the two answers are equal; where they are not it is logged and counted."""
    if same(ours, expected):
        return True
    log.error("msio and casacore differ in %s%r of %s: %s", method, arguments, file.path, _difference(ours, expected))
    served[method, "differed from casacore"] += 1
    return False


def _difference(ours, expected):
    """Where two answers first differ, and how: words for the log."""
    if isinstance(ours, dict) and isinstance(expected, dict):
        if list(ours) != list(expected):
            return f"msio has {list(ours)}, casacore {list(expected)}"
        key = next(key for key in ours if not same(ours[key], expected[key]))
        return f"{key}: {_difference(ours[key], expected[key])}"
    a, b = np.asarray(ours), np.asarray(expected)
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"msio has {a.dtype} {list(a.shape)}, casacore {b.dtype} {list(b.shape)}"
    unequal = np.argwhere((a != b) & ((a == a) | (b == b)))
    first = tuple(map(int, unequal[0]))
    return (f"{len(unequal)} of {a.size} values, the first at {list(first)}: msio has {a[first]!r}, "
            f"casacore {b[first]!r}")


def same(a, b):
    """Whether two answers are equal: values, NaNs, types, shapes."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() or \
        a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


class Reader:
    """A reader of cells some of which casacore reads too; used as the reader itself."""

    __slots__ = ("_reader", "_table", "_file", "_name", "_casacore")

    def __init__(self, reader, table, file, name, casacore):
        self._reader, self._file, self._name, self._casacore = reader, file, name, casacore
        self._table = weakref.ref(table)  # which holds this

    def __call__(self, rownr):
        value = self._reader(rownr)
        return value if value is None else self.compared(value, rownr)

    def compared(self, value, rownr):
        return compared("getcell", self._table(), self._file, (self._name, rownr), value, self._casacore)

    served = property(lambda self: self._reader.served)
    places = property(lambda self: self._reader.places)
    counted = property(lambda self: self._reader.counted, lambda self, calls: setattr(self._reader, "counted", calls))
