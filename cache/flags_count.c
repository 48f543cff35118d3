/* flags_count.c - counting the flags of some rows within an access: their bits where they are stored, their rows' keys
 * beside them. */
#include "cache/flags_count.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "io/read/dense.h"
#include "io/table/fallback.h"

#include <stdlib.h>
#include <string.h>

#define FLAG "FLAG"
#define FLAG_ROW "FLAG_ROW"
/* Rows counted together: threads meet once for each block. */
#define BLOCK_ROWS 262144
/* Rows whose FLAG_ROW is listed at once; one row in so many is few. */
#define LIST_ROWS (1 << 20)
#define FEW_ROWS 64
/* Counting bits takes so much less than reading as many elements: unless threads were asked for, the calling one does
 * it alone for longer. */
#define ALONE_SHARE 32
/* Elements that casacore reads together. */
#define BLOCK_ELEMENTS ((int64_t)32 << 20)

static msio_status no_memory(const msio_flags_counter *c) {
    return msio_error_set(MSIO_E_MEMORY, c->access->table->path, "no memory to count flags");
}

/* ---------------------------------------------------------------- the survey */

static msio_status tell_shapes(const msio_leaf *leaf, const msio_rows *rows, msio_shape_sink sink, void *user) {
    if (rows->count == 0) return MSIO_OK;
    if (msio_leaf_all_defined(leaf)) return sink(user, 0, rows->count, 0, NULL);
    if (!leaf->native) return msio_fallback_shapes(leaf, rows, sink, user);
    const msio_manager *m = &leaf->slot->manager;
    return m->layout->shapes(m, leaf->column, rows, sink, user);
}

static msio_status survey_shape(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    msio_flags_counter *c = user;
    msio_flags_survey *s = &c->survey;
    int64_t elements, more;
    (void)index;
    if (ndim < 0) {
        s->undefined += count;
        s->uniform = false;
        return MSIO_OK;
    }
    if (!msio_product_checked(ndim, shape, &elements) || !msio_mul_checked(elements, count, &more) ||
        !msio_add_checked(s->total, more, &s->total))
        return msio_error_set(MSIO_E_MEMORY, c->access->table->path,
                              "column FLAG has more elements than can be counted");
    if (s->ndim < 0) {
        s->ndim = ndim;
        memcpy(s->shape, shape ? shape : s->shape, (size_t)ndim * sizeof *shape);
    }
    if (s->ndim != ndim || memcmp(s->shape, shape ? shape : s->shape, (size_t)ndim * sizeof *shape)) s->uniform = false;
    s->most = msio_max(s->most, elements);
    return MSIO_OK;
}

/* The first axis of a tile's rows, where tiles have one. */
static void survey_storage(msio_flags_survey *s, const msio_leaf *leaf) {
    if (!leaf->native) {
        s->casacore = true;
        return;
    }
    msio_layout_facts facts = {.name = "", .ndim = -1};
    const msio_manager *m = &leaf->slot->manager;
    m->layout->describe(m, leaf->column, &facts);
    if (strncmp(m->layout->type, "Tiled", 5) != 0)
        s->bytes = true;
    else if (facts.tile_ndim > 1 && m->layout != &msio_tiled_cell_layout && !s->tile_rows)
        s->tile_rows = facts.tile[facts.tile_ndim - 1];
}

static msio_status survey_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    msio_flags_counter *c = user;
    msio_status status = msio_leaf_check_native(leaf);
    if (status) return status;
    if (leaf->column->type != MSIO_BOOL || leaf->column->kind > MSIO_KIND_ARRAY)
        return msio_error_set(MSIO_E_SHAPE, leaf->access->table->path, "column %s should hold Bool, it holds %s",
                              leaf->column->name, msio_type_name(leaf->column->type));
    survey_storage(&c->survey, leaf);
    return tell_shapes(leaf, rows, survey_shape, c);
}

static msio_status survey(msio_flags_counter *c) {
    msio_rows all = {.count = c->access->rows, .step = 1, .place_step = 1};
    c->survey = (msio_flags_survey){.rows = all.count, .uniform = true, .ndim = -1};
    msio_status status = msio_leaves_visit(c->access, FLAG, &all, survey_leaf, c);
    if (c->survey.ndim < 0) c->survey.uniform = false;
    return status;
}

