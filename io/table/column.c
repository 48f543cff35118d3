/* column.c - finding and describing columns. */
#include "core/error.h"
#include "io/aipsio/aipsio.h"
#include "io/aipsio/record.h"
#include "io/table/fallback.h"
#include "io/table/table.h"
#include "prof/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One description; a column whose table changes gets new ones, and keeps the old. */
struct msio_column_facts {
    struct msio_column_facts *older; /* first: the table frees the list without knowing more */
    msio_column_info info;
};

/* ---------------------------------------------------------------- finding */

static bool has_column(const msio_table *t, const char *name) {
    while (msio_table_dat_now(t)->kind == MSIO_CONCAT_TABLE) t = t->child[0];
    return msio_table_dat_find(msio_table_dat_now(t), name) >= 0;
}

/* Keywords as of now: a reference table's column has its root's. */
static const msio_record *find_keywords(const msio_table *t, const char *name) {
    for (;;) {
        const msio_table_dat *dat = msio_table_dat_now(t);
        int index = dat->kind == MSIO_CONCAT_TABLE ? 0 : msio_table_dat_find(dat, name);
        if (index < 0) return NULL;
        if (dat->kind == MSIO_PLAIN_TABLE) return dat->column[index].keywords;
        if (dat->kind == MSIO_REF_TABLE) name = dat->root_column[index];
        t = t->child[0];
    }
}

msio_status msio_table_column(msio_table *table, const char *name, const msio_column **column) {
    PROF_WITHIN;
    if (!table || !name || !column)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no table, name or place for the column");
    if (!has_column(table, name))
        return msio_error_set(MSIO_E_NO_COLUMN, table->path, "the table has no column %s", name);
    msio_table_lock(table);
    msio_column *c = table->columns;
    while (c && strcmp(c->name, name) != 0) c = c->next;
    if (!c && (c = calloc(1, sizeof *c))) {
        c->table = table;
        if ((c->name = strdup(name))) {
            c->next = table->columns;
            table->columns = c;
        } else {
            free(c);
            c = NULL;
        }
    }
    msio_table_unlock(table);
    if (!c) return msio_error_set(MSIO_E_MEMORY, table->path, "no memory for a column");
    *column = c;
    return MSIO_OK;
}

const msio_record *msio_column_keywords(const msio_column *column) {
    PROF_WITHIN;
    return find_keywords(column->table, column->name);
}

/* ---------------------------------------------------------------- describing */

static void turn_round(int n, const int64_t *from, int64_t *to) {
    for (int k = 0; k < n; k++) to[k] = from[n - 1 - k];
}

static void set_shape(msio_column_info *info, const msio_column_dat *c, const msio_layout_facts *facts) {
    info->is_array = c->kind == MSIO_KIND_ARRAY;
    info->fixed_shape = info->is_array && (c->option & MSIO_OPTION_FIXED) && c->shape_ndim >= 0;
    info->ndim = info->is_array ? c->ndim : 0;
    if (info->ndim == 0 && info->is_array) info->ndim = -1;
    const int64_t *shape = NULL;
    if (info->fixed_shape) {
        info->ndim = c->shape_ndim;
        shape = c->shape;
    } else if (info->is_array && facts->ndim >= 0) {
        info->ndim = facts->ndim;
        shape = facts->shape;
    }
    info->shape_known = !info->is_array || shape != NULL;
    if (shape && info->ndim <= MSIO_MAX_NDIM) turn_round(info->ndim, shape, info->shape);
    info->can_be_undefined = facts->undefined || (info->is_array && !info->fixed_shape && !info->shape_known);
}

typedef struct describe_job {
    const msio_column *column;
    bool sketch;
    msio_column_info info;
} describe_job;

static void fill_info(describe_job *job, const msio_table_dat *dat, const msio_column_dat *column,
                      const msio_layout_facts *facts) {
    msio_column_info *info = &job->info;
    memset(info, 0, sizeof *info);
    info->name = job->column->name;
    info->comment = column->comment;
    info->type = column->type;
    info->manager = dat->manager[column->manager].type;
    info->manager_name = msio_table_keep(job->column->table, facts->name);
    info->tile_ndim = facts->tile_ndim;
    turn_round(facts->tile_ndim, facts->tile, info->tile);
    set_shape(info, column, facts);
    info->native = info->readable = 1;
}

