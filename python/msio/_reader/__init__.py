"""The reading half of python-casacore's tables, where it is not installed (see README.md)."""
from ._table import table
from ._views import tablecolumn, tableiter, tablerow

__all__ = ["table", "tablecolumn", "tableiter", "tablerow"]
