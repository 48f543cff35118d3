/* seams.c - rows written batch by batch, and no tile in two parts. */
#include "io/write/seams.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/read/dense.h"
#include "io/write/write_parts.h"

#include <stdlib.h>
#include <string.h>

/* One column's kept rows, and how far the batch of now is stored. */
struct msio_seam {
    int64_t at, rows; /* kept: the first one's place */
    uint8_t *bytes;
    int64_t filled, capacity;
    int64_t row_bytes;     /* in the batch of now */
    int64_t first, border; /* places in the batch: kept rows take those before the one, from the other on they stay */
    bool open;             /* the batch ends within a row of tiles */
};

static msio_status no_memory(const msio_seams *s) {
    return msio_error_set(MSIO_E_MEMORY, s->column[0]->table->path, "no memory for rows between two batches");
}

msio_status msio_seams_start(msio_seams *seams, int n, const msio_column *const *columns, const msio_select *select,
                             int64_t rows, const msio_write_opts *opts) {
    *seams = (msio_seams){.n = n, .column = columns, .select = select, .rows = rows, .opts = opts};
    seams->seam = calloc((size_t)n, sizeof *seams->seam);
    return seams->seam ? MSIO_OK : no_memory(seams);
}

void msio_seams_free(msio_seams *seams) {
    for (int i = 0; seams->seam && i < seams->n; i++) free(seams->seam[i].bytes);
    free(seams->seam);
    *seams = (msio_seams){0};
}

/* ---------------------------------------------------------------- which tiles */

/* One number for the row of tiles in which each of some rows lies; 0: in none. */
typedef struct tile_job {
    msio_seams *seams;
    int column;
    int64_t from, to; /* places */
    uint64_t *tile;
    const void *slot; /* while a leaf's tiles are told */
    const msio_rows *rows;
} tile_job;

static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 29);
}

static msio_status note_tile(void *user, int64_t index, int64_t count, int64_t cube, int64_t tile) {
    tile_job *job = user;
    const uint64_t number = mix(mix((uint64_t)(uintptr_t)job->slot, (uint64_t)cube), (uint64_t)tile) | 1;
    for (int64_t i = index; i < index + count; i++) job->tile[msio_rows_place(job->rows, i)] = number;
    return MSIO_OK;
}

static msio_status note_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    tile_job *job = user;
    const msio_manager *m = &leaf->slot->manager;
    if (!leaf->native || !m->layout->tiles || msio_leaf_keeps(leaf)) return MSIO_OK;
    job->slot = leaf->slot;
    job->rows = rows;
    return m->layout->tiles(m, leaf->column, rows, note_tile, job);
}

static msio_status find_tiles(void *user, msio_access *access) {
    tile_job *job = user;
    msio_rows rows;
    const msio_select part = msio_select_part(job->seams->select, job->from, job->to - job->from);
    memset(job->tile, 0, (size_t)(job->to - job->from) * sizeof *job->tile);
    msio_status status = msio_rows_select(&part, access->rows, access->table->path, &rows);
    if (status) return status;
    status = msio_leaves_visit(access, job->seams->column[job->column]->name, &rows, note_leaf, job);
    msio_rows_free(&rows);
    return status;
}

static void find_borders(struct msio_seam *m, const uint64_t *tile, int64_t place, int64_t end, int64_t rows) {
    m->open = end < rows && tile[end] && tile[end - 1] == tile[end];
    m->first = place;
    while (m->rows && m->first < end && tile[m->first] && tile[m->first - 1] == tile[m->first]) m->first++;
    m->border = end;
    while (m->open && m->border > m->first && tile[m->border] && tile[m->border - 1] == tile[m->border]) {
        m->border--;
        if (m->border == place && !m->rows) break;
    }
}

/* Where rows of tiles of a column end, in a batch of rows [place, end). */
static msio_status look_at_tiles(msio_seams *s, int column, int64_t place, int64_t end) {
    struct msio_seam *m = &s->seam[column];
    tile_job job = {
        .seams = s, .column = column, .from = m->rows ? place - 1 : place, .to = msio_min(end + 1, s->rows)};
    job.tile = malloc((size_t)(job.to - job.from) * sizeof *job.tile);
    if (!job.tile) return no_memory(s);
    msio_status status = msio_access_run(s->column[column]->table, find_tiles, &job);
    if (!status) find_borders(m, job.tile - job.from, place, end, s->rows);
    free(job.tile);
    return status;
}

/* ---------------------------------------------------------------- kept rows */