const char *msio_flags_way(const msio_flags_survey *survey) {
    return survey->casacore ? "casacore" : survey->bytes ? "bytes" : "packed bits";
}

/* ---------------------------------------------------------------- bits, from wherever they are */

/* Cells that casacore read as bytes: packed, so that they are counted as all others are. */
static void count_bytes(msio_flags_counter *c, const uint8_t *bytes, int64_t n, int64_t out) {
    uint8_t *packed = c->packed;
    for (int64_t i = 0; i < n; i += 8) {
        unsigned bits = 0;
        for (int64_t k = i; k < msio_min(i + 8, n); k++) bits |= (unsigned)(bytes[k] != 0) << (k - i);
        packed[i / 8] = (uint8_t)bits;
    }
    msio_box run = {1, {n}, {1}, {1}};
    msio_flags_bits_look(&c->bits, &(msio_seen){.box = &run, .src = packed, .out = out});
}

static msio_status read_bytes(msio_flags_counter *c, const msio_want *want) {
    if (!c->bytes) c->bytes = malloc((size_t)(c->block_rows * want->place_elements));
    if (!c->packed) c->packed = malloc((size_t)want->place_elements / 8 + 1);
    if (!c->bytes || !c->packed) return no_memory(c);
    msio_status status = msio_fallback_read(c->leaf, want, c->bytes);
    for (int64_t i = 0; i < want->rows->count && !status; i++) {
        int64_t out = msio_rows_place(want->rows, i) * want->place_elements;
        count_bytes(c, c->bytes + out, want->row_elements, out);
    }
    return status;
}

static msio_status count_stretch(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    msio_flags_counter *c = user;
    if (ndim < 0) return MSIO_OK;
    msio_rows part = msio_rows_part(c->leaf_rows, index, count);
    msio_want want = {.rows = &part, .place_elements = c->bits.stride, .ndim = ndim, .row_elements = 1};
    for (int k = 0; k < ndim; k++) {
        want.shape[k] = shape[k];
        want.axis[k] = (msio_range){0, shape[k], 1};
        want.row_elements *= shape[k];
    }
    if (want.row_elements > c->bits.stride)
        return msio_error_set(MSIO_E_FORMAT, c->access->table->path, "cells of column FLAG are larger than they were");
    if (want.row_elements == 0) return MSIO_OK;
    if (!c->leaf->native) return read_bytes(c, &want);
    const msio_manager *m = &c->leaf->slot->manager;
    return m->layout->pieces(m, c->leaf->column, &want, &c->sink);
}

static msio_status count_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    msio_flags_counter *c = user;
    c->leaf = leaf;
    c->leaf_rows = rows;
    if (rows->count && c->survey.uniform) return count_stretch(c, 0, rows->count, c->survey.ndim, c->survey.shape);
    return tell_shapes(leaf, rows, count_stretch, c);
}

/* Pushes the places of rows and has their bits counted. */
static msio_status count_rows(msio_flags_counter *c, const msio_rows *rows) {
    int64_t room;
    c->bits.stride = msio_max(c->survey.most, 1);
    if (!msio_mul_checked(c->bits.stride, msio_max(rows->count, 1), &room)) return no_memory(c);
    c->sink.target[0] = (msio_target){.codec = MSIO_CODEC_BITS,
                                      .elem = 1,
                                      .unit = 1,
                                      .stored_bits = 1,
                                      .out_bytes = room,
                                      .look = msio_flags_bits_look,
                                      .user = &c->bits};
    msio_status status = msio_leaves_visit(c->access, FLAG, rows, count_leaf, c);
    return status ? status : msio_sink_finish(&c->sink);
}

static msio_status start_engine(msio_flags_counter *c) {
    int64_t bytes = c->opts.threads > 1 ? c->survey.total : c->survey.total / ALONE_SHARE;
    msio_status status = msio_engine_start(&c->engine, &c->opts, bytes, false);
    c->engine.total = c->survey.total;
    if (!status) status = msio_flags_bits_start(&c->bits, c->engine.threads);
    if (!status) status = msio_sink_start(&c->sink, 1, msio_engine_run, &c->engine);
    c->sink_started = !status;
    return status;
}

static void finish_engine(msio_flags_counter *c) {
    if (c->sink_started) msio_sink_free(&c->sink);
    c->sink_started = false;
    msio_flags_bits_free(&c->bits);
    msio_engine_finish(&c->engine);
}

