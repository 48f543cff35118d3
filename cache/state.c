/* state.c - in which state files were when an answer was made. */
#include "cache/state.h"

#include "core/error.h"
#include "io/aipsio/aipsio.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct file_state {
    char *path;
    msio_stamp stamp;
} file_state;

/* The counters of a sync record that values of a column depend on. */
typedef struct counter {
    int manager; /* in table.dat's list */
    int64_t changes;
} counter;

struct msio_state {
    msio_depends depends;
    msio_signature *signature; /* of descriptions: compared whole */
    int64_t rows, table_changes;
    int counters;
    counter *counter;
    int files;
    file_state *file;
    int children; /* the tables that a view refers to */
    struct msio_state **child;
};

/* ---------------------------------------------------------------- sync records */

/* Changes of a manager by the sync record; all 0 where there is none: then the files' stamps tell. */
static void read_counters(const msio_signature *signature, int64_t *table_changes, int counters, counter *c) {
    msio_arena arena = {0};
    msio_aips a;
    *table_changes = 0;
    for (int i = 0; i < counters; i++) c[i].changes = 0;
    if (signature->sync_length <= 4) return;
    msio_aips_start(&a, signature->sync + 4, signature->sync_length - 4, true, "table.lock", &arena);
    uint32_t version = msio_aips_enter(&a, "sync", 2);
    if (version == 2)
        msio_aips_i64(&a);
    else
        msio_aips_u32(&a);
    if (msio_aips_i32(&a) >= 0) { /* columns */
        int64_t n = 0;
        msio_aips_u32(&a); /* of anything */
        *table_changes = msio_aips_u32(&a);
        const int64_t *changes = msio_aips_block(&a, false, &n);
        for (int i = 0; i < counters && msio_aips_ok(&a); i++)
            if (c[i].manager < n) c[i].changes = changes[c[i].manager];
    }
    msio_arena_free(&arena);
}

/* A held table's access shows no signature: it is the one with which its snapshot was taken. */
static msio_status signature_of(const msio_access *access, msio_signature *now) {
    msio_table *t = access->table;
    bool known = access->check_files;
    if (known) {
        *now = access->signature;
        return MSIO_OK;
    }
    msio_table_lock(t);
    known = t->snapshot == access->snapshot;
    if (known) *now = t->seen;
    msio_table_unlock(t);
    return known ? MSIO_OK : msio_signature_read(t->path, t->lock, now);
}

/* ---------------------------------------------------------------- files */

static msio_status no_memory(const char *path) {
    return msio_error_set(MSIO_E_MEMORY, path, "no memory to remember the state of a table");
}

/* Whether a file is one of table.f<N>, table.f<N>i, table.f<N>_TSM<k>; any data file when all managers share them. */
static bool belongs(const char *name, int64_t sequence, bool packed) {
    char stem[40];
    if (packed) return strncmp(name, "table.", 6) == 0 && strcmp(name, "table.dat") && strcmp(name, "table.lock");
    size_t n = (size_t)snprintf(stem, sizeof stem, "table.f%lld", (long long)sequence);
    return strncmp(name, stem, n) == 0 && (name[n] == 0 || name[n] == '_' || strcmp(name + n, "i") == 0);
}

/* Adds a file with its stamp; one that is not there is left out. */
static msio_status add_file(msio_state *s, const char *directory, const char *name) {
    size_t length = strlen(directory) + strlen(name) + 2;
    file_state *grown = realloc(s->file, (size_t)(s->files + 1) * sizeof *grown);
    if (!grown) return no_memory(directory);
    s->file = grown;
    file_state *f = &s->file[s->files];
    f->path = malloc(length);
    if (!f->path) return no_memory(directory);
    snprintf(f->path, length, "%s/%s", directory, name);
    msio_status status = msio_stamp_path(f->path, &f->stamp);
    if (status)
        free(f->path);
    else
        s->files++;
    return status == MSIO_E_NOT_FOUND ? MSIO_OK : status;
}

/* The header files of the managers, by name: a folder need not be listed for them. */
static msio_status note_headers(msio_state *s, const msio_access *access) {
    static const char *const suffix[] = {"", "i"};
    msio_status status = MSIO_OK;
    for (int i = 0; i < 2 * s->counters && !status; i++) {
        char name[48];
        int64_t sequence = access->snapshot->dat->manager[s->counter[i / 2].manager].sequence;
        snprintf(name, sizeof name, "table.f%lld%s", (long long)sequence, suffix[i % 2]);
        status = add_file(s, access->table->path, name);
    }
    return status;
}

/* All files of the managers. */
static msio_status note_files(msio_state *s, const msio_access *access) {
    const msio_table_dat *dat = access->snapshot->dat;
    const char *directory = access->table->path;
    bool packed = dat->storage != 2;
    msio_status status = MSIO_OK;
    if (s->depends == MSIO_DEPENDS_DESCRIPTION && !packed) return note_headers(s, access);
    DIR *folder = msio_descriptor_list(directory);
    if (!folder) return msio_error_system(MSIO_E_IO, directory, "the table's folder cannot be listed");
    for (struct dirent *e; !status && (e = readdir(folder));) {
        bool wanted = false;
        for (int i = 0; i < s->counters && !wanted; i++)
            wanted = belongs(e->d_name, dat->manager[s->counter[i].manager].sequence, packed);
        if (wanted) status = add_file(s, directory, e->d_name);
    }
    closedir(folder);
    return status;
}

