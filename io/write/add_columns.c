/* add_columns.c - columns and rows added by casacore, and what is put into them by us. */
#include "io/casacore/casacore_reader.h"
#include "io/casacore/casacore_shim.h"

#include "core/error.h"
#include "io/write/cells_like.h"
#include "msio/write.h"
#include "prof/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tries to be the next one under the lock, each of two seconds: another writer may come between our wait and
 * casacore's. */
#define TRIES 3

/* ---------------------------------------------------------------- orders */

/* Fields of text, each with its NUL. */
typedef struct orders {
    char *text;
    size_t bytes, room;
    bool failed;
} orders;

static void put_text(orders *o, const char *text) {
    const size_t length = strlen(text) + 1;
    if (o->bytes + length > o->room) {
        const size_t room = 2 * (o->bytes + length);
        char *grown = o->failed ? NULL : realloc(o->text, room);
        o->failed = !grown;
        if (!grown) return;
        o->text = grown;
        o->room = room;
    }
    memcpy(o->text + o->bytes, text, length);
    o->bytes += length;
}

static void put_number(orders *o, int64_t number) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    put_text(o, text);
}

static void put_real(orders *o, double number) {
    char text[40];
    snprintf(text, sizeof text, "%.17g", number);
    put_text(o, text);
}

static void put_numbers(orders *o, int n, const int64_t *numbers) {
    put_number(o, n);
    for (int i = 0; i < n; i++) put_number(o, numbers[i]);
}

static const char *manager_type(const msio_column_spec *spec) {
    return spec->manager ? spec->manager : "StandardStMan";
}
static const char *manager_name(const msio_column_spec *spec) {
    return spec->manager_name ? spec->manager_name : spec->name;
}

static void put_manager(orders *o, const msio_column_spec *spec) {
    put_text(o, "manager");
    put_text(o, manager_type(spec));
    put_text(o, manager_name(spec));
    put_numbers(o, spec->tile_ndim, spec->tile);
    put_number(o, spec->bucket_bytes);
    put_number(o, 0);
}

static void put_column(orders *o, const msio_column_spec *spec) {
    put_text(o, "column");
    put_text(o, spec->name);
    put_text(o, spec->comment ? spec->comment : "");
    put_number(o, spec->type);
    put_number(o, spec->ndim);
    put_number(o, spec->fixed_shape);
    put_number(o, spec->direct);
    put_numbers(o, spec->fixed_shape ? spec->ndim : 0, spec->shape);
}

static void put_value(orders *o, const msio_keyword_spec *keyword, int64_t i) {
    switch (keyword->type) {
    case MSIO_INT: put_number(o, ((const int32_t *)keyword->values)[i]); break;
    case MSIO_FLOAT: put_real(o, (double)((const float *)keyword->values)[i]); break;
    case MSIO_DOUBLE: put_real(o, ((const double *)keyword->values)[i]); break;
    default: put_text(o, ((const char *const *)keyword->values)[i]);
    }
}

static void put_keyword(orders *o, const char *column, const msio_keyword_spec *keyword) {
    put_text(o, "keyword");
    put_text(o, column);
    put_text(o, keyword->name);
    put_number(o, keyword->type);
    put_number(o, keyword->count);
    const int64_t values = keyword->count < 0 ? 1 : keyword->count;
    for (int64_t i = 0; i < values; i++) put_value(o, keyword, i);
}

static msio_status check_spec(const char *path, const msio_column_spec *spec) {
    if (spec->struct_size != sizeof *spec)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "a column's description of %zu bytes, this version knows %zu: use MSIO_COLUMN_SPEC_INIT",
                              spec->struct_size, sizeof *spec);
    if (!spec->name || !spec->name[0]) return msio_error_set(MSIO_E_ARGUMENT, path, "a column without a name");
    if (spec->ndim < -1 || spec->ndim > MSIO_MAX_NDIM || spec->tile_ndim < 0 || spec->tile_ndim > MSIO_MAX_NDIM + 1)
        return msio_error_set(MSIO_E_ARGUMENT, path, "column %s has %d axes and tiles of %d; at most %d and %d",
                              spec->name, spec->ndim, spec->tile_ndim, MSIO_MAX_NDIM, MSIO_MAX_NDIM + 1);
    for (int i = 0; i < spec->keywords; i++) {
        const msio_type type = spec->keyword[i].type;
        const bool known = type == MSIO_INT || type == MSIO_FLOAT || type == MSIO_DOUBLE || type == MSIO_STRING;
        if (!known || !spec->keyword[i].name)
            return msio_error_set(MSIO_E_ARGUMENT, path, "keyword %d of column %s has no name, or type %s", i,
                                  spec->name, msio_type_name(type));
    }
    return MSIO_OK;
}

