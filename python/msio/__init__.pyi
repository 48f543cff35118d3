from ._errors import (ArgumentError as ArgumentError, CancelledError as CancelledError, CasacoreError as CasacoreError,
                      ChangedError as ChangedError, ColumnError as ColumnError, CopyWarning as CopyWarning,
                      Error as Error,
                      FormatError as FormatError, InterruptedWriteError as InterruptedWriteError,
                      LockedError as LockedError, NotFoundError as NotFoundError,
                      OutOfMemoryError as OutOfMemoryError, RangeError as RangeError, ReadError as ReadError,
                      ShapeError as ShapeError, SizeError as SizeError, UndefinedError as UndefinedError,
                      UnsupportedError as UnsupportedError, ViewWarning as ViewWarning)
from . import dask as dask, plot as plot, tables as tables
from ._msio import Table as Table, View as View
from .adding import add_columns as add_columns, add_rows as add_rows
from .converting import (Converted as Converted, convert as convert, export_uvh5 as export_uvh5,
                         write_ms as write_ms)
from .meta import Flags as Flags, Metadata as Metadata, flags as flags, metadata as metadata
from .patching import patch_casacore as patch_casacore, unpatch_casacore as unpatch_casacore
from .profiling import (Profile as Profile, install_profiling as install_profiling, profile as profile,
                        verify as verify)
from .reading import read as read, stream as stream
from .simulating import simulate_ms as simulate_ms, simulate_uvh5 as simulate_uvh5
from .subbands import (Group as Group, Subbands as Subbands, check as check, groups as groups, load as load,
                       load_stream as load_stream, uvh5_header as uvh5_header)
from .uvdata import read_uvdata as read_uvdata
from .visibilities import (Density as Density, Stats as Stats, density as density, extend_flags as extend_flags, map as map, model as model,
                           stats as stats)
from .writing import (copy as copy, fill as fill, repair as repair, stream_write as stream_write, write as write)

__version__: str
