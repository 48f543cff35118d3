/* exporting.h - what the parts of an export to UVH5 share. */
#ifndef MSIO_IO_EXPORTING_H
#define MSIO_IO_EXPORTING_H

#include "io/convert/conversion.h"

typedef struct msio_export_field {
    const char *name, *frame; /* UVH5's */
    double epoch;
    double direction[2];
    int32_t id;
} msio_export_field;

typedef struct msio_export_antenna {
    int32_t number;
    const char *name, *mount;
    double offset[3], diameter;
} msio_export_antenna;

typedef struct msio_exporting {
    msio_export_opts opts;
    const char *ms;
    msio_arena arena;
    msio_subbands facts;
    msio_site site;
    msio_earth *earth;
    msio_table *table;

    bool conjugated;      /* DATA and UVW have the other sign than UVH5 */
    msio_conversion turn; /* the polarizations' order, for msio_conv_values */
    int32_t aips[4];      /* polarization_array */
    const char *telescope, *units, *history;
    int antennas;
    msio_export_antenna *antenna;
    int fields;
    msio_export_field *field;
    const int32_t *window_id; /* [windows] */
    int32_t used_antennas;
    int64_t baselines, times;

    /* Of the rows. */
    double *jd, *integration, *lst, *app_ra, *app_dec, *angle, (*uvw)[3];
    int32_t *field_id; /* catalog's ids */

    int64_t done, total, bytes_read;
} msio_exporting;

/* Reads what the tables say (export_facts.c). */
msio_status msio_export_take_in(msio_exporting *e);

/* Makes a file of windows first .. first + windows - 1, all but the values of Data, which get their place
 * (export_header.c). */
msio_status msio_export_make(const msio_exporting *e, const char *path, int first, int windows);

#endif
