/* plan_record.c - plans for printing: what a read would do, without its data. */
#include "io/read/plan_record.h"

#include "core/error.h"
#include "io/read/dense.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_PIECES 65536

struct msio_plan {
    msio_plan_info info;
    msio_engine *engine; /* while it is made */
    msio_plan_piece *piece;
    int64_t kept, capacity;
    char **path; /* of the files, which the pieces point to */
    int paths;
    int64_t foreign_bytes;
};

const char *msio_way_name(msio_way way) {
    static const char *const names[] = {"auto", "direct", "scratch", "mapped", "casacore"};
    return way >= MSIO_WAY_AUTO && way <= MSIO_WAY_CASACORE ? names[way] : "unknown";
}

static void forget(msio_plan *plan) {
    for (int i = 0; i < plan->paths; i++) free(plan->path[i]);
    free(plan->path);
    free(plan->piece);
    *plan = (msio_plan){0};
}

msio_plan *msio_plan_record_new(void) { return calloc(1, sizeof(msio_plan)); }

void msio_plan_record_start(msio_plan *plan, msio_engine *engine, int64_t rows) {
    forget(plan);
    plan->engine = engine;
    plan->info.rows = rows;
}

static const char *keep_path(msio_plan *plan, const char *path) {
    for (int i = plan->paths - 1; i >= 0; i--)
        if (strcmp(plan->path[i], path) == 0) return plan->path[i];
    char **grown = realloc(plan->path, (size_t)(plan->paths + 1) * sizeof *grown);
    if (!grown) return NULL;
    plan->path = grown;
    plan->path[plan->paths] = strdup(path);
    return plan->path[plan->paths] ? plan->path[plan->paths++] : NULL;
}

static msio_status keep_piece(msio_plan *plan, const msio_piece_batch *batch, const msio_piece *piece) {
    if (plan->kept >= KEPT_PIECES || !batch->source[piece->source].file) return MSIO_OK;
    if (plan->kept == plan->capacity) {
        int64_t wanted = plan->capacity ? plan->capacity * 2 : 64;
        msio_plan_piece *grown = realloc(plan->piece, (size_t)wanted * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a plan");
        plan->piece = grown;
        plan->capacity = wanted;
    }
    msio_box box;
    int64_t offset, bit, out;
    const msio_target *t = &batch->target[piece->target];
    const char *path = keep_path(plan, batch->source[piece->source].file->path);
    if (!path) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a plan");
    msio_piece_box(batch, piece, 0, piece->rows, &box, &offset, &bit, &out);
    /* out counts bytes of the result, of which each row has the same share */
    int64_t row_bytes = t->out_bytes && plan->info.rows ? t->out_bytes / plan->info.rows : 1;
    plan->piece[plan->kept++] =
        (msio_plan_piece){.file = path,
                          .offset = piece->encoded ? piece->offset : offset,
                          .length = piece->encoded ? piece->encoded : msio_box_extent(&box, t, bit),
                          .out_row = out / (row_bytes ? row_bytes : 1),
                          .rows = piece->rows};
    return MSIO_OK;
}

msio_status msio_plan_record_batch(void *user, msio_piece_batch *batch) {
    msio_plan *plan = user;
    msio_status status = msio_engine_run(plan->engine, batch); /* which sorts the pieces */
    for (int64_t i = 0; i < batch->n && !status; i++) status = keep_piece(plan, batch, &batch->pieces[i]);
    return status;
}

msio_status msio_plan_record_foreign(msio_plan *plan, int64_t bytes) {
    plan->foreign_bytes += bytes;
    return MSIO_OK;
}

void msio_plan_record_end(msio_plan *plan, const msio_engine *engine, int64_t bytes) {
    msio_plan_info *info = &plan->info;
    info->pieces = engine->pieces;
    info->reads = engine->works;
    info->bytes_wanted = bytes;
    info->bytes_stored = engine->schedule.stored_bytes;
    info->bytes_read = engine->schedule.read_bytes;
    info->amplification = info->bytes_stored ? (double)info->bytes_read / (double)info->bytes_stored : 0;
    info->way = plan->foreign_bytes ? MSIO_WAY_CASACORE : msio_engine_way(engine);
    info->files = plan->paths;
    plan->engine = NULL;
}

const msio_plan_info *msio_plan_describe(const msio_plan *plan) { return &plan->info; }

msio_status msio_plan_piece_at(const msio_plan *plan, int64_t index, msio_plan_piece *piece) {
    if (index < 0 || index >= plan->kept)
        return msio_error_set(MSIO_E_RANGE, NULL, "piece %lld asked for, the plan keeps %lld of its %lld",
                              (long long)index, (long long)plan->kept, (long long)plan->info.pieces);
    *piece = plan->piece[index];
    return MSIO_OK;
}

void msio_plan_free(msio_plan *plan) {
    if (!plan) return;
    forget(plan);
    free(plan);
}
