/* casacore_reader.c - choosing the casacore that reads what no layout knows, and keeping its deaths away. */
#include "io/casacore/casacore_reader.h"

#include "core/error.h"
#include "io/casacore/casacore_module.h"
#include "io/casacore/casacore_remote.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is known of a column: that it can be looked at without harm, or what happened. */
typedef struct verdict {
    struct verdict *next;
    char *fatal;   /* casacore died of it; NULL: it is well */
    char column[]; /* "": the whole table */
} verdict;

struct msio_reader {
    const msio_casacore_provider *way;
    void *table, *guard; /* guard: the helper's table, where another one reads */
    char *path;
    verdict *verdicts;
};

static _Atomic(const msio_casacore_provider *) offered;

msio_status msio_casacore_provide(const msio_casacore_provider *provider) {
    if (provider && provider->struct_size != sizeof *provider)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "struct_size of the casacore that is offered is not msio %s's",
                              MSIO_VERSION_STRING);
    atomic_store(&offered, provider);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the module in this process */

/* Its wrappers set the error record themselves: the message stays empty. */

static int module_ready(void) { return 1; }

static msio_status module_open(const char *path, void **table, msio_casa_message *message) {
    (void)message;
    msio_casa_table *opened = NULL;
    msio_status status = msio_casa_open(path, &opened);
    *table = opened;
    return status;
}

static void module_close(void *table) { msio_casa_close(table); }

static msio_status module_reopen(void *table, msio_casa_message *message) {
    (void)message;
    return msio_casa_reopen(table);
}

static msio_status module_readable(void *table, const char *column, msio_casa_message *message) {
    (void)message;
    return msio_casa_readable(table, column);
}

static msio_status module_shapes(void *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                                 int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message) {
    (void)message;
    return msio_casa_shapes(table, column, rows, ndims, shapes);
}

static msio_status module_read(void *table, const char *column, const msio_casa_row_set *rows,
                               const msio_casa_part *part, void *out, size_t out_bytes, msio_casa_message *message) {
    (void)message;
    return msio_casa_read(table, column, rows, part, NULL, out, out_bytes, NULL);
}

static msio_status module_strings(void *table, const char *column, int64_t row, int64_t count,
                                  msio_casa_text_sink *sink, void *user, msio_casa_message *message) {
    (void)message;
    const msio_casa_row_set rows = {.row = row, .step = 1, .count = 1};
    return msio_casa_read_strings(table, column, &rows, NULL, &count, sink, user, NULL);
}

static const msio_casacore_provider module_way = {
    sizeof(msio_casacore_provider),
    module_ready,
    module_open,
    module_close,
    module_reopen,
    module_readable,
    module_shapes,
    module_read,
    module_strings,
};

/* ---------------------------------------------------------------- the helper */

static int helper_ready(void) { return msio_remote_ready(); }

static const msio_casacore_provider helper_way = {
    sizeof(msio_casacore_provider), helper_ready,       msio_remote_open, msio_remote_close,   msio_remote_reopen,
    msio_remote_readable,           msio_remote_shapes, msio_remote_read, msio_remote_strings,
};

/* ---------------------------------------------------------------- verdicts */

static verdict *find_verdict(const msio_reader *reader, const char *column) {
    for (verdict *v = reader->verdicts; v; v = v->next)
        if (strcmp(v->column, column) == 0) return v;
    return NULL;
}

/* Keeps a verdict; without memory for it the question is put again. */
static void keep_verdict(msio_reader *reader, const char *column, const char *fatal) {
    size_t length = strlen(column);
    verdict *v = malloc(sizeof *v + length + 1);
    if (!v) return;
    memcpy(v->column, column, length + 1);
    v->fatal = fatal ? strdup(fatal) : NULL;
    if (fatal && !v->fatal) {
        free(v);
        return;
    }
    v->next = reader->verdicts;
    reader->verdicts = v;
}

static void drop_verdicts(msio_reader *reader) {
    for (verdict *v = reader->verdicts, *next; v; v = next) {
        next = v->next;
        free(v->fatal);
        free(v);
    }
    reader->verdicts = NULL;
}

/* ---------------------------------------------------------------- calls */

static msio_status failed(const msio_reader *reader, msio_status status, const char *doing, const char *column,
                          const char *words) {
    if (!words[0]) return status; /* the record is set */
    return msio_error_set(status, reader->path, "%s %s%s through casacore: %s", doing, column ? "column " : "the table",
                          column ? column : "", words);
}

/* Before a column is looked at: what is known to kill casacore is not tried again, and what another than the helper is
 * to read is looked at by the helper first. */
static msio_status before(msio_reader *reader, const char *column) {
    const verdict *table = find_verdict(reader, "");
    if (table) return failed(reader, MSIO_E_CASACORE, "opening", NULL, table->fatal);
    const verdict *known = find_verdict(reader, column);
    if (known && known->fatal) return failed(reader, MSIO_E_CASACORE, "reading", column, known->fatal);
    if (known || !reader->guard) return MSIO_OK;
    msio_casa_message message = {""};
    msio_status status = msio_remote_readable(reader->guard, column, &message);
    if (status == MSIO_E_CANCELLED) return failed(reader, status, "reading", column, message.text);
    const bool fatal = status && msio_remote_died();
    keep_verdict(reader, column, fatal ? message.text : NULL);
    return fatal ? failed(reader, status, "reading", column, message.text) : MSIO_OK;
}