/* ---------------------------------------------------------------- FLAG_ROW of the whole table */

static bool add_flagged_row(msio_flags_counter *c, int64_t row, int64_t *room) {
    if (c->flagged_rows == *room) {
        int64_t wanted = *room ? 2 * *room : 256;
        int64_t *grown = realloc(c->flagged_row, (size_t)wanted * sizeof *grown);
        if (!grown) return false;
        c->flagged_row = grown;
        *room = wanted;
    }
    c->flagged_row[c->flagged_rows++] = row;
    return true;
}

/* Reads FLAG_ROW of some rows to bytes. */
static msio_status read_flag_row(msio_flags_counter *c, int64_t first, int64_t rows, uint8_t *to) {
    msio_select select = MSIO_SELECT_ALL;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    msio_dense_column column = {.name = FLAG_ROW, .out = to, .out_bytes = (size_t)rows};
    msio_dense dense = {.n = 1, .column = &column, .select = &select, .opts = &opts};
    select.row = first;
    select.rows = rows;
    opts.threads = c->opts.threads;
    msio_status status = msio_dense_read(&dense, c->access);
    if (!status && (column.type != MSIO_BOOL || column.array))
        status = msio_error_set(MSIO_E_SHAPE, c->access->table->path, "column FLAG_ROW should hold one Bool a row");
    return status;
}

/* Lists the rows whose FLAG_ROW is set; when they are many, some of them, and c->many_flagged. */
static msio_status list_flagged_rows(msio_flags_counter *c) {
    int64_t rows = c->survey.rows, most = rows / FEW_ROWS + 1, block = msio_max(1, msio_min(rows, LIST_ROWS)), room = 0;
    uint8_t *set = malloc((size_t)block);
    msio_status status = set ? MSIO_OK : no_memory(c);
    for (int64_t first = 0; first < rows && !status && !c->many_flagged; first += block) {
        int64_t n = msio_min(block, rows - first);
        status = read_flag_row(c, first, n, set);
        for (const uint8_t *p = set; !status && (p = memchr(p, 1, (size_t)(set + n - p))); p++)
            if (!add_flagged_row(c, first + (p - set), &room)) status = no_memory(c);
        c->many_flagged = c->flagged_rows > most;
    }
    free(set);
    return status;
}

static msio_status look_at_flag_row(msio_flags_counter *c, bool sampled) {
    msio_leaf leaf;
    msio_status status = msio_leaf_first(c->access, FLAG_ROW, &leaf);
    if (status) return status == MSIO_E_NO_COLUMN ? MSIO_OK : status;
    if (!sampled) status = list_flagged_rows(c);
    c->flag_rows = sampled || c->flagged_rows > 0;
    return status;
}

/* ---------------------------------------------------------------- blocks of rows */

static msio_status start_blocks(msio_flags_counter *c) {
    int64_t n = msio_max(1, msio_min(BLOCK_ROWS, c->survey.rows));
    if (c->survey.casacore) n = msio_max(1, msio_min(n, BLOCK_ELEMENTS / msio_max(1, c->survey.most)));
    c->block_rows = n;
    if (!c->by_row) return MSIO_OK;
    bool missing = false; /* from the pool: who counts again and again need not have pages cleared */
    size_t rows = (size_t)n;
    missing |= !(c->set = msio_pool_take(rows * sizeof *c->set));
    missing |= !(c->shape_of = msio_pool_take(rows * sizeof *c->shape_of));
    missing |= !(c->group_of = msio_pool_take(rows * sizeof *c->group_of));
    missing |= !(c->flag_row = msio_pool_take(rows * sizeof *c->flag_row));
    missing |= !(c->sum = msio_pool_take((rows + 1) * sizeof *c->sum));
    for (int k = 0; k < MSIO_FLAGS_KEYS; k++)
        if (msio_flags_needs_key(c->groups->by, k))
            missing |= !(c->keys.value[k] = msio_pool_take(rows * sizeof(double)));
    if (c->flag_row) memset(c->flag_row, 0, rows);
    return missing ? no_memory(c) : MSIO_OK;
}