static void set_writable(describe_job *job, const char *keeps, const char *partly) {
    const char *why_not = keeps ? keeps : partly;
    job->info.writable = keeps == NULL;
    job->info.why_not_writable = why_not ? msio_table_keep(job->column->table, why_not) : NULL;
}

/* A scalar of a bucketed manager: all there is to say stands in table.dat, the manager's name in its blob there. */
static bool sketch(describe_job *job, const msio_access *access) {
    const msio_table_dat *dat = access->snapshot->dat;
    int index = dat->kind == MSIO_PLAIN_TABLE ? msio_table_dat_find(dat, job->column->name) : -1;
    const msio_column_dat *column = index < 0 ? NULL : &dat->column[index];
    if (!column || column->kind != MSIO_KIND_SCALAR || access->table->opts.native == MSIO_NATIVE_NO) return false;
    const msio_layout *layout = access->snapshot->slot[column->manager].manager.layout;
    if (layout != &msio_ssm_layout && layout != &msio_ism_layout) return false;
    const msio_manager_dat *m = &dat->manager[column->manager];
    msio_arena arena = {0};
    msio_aips a;
    msio_layout_facts facts = {.name = ""};
    msio_aips_start(&a, m->blob, m->blob_length, true, dat->path, &arena);
    msio_aips_enter(&a, NULL, UINT32_MAX);
    const char *name = msio_aips_text(&a);
    bool told = msio_aips_ok(&a) && name;
    if (told) {
        facts.name = name;
        fill_info(job, dat, column, &facts);
        set_writable(job, msio_column_keeps(layout, NULL, column), msio_column_partly(layout, NULL, column));
    }
    msio_arena_free(&arena);
    return told;
}

static msio_status describe(void *user, msio_access *access) {
    describe_job *job = user;
    msio_leaf leaf;
    if (job->sketch && sketch(job, access)) return MSIO_OK;
    msio_status status = msio_leaf_first(access, job->column->name, &leaf);
    if (status) return status;
    msio_layout_facts facts = {.name = "", .ndim = -1};
    if (leaf.native) leaf.slot->manager.layout->describe(&leaf.slot->manager, leaf.column, &facts);
    fill_info(job, leaf.access->snapshot->dat, leaf.column, &facts);
    job->info.native = leaf.native;
    const msio_manager *m = &leaf.slot->manager;
    set_writable(job, msio_leaf_keeps(&leaf), leaf.native ? msio_column_partly(m->layout, m, leaf.column) : NULL);
    if (!leaf.native) msio_fallback_describe(&leaf, job->column->table, &job->info);
    return MSIO_OK;
}

msio_status msio_column_sketch(const msio_column *column, msio_column_info *info) {
    describe_job job = {.column = column, .sketch = true};
    msio_status status = msio_access_run(column->table, describe, &job);
    *info = job.info;
    return status;
}

const msio_column_info *msio_column_describe(const msio_column *column) {
    PROF_WITHIN;
    describe_job job;
    memset(&job, 0, sizeof job); /* compared as bytes below */
    job.column = column;
    msio_table *t = column->table;
    if (msio_access_run(t, describe, &job)) return NULL;
    msio_table_lock(t);
    msio_column *c = (msio_column *)column; /* its list of descriptions grows with the table locked */
    struct msio_column_facts *facts = c->facts;
    while (facts && memcmp(&facts->info, &job.info, sizeof job.info) != 0) facts = facts->older;
    if (!facts && (facts = calloc(1, sizeof *facts))) {
        facts->info = job.info;
        facts->older = c->facts;
        c->facts = facts;
    }
    msio_table_unlock(t);
    if (!facts) msio_error_set(MSIO_E_MEMORY, t->path, "no memory for a column's description");
    return facts ? &facts->info : NULL;
}
