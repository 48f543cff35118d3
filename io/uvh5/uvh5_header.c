/* uvh5_header.c - the header of a UVH5 file: its fields checked against each other and against the data's shapes.
 *
 * Source: pyuvdata's memo "UVH5 file format" (versions 0.x to 1.1) and what pyuvdata writes as 1.2.
 */
#include "io/uvh5/uvh5_header.h"

#include "core/error.h"
#include "io/hdf5_module/hdf5_module.h"
#include "io/uvh5/uvh5_lenient.h"
#include "io/uvh5/uvh5_rows.h"

#include <stdlib.h>
#include <string.h>

/* Whole numbers up to here are the same as double precision numbers. */
#define COUNT_MOST ((int64_t)1 << 53)
/* Newest major version whose layout is known. */
#define MAJOR_MOST 1

/* ---------------------------------------------------------------- version and sizes */

/* "1.2", or nothing in the oldest files. */
static void read_version(msio_uvh5_fields *f, msio_uvh5_header *h) {
    h->version = msio_uvh5_text(f, "version", false);
    if (!h->version) return;
    char *end;
    long major = strtol(h->version, &end, 10), minor = 0;
    bool is_version = end != h->version && (*end == '.' || *end == '\0') && major >= 0 && major < 1000;
    if (is_version && *end == '.') {
        const char *after = end + 1;
        minor = strtol(after, &end, 10);
        is_version = end != after && minor >= 0 && minor < 1000;
    }
    if (!is_version) {
        msio_uvh5_wrong(f, "version", "is \"%.40s\", expected a version like 1.2", h->version);
    } else if (major > MAJOR_MOST && !f->status) {
        f->status = msio_error_set(MSIO_E_UNSUPPORTED, f->file->path,
                                   "UVH5 version %ld.%ld is newer than what is read here, which is up to %d.x", major,
                                   minor, MAJOR_MOST);
    }
    h->version_major = (int)major;
    h->version_minor = (int)minor;
}

static int64_t read_size(msio_uvh5_fields *f, const char *name) {
    return msio_uvh5_whole(f, name, 0, COUNT_MOST, MSIO_UVH5_REQUIRED);
}

static void read_sizes(msio_uvh5_fields *f, msio_uvh5_header *h) {
    h->nblts = read_size(f, "Nblts");
    h->ntimes = read_size(f, "Ntimes");
    h->nbls = read_size(f, "Nbls");
    h->nfreqs = read_size(f, "Nfreqs");
    h->npols = read_size(f, "Npols");
    h->nspws = read_size(f, "Nspws");
    h->nants_data = read_size(f, "Nants_data");
    h->nants_telescope = read_size(f, "Nants_telescope");
    h->nfeeds = msio_uvh5_whole(f, "Nfeeds", 0, COUNT_MOST, 0);
}

/* ---------------------------------------------------------------- the datasets of Data */

static void wrong_data(msio_uvh5_fields *f, const char *name, const char *what, const char *found,
                       const char *expected) {
    if (!f->status)
        f->status =
            msio_error_set(MSIO_E_FORMAT, f->file->path, "%s has %s %s, expected %s", name, what, found, expected);
}

static void check_shape(msio_uvh5_fields *f, const char *name, const msio_h5_info *info, const msio_uvh5_header *h) {
    int64_t shape[4] = {h->nblts, 1, h->nfreqs, h->npols};
    char found[160], expected[160];
    int ndim = h->has_spw_axis ? 4 : 3;
    if (!h->has_spw_axis) memmove(shape + 1, shape + 2, 2 * sizeof *shape);
    if (info->ndim == ndim && memcmp(info->shape, shape, (size_t)ndim * sizeof *shape) == 0) return;
    if (ndim == 4 && info->ndim == 4 && info->shape[1] > 1 && info->shape[1] == h->nspws && !f->status)
        f->status = msio_error_set(MSIO_E_UNSUPPORTED, f->file->path,
                                   "%s has %lld spectral windows along an axis of their own: pyuvdata can write it "
                                   "anew with flexible ones",
                                   name, (long long)h->nspws);
    wrong_data(f, name, "shape", msio_uvh5_shape_text(info->ndim, info->shape, found),
               msio_uvh5_shape_text(ndim, shape, expected));
}

/* What a dataset is; its chunks are not looked at. */
static msio_h5_info describe_data(msio_uvh5_fields *f, const char *name, msio_uvh5_data *data) {
    msio_h5_dataset *dataset = NULL;
    msio_h5_info info = {.type = MSIO_RECORD};
    if (f->status) return info;
    f->status = msio_h5_dataset_open(msio_hdf5_library(f->file), f->file->path, name, &dataset, &info);
    if (f->status == MSIO_E_NOT_FOUND)
        f->status = msio_error_set(MSIO_E_FORMAT, f->file->path, "%s is missing: a UVH5 file has it", name);
    if (f->status) return info;
    msio_h5_dataset_close(dataset);
    char *stored = msio_uvh5_take(f, (int64_t)strlen(info.stored_name) + 1, 1);
    if (stored) strcpy(stored, info.stored_name);
    *data = (msio_uvh5_data){info.type, stored};
    return info;
}