/* Key columns and FLAG_ROW of a block. */
static msio_status read_keys(msio_flags_counter *c) {
    msio_dense_column column[MSIO_FLAGS_KEYS] = {{0}};
    msio_type type[MSIO_FLAGS_KEYS];
    msio_select select = MSIO_SELECT_ALL;
    int n = 0;
    select.row = c->first;
    select.rows = c->here;
    for (int k = 0; k < MSIO_FLAGS_KEYS; k++) {
        if (!c->keys.value[k]) continue;
        type[n] = k == MSIO_FLAGS_KEY_TIME ? MSIO_DOUBLE : MSIO_INT;
        column[n++] = (msio_dense_column){
            .name = msio_flags_key_column[k], .out = c->keys.value[k], .out_bytes = (size_t)c->here * sizeof(double)};
    }
    msio_status status = c->flag_rows ? read_flag_row(c, c->first, c->here, c->flag_row) : MSIO_OK;
    if (n == 0 || status) return status;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = c->opts.threads;
    msio_dense dense = {.n = n, .column = column, .select = &select, .opts = &opts};
    status = msio_dense_read(&dense, c->access);
    for (int i = 0; i < n && !status; i++)
        if (column[i].type != type[i] || column[i].array)
            status = msio_error_set(MSIO_E_SHAPE, c->access->table->path, "column %s should hold one %s a row",
                                    column[i].name, msio_type_name(type[i]));
    return status;
}

static msio_status take_shape(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    msio_flags_counter *c = user;
    int32_t found = ndim < 0 ? -1 : msio_flags_shape_index(c->groups, ndim, shape);
    if (ndim >= 0 && found < 0)
        return msio_error_set(MSIO_E_MEMORY, c->access->table->path,
                              "a cell of column FLAG is too large to be counted");
    for (int64_t i = index; i < index + count; i++) c->shape_of[msio_rows_place(c->leaf_rows, i)] = found;
    return MSIO_OK;
}

static msio_status shapes_of_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    msio_flags_counter *c = user;
    c->leaf_rows = rows;
    return tell_shapes(leaf, rows, take_shape, c);
}

static msio_status read_shapes(msio_flags_counter *c) {
    msio_rows here = {.count = c->here, .first = c->first, .step = 1, .place_step = 1};
    if (!c->survey.uniform) return msio_leaves_visit(c->access, FLAG, &here, shapes_of_leaf, c);
    if (c->shapes_known >= c->here) return MSIO_OK; /* from a block before */
    c->leaf_rows = &here;
    c->shapes_known = c->here;
    return take_shape(c, 0, c->here, c->survey.ndim, c->survey.shape);
}

/* Sums over the rows before each. */
static void sum_rows(msio_flags_counter *c) {
    const msio_flags_tallied *shape = c->groups->shape.entry;
    msio_flags_sums sum = {0, 0, 0};
    for (int64_t i = 0; i < c->here; i++) {
        c->sum[i] = sum;
        if (c->shape_of[i] < 0) continue;
        int64_t all = c->survey.uniform ? c->survey.most : shape[c->shape_of[i]].key[1];
        int64_t set = atomic_load_explicit(&c->set[i], memory_order_relaxed), extra = c->flag_row[i] ? all - set : 0;
        sum.total += all;
        sum.flagged += set + extra;
        sum.from_flag_row += extra;
    }
    c->sum[c->here] = sum;
}

static msio_status count_block(msio_flags_counter *c) {
    bool by_position = c->groups->by & (MSIO_FLAGS_BY_CHANNEL | MSIO_FLAGS_BY_CORRELATION);
    msio_status status = read_keys(c);
    if (!status) status = read_shapes(c);
    if (!status && by_position)
        status = msio_flags_groups_assign(c->groups, &c->keys, c->shape_of, c->flag_rows ? c->flag_row : NULL, c->here,
                                          c->group_of);
    if (status) return status;
    for (int64_t i = 0; i < c->here; i++) atomic_store_explicit(&c->set[i], 0, memory_order_relaxed);
    c->bits.row = c->set;
    c->bits.group = by_position ? c->group_of : NULL;
    status = count_rows(c, &(msio_rows){.count = c->here, .first = c->first, .step = 1, .place_step = 1});
    if (status) return status;
    sum_rows(c);
    msio_flags_sums_add(&c->sums, &c->sum[c->here]);
    return msio_flags_groups_add(c->groups, &c->keys, c->sum, c->here);
}

/* ---------------------------------------------------------------- from the outside */