static msio_status after(msio_reader *reader, msio_status status, const char *column,
                         const msio_casa_message *message) {
    if (!status) return MSIO_OK;
    if (reader->way == &helper_way && msio_remote_died()) keep_verdict(reader, column, message->text);
    return failed(reader, status, "reading", column, message->text);
}

/* Whether opening the table would make a table.lock where there is none: python-casacore always asks for locks. */
static bool would_make_lock(const char *path) {
    char name[PATH_MAX + 16];
    snprintf(name, sizeof name, "%s/table.lock", path);
    if (access(name, F_OK) == 0) return false;
    snprintf(name, sizeof name, "%s/table.f0", path);
    return access(name, F_OK) == 0;
}

static msio_status open_offered(msio_reader *reader, msio_casa_message *message) {
    if (msio_remote_ready()) {
        msio_status status = msio_remote_open(reader->path, &reader->guard, message);
        if (status == MSIO_E_CANCELLED || (status && msio_remote_died())) return status;
        if (!status && would_make_lock(reader->path)) {
            reader->way = &helper_way;
            reader->table = reader->guard;
            reader->guard = NULL;
            return MSIO_OK;
        }
    }
    return reader->way->open(reader->path, &reader->table, message);
}

/* Opens the table by the first way there is. */
static msio_status open_somehow(msio_reader *reader) {
    msio_casa_message message = {""};
    msio_status status;
    reader->way = atomic_load(&offered);
    if (reader->way && reader->way->ready()) {
        status = open_offered(reader, &message);
    } else {
        reader->way = !msio_casacore_shared() && msio_remote_ready() ? &helper_way : &module_way;
        status = reader->way->open(reader->path, &reader->table, &message);
    }
    if (status) {
        msio_remote_close(reader->guard);
        reader->guard = NULL;
        reader->way = NULL; /* nothing to be closed */
    }
    if (status == MSIO_E_CASACORE && message.text[0] && msio_remote_died()) {
        keep_verdict(reader, "", message.text); /* told to whoever asks, until the table is to be opened afresh */
        if (reader->verdicts) return MSIO_OK;
    }
    return status ? failed(reader, status, "opening", NULL, message.text) : MSIO_OK;
}

msio_status msio_reader_open(const char *path, msio_reader **reader) {
    msio_reader *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->path = strdup(path))) {
        free(opened);
        return msio_error_set(MSIO_E_MEMORY, path, "no memory to open a table");
    }
    msio_status status = open_somehow(opened);
    if (status)
        msio_reader_close(opened);
    else
        *reader = opened;
    return status;
}

void msio_reader_close(msio_reader *reader) {
    if (!reader) return;
    if (reader->way && reader->table) reader->way->close(reader->table);
    msio_remote_close(reader->guard);
    drop_verdicts(reader);
    free(reader->path);
    free(reader);
}

/* What the guard found stays: a reader belongs to one state of the table's description. */
msio_status msio_reader_reopen(msio_reader *reader) {
    msio_casa_message message = {""};
    if (!reader->way || !reader->guard) drop_verdicts(reader);
    if (!reader->way) return open_somehow(reader);
    msio_status status = reader->way->reopen(reader->table, &message);
    return status ? failed(reader, status, "opening", NULL, message.text) : MSIO_OK;
}

msio_status msio_reader_readable(msio_reader *reader, const char *column) {
    msio_casa_message message = {""};
    msio_status status = before(reader, column);
    if (status) return status;
    status = reader->way->readable(reader->table, column, &message);
    return after(reader, status, column, &message);
}

msio_status msio_reader_shapes(msio_reader *reader, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                               int64_t (*shapes)[MSIO_MAX_NDIM]) {
    msio_casa_message message = {""};
    msio_status status = before(reader, column);
    if (status) return status;
    status = reader->way->shapes(reader->table, column, rows, ndims, shapes, &message);
    return after(reader, status, column, &message);
}

msio_status msio_reader_read(msio_reader *reader, const char *column, const msio_casa_row_set *rows,
                             const msio_casa_part *part, void *out, size_t out_bytes) {
    msio_casa_message message = {""};
    msio_status status = before(reader, column);
    if (status) return status;
    status = reader->way->read(reader->table, column, rows, part, out, out_bytes, &message);
    return after(reader, status, column, &message);
}

msio_status msio_reader_strings(msio_reader *reader, const char *column, int64_t row, int64_t count,
                                msio_casa_text_sink *sink, void *user) {
    msio_casa_message message = {""};
    msio_status status = before(reader, column);
    if (status) return status;
    status = reader->way->strings(reader->table, column, row, count, sink, user, &message);
    return after(reader, status, column, &message);
}

/* ---------------------------------------------------------------- changes */

msio_status msio_reader_change(const char *path, const char *orders, size_t bytes, msio_casa_message *said) {
    said->text[0] = '\0';
    if (msio_casacore_shared() || !msio_remote_ready()) return msio_casa_change(path, orders, bytes, said);
    msio_status status = msio_remote_change(path, orders, bytes, said);
    return status ? msio_error_set(status, path, "changing the table through casacore: %s", said->text) : MSIO_OK;
}
