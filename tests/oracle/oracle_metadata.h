// oracle_metadata.h - what msio's caches say of a Measurement Set, against what casacore says of it now.
#ifndef MSIO_TESTS_ORACLE_METADATA_H
#define MSIO_TESTS_ORACLE_METADATA_H

#include "msio/cache.h"

#include <casacore/tables/Tables/Table.h>

namespace oracle {

// Every value of the metadata, and the row index, against the tables. Differences are counted by oracle_check.h.
void check_metadata(const msio_metadata &metadata, const casacore::Table &main);
void check_row_index(const msio_metadata &metadata, const casacore::Table &main);

} // namespace oracle
#endif
