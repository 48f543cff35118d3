/* uvh5_json.c - what `msio info --json` prints of a UVH5 file alone. */
#include "cli/info/hdf5_summary.h"

#include "cli/common/human.h"
#include "cli/info/summary.h"
#include "cli/output/cell_json.h"

#include <math.h>
#include <string.h>

/* A NaN stands for what the file does not say: null. */
static void put_number(cli_json *json, const char *key, double value) {
    cli_json_put_double_or_null(json, key, !isnan(value), value);
}

/* So does a truth of -1. */
static void put_truth(cli_json *json, const char *key, int value) {
    if (value < 0)
        cli_json_put_null(json, key);
    else
        cli_json_put_bool(json, key, value);
}

static void put_numbers(cli_json *json, const char *key, const double *values, int64_t count) {
    if (!values || (count && isnan(values[0])))
        cli_json_put_null(json, key);
    else
        cli_json_put_doubles(json, key, count, values);
}

static void put_telescope(cli_json *json, const msio_uvh5_header *header) {
    cli_json_open_object(json, "telescope");
    cli_json_put_string(json, "name", header->telescope_name);
    cli_json_put_string(json, "instrument", header->instrument);
    put_number(json, "latitude", header->latitude);
    put_number(json, "longitude", header->longitude);
    put_number(json, "altitude", header->altitude);
    cli_json_put_string(json, "frame", header->telescope_frame);
    cli_json_put_string(json, "ellipsoid", header->ellipsoid);
    cli_json_put_string(json, "x_orientation", header->x_orientation);
    cli_json_end(json);
}

/* The reference frequency is the first channel's, as pyuvdata writes it into an MS. */
static void put_windows(cli_json *json, const cli_hdf5_summary *summary) {
    cli_json_open_list(json, "spectral_windows");
    for (int64_t i = 0; summary->windows && i < summary->header->nspws; i++) {
        const cli_uvh5_window *window = &summary->windows[i];
        double bandwidth = 0;
        for (int64_t k = 0; k < window->channels; k++) bandwidth += fabs(window->widths[k]);
        cli_json_flat_object(json);
        cli_json_put_null(json, "name");
        cli_json_put_int(json, "number", window->number);
        put_numbers(json, "frequencies", window->frequencies, window->channels);
        put_numbers(json, "widths", window->widths, window->channels);
        put_number(json, "reference_frequency", window->channels ? window->frequencies[0] : (double)NAN);
        put_number(json, "bandwidth", bandwidth);
        cli_json_end(json);
    }
    cli_json_end(json);
}

/* A direction as an MS has it, a polynomial of one term; null where there is none, or it is an ephemeris. */
static void put_direction(cli_json *json, int known, double longitude, double latitude) {
    cli_json_key(json, "phase_dir");
    if (!known || isnan(longitude) || isnan(latitude)) {
        cli_json_null(json);
    } else {
        const double direction[] = {longitude, latitude};
        cli_json_array(json);
        cli_json_array(json);
        for (int i = 0; i < 2; i++) cli_json_double(json, direction[i]);
        cli_json_end(json);
        cli_json_end(json);
    }
    cli_json_put_null(json, "reference_dir");
    cli_json_put_null(json, "delay_dir");
}

