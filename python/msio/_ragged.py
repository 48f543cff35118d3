"""Cells that differ in shape, and strings, as the extension takes them."""
import numpy as np

MOST_AXES = 8
# casacore's types as numpy has them
DTYPES = {"Bool": "?", "Char": "i1", "uChar": "u1", "Short": "i2", "uShort": "u2", "Int": "i4", "uInt": "u4",
          "Int64": "i8", "Float": "f4", "Double": "f8", "Complex": "c8", "DComplex": "c16"}


def are_ragged(values, dtype, casting):
    """Whether values are one cell an entry, rather than one array for all."""
    if dtype is None:
        return True
    if isinstance(values, np.ndarray):
        return values.dtype == object
    return casting is None and isinstance(values, (list, tuple))


def cells_of(values, dtype, convertible, column):
    """(ndims, shapes, defined, data, texts) of cells; dtype None: of strings. None among the values is left alone.

    convertible: makes an entry an array of the column's type, or one that may become it; raises where it may not.
    """
    values = list(values)
    ndims = np.zeros(len(values), np.int8)
    shapes = np.zeros((len(values), MOST_AXES), np.int64)
    defined = np.array([value is not None for value in values], bool)
    found = []
    for i, value in enumerate(values):
        if value is None:
            continue
        array = _text(value, column) if dtype is None else convertible(value)
        if array.ndim > MOST_AXES:
            raise ValueError(f"a cell of {array.ndim} axes for column {column}; msio handles {MOST_AXES}")
        ndims[i] = array.ndim
        shapes[i, :array.ndim] = array.shape
        found.append(array.ravel())
    if dtype is None:
        texts = [text.encode("utf-8", "surrogateescape") for array in found for text in array]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        return ndims, shapes, defined, b"".join(texts), ends
    data = np.concatenate([array.astype(dtype, copy=False) for array in found]) if found else np.zeros(0, dtype)
    return ndims, shapes, defined, np.ascontiguousarray(data), None


def _text(value, column):
    array = np.array(value, dtype=object)
    if not all(isinstance(text, str) for text in array.flat):
        raise TypeError(f"column {column} holds strings: its cells are str, or lists and arrays of str, not {value!r}")
    return array