static bool is_complex(msio_type type) { return type == MSIO_COMPLEX || type == MSIO_DCOMPLEX; }

static void read_data(msio_uvh5_fields *f, msio_uvh5_header *h) {
    msio_h5_info visdata = describe_data(f, "Data/visdata", &h->visdata);
    msio_h5_info flags = describe_data(f, "Data/flags", &h->flags);
    msio_h5_info nsamples = describe_data(f, "Data/nsamples", &h->nsamples);
    if (f->status) return;
    h->has_spw_axis = visdata.ndim == 4;
    if (!is_complex(visdata.type))
        wrong_data(f, "Data/visdata", "elements that are", visdata.stored_name, "complex numbers");
    if (is_complex(flags.type) || flags.type == MSIO_FLOAT || flags.type == MSIO_DOUBLE || !msio_type_size(flags.type))
        wrong_data(f, "Data/flags", "elements that are", flags.stored_name, "truths");
    if (is_complex(nsamples.type) || !msio_type_size(nsamples.type))
        wrong_data(f, "Data/nsamples", "elements that are", nsamples.stored_name, "real numbers");
    check_shape(f, "Data/visdata", &visdata, h);
    check_shape(f, "Data/flags", &flags, h);
    check_shape(f, "Data/nsamples", &nsamples, h);
}

/* ---------------------------------------------------------------- telescope, frequencies, time */

/* Files that tell no latitude may tell the place in ITRF. */
static void read_place(msio_uvh5_fields *f, msio_uvh5_header *h) {
    const int64_t axes = 3;
    bool geodetic = msio_uvh5_field(f, "latitude") || !msio_uvh5_field(f, "telescope_location");
    const double *place = geodetic ? NULL : msio_uvh5_doubles(f, "telescope_location", true, 1, &axes);
    if (place) {
        msio_uvh5_geodetic(place, &h->latitude, &h->longitude, &h->altitude);
        return;
    }
    h->latitude = msio_uvh5_number(f, "latitude", geodetic);
    h->longitude = msio_uvh5_number(f, "longitude", geodetic);
    h->altitude = msio_uvh5_number(f, "altitude", geodetic);
}

static void read_telescope(msio_uvh5_fields *f, msio_uvh5_header *h) {
    int64_t antennas = h->nants_telescope, by_feed[2] = {antennas, h->nfeeds}, by_axis[2] = {antennas, 3};
    h->telescope_name = msio_uvh5_text(f, "telescope_name", true);
    h->instrument = msio_uvh5_text(f, "instrument", true);
    read_place(f, h);
    h->telescope_frame = msio_uvh5_text(f, "telescope_frame", false);
    h->ellipsoid = msio_uvh5_text(f, "ellipsoid", false);
    h->antenna_names = msio_uvh5_texts(f, "antenna_names", true, 1, &antennas);
    h->antenna_numbers = msio_uvh5_ints(f, "antenna_numbers", true, antennas);
    h->antenna_positions = (const double(*)[3])msio_uvh5_doubles(f, "antenna_positions", true, 2, by_axis);
    h->antenna_diameters = msio_uvh5_doubles(f, "antenna_diameters", false, 1, &antennas);
    h->mount_type = msio_uvh5_texts(f, "mount_type", false, 1, &antennas);
    h->x_orientation = msio_uvh5_text(f, "x_orientation", false);
    if (h->nfeeds) h->feed_array = msio_uvh5_texts(f, "feed_array", false, 2, by_feed);
    if (h->nfeeds) h->feed_angle = msio_uvh5_doubles(f, "feed_angle", false, 2, by_feed);
}

