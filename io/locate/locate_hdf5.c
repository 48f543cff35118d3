/* locate_hdf5.c - from bytes of an HDF5 file to dataset, chunk and rows of its first axis. */
#include "core/checked.h"
#include "core/error.h"
#include "io/locate/locating.h"

#include <stdlib.h>

/* Bytes [at, at + bytes) are chunk `chunk` of a dataset, or its values (-1). */
typedef struct stretch {
    int64_t at, bytes, chunk;
    const msio_dataset *dataset;
} stretch;

typedef struct state {
    int64_t n, capacity;
    stretch *stretch; /* ascending */
} state;

static void free_state(void *kept) {
    state *s = kept;
    free(s->stretch);
    free(s);
}

static msio_status add(state *s, const msio_dataset *dataset, int64_t at, int64_t bytes, int64_t chunk) {
    int64_t end;
    if (at < 0 || bytes <= 0 || !msio_add_checked(at, bytes, &end)) return MSIO_OK;
    if (s->n == s->capacity) {
        int64_t wanted = s->capacity ? 2 * s->capacity : 64;
        stretch *grown = realloc(s->stretch, (size_t)wanted * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the places of chunks");
        s->stretch = grown;
        s->capacity = wanted;
    }
    s->stretch[s->n++] = (stretch){at, bytes, chunk, dataset};
    return MSIO_OK;
}

static msio_status add_dataset(state *s, const msio_dataset *d) {
    msio_status status = MSIO_OK;
    if (d->info.storage == MSIO_H5_CONTIGUOUS)
        return add(s, d, d->described.native ? d->address : d->info.address, d->info.bytes, -1);
    for (int64_t i = 0; i < d->chunks.n && !status; i++)
        status = add(s, d, d->chunks.chunk[i].address, d->chunks.chunk[i].bytes, d->chunks.chunk[i].index);
    return status;
}

static int compare(const void *one, const void *other) {
    const stretch *a = one, *b = other;
    return a->at < b->at ? -1 : a->at > b->at;
}

static int64_t first_behind(const state *s, int64_t offset) {
    int64_t low = 0, high = s->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (s->stretch[middle].at + s->stretch[middle].bytes <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Rows of a chunk, or of bytes [from, to) of contiguous values. */
static void find_rows(const stretch *at, int64_t from, int64_t to, msio_located *part) {
    const msio_h5_info *info = &at->dataset->info;
    int64_t rows = info->ndim ? info->shape[0] : 1, across = 1, bytes = info->stored;
    for (int k = 1; k < info->ndim; k++) {
        bytes *= at->chunk >= 0 ? info->chunk[k] : info->shape[k];
        if (at->chunk >= 0) across *= at->dataset->chunks.grid[k];
    }
    if (bytes <= 0) return;
    int64_t first = from / bytes, last = (to - 1) / bytes, height = rows;
    if (at->chunk >= 0) {
        part->row = at->chunk / across * info->chunk[0];
        height = msio_min(info->chunk[0], rows - part->row);
        if (info->filters) first = 0, last = height - 1; /* encoded as a whole */
    } else {
        part->row = 0;
    }
    part->row += first;
    part->rows = msio_min(last, height - 1) - first + 1;
    if (part->rows <= 0) part->row = -1, part->rows = 0;
}

static void find(const msio_locate_index *index, msio_question *question, msio_status *status) {
    const state *s = index->state;
    int64_t at = question->from;
    (void)status;
    for (int64_t i = first_behind(s, at); i < s->n && s->stretch[i].at < question->to && !question->stop; i++) {
        const stretch *found = &s->stretch[i];
        msio_located part = {.what = found->chunk < 0 ? "values" : "chunk",
                             .column = found->dataset->name,
                             .unit = found->chunk,
                             .cube = -1,
                             .row = -1,
                             .offset = found->at,
                             .length = found->bytes};
        if (found->chunk >= 0) part.unit_at = found->at, part.unit_bytes = found->bytes;
        if (at < found->at) msio_locate_tell_plain(question, "metadata", at, found->at);
        int64_t end = found->at + found->bytes;
        find_rows(found, msio_max(question->from, found->at) - found->at, msio_min(question->to, end) - found->at,
                  &part);
        msio_locate_tell(question, &part);
        at = msio_max(at, end);
    }
    if (at < question->to) msio_locate_tell_plain(question, "metadata", at, question->to);
}

msio_status msio_locate_hdf5(msio_hdf5 *file, msio_locate_index *index) {
    int n = 0;
    const char *const *names;
    state *s = calloc(1, sizeof *s);
    msio_status status = s ? msio_hdf5_names(file, &n, &names)
                           : msio_error_set(MSIO_E_MEMORY, file->path, "no memory for the places of chunks");
    for (int i = 0; i < n && !status; i++) {
        const msio_dataset *dataset;
        status = msio_hdf5_dataset(file, names[i], &dataset);
        if (!status) status = add_dataset(s, dataset);
    }
    if (status) {
        if (s) free_state(s);
        return status;
    }
    if (s->n) qsort(s->stretch, (size_t)s->n, sizeof *s->stretch, compare);
    index->find = find;
    index->state = s;
    index->free_state = free_state;
    return MSIO_OK;
}