/* ---------------------------------------------------------------- noting */

/* The managers of the columns that exist. */
static msio_status note_managers(msio_state *s, const msio_table_dat *dat, int columns, const char *const *column) {
    s->counter = calloc((size_t)columns + 1, sizeof *s->counter);
    if (!s->counter) return no_memory(dat->path);
    for (int i = 0; i < columns; i++) {
        int index = msio_table_dat_find(dat, column[i]), known = 0;
        if (index < 0) continue;
        int manager = dat->column[index].manager;
        while (known < s->counters && s->counter[known].manager != manager) known++;
        if (known == s->counters) s->counter[s->counters++].manager = manager;
    }
    return MSIO_OK;
}

/* A column of a reference table may have another name in its root. */
static const char *name_below(const msio_table_dat *dat, const char *column) {
    int index = dat->kind == MSIO_REF_TABLE ? msio_table_dat_find(dat, column) : -1;
    return index < 0 ? column : dat->root_column[index];
}

static msio_status note_children(msio_state *s, msio_access *access, int columns, const char *const *column) {
    msio_status status = MSIO_OK;
    const char **below = malloc(((size_t)columns + 1) * sizeof *below);
    s->child = calloc((size_t)access->children + 1, sizeof *s->child);
    if (!s->child || !below) status = no_memory(access->table->path);
    for (int i = 0; i < columns && !status; i++) below[i] = name_below(access->snapshot->dat, column[i]);
    for (int i = 0; i < access->children && !status; i++) {
        status = msio_state_note(&access->child[i], s->depends, columns, below, &s->child[i]);
        if (!status) s->children++;
    }
    free(below);
    return status;
}

msio_status msio_state_note(msio_access *access, msio_depends depends, int columns, const char *const *column,
                            msio_state **state) {
    msio_state *s = calloc(1, sizeof *s);
    if (!s || !(s->signature = malloc(sizeof *s->signature))) {
        free(s);
        return no_memory(access->table->path);
    }
    s->depends = depends;
    s->rows = access->snapshot->rows;
    msio_status status = signature_of(access, s->signature);
    bool plain = access->snapshot->dat->kind == MSIO_PLAIN_TABLE;
    if (!status && plain) status = note_managers(s, access->snapshot->dat, columns, column);
    if (!status && plain && s->counters) status = note_files(s, access);
    if (!status && !plain) status = note_children(s, access, columns, column);
    if (status) {
        msio_state_free(s);
        return status;
    }
    read_counters(s->signature, &s->table_changes, s->counters, s->counter);
    if (depends == MSIO_DEPENDS_VALUES && plain) {
        free(s->signature);
        s->signature = NULL;
    }
    *state = s;
    return MSIO_OK;
}

void msio_state_free(msio_state *state) {
    if (!state) return;
    for (int i = 0; i < state->children; i++) msio_state_free(state->child[i]);
    for (int i = 0; i < state->files; i++) free(state->file[i].path);
    free(state->child);
    free(state->file);
    free(state->counter);
    free(state->signature);
    free(state);
}

/* ---------------------------------------------------------------- comparing */

static bool counters_hold(const msio_state *s, const msio_signature *now) {
    int64_t table_changes;
    counter *c = malloc(((size_t)s->counters + 1) * sizeof *c);
    if (!c) return false;
    memcpy(c, s->counter, (size_t)s->counters * sizeof *c);
    read_counters(now, &table_changes, s->counters, c);
    bool same = table_changes == s->table_changes;
    for (int i = 0; i < s->counters; i++) same = same && c[i].changes == s->counter[i].changes;
    free(c);
    return same;
}

static bool files_hold(const msio_state *s) {
    msio_stamp now;
    for (int i = 0; i < s->files; i++)
        if (msio_stamp_path(s->file[i].path, &now) || !msio_stamp_equal(&now, &s->file[i].stamp)) return false;
    return true;
}

bool msio_state_holds_in(const msio_state *s, const msio_access *access) {
    msio_signature now;
    if (signature_of(access, &now) || access->children != s->children || access->snapshot->rows != s->rows)
        return false;
    if (s->signature ? !msio_signature_equal(s->signature, &now) : !counters_hold(s, &now)) return false;
    for (int i = 0; i < s->children; i++)
        if (!msio_state_holds_in(s->child[i], &access->child[i])) return false;
    return files_hold(s);
}

msio_status msio_state_holds(const msio_state *state, msio_table *table, bool *holds) {
    msio_access access;
    *holds = false;
    msio_status status = msio_access_begin(table, &access);
    if (!status) {
        bool same = msio_state_holds_in(state, &access);
        status = msio_access_end(&access, MSIO_OK);
        *holds = same && !status;
    }
    if (status == MSIO_E_LOCKED || status == MSIO_E_CANCELLED || status == MSIO_E_MEMORY) return status;
    return MSIO_OK; /* it is no longer there */
}
