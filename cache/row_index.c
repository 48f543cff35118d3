/* row_index.c - which rows belong to a field, spectral window, scan and time. */
#include "cache/metadata.h"
#include "cache/runs.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

enum { FIELD, DESCRIPTION, SCAN, TIME, KEYS };
static const char *const key_column[KEYS] = {"FIELD_ID", "DATA_DESC_ID", "SCAN_NUMBER", "TIME"};

static msio_status no_memory(void) { return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a row index"); }

static int32_t window_of(const msio_metadata *facts, int32_t description) {
    bool known = description >= 0 && description < facts->data_descriptions;
    return known ? facts->data_description[description].spectral_window : -1;
}

/* Walks all columns' runs at once: a run of rows ends where one of them ends. */
static msio_status merge(const msio_metadata *facts, const msio_run_list *list, int64_t rows, msio_row_index *index) {
    int64_t at[KEYS] = {0}, most = 0, row = 0;
    for (int k = 0; k < KEYS; k++) most += list[k].n;
    msio_row_run *run = malloc(((size_t)most + 1) * sizeof *run);
    if (!run) return no_memory();
    for (; row < rows; index->runs++) {
        int64_t end = rows;
        for (int k = 0; k < KEYS; k++) {
            const msio_run *r = &list[k].run[at[k]];
            if (r->row + r->rows < end) end = r->row + r->rows;
        }
        int32_t description = (int32_t)list[DESCRIPTION].run[at[DESCRIPTION]].value;
        run[index->runs] = (msio_row_run){.row = row,
                                          .rows = end - row,
                                          .field = (int32_t)list[FIELD].run[at[FIELD]].value,
                                          .spectral_window = window_of(facts, description),
                                          .scan = (int32_t)list[SCAN].run[at[SCAN]].value,
                                          .data_description = description,
                                          .time = list[TIME].run[at[TIME]].value};
        for (int k = 0; k < KEYS; k++) {
            const msio_run *r = &list[k].run[at[k]];
            if (r->row + r->rows == end) at[k]++;
        }
        row = end;
    }
    msio_row_run *fitted = realloc(run, ((size_t)index->runs + 1) * sizeof *run);
    index->run = fitted ? fitted : run;
    return MSIO_OK;
}

msio_status msio_row_index_make(msio_access *access, const msio_metadata *facts, msio_row_index **index) {
    msio_run_list list[KEYS] = {{0}};
    msio_status status = MSIO_OK;
    msio_row_index *made = calloc(1, sizeof *made);
    if (!made) return no_memory();
    for (int k = 0; k < KEYS && !status; k++) status = msio_runs_read(access, key_column[k], &list[k]);
    if (!status) status = merge(facts, list, access->rows, made);
    for (int k = 0; k < KEYS; k++) msio_run_list_free(&list[k]);
    if (status) {
        free(made);
        return status;
    }
    *index = made;
    return MSIO_OK;
}

void msio_row_index_free(msio_row_index *index) {
    if (!index) return;
    free((void *)index->run);
    free(index);
}

/* ---------------------------------------------------------------- asking */

static bool fits(const msio_row_query *q, const msio_row_run *r) {
    bool any_time = q->time_from == 0 && q->time_to == 0;
    return (q->field == MSIO_ANY || q->field == r->field) &&
           (q->spectral_window == MSIO_ANY || q->spectral_window == r->spectral_window) &&
           (q->scan == MSIO_ANY || q->scan == r->scan) &&
           (any_time || (r->time >= q->time_from && r->time <= q->time_to));
}

msio_status msio_row_index_find(const msio_row_index *index, const msio_row_query *query, int64_t **rows, int64_t *n) {
    *rows = NULL;
    *n = 0;
    if (!query || query->struct_size != sizeof *query)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "a row query must be made with MSIO_ROW_QUERY_INIT");
    int64_t found = 0;
    for (int64_t i = 0; i < index->runs; i++)
        if (fits(query, &index->run[i])) found += index->run[i].rows;
    int64_t *list = malloc(((size_t)found + 1) * sizeof *list);
    if (!list) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of %lld rows", (long long)found);
    for (int64_t i = 0; i < index->runs; i++)
        for (int64_t k = 0; k < index->run[i].rows && fits(query, &index->run[i]); k++)
            list[(*n)++] = index->run[i].row + k;
    *rows = list;
    return MSIO_OK;
}
