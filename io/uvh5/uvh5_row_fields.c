/* uvh5_row_fields.c - which datasets of Header have a value a row, and where they go. */
#include "io/uvh5/uvh5_row_fields.h"

#include <string.h>

#define PLACE(member) offsetof(msio_uvh5_rows, member)
const msio_uvh5_row_field msio_uvh5_row_fields[MSIO_UVH5_ROW_FIELDS] = {
    {"time_array", MSIO_UVH5_TIME, ROW_DOUBLE, ROW_ALWAYS, false, PLACE(time)},
    {"integration_time", MSIO_UVH5_INTEGRATION, ROW_DOUBLE, ROW_ALWAYS, true, PLACE(integration_time)},
    {"lst_array", MSIO_UVH5_LST, ROW_DOUBLE, ROW_MAYBE, false, PLACE(lst)},
    {"ant_1_array", MSIO_UVH5_ANTENNAS, ROW_INT, ROW_ALWAYS, false, PLACE(ant_1)},
    {"ant_2_array", MSIO_UVH5_ANTENNAS, ROW_INT, ROW_ALWAYS, false, PLACE(ant_2)},
    {"uvw_array", MSIO_UVH5_UVW, ROW_UVW, ROW_ALWAYS, false, PLACE(uvw)},
    {"phase_center_id_array", MSIO_UVH5_PHASE_CENTER, ROW_INT, ROW_WITH_PHASE, false, PLACE(phase_center_id)},
    {"phase_center_app_ra", MSIO_UVH5_APPARENT, ROW_DOUBLE, ROW_WITH_PHASE, true, PLACE(app_ra)},
    {"phase_center_app_dec", MSIO_UVH5_APPARENT, ROW_DOUBLE, ROW_WITH_PHASE, true, PLACE(app_dec)},
    {"phase_center_frame_pa", MSIO_UVH5_APPARENT, ROW_DOUBLE, ROW_WITH_PHASE, true, PLACE(frame_pa)},
    {"scan_number_array", MSIO_UVH5_SCAN, ROW_INT, ROW_MAYBE, false, PLACE(scan_number)},
};

bool msio_uvh5_is_by_row(const char *name) {
    for (int i = 0; i < MSIO_UVH5_ROW_FIELDS; i++)
        if (strcmp(msio_uvh5_row_fields[i].name, name) == 0) return true;
    return false;
}
