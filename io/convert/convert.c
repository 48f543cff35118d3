/* convert.c - UVH5 files to a Measurement Set: options, the order of the work, the result's place. */
#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "io/convert/conversion.h"
#include "io/ms/ms_place.h"
#include "prof/call.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What subtables and scalar columns take beside the data, about. */
#define ROOM_BESIDE ((int64_t)4 << 20)

static msio_status check_options(const msio_convert_opts *given, msio_convert_opts *opts) {
    *opts = (msio_convert_opts)MSIO_CONVERT_OPTS_INIT;
    if (given && given->struct_size != sizeof *given)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "the options do not begin with MSIO_CONVERT_OPTS_INIT");
    if (given) *opts = *given;
    if (opts->phase == MSIO_PHASE_CENTRE && !(isfinite(opts->ra) && fabs(opts->dec) <= M_PI / 2))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "the centre (%g, %g) rad is no place in the sky", opts->ra,
                              opts->dec);
    if ((unsigned)opts->phase > MSIO_PHASE_NONE || (unsigned)opts->imaging > MSIO_IMAGING_DATA || opts->tile_rows < 0 ||
        opts->tile_rows > 1 << 24 || opts->tile_channels < 0 || opts->tile_channels > 1 << 24 || opts->antennas < 0 ||
        (opts->antennas && !opts->antenna))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "an option has a value that it cannot have");
    if (opts->antennas && opts->antenna_file)
        return msio_error_set(MSIO_E_ARGUMENT, opts->antenna_file, "antennas are given by a file and one by one");
    for (int i = 0; i < opts->antennas; i++)
        for (int axis = 0; axis < 3; axis++)
            if (!isfinite(opts->antenna[i].position[axis]))
                return msio_error_set(MSIO_E_ARGUMENT, NULL, "antenna %d of the antenna table has no place",
                                      opts->antenna[i].number);
    return msio_threads_check(opts->threads);
}

static void tell(const msio_conversion *c, msio_converted *result) {
    if (!result) return;
    *result = (msio_converted){.struct_size = sizeof *result,
                               .rows = c->rows * c->windows,
                               .spectral_windows = c->windows,
                               .missing = c->facts.missing,
                               .bytes_read = c->bytes_read,
                               .bytes_written = c->done,
                               .phase = c->phase,
                               .earth_orientation = c->earth || c->phase == MSIO_PHASE_NONE};
}

/* casacore makes the tables while the first batches are read. */
static msio_status begin(msio_conversion *c, const char *path) {
    msio_conv_tables tables;
    msio_error_copy error;
    msio_status status = msio_conv_tables_begin(c, path, &tables);
    if (status) return status;
    status = msio_load_stream_begin(c->stream, c->equal_windows ? MSIO_SUBBAND_ROW_CHAN_POL : MSIO_ROW_CHAN_POL,
                                    msio_conv_reading_threads(c));
    if (status) msio_error_save(&error);
    const msio_status made = msio_conv_tables_end(&tables);
    return made || !status ? made : msio_error_restore(&error);
}

static msio_status make(msio_conversion *c, const msio_ms_places *where) {
    msio_making *making = NULL;
    c->total = msio_conv_bytes(c);
    msio_status status = msio_ms_check_room(where->folder, where->final, c->total + ROOM_BESIDE, "a Measurement Set");
    if (!status) status = msio_conv_report(c, 0);
    if (!status) status = msio_making_begin(where->final, &making);
    if (!status) status = begin(c, msio_making_place(making));
    if (!status) status = msio_conv_data(c, msio_making_place(making));
    if (!status) status = msio_ms_place_take(where, making);
    msio_making_free(making);
    return status;
}

static msio_status convert(msio_conversion *c, const char *ms_path, const msio_convert_opts *opts,
                           msio_converted *result) {
    if (!ms_path || !*ms_path) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no path for the Measurement Set");
    if (result && result->struct_size != sizeof *result)
        return msio_error_set(MSIO_E_ARGUMENT, ms_path, "the result does not begin with MSIO_CONVERTED_INIT");
    msio_ms_places *where = malloc(sizeof *where);
    if (!where) return msio_error_set(MSIO_E_MEMORY, ms_path, "no memory for paths");
    msio_status status = check_options(opts, &c->opts);
    if (!status) status = msio_ms_place_find(ms_path, c->opts.overwrite != 0, where);
    if (!status) status = msio_conv_open(c);
    if (!status) status = msio_conv_take_in(c);
    if (!status) status = msio_conv_choose_phase(c);
    if (!status) status = msio_conv_read_more(c);
    if (!status) status = msio_conv_fields(c);
    if (!status) status = make(c, where);
    if (!status) tell(c, result);
    msio_load_stream_close(c->stream);
    msio_uvh5_rows_free(&c->more);
    msio_earth_free(c->earth);
    msio_antenna_table_free(c->places);
    msio_arena_free(&c->arena);
    free(where);
    return status;
}

msio_status msio_convert(const msio_group *group, const char *ms_path, const msio_convert_opts *opts,
                         msio_converted *result) {
    PROF_CALL(ms_path);
    if (!group) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no group to convert");
    msio_conversion c = {.group = group};
    return convert(&c, ms_path, opts, result);
}

msio_status msio_convert_paths(int n, const char *const *paths, const char *ms_path, const msio_convert_opts *opts,
                               msio_converted *result) {
    PROF_CALL(ms_path);
    if (n < 1 || !paths) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no files to convert");
    msio_conversion c = {.paths = n, .path = paths};
    return convert(&c, ms_path, opts, result);
}