/* Zeros that casacore writes of new columns become holes, unless they are to have their room. */
static void begin_orders(orders *o, const msio_columns_opts *opts) {
    if (!opts->allocate) put_text(o, MSIO_CASA_HOLES);
}

/* ---------------------------------------------------------------- one change */

static msio_status check_opts(const char *path, const msio_columns_opts *given, msio_columns_opts *opts) {
    static const msio_columns_opts defaults = MSIO_COLUMNS_OPTS_INIT;
    if (!path) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no table named");
    if (given && given->struct_size != sizeof *given)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "options of %zu bytes, this version knows %zu: use MSIO_COLUMNS_OPTS_INIT",
                              given->struct_size, sizeof *given);
    *opts = given ? *given : defaults;
    return MSIO_OK;
}

static msio_status open_plain(const char *path, const msio_columns_opts *opts, msio_table **table) {
    msio_open_opts o = MSIO_OPEN_OPTS_INIT;
    msio_table_info info;
    o.writable = 1;
    o.lock_seconds = opts->lock_seconds;
    msio_status status = msio_table_open(path, &o, table);
    if (status) return status;
    msio_table_describe(*table, &info);
    if (info.kind == MSIO_PLAIN_TABLE) return MSIO_OK;
    const char *part = msio_table_part_path(*table, 0);
    status = msio_error_set(MSIO_E_UNSUPPORTED, path,
                            "columns and rows are added to plain tables; this one shows rows of others: add them to %s",
                            part ? part : "those");
    msio_table_close(*table);
    return status;
}

/* Our own lock first, whose wait names who is in the way, and which puts back what a crash left; casacore takes its own
 * after it was given back. */
static msio_status change(msio_table *table, const orders *o, msio_casa_message *said) {
    msio_status status = MSIO_E_LOCKED;
    if (o->failed) return msio_error_set(MSIO_E_MEMORY, table->path, "no memory to describe columns");
    for (int i = 0; i < TRIES && status == MSIO_E_LOCKED; i++) {
        msio_access access;
        status = msio_access_begin_writing(table, &access);
        if (status) return status;
        status = msio_access_end(&access, MSIO_OK);
        if (!status) status = msio_reader_change(table->path, o->text, o->bytes, said);
    }
    return status;
}

static msio_status change_at(const char *path, const orders *o, const msio_columns_opts *opts) {
    msio_casa_message said;
    msio_table *table;
    msio_status status = open_plain(path, opts, &table);
    if (status) return status;
    status = change(table, o, &said);
    msio_table_close(table);
    return status;
}

msio_status msio_columns_add(const char *path, int n, const msio_column_spec *specs, const msio_columns_opts *opts) {
    PROF_CALL(path);
    msio_columns_opts use = MSIO_COLUMNS_OPTS_INIT;
    orders o = {NULL, 0, 0, false};
    msio_status status = check_opts(path, opts, &use);
    if (!status && (n < 1 || !specs)) status = msio_error_set(MSIO_E_ARGUMENT, path, "no columns to add");
    for (int i = 0; i < n && !status; i++) status = check_spec(path, &specs[i]);
    if (status) return status;
    begin_orders(&o, &use);
    put_text(&o, "columns");
    for (int i = 0; i < n; i++) {
        const bool shares = i && strcmp(manager_type(&specs[i]), manager_type(&specs[i - 1])) == 0 &&
                            strcmp(manager_name(&specs[i]), manager_name(&specs[i - 1])) == 0;
        if (!shares) put_manager(&o, &specs[i]);
        put_column(&o, &specs[i]);
        for (int k = 0; k < specs[i].keywords; k++) put_keyword(&o, specs[i].name, &specs[i].keyword[k]);
    }
    status = change_at(path, &o, &use);
    free(o.text);
    return status;
}