static void put_fields(cli_json *json, const msio_uvh5_header *header) {
    cli_json_open_list(json, "fields");
    for (int64_t i = 0; i < header->phase_centers; i++) {
        const msio_uvh5_phase_center *center = &header->phase_center[i];
        int known = center->lons == 1 && center->lats == 1;
        cli_json_flat_object(json);
        cli_json_put_string(json, "name", center->name);
        put_direction(json, known, known ? center->lon[0] : 0, known ? center->lat[0] : 0);
        cli_json_put_int(json, "id", center->id);
        cli_json_put_string(json, "type", center->type);
        cli_json_put_string(json, "frame", center->frame);
        put_number(json, "epoch", center->epoch);
        if (center->times) cli_json_put_int(json, "ephemeris_times", center->times);
        cli_json_end(json);
    }
    if (!header->phase_centers) {
        cli_json_flat_object(json);
        cli_json_put_string(json, "name", header->object_name);
        put_direction(json, 1, header->phase_center_ra, header->phase_center_dec);
        cli_json_put_string(json, "type", header->phase_type);
        cli_json_put_string(json, "frame", header->phase_center_frame);
        put_number(json, "epoch", header->phase_center_epoch);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_antennas(cli_json *json, const msio_uvh5_header *header) {
    cli_json_open_list(json, "antennas");
    for (int64_t i = 0; i < header->nants_telescope; i++) {
        double position[3];
        int known = cli_uvh5_position(header, i, position) == 0;
        cli_json_flat_object(json);
        cli_json_put_string(json, "name", header->antenna_names ? header->antenna_names[i] : NULL);
        cli_json_put_string(json, "station", NULL);
        put_numbers(json, "position", known ? position : NULL, 3);
        put_number(json, "diameter", header->antenna_diameters ? header->antenna_diameters[i] : (double)NAN);
        cli_json_put_string(json, "mount", header->mount_type ? header->mount_type[i] : NULL);
        if (header->antenna_numbers) cli_json_put_int(json, "number", header->antenna_numbers[i]);
        put_numbers(json, "offset", header->antenna_positions ? header->antenna_positions[i] : NULL, 3);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_polarizations(cli_json *json, const msio_uvh5_header *header) {
    int64_t count = header->polarization_array ? header->npols : 0;
    cli_json_open_list(json, "polarizations");
    cli_json_flat_object(json);
    cli_json_open_array(json, "corr_type");
    for (int64_t i = 0; i < count; i++) cli_json_int(json, cli_uvh5_stokes(header->polarization_array[i]));
    cli_json_end(json);
    cli_json_open_array(json, "correlations");
    for (int64_t i = 0; i < count; i++)
        cli_json_string(json, cli_stokes_name(cli_uvh5_stokes(header->polarization_array[i])));
    cli_json_end(json);
    cli_json_put_int32s(json, "polarization_array", count, header->polarization_array);
    cli_json_end(json);
    cli_json_end(json);
    if (!header->flex_spw_polarization_array) return;
    cli_json_put_int32s(json, "flex_spw_polarization_array", header->nspws, header->flex_spw_polarization_array);
}

static void put_time_range(cli_json *json, const cli_hdf5_summary *summary) {
    cli_summary_time_range(json, !isnan(summary->times[0]), cli_uvh5_seconds(summary->times[0]),
                           cli_uvh5_seconds(summary->times[1]), strcmp(cli_uvh5_timesys(summary->header), "UTC") == 0);
}

static void put_observation(cli_json *json, const cli_hdf5_summary *summary) {
    const msio_uvh5_header *header = summary->header;
    cli_json_open_object(json, "observation");
    cli_json_put_string(json, "telescope", header->telescope_name);
    cli_json_put_string(json, "observer", NULL);
    cli_json_put_string(json, "project", NULL);
    cli_json_put_string(json, "instrument", header->instrument);
    put_time_range(json, summary);
    cli_json_end(json);
}

/* What the rows turned out to be, whatever the header says of them. */
static void put_order(cli_json *json, const cli_hdf5_summary *summary) {
    static const char *const axes[] = {"unordered", "time-major", "baseline-major"};
    const msio_uvh5_order *order = &summary->order;
    if (!order->times) {
        cli_json_put_null(json, "order");
        return;
    }
    cli_json_open_flat_object(json, "order");
    cli_json_put_string(json, "axis", axes[order->axis]);
    put_truth(json, "rectangular", order->rectangular);
    put_truth(json, "ascending", order->ascending);
    cli_json_put_int(json, "times", order->times);
    cli_json_put_int(json, "baselines", order->baselines);
    cli_json_end(json);
}

/* Single values; arrays are told by their shapes, and are datasets of the file. */
static void put_keyword(cli_json *json, const msio_field *field) {
    msio_ragged cell = {.type = field->type, .data = (void *)(uintptr_t)field->values, .cells = 1};
    int64_t offsets[] = {0, 1}, shape[MSIO_MAX_NDIM] = {0};
    int8_t ndim = 0;
    uint8_t defined = 1;
    cell.offsets = offsets;
    cell.shapes = shape;
    cell.ndims = &ndim;
    cell.defined = &defined;
    cli_json_key(json, field->name);
    if (field->count == 1 && field->strings) {
        cli_json_string(json, field->strings[0]);
    } else if (field->count == 1 && field->values) {
        cli_cell_json(json, &cell, 0, NULL);
    } else {
        cli_json_flat_object(json);
        cli_json_put_string(json, "type", msio_type_name(field->type));
        cli_json_put_ints(json, "shape", field->ndim, field->shape);
        cli_json_end(json);
    }
}

void cli_uvh5_json(cli_json *json, const cli_hdf5_summary *summary) {
    const msio_uvh5_header *header = summary->header;
    put_telescope(json, header);
    put_windows(json, summary);
    put_fields(json, header);
    put_antennas(json, header);
    put_polarizations(json, header);
    put_observation(json, summary);
    put_time_range(json, summary);
    cli_json_put_string(json, "time_reference", cli_uvh5_timesys(header));
    put_numbers(json, "times_jd", summary->times, 2);
    put_numbers(json, "integration_time", summary->integration, 2);
    put_order(json, summary);
    cli_json_put_string(json, "phase_type", header->phase_type);
    cli_json_put_string(json, "vis_units", header->vis_units);
    put_truth(json, "spw_axis", header->has_spw_axis);
    cli_json_put_int(json, "history_bytes", header->history ? (int64_t)strlen(header->history) : 0);
    cli_json_open_object(json, "extra_keywords");
    for (int i = 0; i < header->extra_keywords; i++) put_keyword(json, &header->extra_keyword[i]);
    cli_json_end(json);
}
