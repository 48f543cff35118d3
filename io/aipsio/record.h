/* record.h - keyword records: parsed from AipsIO, looked up by name. */
#ifndef MSIO_IO_RECORD_H
#define MSIO_IO_RECORD_H

#include "io/aipsio/aipsio.h"
#include "msio/io.h"

struct msio_record {
    int count;
    msio_field *field;
};

/* A Record or TableRecord object (or one of the old keyword sets, which are refused); never NULL: an empty record
 * after a failure. */
msio_record *msio_record_parse(msio_aips *a);

/* Appends the fields of `more`, replacing equal names. */
void msio_record_merge(msio_aips *a, msio_record *record, const msio_record *more);

/* One value of a scalar type, skipped or kept (ColumnDesc's defaults). */
void msio_record_skip_value(msio_aips *a, msio_type type);

#endif