static msio_status keep(msio_seams *s, struct msio_seam *m, int64_t place, int64_t rows, const uint8_t *from) {
    const int64_t bytes = rows * m->row_bytes, needed = m->filled + bytes;
    if (rows <= 0) return MSIO_OK;
    if (needed > m->capacity) {
        const int64_t wanted = msio_max(needed, msio_min(2 * m->capacity, MSIO_SEAMS_BYTES));
        uint8_t *grown = realloc(m->bytes, (size_t)wanted);
        if (!grown) return no_memory(s);
        m->bytes = grown;
        m->capacity = wanted;
    }
    if (m->rows == 0) m->at = place;
    if (bytes) memcpy(m->bytes + m->filled, from, (size_t)bytes);
    m->filled = needed;
    m->rows += rows;
    s->kept += bytes;
    return MSIO_OK;
}

static msio_status write_kept(msio_seams *s, int column) {
    struct msio_seam *m = &s->seam[column];
    if (m->rows == 0) return MSIO_OK;
    const msio_select part = msio_select_part(s->select, m->at, m->rows);
    const void *in = m->bytes;
    const size_t bytes = (size_t)m->filled;
    s->kept -= m->filled;
    m->rows = m->filled = 0;
    return msio_write_columns(1, &s->column[column], &part, &in, &bytes, s->opts, s->n > 1);
}

msio_status msio_seams_flush(msio_seams *seams) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < seams->n && seams->seam && !status; i++) status = write_kept(seams, i);
    return status;
}

/* ---------------------------------------------------------------- a batch */

/* Kept rows take what follows in their tiles, and are written when that is all of it; what is too much is not kept. */
static msio_status settle(msio_seams *s, int column, int64_t place, int64_t end, const uint8_t *in) {
    struct msio_seam *m = &s->seam[column];
    msio_status status = look_at_tiles(s, column, place, end);
    if (status) return status;
    const bool goes_on = m->open && m->first == end;
    if (m->rows && s->kept + (m->first - place) * m->row_bytes > MSIO_SEAMS_BYTES) {
        m->first = place;
        if (goes_on) m->border = end;
        status = write_kept(s, column);
    } else if (m->rows) {
        status = keep(s, m, place, m->first - place, in);
        if (!status && !goes_on) status = write_kept(s, column);
    }
    if (s->kept + (end - m->border) * m->row_bytes > MSIO_SEAMS_BYTES) m->border = end;
    return status;
}

/* Writes the columns together of which the same rows are to be stored as they are. */
static msio_status write_alike(msio_seams *s, int64_t place, const void *const *in) {
    const msio_column **column = malloc((size_t)s->n * sizeof *column);
    const void **from = malloc((size_t)s->n * sizeof *from);
    size_t *bytes = malloc((size_t)s->n * sizeof *bytes);
    msio_status status = column && from && bytes ? MSIO_OK : no_memory(s);
    for (int i = 0; i < s->n && !status; i++) {
        const struct msio_seam m = s->seam[i];
        int n = 0;
        for (int k = 0; k < s->n; k++) {
            struct msio_seam *other = &s->seam[k];
            if (other->first != m.first || other->border != m.border || m.first >= m.border) continue;
            if (k < i) break; /* written with that one */
            column[n] = s->column[k];
            from[n] = (const uint8_t *)in[k] + (m.first - place) * other->row_bytes;
            bytes[n++] = (size_t)((m.border - m.first) * other->row_bytes);
        }
        if (n == 0) continue;
        const msio_select part = msio_select_part(s->select, m.first, m.border - m.first);
        status = msio_write_columns(n, column, &part, from, bytes, s->opts, s->n > 1);
    }
    free(column);
    free(from);
    free(bytes);
    return status;
}

msio_status msio_seams_put(msio_seams *s, int64_t place, int64_t rows, const void *const *in, const size_t *bytes) {
    msio_status status = MSIO_OK;
    if (rows <= 0) return MSIO_OK;
    for (int i = 0; i < s->n && !status; i++) {
        s->seam[i].row_bytes = (int64_t)bytes[i] / rows;
        status = settle(s, i, place, place + rows, in[i]);
    }
    if (!status) status = write_alike(s, place, in);
    for (int i = 0; i < s->n && !status; i++) {
        struct msio_seam *m = &s->seam[i];
        const uint8_t *from = in[i];
        if (m->border < place + rows)
            status = keep(s, m, m->border, place + rows - m->border, from + (m->border - place) * m->row_bytes);
    }
    return status;
}
