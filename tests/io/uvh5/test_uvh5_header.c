/* test_uvh5_header.c - headers of UVH5 files: every field as h5py reads it, and every wrong file named. */
#include "msio/uvh5.h"

#include "uvh5_cases.h"

#include <unistd.h>

/* ---------------------------------------------------------------- a header as text, as uvh5_cases.py writes it */

static void put_text(FILE *out, const char *text) {
    if (!text) {
        fputc('-', out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        fprintf(out, c >= 32 && c < 127 && c != '"' && c != '\\' ? "%c" : "\\x%02x", c);
    }
    fputc('"', out);
}

static void put_doubles(FILE *out, int64_t n, const double *value) {
    for (int64_t i = 0; i < n && value; i++) fprintf(out, "%s%.17g", i ? " " : "", value[i]);
    if (!value) fputc('-', out);
}

static void put_ints(FILE *out, int64_t n, const int32_t *value) {
    for (int64_t i = 0; i < n && value; i++) fprintf(out, "%s%d", i ? " " : "", value[i]);
    if (!value) fputc('-', out);
}

static void put_texts(FILE *out, int64_t n, const char *const *value) {
    for (int64_t i = 0; i < n && value; i++) {
        if (i) fputc(' ', out);
        put_text(out, value[i]);
    }
    if (!value) fputc('-', out);
}

static void put_sizes(FILE *out, const msio_uvh5_header *h) {
    fprintf(out, "path %s\nversion ", h->path);
    put_text(out, h->version);
    fprintf(out, " %d %d\n", h->version_major, h->version_minor);
    fprintf(out, "Nblts %lld\nNtimes %lld\nNbls %lld\nNfreqs %lld\nNpols %lld\nNspws %lld\n", (long long)h->nblts,
            (long long)h->ntimes, (long long)h->nbls, (long long)h->nfreqs, (long long)h->npols, (long long)h->nspws);
    fprintf(out, "Nants_data %lld\nNants_telescope %lld\nNfeeds %lld\nhas_spw_axis %d\n", (long long)h->nants_data,
            (long long)h->nants_telescope, (long long)h->nfeeds, h->has_spw_axis);
    const msio_uvh5_data *data[] = {&h->visdata, &h->flags, &h->nsamples};
    static const char *const names[] = {"visdata", "flags", "nsamples"};
    for (int i = 0; i < 3; i++) fprintf(out, "%s %s %s\n", names[i], msio_type_name(data[i]->type), data[i]->stored);
}

static void put_scalars(FILE *out, const msio_uvh5_header *h) {
    const struct {
        const char *name, *text;
    } texts[] = {{"telescope_name", h->telescope_name},
                 {"instrument", h->instrument},
                 {"telescope_frame", h->telescope_frame},
                 {"ellipsoid", h->ellipsoid},
                 {"x_orientation", h->x_orientation},
                 {"eq_coeffs_convention", h->eq_coeffs_convention},
                 {"vis_units", h->vis_units},
                 {"pol_convention", h->pol_convention},
                 {"object_name", h->object_name},
                 {"phase_type", h->phase_type},
                 {"phase_center_frame", h->phase_center_frame},
                 {"timesys", h->timesys},
                 {"rdate", h->rdate},
                 {"blt_order", h->blt_order},
                 {"history", h->history},
                 {"filename", h->filename}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fprintf(out, "%s ", texts[i].name);
        put_text(out, texts[i].text);
        fputc('\n', out);
    }
    fprintf(out, "latitude %.17g\nlongitude %.17g\naltitude %.17g\n", h->latitude, h->longitude, h->altitude);
    fprintf(out, "phase_center_ra %.17g\nphase_center_dec %.17g\nphase_center_epoch %.17g\n", h->phase_center_ra,
            h->phase_center_dec, h->phase_center_epoch);
    fprintf(out, "gst0 %.17g\ndut1 %.17g\nearth_omega %.17g\nuvplane_reference_time %.17g\n", h->gst0, h->dut1,
            h->earth_omega, h->uvplane_reference_time);
    fprintf(out, "flex_spw %d\nmulti_phase_center %d\nblts_are_rectangular %d\ntime_axis_faster_than_bls %d\n",
            h->flex_spw, h->multi_phase_center, h->blts_are_rectangular, h->time_axis_faster_than_bls);
}

static void put_arrays(FILE *out, const msio_uvh5_header *h) {
    int64_t antennas = h->nants_telescope, feeds = antennas * h->nfeeds;
    const struct {
        const char *name;
        int64_t n;
        const double *doubles;
        const int32_t *ints;
        const char *const *texts;
    } arrays[] = {{"antenna_positions", 3 * antennas, h->antenna_positions[0], NULL, NULL},
                  {"antenna_diameters", antennas, h->antenna_diameters, NULL, NULL},
                  {"feed_angle", feeds, h->feed_angle, NULL, NULL},
                  {"freq_array", h->nfreqs, h->freq_array, NULL, NULL},
                  {"eq_coeffs", antennas * h->nfreqs, h->eq_coeffs, NULL, NULL},
                  {"channel_width", h->nfreqs, h->channel_width, NULL, NULL},
                  {"antenna_numbers", antennas, NULL, h->antenna_numbers, NULL},
                  {"spw_array", h->nspws, NULL, h->spw_array, NULL},
                  {"flex_spw_id_array", h->nfreqs, NULL, h->flex_spw_id_array, NULL},
                  {"flex_spw_polarization_array", h->nspws, NULL, h->flex_spw_polarization_array, NULL},
                  {"polarization_array", h->npols, NULL, h->polarization_array, NULL},
                  {"antenna_names", antennas, NULL, NULL, h->antenna_names},
                  {"mount_type", antennas, NULL, NULL, h->mount_type},
                  {"feed_array", feeds, NULL, NULL, h->feed_array}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        fprintf(out, "%s ", arrays[i].name);
        if (i < 6)
            put_doubles(out, arrays[i].n, arrays[i].doubles);
        else if (i < 11)
            put_ints(out, arrays[i].n, arrays[i].ints);
        else
            put_texts(out, arrays[i].n, arrays[i].texts);
        fputc('\n', out);
    }
}

static void put_phase_center(FILE *out, const msio_uvh5_phase_center *p) {
    const char *texts[] = {p->name, p->type, p->frame, p->info_source};
    const struct {
        int64_t n;
        const double *value;
    } lists[] = {{p->lons, p->lon}, {p->lats, p->lat}, {p->times, p->time}, {p->dists, p->dist}, {p->vrads, p->vrad}};
    fprintf(out, "phase_center %d ", p->id);
    put_texts(out, 4, texts);
    fprintf(out, " %.17g %.17g %.17g", p->epoch, p->pm_ra, p->pm_dec);
    for (int i = 0; i < 5; i++) {
        fputs(" [", out);
        if (lists[i].n) put_doubles(out, lists[i].n, lists[i].value);
        fputc(']', out);
    }
    fputc('\n', out);
}

static void put_element(FILE *out, const msio_field *f, int64_t i) {
    switch (f->type) {
    case MSIO_BOOL:
    case MSIO_UCHAR: fprintf(out, "%d", ((const uint8_t *)f->values)[i]); break;
    case MSIO_CHAR: fprintf(out, "%d", ((const int8_t *)f->values)[i]); break;
    case MSIO_SHORT: fprintf(out, "%d", ((const int16_t *)f->values)[i]); break;
    case MSIO_USHORT: fprintf(out, "%d", ((const uint16_t *)f->values)[i]); break;
    case MSIO_INT: fprintf(out, "%d", ((const int32_t *)f->values)[i]); break;
    case MSIO_UINT: fprintf(out, "%u", ((const uint32_t *)f->values)[i]); break;
    case MSIO_INT64: fprintf(out, "%lld", (long long)((const int64_t *)f->values)[i]); break;
    case MSIO_UINT64: fprintf(out, "%llu", (unsigned long long)((const uint64_t *)f->values)[i]); break;
    case MSIO_FLOAT: fprintf(out, "%.17g", (double)((const float *)f->values)[i]); break;
    case MSIO_DOUBLE: fprintf(out, "%.17g", ((const double *)f->values)[i]); break;
    case MSIO_COMPLEX:
        fprintf(out, "%.17g%+.17gi", (double)((const float *)f->values)[2 * i],
                (double)((const float *)f->values)[2 * i + 1]);
        break;
    default: fail_msg("%s has type %d", f->name, (int)f->type);
    }
}

static void put_field(FILE *out, const char *kind, const msio_field *f) {
    fprintf(out, "%s %s %s (", kind, f->name, f->type == MSIO_RECORD ? "Record" : msio_type_name(f->type));
    for (int k = 0; k < f->ndim; k++) fprintf(out, "%s%lld", k ? ", " : "", (long long)f->shape[k]);
    fputs(") ", out);
    for (int64_t i = 0; i < f->count && (f->values || f->strings); i++) {
        if (i) fputc(' ', out);
        if (f->strings)
            put_text(out, f->strings[i]);
        else
            put_element(out, f, i);
    }
    fputs(f->values || f->strings ? "\n" : "-\n", out);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Lines of n things, sorted. */
static void put_sorted(FILE *out, int n, void (*put)(FILE *out, const void *things, int i), const void *things) {
    char **line = calloc((size_t)n + 1, sizeof *line);
    for (int i = 0; i < n; i++) {
        size_t size;
        FILE *one = open_memstream(&line[i], &size);
        put(one, things, i);
        fclose(one);
    }
    qsort(line, (size_t)n, sizeof *line, by_text);
    for (int i = 0; i < n; i++) {
        fputs(line[i], out);
        free(line[i]);
    }
    free(line);
}

static void put_one_center(FILE *out, const void *h, int i) {
    put_phase_center(out, &((const msio_uvh5_header *)h)->phase_center[i]);
}
static void put_one_keyword(FILE *out, const void *h, int i) {
    put_field(out, "keyword", &((const msio_uvh5_header *)h)->extra_keyword[i]);
}
static void put_one_field(FILE *out, const void *h, int i) {
    put_field(out, "field", &((const msio_uvh5_header *)h)->field[i]);
}

static char *header_text(const msio_uvh5_header *h) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    put_sizes(out, h);
    put_scalars(out, h);
    put_arrays(out, h);
    put_sorted(out, (int)h->phase_centers, put_one_center, h);
    put_sorted(out, h->extra_keywords, put_one_keyword, h);
    put_sorted(out, h->fields, put_one_field, h);
    fclose(out);
    return text;
}

/* ---------------------------------------------------------------- sound files */

static void check_header(const case_line *line) {
    msio_uvh5 *file = NULL;
    if (msio_uvh5_open(line->part[0], NULL, &file) != MSIO_OK)
        fail_msg("%s: %s", line->part[0], msio_last_error()->message);
    char *found = header_text(msio_uvh5_describe(file)), *expected = cases_expected(line->part[1], "header");
    cases_compare(line->part[0], found, expected);
    free(found);
    free(expected);
    msio_uvh5_close(file);
}

static void every_field_is_what_h5py_reads(void **state) {
    (void)state;
    cases_each("good.list", check_header);
}

static char some_file[128];

static void a_field_is_found_by_name(void **state) {
    (void)state;
    msio_uvh5 *file = NULL;
    snprintf(some_file, sizeof some_file, "%s/good1.uvh5", cases_folder);
    assert_int_equal(msio_uvh5_open(some_file, NULL, &file), MSIO_OK);
    const msio_uvh5_header *h = msio_uvh5_describe(file);
    const msio_field *field = msio_uvh5_find(h, "extra_keywords/integer");
    assert_non_null(field);
    assert_int_equal(*(const int64_t *)field->values, 3);
    assert_non_null(msio_uvh5_find(h, "something_odd"));
    assert_null(msio_uvh5_find(h, "something_else"));
    assert_null(msio_uvh5_find(h, ""));
    assert_null(msio_uvh5_find(NULL, "dut1"));
    msio_uvh5_close(file);
}

static void datasets_are_reached_through_the_file(void **state) {
    (void)state;
    msio_uvh5 *file = NULL;
    const msio_dataset *dataset;
    snprintf(some_file, sizeof some_file, "%s/good0.uvh5", cases_folder);
    assert_int_equal(msio_uvh5_open(some_file, NULL, &file), MSIO_OK);
    const msio_uvh5_header *h = msio_uvh5_describe(file);
    assert_int_equal(msio_hdf5_dataset(msio_uvh5_hdf5(file), "Data/visdata", &dataset), MSIO_OK);
    const msio_dataset_info *info = msio_dataset_describe(dataset);
    assert_int_equal(info->type, h->visdata.type);
    assert_string_equal(info->stored, h->visdata.stored);
    assert_int_equal(info->shape[0], h->nblts);
    msio_uvh5_close(file);
}

/* ---------------------------------------------------------------- wrong files */

static void check_refused(const case_line *line) {
    msio_uvh5 *file = NULL;
    msio_status status = msio_uvh5_open(line->part[0], NULL, &file);
    const msio_error *error = msio_last_error();
    if (status == MSIO_OK) fail_msg("%s was opened, expected %s about %s", line->part[0], line->part[1], line->part[2]);
    if (strcmp(msio_status_name(status), line->part[1]) != 0)
        fail_msg("%s: %s (%s), expected %s about %s", line->part[0], msio_status_name(status), error->message,
                 line->part[1], line->part[2]);
    for (int i = 2; i < line->parts; i++)
        if (!strstr(error->message, line->part[i]))
            fail_msg("%s: \"%s\" does not tell of %s", line->part[0], error->message, line->part[i]);
    assert_string_equal(error->path, line->part[0]);
    assert_null(file);
}

static void every_wrong_field_is_named(void **state) {
    (void)state;
    cases_each("bad.list", check_refused);
}

static msio_status open_status(const char *path) {
    msio_uvh5 *file = NULL;
    msio_status status = msio_uvh5_open(path, NULL, &file);
    msio_uvh5_close(file);
    return status;
}

/* Copies the first bytes of a file (all: -1). */
static void copy(const char *from, const char *to, long bytes) {
    char command[512];
    if (bytes < 0)
        snprintf(command, sizeof command, "cp %s %s", from, to);
    else
        snprintf(command, sizeof command, "head -c %ld %s > %s", bytes, from, to);
    assert_int_equal(system(command), 0);
}

static void what_is_no_whole_hdf5_file_is_refused(void **state) {
    char path[160], made[160];
    (void)state;
    snprintf(made, sizeof made, "%s/good1.uvh5", cases_folder);
    snprintf(path, sizeof path, "%s/2025-10-05T13:27:52_sb07_incomplete.hdf5", cases_folder);
    copy(made, path, -1);
    assert_int_equal(open_status(path), MSIO_E_LOCKED);
    snprintf(path, sizeof path, "%s/good.list", cases_folder);
    assert_int_equal(open_status(path), MSIO_E_FORMAT);
    snprintf(path, sizeof path, "%s/there_is_none.uvh5", cases_folder);
    assert_int_equal(open_status(path), MSIO_E_NOT_FOUND);
    snprintf(path, sizeof path, "%s/cut.uvh5", cases_folder);
    for (long bytes = 0; bytes < 60000; bytes = bytes * 3 / 2 + 1) {
        copy(made, path, bytes);
        assert_int_equal(open_status(path), MSIO_E_FORMAT);
    }
}

static void what_is_no_uvh5_file_says_so(void **state) {
    char command[512], path[160];
    (void)state;
    snprintf(path, sizeof path, "%s/other.hdf5", cases_folder);
    snprintf(command, sizeof command, "%s -c \"import h5py; h5py.File('%s', 'w')['x'] = 1\"", test_python(), path);
    assert_int_equal(system(command), 0);
    assert_int_equal(open_status(path), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "Header"));
}

static void callers_mistakes_are_told(void **state) {
    msio_uvh5 *file = NULL;
    msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
    (void)state;
    opts.struct_size = 3;
    snprintf(some_file, sizeof some_file, "%s/good0.uvh5", cases_folder);
    assert_int_equal(msio_uvh5_open(NULL, NULL, &file), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_open("", NULL, &file), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_open(some_file, NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_uvh5_open(some_file, &opts, &file), MSIO_E_ARGUMENT);
    assert_null(file);
    msio_uvh5_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_what_h5py_reads),
        cmocka_unit_test(a_field_is_found_by_name),
        cmocka_unit_test(datasets_are_reached_through_the_file),
        cmocka_unit_test(every_wrong_field_is_named),
        cmocka_unit_test(what_is_no_whole_hdf5_file_is_refused),
        cmocka_unit_test(what_is_no_uvh5_file_says_so),
        cmocka_unit_test(callers_mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, cases_make, cases_remove);
}