static int by_value(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Every channel's spectral window is one of spw_array. */
static void check_windows(msio_uvh5_fields *f, const msio_uvh5_header *h) {
    if (!h->flex_spw_id_array) {
        if (h->flex_spw == 1 || h->nspws > 1)
            msio_uvh5_wrong(f, "flex_spw_id_array", "is missing: with %lld spectral windows the file needs it",
                            (long long)h->nspws);
        return;
    }
    int32_t *windows = msio_uvh5_take(f, h->nspws, sizeof *windows);
    if (!windows) return;
    if (h->nspws) memcpy(windows, h->spw_array, (size_t)h->nspws * sizeof *windows);
    qsort(windows, (size_t)h->nspws, sizeof *windows, by_value);
    for (int64_t i = 0; i < h->nfreqs; i++)
        if (!bsearch(&h->flex_spw_id_array[i], windows, (size_t)h->nspws, sizeof *windows, by_value)) {
            msio_uvh5_wrong(f, "flex_spw_id_array", "has %d at %lld, which spw_array lacks", h->flex_spw_id_array[i],
                            (long long)i);
            return;
        }
}

static void read_frequencies(msio_uvh5_fields *f, msio_uvh5_header *h) {
    int64_t channels = h->nfreqs, by_antenna[2] = {h->nants_telescope, channels};
    h->freq_array = msio_uvh5_doubles(f, "freq_array", true, 1, &channels);
    h->channel_width = msio_uvh5_repeated(f, "channel_width", channels);
    h->spw_array = msio_uvh5_ints(f, "spw_array", true, h->nspws);
    h->flex_spw = msio_uvh5_truth(f, "flex_spw");
    h->flex_spw_id_array = msio_uvh5_ints(f, "flex_spw_id_array", false, channels);
    h->flex_spw_polarization_array = msio_uvh5_ints(f, "flex_spw_polarization_array", false, h->nspws);
    h->polarization_array = msio_uvh5_ints(f, "polarization_array", true, h->npols);
    h->eq_coeffs = msio_uvh5_doubles(f, "eq_coeffs", false, 2, by_antenna);
    h->eq_coeffs_convention = msio_uvh5_text(f, "eq_coeffs_convention", false);
    h->vis_units = msio_uvh5_text(f, "vis_units", false);
    h->pol_convention = msio_uvh5_text(f, "pol_convention", false);
    if (!f->status) check_windows(f, h);
}

static void read_time(msio_uvh5_fields *f, msio_uvh5_header *h) {
    h->timesys = msio_uvh5_text(f, "timesys", false);
    h->rdate = msio_uvh5_text(f, "rdate", false);
    h->gst0 = msio_uvh5_number(f, "gst0", false);
    h->dut1 = msio_uvh5_number(f, "dut1", false);
    h->earth_omega = msio_uvh5_number(f, "earth_omega", false);
    h->uvplane_reference_time = msio_uvh5_number(f, "uvplane_reference_time", false);
    h->blt_order = msio_uvh5_text(f, "blt_order", false);
    h->blts_are_rectangular = msio_uvh5_truth(f, "blts_are_rectangular");
    h->time_axis_faster_than_bls = msio_uvh5_truth(f, "time_axis_faster_than_bls");
    h->history = msio_uvh5_text(f, "history", true);
    h->filename = msio_uvh5_text(f, "filename", false);
}

/* ---------------------------------------------------------------- extra keywords */

#define KEYWORDS "extra_keywords/"

/* Those that are large are read too; a keyword of another kind than numbers and strings is told without value. */
static void read_keywords(msio_uvh5_fields *f, msio_uvh5_header *h) {
    size_t length = strlen(KEYWORDS);
    int n = 0;
    for (int i = 0; i < f->n; i++) n += strncmp(f->field[i].name, KEYWORDS, length) == 0;
    msio_field *keyword = msio_uvh5_take(f, n, sizeof *keyword);
    for (int i = 0; i < f->n && keyword && !f->status; i++) {
        if (strncmp(f->field[i].name, KEYWORDS, length) != 0) continue;
        msio_uvh5_load(f, &f->field[i]);
        keyword[h->extra_keywords] = f->field[i];
        keyword[h->extra_keywords++].name += length;
    }
    h->extra_keyword = keyword;
}

/* ---------------------------------------------------------------- all of it */

msio_status msio_uvh5_header_read(msio_hdf5 *file, msio_arena *arena, msio_uvh5_header *header) {
    msio_uvh5_fields f;
    msio_uvh5_header h = {0};
    msio_uvh5_fields_collect(&f, file, arena);
    char *path = msio_uvh5_take(&f, (int64_t)strlen(file->path) + 1, 1);
    if (path) strcpy(path, file->path);
    h.path = path;
    read_version(&f, &h);
    read_sizes(&f, &h);
    if (!f.status) read_data(&f, &h);
    if (!f.status) read_telescope(&f, &h);
    if (!f.status) read_frequencies(&f, &h);
    if (!f.status) msio_uvh5_read_phase(&f, &h);
    if (!f.status) read_time(&f, &h);
    if (!f.status) read_keywords(&f, &h);
    h.fields = f.n;
    h.field = f.field;
    if (!f.status) msio_uvh5_check_rows(&f, h.nblts, h.phase_centers && msio_uvh5_has_catalog(&h));
    if (!f.status) *header = h;
    return f.status;
}