msio_status msio_flags_counter_start(msio_flags_counter *c, msio_access *access, msio_flags_groups *groups,
                                     const msio_read_opts *opts, bool ignore, bool sampled) {
    *c = (msio_flags_counter){.access = access, .groups = groups, .opts = *opts};
    msio_status status = survey(c);
    if (!status && !ignore) status = look_at_flag_row(c, sampled);
    c->by_row = groups->by || sampled || c->many_flagged;
    if (!status) status = start_blocks(c);
    return status ? status : start_engine(c);
}

void msio_flags_counter_finish(msio_flags_counter *c) {
    finish_engine(c);
    for (int k = 0; k < MSIO_FLAGS_KEYS; k++) msio_pool_give(c->keys.value[k]);
    msio_pool_give(c->set);
    msio_pool_give(c->shape_of);
    msio_pool_give(c->group_of);
    msio_pool_give(c->flag_row);
    msio_pool_give(c->sum);
    free(c->bytes);
    free(c->packed);
    free(c->flagged_row);
    free(c->place);
}

/* Rows from the first on, or listed, whose bits all count the same. */
static msio_status count_plainly(msio_flags_counter *c, const msio_rows *rows, int64_t *set) {
    int64_t before, step = c->survey.casacore ? c->block_rows : msio_max(1, rows->count);
    msio_status status = msio_flags_bits_total(&c->bits, &before);
    for (int64_t i = 0; i < rows->count && !status; i += step) {
        msio_rows part = msio_rows_part(rows, i, msio_min(step, rows->count - i));
        if (part.row) {
            for (int64_t k = 0; k < part.count; k++) c->place[k] = k;
            part.place = c->place;
        } else {
            part.place_first = 0;
        }
        status = count_rows(c, &part);
    }
    if (!status) status = msio_flags_bits_total(&c->bits, set);
    *set -= before;
    return status;
}

static msio_status add_elements(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    int64_t elements = 1;
    (void)index;
    for (int k = 0; k < ndim; k++) elements *= shape[k];
    if (ndim >= 0) *(int64_t *)user += elements * count;
    return MSIO_OK;
}

static msio_status elements_of_leaf(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    return tell_shapes(leaf, rows, add_elements, user);
}

/* All rows: first every bit of FLAG, then once more those of the few rows whose FLAG_ROW is set. */
static msio_status count_all(msio_flags_counter *c) {
    msio_rows all = {.count = c->survey.rows, .step = 1, .place_step = 1};
    int64_t of_flagged_rows = 0, elements = 0;
    msio_status status = count_plainly(c, &all, &c->sums.flagged);
    c->sums.total = c->survey.total;
    if (status || !c->flag_rows) return status;
    if (!(c->place = malloc((size_t)c->flagged_rows * sizeof *c->place))) return no_memory(c);
    for (int64_t i = 0; i < c->flagged_rows; i++) c->place[i] = i;
    msio_rows some = {.count = c->flagged_rows, .row = c->flagged_row, .place = c->place};
    status = msio_leaves_visit(c->access, FLAG, &some, elements_of_leaf, &elements);
    if (!status) status = count_plainly(c, &some, &of_flagged_rows);
    c->sums.from_flag_row = elements - of_flagged_rows;
    c->sums.flagged += c->sums.from_flag_row;
    return status;
}

/* The engine tells of large blocks; between small ones, and those that casacore reads, this does. */
static msio_status ask_whether_to_go_on(const msio_flags_counter *c, int64_t rows) {
    const msio_flags_survey *all = &c->survey;
    int64_t done = (int64_t)((double)all->total * (double)rows / (double)msio_max(all->rows, 1));
    if (!c->opts.progress || !c->opts.progress(c->opts.user, done, all->total)) return MSIO_OK;
    return msio_error_set(MSIO_E_CANCELLED, c->access->table->path,
                          "counting flags was cancelled after %lld of %lld rows", (long long)rows,
                          (long long)all->rows);
}

msio_status msio_flags_counter_add(msio_flags_counter *c, int64_t first, int64_t rows) {
    msio_status status = MSIO_OK;
    int64_t ignored;
    c->rows += rows;
    if (!c->by_row) return count_all(c);
    for (int64_t i = 0; i < rows && !status; i += c->here) {
        c->first = first + i;
        c->here = msio_min(c->block_rows, rows - i);
        status = count_block(c);
        if (!status) status = ask_whether_to_go_on(c, i + c->here);
    }
    return status ? status : msio_flags_bits_total(&c->bits, &ignored);
}
