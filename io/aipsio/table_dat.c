/* table_dat.c - table.dat parsed: description, keywords, data managers. */
#include "io/aipsio/table_dat.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/aipsio/aipsio.h"
#include "io/aipsio/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- TableDesc */

static void parse_column_class(msio_aips *a, msio_column_dat *column, const char *class);

static void parse_column_desc(msio_aips *a, msio_column_dat *column) {
    static const char *const kinds[] = {"ScalarColumnDesc<", "ArrayColumnDesc<", "ScalarRecordColumnDesc",
                                        "SubTableDesc"};
    if (msio_aips_u32(a) != 1) msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a column description of an unknown version");
    const char *class = msio_aips_text(a);
    msio_aips_u32(a);
    int kind = 0;
    while (kind < 4 && strncmp(class, kinds[kind], strlen(kinds[kind])) != 0) kind++;
    if (kind == 4) msio_aips_fail(a, MSIO_E_FORMAT, "column class '%.40s' is unknown", class);
    column->kind = (msio_column_kind)kind;
    column->name = msio_aips_text(a);
    column->comment = msio_aips_text(a);
    msio_aips_text(a); /* the manager's type and group that were wished for: the ColumnSet knows what came of it */
    msio_aips_text(a);
    column->type = (msio_type)msio_aips_i32(a);
    column->option = msio_aips_i32(a);
    column->ndim = msio_aips_i32(a);
    column->shape_ndim = -1;
    column->manager = -1;
    parse_column_class(a, column, class);
}

static void parse_table_desc(msio_aips *a, msio_table_dat *dat, int depth);

static void parse_column_class(msio_aips *a, msio_column_dat *column, const char *class) {
    if (column->kind == MSIO_KIND_ARRAY || column->kind == MSIO_KIND_SUBTABLE) {
        int ndim;
        msio_aips_shape(a, &ndim, column->shape);
        if (ndim > 0) column->shape_ndim = ndim;
    }
    column->max_length = msio_aips_u32(a);
    column->keywords = msio_record_parse(a);
    if (msio_aips_u32(a) != 1) msio_aips_fail(a, MSIO_E_UNSUPPORTED, "class %.40s of an unknown version", class);
    if (column->kind == MSIO_KIND_SCALAR) {
        msio_record_skip_value(a, column->type);
    } else if (column->kind == MSIO_KIND_ARRAY) {
        msio_aips_bool(a);
    } else if (column->kind == MSIO_KIND_SUBTABLE) {
        msio_aips_text(a);
        if (!msio_aips_bool(a)) parse_table_desc(a, NULL, 1);
    }
}

/* dat NULL: a subtable's description, which is skipped. */
static void parse_table_desc(msio_aips *a, msio_table_dat *dat, int depth) {
    if (depth > 8) {
        msio_aips_fail(a, MSIO_E_FORMAT, "table descriptions are nested too deep");
        return;
    }
    uint32_t version = msio_aips_enter(a, "TableDesc", 2);
    for (int i = 0; i < 3; i++) msio_aips_text(a); /* name, version, comment */
    msio_record *keywords = msio_record_parse(a);
    msio_record *private = version > 1 ? msio_record_parse(a) : NULL;
    int64_t n = msio_aips_count(a, 40);
    msio_column_dat *column = msio_arena_take(a->arena, n + 1, sizeof *column);
    if (!column) msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld columns", (long long)n);
    for (int64_t i = 0; i < n && msio_aips_ok(a); i++) parse_column_desc(a, &column[i]);
    msio_aips_leave(a);
    if (!dat) return;
    dat->keywords = keywords;
    dat->private_keywords = private;
    dat->columns = (int)n;
    dat->column = column;
}

/* ---------------------------------------------------------------- ColumnSet */

static void parse_managers(msio_aips *a, msio_table_dat *dat) {
    int64_t n = msio_aips_count(a, 8);
    dat->manager = msio_arena_take(a->arena, n + 1, sizeof *dat->manager);
    if (!dat->manager) {
        msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld data managers", (long long)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        dat->manager[i].type = msio_aips_text(a);
        dat->manager[i].sequence = msio_aips_u32(a);
    }
    dat->managers = (int)n;
}

static void bind_column(msio_aips *a, msio_table_dat *dat, msio_column_dat *column) {
    if (msio_aips_u32(a) == 1) msio_record_merge(a, column->keywords, msio_record_parse(a));
    msio_aips_text(a); /* original name */
    msio_aips_u32(a);
    int64_t sequence = msio_aips_u32(a);
    if (column->kind == MSIO_KIND_ARRAY && msio_aips_bool(a)) {
        int ndim;
        msio_aips_shape(a, &ndim, column->shape);
        column->shape_ndim = ndim;
    }
    if (column->shape_ndim > MSIO_MAX_NDIM)
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "column %.60s has %d axes, at most %d are read", column->name,
                       column->shape_ndim, MSIO_MAX_NDIM);
    int m = 0;
    while (m < dat->managers && dat->manager[m].sequence != sequence) m++;
    if (m == dat->managers) {
        msio_aips_fail(a, MSIO_E_FORMAT, "column %.60s belongs to data manager %lld, which is not listed", column->name,
                       (long long)sequence);
        return;
    }
    column->manager = m;
    column->number = dat->manager[m].columns; /* put right below where columns come in another order */
    dat->manager[m].columns++;
}

