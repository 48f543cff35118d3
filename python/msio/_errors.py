"""msio's exceptions: all are RuntimeErrors, as python-casacore's are, and of the kind that Python has for the case."""


class Error(RuntimeError):
    """Something msio could not do.

    Attributes
    ----------
    code : str
        The library's name of the case: "E_RANGE", "E_LOCKED", ...
    path : str
        The file or table concerned; "" where there is none.
    """

    code = ""
    path = ""


class ArgumentError(Error, ValueError):
    """An argument contradicts its description."""


class OutOfMemoryError(Error, MemoryError):
    """No memory, or a size that cannot be represented."""


class NotFoundError(Error, FileNotFoundError):
    """No table, file or subtable of that name."""

    __str__ = BaseException.__str__


class ReadError(Error, OSError):
    """The system refused a read, a stat, a lock."""

    __str__ = BaseException.__str__


class FormatError(Error):
    """The file contradicts its format: damaged, or not what it claims to be."""


class UnsupportedError(Error, NotImplementedError):
    """Sound, but nothing here can read it."""


class ColumnError(Error, KeyError):
    """The table has no column of that name."""

    __str__ = BaseException.__str__


class RangeError(Error, IndexError):
    """Rows, channels or correlations beyond what there is."""


class ShapeError(Error, ValueError):
    """One array was asked for, and the wanted cells differ in shape."""


class UndefinedError(Error):
    """A wanted cell was never written."""


class SizeError(Error, ValueError):
    """The memory, or its limit, is too small for the answer."""


class LockedError(Error, TimeoutError):
    """Another process kept its write lock longer than the time limit."""

    __str__ = BaseException.__str__


class ChangedError(Error):
    """The table or file changed while it was read, also when tried again."""


class CancelledError(Error):
    """The read was stopped."""


class CasacoreError(Error):
    """casacore is needed and missing, or it failed."""


class InterruptedWriteError(Error):
    """A wanted cell may be half new: a write was cut short there. `msio repair` mends it."""


class CopyWarning(UserWarning):
    """`msio.read(..., copy=False)` could not show the cells where they lie, and copied them; it says why."""


class ViewWarning(RuntimeWarning):
    """A file was written, replaced, removed or cut while an array showed it: what was read of it may be wrong."""


by_code = {
    "E_ARGUMENT": ArgumentError, "E_MEMORY": OutOfMemoryError, "E_NOT_FOUND": NotFoundError, "E_IO": ReadError,
    "E_FORMAT": FormatError, "E_UNSUPPORTED": UnsupportedError, "E_NO_COLUMN": ColumnError, "E_RANGE": RangeError,
    "E_SHAPE": ShapeError, "E_UNDEFINED": UndefinedError, "E_SIZE": SizeError, "E_LOCKED": LockedError,
    "E_CHANGED": ChangedError, "E_CANCELLED": CancelledError, "E_CASACORE": CasacoreError,
    "E_INTERRUPTED": InterruptedWriteError,
}

__all__ = ["CopyWarning", "Error", "ViewWarning", *sorted({cls.__name__ for cls in by_code.values()})]
