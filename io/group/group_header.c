/* group_header.c - groups of subband files: what their names leave out, from their UVH5 headers. */
#include "core/error.h"
#include "core/sorting.h"
#include "io/group/group_name.h"
#include "msio/uvh5.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A frequency belongs to a subband when it lies this near to its middle, in steps. */
#define NEAR 0.25

/* What one file's header tells. */
typedef struct facts {
    int64_t time;         /* s since 1970; of the first row's beginning */
    int subband;          /* of the extra keyword; -1: there is none */
    double frequency;     /* Hz: the middle of the band */
    double channel, band; /* Hz: the width of one channel, and of all */
} facts;

/* ---------------------------------------------------------------- one header */

static int subband_keyword(const msio_uvh5_header *header) {
    for (int i = 0; i < header->extra_keywords; i++) {
        const msio_field *field = &header->extra_keyword[i];
        if (strcmp(field->name, "subband") != 0 || field->ndim != 0 || !field->values) continue;
        if (field->type == MSIO_INT) {
            int32_t number;
            memcpy(&number, field->values, sizeof number);
            return number;
        }
        if (field->type == MSIO_INT64) {
            int64_t number;
            memcpy(&number, field->values, sizeof number);
            return number >= 0 && number <= MSIO_GROUP_MAX_SUBBANDS ? (int)number : MSIO_GROUP_MAX_SUBBANDS;
        }
    }
    return -1;
}

static msio_status take_band(const msio_uvh5_header *header, facts *told) {
    double low = INFINITY, high = -INFINITY, band = 0;
    for (int64_t i = 0; i < header->nfreqs; i++) {
        low = fmin(low, header->freq_array[i]);
        high = fmax(high, header->freq_array[i]);
        band += fabs(header->channel_width[i]);
    }
    told->subband = subband_keyword(header);
    told->frequency = low + (high - low) / 2;
    told->band = band;
    told->channel = header->nfreqs ? band / (double)header->nfreqs : 0;
    if (told->subband < 0 && !(isfinite(told->frequency) && told->channel > 0 && isfinite(band)))
        return msio_error_set(MSIO_E_FORMAT, header->path,
                              "the frequencies from %g to %g Hz in %lld channels tell no subband", low, high,
                              (long long)header->nfreqs);
    return MSIO_OK;
}

static msio_status take_time(msio_uvh5 *file, const char *path, facts *told) {
    const double unix_epoch = 2440587.5, day = 86400; /* JD of 1970-01-01T00:00; s */
    const double farthest = 4e11;                     /* s: far beyond the year 9999 */
    msio_select first = MSIO_SELECT_ALL;
    msio_uvh5_rows rows;
    first.rows = 1;
    msio_status status = msio_uvh5_rows_read(file, MSIO_UVH5_TIME | MSIO_UVH5_INTEGRATION, &first, &rows);
    if (status) return status;
    double begin = (rows.time[0] - unix_epoch) * day - rows.integration_time[0] / 2;
    if (fabs(begin) < farthest)
        told->time = llround(begin);
    else
        status = msio_error_set(MSIO_E_FORMAT, path, "its first time, JD %g with %g s, is none", rows.time[0],
                                rows.integration_time[0]);
    msio_uvh5_rows_free(&rows);
    return status;
}

static msio_status read_facts(const char *path, const msio_group_rules *rules, facts *told) {
    msio_uvh5 *file = NULL;
    msio_status status = msio_uvh5_open(path, NULL, &file);
    if (!status && !rules->pattern.has_subband) status = take_band(msio_uvh5_describe(file), told);
    if (!status && !rules->pattern.has_time) status = take_time(file, path, told);
    msio_uvh5_close(file);
    return status;
}

/* ---------------------------------------------------------------- the band */

/* The narrowest channel and file among those whose frequencies count. */
typedef struct widths {
    double channel, band;
} widths;

/* The first frequency and the step, from all files whose keyword tells nothing. */
static msio_status find_band(const msio_group_entries *list, const widths *narrowest, msio_group_rules *rules) {
    double *sorted = malloc((size_t)list->n * sizeof *sorted + 1);
    int64_t n = 0;
    if (!sorted) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the frequencies of the files");
    for (int64_t i = 0; i < list->n; i++)
        if (list->entry[i].subband < 0) sorted[n++] = list->entry[i].frequency;
    if (n) {
        qsort(sorted, (size_t)n, sizeof *sorted, msio_compare_doubles);
        double step = INFINITY;
        for (int64_t i = 1; i < n; i++) {
            double distance = sorted[i] - sorted[i - 1];
            if (distance > narrowest->channel / 2) step = fmin(step, distance);
        }
        rules->first_frequency = sorted[n - 1];
        rules->frequency_step = isfinite(step) ? step : narrowest->band;
    }
    free(sorted);
    return MSIO_OK;
}

/* The subband of a frequency; -1: it is none's. */
static int number_of(double frequency, const msio_group_rules *rules) {
    double steps = (rules->first_frequency - frequency) / rules->frequency_step, whole = nearbyint(steps);
    if (!(fabs(steps - whole) <= NEAR) || whole < 0) return -1;
    return whole < MSIO_GROUP_MAX_SUBBANDS ? (int)whole : MSIO_GROUP_MAX_SUBBANDS;
}

/* ---------------------------------------------------------------- all files */

/* Moves a file that cannot be read to those that are not, with the reason. */
static msio_status put_aside(msio_group_entry *entry, msio_group_entries *unreadable) {
    entry->reason = strdup(msio_last_error()->message);
    if (!entry->reason) return msio_error_set(MSIO_E_MEMORY, entry->path, "no memory to say why it cannot be read");
    return msio_group_entries_take(unreadable, entry);
}

/* Reads all headers; the list keeps the files that could be read. */
static msio_status read_all(const msio_group_rules *rules, msio_group_finds *finds, widths *narrowest) {
    msio_group_entries *list = &finds->untold;
    msio_status status = MSIO_OK;
    int64_t kept = 0, n = list->n;
    for (int64_t i = 0; i < n && !status; i++) {
        msio_group_entry entry = list->entry[i];
        facts told = {.time = entry.time, .subband = entry.subband};
        list->entry[i].path = NULL;
        status = read_facts(entry.path, rules, &told);
        if (status && status != MSIO_E_MEMORY) {
            status = put_aside(&entry, &finds->unreadable);
            free(entry.path); /* NULL once it was taken */
            continue;
        }
        if (told.subband < 0) {
            narrowest->channel = fmin(narrowest->channel, told.channel);
            narrowest->band = fmin(narrowest->band, told.band);
        }
        entry.time = entry.newest_since = told.time;
        entry.subband = told.subband;
        entry.frequency = told.frequency;
        list->entry[kept++] = entry;
    }
    if (!status) list->n = kept;
    return status;
}

msio_status msio_group_headers_ask(const msio_group_rules *rules, msio_group_finds *finds) {
    msio_group_rules band = *rules;
    msio_group_entries *list = &finds->untold;
    widths narrowest = {INFINITY, INFINITY};
    msio_status status = read_all(rules, finds, &narrowest);
    if (!status && rules->first_frequency <= 0) status = find_band(list, &narrowest, &band);
    for (int64_t i = 0; i < list->n && !status; i++) {
        msio_group_entry *entry = &list->entry[i];
        if (entry->subband < 0) entry->subband = number_of(entry->frequency, &band);
        bool expected = entry->subband >= 0 && entry->subband < rules->subbands;
        status = msio_group_entries_take(expected ? &finds->files : &finds->unexpected, entry);
    }
    return status;
}