msio_status msio_rows_add(const char *path, int64_t n, const msio_columns_opts *opts) {
    PROF_CALL(path);
    msio_columns_opts use = MSIO_COLUMNS_OPTS_INIT;
    orders o = {NULL, 0, 0, false};
    msio_status status = check_opts(path, opts, &use);
    if (!status && n < 0) status = msio_error_set(MSIO_E_ARGUMENT, path, "%lld rows to add", (long long)n);
    if (status) return status;
    put_text(&o, "rows");
    put_number(&o, n);
    status = change_at(path, &o, &use);
    free(o.text);
    return status;
}

/* ---------------------------------------------------------------- columns like others, and their values */

static msio_status copy_data(msio_table *table, const msio_columns_opts *opts) {
    const msio_column *from, *to;
    msio_write_opts write = MSIO_WRITE_OPTS_INIT;
    write.progress = opts->progress;
    write.user = opts->user;
    msio_status status = msio_table_column(table, "DATA", &from);
    if (!status) status = msio_table_column(table, "CORRECTED_DATA", &to);
    return status ? status : msio_column_copy(from, to, NULL, &write);
}

static void note(char list[256], const char *name) {
    const size_t length = strlen(list);
    snprintf(list + length, 256 - length, "%s%s", length ? ", " : "", name);
}

/* Fills what casacore said it added: lines of '+' or '=' and a name. */
static msio_status fill(msio_table *table, char *said, const char *like, const msio_columns_opts *opts,
                        msio_columns_added *result) {
    msio_status status = MSIO_OK;
    char *rest = said;
    for (char *line; (line = strtok_r(rest, "\n ", &rest));) {
        const bool added = line[0] == '+', copied = opts->copy_data && strcmp(line + 1, "CORRECTED_DATA") == 0;
        note(added ? result->added : result->there, line + 1);
        if (!added || status) continue;
        if (opts->zeros || copied) status = msio_cells_like(table, line + 1, like, opts->allocate || copied);
        if (!status && copied) status = copy_data(table, opts);
    }
    return status;
}

static msio_status add_like(const char *path, const orders *o, const char *like, const msio_columns_opts *opts,
                            msio_columns_added *result) {
    msio_columns_added found = MSIO_COLUMNS_ADDED_INIT;
    msio_casa_message said;
    msio_table *table;
    if (result && result->struct_size != sizeof *result)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "a result of %zu bytes, this version knows %zu: use MSIO_COLUMNS_ADDED_INIT",
                              result->struct_size, sizeof *result);
    msio_status status = open_plain(path, opts, &table);
    if (status) return status;
    status = change(table, o, &said);
    if (!status) status = fill(table, said.text, like, opts, &found);
    msio_table_close(table);
    if (result) *result = found;
    return status;
}

msio_status msio_column_add_like(const char *path, const char *name, const char *like, const msio_columns_opts *opts,
                                 msio_columns_added *result) {
    PROF_CALL_OF(path, name, 1);
    msio_columns_opts use = MSIO_COLUMNS_OPTS_INIT;
    orders o = {NULL, 0, 0, false};
    msio_status status = check_opts(path, opts, &use);
    if (!status && (!name || !name[0] || !like)) status = msio_error_set(MSIO_E_ARGUMENT, path, "no column named");
    if (status) return status;
    begin_orders(&o, &use);
    put_text(&o, "like");
    put_text(&o, name);
    put_text(&o, like);
    status = add_like(path, &o, like, &use, result);
    free(o.text);
    return status;
}

msio_status msio_imaging_columns_add(const char *path, const msio_columns_opts *opts, msio_columns_added *result) {
    PROF_CALL(path);
    msio_columns_opts use = MSIO_COLUMNS_OPTS_INIT;
    orders o = {NULL, 0, 0, false};
    msio_status status = check_opts(path, opts, &use);
    if (status) return status;
    begin_orders(&o, &use);
    put_text(&o, "imaging");
    status = add_like(path, &o, "DATA", &use, result);
    free(o.text);
    return status;
}