static int by_name(const void *a, const void *b) {
    const msio_column_dat *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void bind_columns(msio_aips *a, msio_table_dat *dat, int version) {
    msio_column_dat **order = msio_arena_take(a->arena, dat->columns + 1, sizeof *order);
    if (!order) {
        msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %d columns", dat->columns);
        return;
    }
    for (int i = 0; i < dat->columns; i++) order[i] = &dat->column[i];
    if (version == 1 && dat->columns) qsort(order, (size_t)dat->columns, sizeof *order, by_name);
    for (int i = 0; i < dat->columns && msio_aips_ok(a); i++) bind_column(a, dat, order[i]);
    for (int m = 0; m < dat->managers; m++) { /* a manager numbers its columns in the description's order */
        int number = 0;
        for (int i = 0; i < dat->columns; i++)
            if (dat->column[i].manager == m) dat->column[i].number = number++;
    }
}

static void parse_column_set(msio_aips *a, msio_table_dat *dat) {
    int32_t v = msio_aips_i32(a);
    int version = v >= 0 ? 1 : v >= -3 ? -v : 0;
    if (version == 0 || v == -1) msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a column set of version %d", (int)v);
    if (version == 2) msio_aips_u32(a);
    dat->storage = 2;
    if (version == 3) {
        msio_aips_u64(a);
        dat->storage = msio_aips_i32(a);
        msio_aips_i32(a);
    }
    msio_aips_u32(a);
    parse_managers(a, dat);
    bind_columns(a, dat, version);
    for (int m = 0; m < dat->managers; m++) {
        dat->manager[m].blob_length = msio_aips_count(a, 1);
        const uint8_t *blob = msio_aips_raw(a, dat->manager[m].blob_length);
        dat->manager[m].blob = blob ? (uint8_t *)msio_arena_text(a->arena, blob, dat->manager[m].blob_length) : NULL;
    }
}

/* ---------------------------------------------------------------- RefTable, ConcatTable */

static void parse_ref_table(msio_aips *a, msio_table_dat *dat) {
    uint32_t version = msio_aips_enter(a, "RefTable", 3);
    if (version < 2) msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a reference table of version %u", version);
    dat->root = msio_aips_text(a);
    msio_aips_enter(a, "SimpleOrderedMap", 1);
    msio_aips_text(a);
    int64_t n = msio_aips_count(a, 8);
    msio_aips_u32(a);
    char **pairs = msio_arena_take(a->arena, 2 * n + 1, sizeof *pairs);
    for (int64_t i = 0; pairs && i < 2 * n; i++) pairs[i] = msio_aips_text(a);
    msio_aips_leave(a);
    msio_field names = {.name = "column names", .type = MSIO_STRING};
    int64_t ndim;
    msio_aips_enter(a, NULL, 3);
    ndim = msio_aips_count(a, 4);
    for (int64_t i = 0; i < ndim; i++) msio_aips_u32(a);
    names.count = msio_aips_count(a, 4);
    char **name = msio_aips_values(a, MSIO_STRING, names.count);
    msio_aips_leave(a);
    bool wide = version > 2;
    if (wide)
        msio_aips_u64(a);
    else
        msio_aips_u32(a);
    msio_aips_bool(a);
    uint64_t rows = wide ? msio_aips_u64(a) : msio_aips_u32(a);
    if (msio_aips_ok(a) && rows > (uint64_t)msio_aips_left(a) / (wide ? 8 : 4))
        msio_aips_fail(a, MSIO_E_FORMAT, "a reference to %llu rows does not fit the file", (unsigned long long)rows);
    dat->column = msio_arena_take(a->arena, names.count + 1, sizeof *dat->column);
    dat->root_column = msio_arena_take(a->arena, names.count + 1, sizeof *dat->root_column);
    dat->root_row = msio_aips_ok(a) ? msio_arena_take(a->arena, (int64_t)rows + 1, sizeof *dat->root_row) : NULL;
    if (msio_aips_ok(a) && (!pairs || !dat->column || !dat->root_column || !dat->root_row))
        msio_aips_fail(a, MSIO_E_MEMORY, "no memory for a reference to %llu rows", (unsigned long long)rows);
    if (!msio_aips_ok(a)) return;
    for (uint64_t i = 0; i < rows; i++) dat->root_row[i] = wide ? msio_aips_i64(a) : (int64_t)msio_aips_u32(a);
    for (int64_t i = 0; i < names.count; i++) {
        dat->column[i].name = name[i];
        dat->column[i].manager = -1;
        dat->root_column[i] = name[i];
        for (int64_t k = 0; k < n; k++)
            if (strcmp(pairs[2 * k], name[i]) == 0) dat->root_column[i] = pairs[2 * k + 1];
    }
    dat->rows = (int64_t)rows;
    dat->columns = (int)names.count;
    msio_aips_leave(a);
}

static void parse_concat_table(msio_aips *a, msio_table_dat *dat) {
    msio_aips_enter(a, "ConcatTable", 0);
    int64_t n = msio_aips_count(a, 4);
    dat->part = msio_aips_values(a, MSIO_STRING, n);
    dat->parts = (int)n;
    if (msio_aips_ok(a) && n == 0) msio_aips_fail(a, MSIO_E_FORMAT, "a concatenation of no tables");
    msio_aips_enter(a, "Block", 1);
    dat->concatenated_subtables = (int)msio_aips_count(a, 4);
    msio_aips_values(a, MSIO_STRING, dat->concatenated_subtables);
    msio_aips_leave(a);
    msio_aips_leave(a);
}

/* ---------------------------------------------------------------- table.dat */

static void parse_plain_table(msio_aips *a, msio_table_dat *dat, uint32_t version) {
    parse_table_desc(a, dat, 0);
    if (!msio_aips_ok(a)) return;
    if (version == 1) msio_record_merge(a, dat->keywords, msio_record_parse(a));
    parse_column_set(a, dat);
}

static void parse_table(msio_aips *a, msio_table_dat *dat) {
    uint32_t version = msio_aips_enter(a, "Table", 3);
    dat->rows = version == 3 ? msio_aips_i64(a) : (int64_t)msio_aips_u32(a);
    uint32_t endian = msio_aips_u32(a);
    if (endian > 1) msio_aips_fail(a, MSIO_E_FORMAT, "byte order %u is neither big (0) nor little (1)", endian);
    if (dat->rows < 0) msio_aips_fail(a, MSIO_E_FORMAT, "the table says it has %lld rows", (long long)dat->rows);
    dat->big_endian = endian == 0;
    const char *kind = msio_aips_text(a);
    if (strcmp(kind, "PlainTable") == 0) {
        dat->kind = MSIO_PLAIN_TABLE;
        parse_plain_table(a, dat, version);
    } else if (strcmp(kind, "RefTable") == 0) {
        dat->kind = MSIO_REF_TABLE;
        parse_ref_table(a, dat);
    } else if (strcmp(kind, "ConcatTable") == 0) {
        dat->kind = MSIO_CONCAT_TABLE;
        parse_concat_table(a, dat);
    } else {
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a table of kind '%.40s'", kind);
    }
    msio_aips_leave(a);
}

msio_status msio_table_dat_parse(const void *bytes, int64_t length, const char *path, msio_table_dat **dat) {
    msio_arena arena = {0};
    msio_table_dat *d = msio_arena_take(&arena, 1, sizeof *d);
    if (!d || !(d->path = msio_arena_text(&arena, path, (int64_t)strlen(path)))) {
        msio_arena_free(&arena);
        return msio_error_set(MSIO_E_MEMORY, path, "no memory to open a table");
    }
    msio_aips a;
    msio_aips_start(&a, bytes, length, true, path, &arena);
    parse_table(&a, d);
    d->arena = arena;
    if (a.status != MSIO_OK) {
        msio_table_dat_free(d);
        return a.status;
    }
    *dat = d;
    return MSIO_OK;
}

void msio_table_dat_free(msio_table_dat *dat) {
    if (!dat) return;
    msio_arena arena = dat->arena; /* which holds dat itself */
    msio_arena_free(&arena);
}

int msio_table_dat_find(const msio_table_dat *dat, const char *name) {
    for (int i = 0; i < dat->columns; i++)
        if (strcmp(dat->column[i].name, name) == 0) return i;
    return -1;
}

/* ---------------------------------------------------------------- stored table names */

static char *join(const char *directory, size_t length, const char *name) {
    size_t size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%.*s/%s", (int)length, directory, name);
    return path;
}

char *msio_table_name_resolve(const char *name, const char *table) {
    size_t length = strlen(table);
    while (length > 1 && table[length - 1] == '/') length--;
    size_t parent = length;
    while (parent > 0 && table[parent - 1] != '/') parent--;
    while (parent > 1 && table[parent - 1] == '/') parent--;
    if (strncmp(name, "././", 4) == 0) return join(table, length, name + 4);
    if (strncmp(name, "./", 2) == 0) return join(parent ? table : ".", parent ? parent : 1, name + 2);
    size_t n = strlen(name);
    if (n > 2 && strcmp(name + n - 2, "/.") == 0 && length > n - 2 && table[length - (n - 2) - 1] == '/' &&
        strncmp(table + length - (n - 2), name, n - 2) == 0)
        return join(table, length - (n - 2) - 1, ".");
    return strdup(name);
}
