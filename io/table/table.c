/* table.c - opening, closing, holding and describing tables. */
#include "io/table/table.h"

#include "core/error.h"
#include "io/aipsio/record.h"
#include "io/files/native.h"
#include "io/table/pending.h"
#include "msio/write.h"
#include "prof/call.h"
#include "prof/span.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST_REFERENCE 16
#define MOST_REFERENCES 10000

/* How far one open has come: concatenations of concatenations could name more tables than anybody can open. */
typedef struct opening {
    const msio_open_opts *opts;
    int tables;
} opening;

static msio_status open_at(const char *path, opening *o, int depth, msio_table **table);

/* ---------------------------------------------------------------- opening */

static void free_table(msio_table *t) {
    for (int i = 0; i < t->children; i++)
        if (t->child[i]) free_table(t->child[i]);
    free(t->child);
    if (t->snapshot && --t->snapshot->users == 0) msio_snapshot_free(t->snapshot);
    msio_lock_close(t->lock);
    prof_hold(&t->told, t->path, MSIO_HELD_OPEN, 0);
    for (msio_dat_list *d = t->dats, *next; d; d = next) {
        next = d->next;
        msio_table_dat_free(d->dat);
        free(d);
    }
    for (msio_column *c = t->columns, *next; c; c = next) {
        next = c->next;
        for (void *f = c->facts, *older; f; f = older) {
            older = *(void **)f; /* its first member */
            free(f);
        }
        free(c->name);
        free(c);
    }
    for (int i = 0; i < t->subtables; i++) free(t->subtable_path[i]);
    free(t->subtable_name);
    free(t->subtable_path);
    msio_arena_free(&t->words);
    free(atomic_load(&t->info_type));
    free(t->info_subtype);
    free(t->path);
    msio_lengthy_destroy(&t->reading);
    free(t);
}

/* The tables that a reference or concatenated table is made of. */
static msio_status open_children(msio_table *t, const msio_table_dat *dat, opening *o, int depth) {
    int n = dat->kind == MSIO_REF_TABLE ? 1 : dat->kind == MSIO_CONCAT_TABLE ? dat->parts : 0;
    if (n == 0) return MSIO_OK;
    if (depth >= DEEPEST_REFERENCE)
        return msio_error_set(MSIO_E_FORMAT, t->path, "tables refer to tables more than %d deep: to themselves?",
                              depth);
    t->child = calloc((size_t)n, sizeof *t->child);
    if (!t->child) return msio_error_set(MSIO_E_MEMORY, t->path, "no memory for %d tables", n);
    for (int i = 0; i < n; i++) {
        char *path = msio_table_name_resolve(dat->kind == MSIO_REF_TABLE ? dat->root : dat->part[i], t->path);
        if (!path) return msio_error_set(MSIO_E_MEMORY, t->path, "no memory for a path");
        msio_status status = open_at(path, o, depth + 1, &t->child[i]);
        free(path);
        if (status) return status;
        t->children = i + 1;
    }
    return MSIO_OK;
}

const msio_table_dat *msio_table_dat_now(const msio_table *table) {
    msio_table *t = (msio_table *)table; /* to be locked, not changed */
    msio_table_lock(t);
    const msio_table_dat *dat = t->snapshot->dat;
    msio_table_unlock(t);
    return dat;
}

const char *msio_table_keep(msio_table *table, const char *text) {
    typedef struct word {
        struct word *next;
        char text[];
    } word;
    if (!text || !*text) return "";
    msio_table_lock(table);
    word *w = table->kept;
    while (w && strcmp(w->text, text) != 0) w = w->next;
    if (!w && (w = msio_arena_take(&table->words, 1, sizeof *w + strlen(text) + 1))) {
        strcpy(w->text, text);
        w->next = table->kept;
        table->kept = w;
    }
    msio_table_unlock(table);
    return w ? w->text : "";
}

/* Keywords of a reference table are its root's, and their paths are relative to it. */
static const msio_table *keyword_table(const msio_table *t) {
    while (t->children) t = t->child[0];
    return t;
}

static msio_status list_subtables(msio_table *t) {
    const msio_table *owner = keyword_table(t);
    const msio_record *keywords = msio_table_dat_now(owner)->keywords;
    int n = msio_record_count(keywords);
    t->subtable_name = calloc((size_t)n + 1, sizeof *t->subtable_name);
    t->subtable_path = calloc((size_t)n + 1, sizeof *t->subtable_path);
    if (!t->subtable_name || !t->subtable_path) return msio_error_set(MSIO_E_MEMORY, t->path, "no memory for keywords");
    for (int i = 0; i < n; i++) {
        const msio_field *f = msio_record_at(keywords, i);
        if (f->type != MSIO_TABLE || !f->strings) continue;
        t->subtable_name[t->subtables] = (char *)f->name;
        t->subtable_path[t->subtables] = msio_table_name_resolve(f->strings[0], owner->path);
        if (!t->subtable_path[t->subtables]) return msio_error_set(MSIO_E_MEMORY, t->path, "no memory for a path");
        t->subtables++;
    }
    return MSIO_OK;
}

static msio_status check_is_table(const char *path, char resolved[PATH_MAX]) {
    struct stat st;
    char dat[PATH_MAX + 16];
    char expanded[MSIO_PATH_BYTES]; /* of the names that tables store, too */
    msio_status status = msio_path_expand(path, expanded);
    if (status) return status;
    if (!realpath(expanded, resolved))
        return msio_error_system(MSIO_E_NOT_FOUND, path, "there is no table at this path");
    snprintf(dat, sizeof dat, "%s/table.dat", resolved);
    if (stat(dat, &st) != 0) {
        const bool special = stat(resolved, &st) == 0 && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode);
        if (special) return msio_file_regular(path);
        return msio_error_set(MSIO_E_NOT_FOUND, path, "this is no casacore table: it has no table.dat");
    }
    return msio_file_kind(dat, st.st_mode);
}

/* A missing table.info says nothing, and is no error; what is no file in its place is one. */
static msio_status check_info(const char *directory) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/table.info", directory);
    msio_status status = msio_file_regular(path);
    return status == MSIO_E_FORMAT ? status : MSIO_OK;
}

static msio_status finish_opening(msio_table *t, opening *o, int depth) {
    msio_access access;
    msio_status status = MSIO_OK;
    for (int i = 0; i < 3; i++) { /* a writer without a lock may be half-way through table.dat */
        if ((status = msio_access_begin(t, &access)) && status != MSIO_E_FORMAT) return status;
        if (!status && (status = msio_access_end(&access, MSIO_OK)) != MSIO_E_CHANGED) break;
    }
    if (status) return status;
    if ((status = open_children(t, msio_table_dat_now(t), o, depth))) return status;
    return list_subtables(t);
}

/* path: a table's directory. */
static msio_status open_at(const char *path, opening *o, int depth, msio_table **table) {
    char resolved[PATH_MAX];
    msio_status status = check_is_table(path, resolved);
    if (status) return status;
    if (++o->tables > MOST_REFERENCES)
        return msio_error_set(MSIO_E_FORMAT, path, "a table that is made of more than %d tables", MOST_REFERENCES);
    msio_table *t = calloc(1, sizeof *t);
    if (!t || !(t->path = strdup(resolved))) {
        free(t);
        return msio_error_set(MSIO_E_MEMORY, path, "no memory to open a table");
    }
    t->opts = *o->opts;
    msio_lengthy_init(&t->reading);
    t->guard = msio_lock_of_table();
    status = check_info(t->path);
    if (!status) status = msio_lock_open(t->path, &t->lock);
    t->lock_looked_up = true;
    if (!status) status = finish_opening(t, o, depth);
    if (status) {
        free_table(t);
        return status;
    }
    *table = t;
    return MSIO_OK;
}

/* `obs.ms::A::B`: opens obs.ms, then what its keyword A names, and so on. */
static msio_status open_keyword(const char *main_path, const char *keyword, const msio_open_opts *opts,
                                msio_table **table) {
    msio_table *main = NULL;
    msio_status status = msio_table_open(main_path, opts, &main);
    if (status) return status;
    int i = 0;
    while (i < main->subtables && strcmp(main->subtable_name[i], keyword) != 0) i++;
    if (i < main->subtables)
        status = open_at(main->subtable_path[i], &(opening){opts, 0}, 0, table);
    else
        status = msio_error_set(MSIO_E_NOT_FOUND, main->path, "the table has no subtable %s", keyword);
    free_table(main);
    return status;
}

static char *split(const char *path, const char **keyword) {
    const char *last = NULL;
    for (const char *p = strstr(path, "::"); p; p = strstr(p + 2, "::")) last = p;
    if (last && last != path && last[2]) {
        *keyword = last + 2;
        return strndup(path, (size_t)(last - path));
    }
    /* a reference table's subtables are its root's, and lie elsewhere */
    struct stat st;
    last = strrchr(path, '/');
    if (last && last != path && last[1] && stat(path, &st) != 0) {
        *keyword = last + 1;
        return strndup(path, (size_t)(last - path));
    }
    return NULL;
}

msio_status msio_table_open(const char *path, const msio_open_opts *opts, msio_table **table) {
    PROF_CALL(path);
    msio_open_opts o = MSIO_OPEN_OPTS_INIT;
    const char *keyword = NULL;
    char expanded[MSIO_PATH_BYTES];
    if (!path || !table) return msio_error_set(MSIO_E_ARGUMENT, path, "no path, or nowhere to put the table");
    if (opts && opts->struct_size != sizeof o)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "options of %zu bytes, this version knows %zu: use MSIO_OPEN_OPTS_INIT",
                              opts->struct_size, sizeof o);
    if (opts) o = *opts;
    o.native = msio_native_wanted(o.native);
    msio_status status = msio_path_expand(path, expanded);
    if (status) return status;
    path = expanded;
    prof_span span;
    prof_begin(&span, PROF_PATH_OPEN);
    char *main_path = split(path, &keyword);
    if (main_path) {
        status = open_keyword(main_path, keyword, &o, table);
        if (status == MSIO_E_NOT_FOUND && !strstr(path, "::")) /* about the path that was given */
            status = msio_error_set(MSIO_E_NOT_FOUND, path, "there is no table at this path");
    } else {
        status = open_at(path, &(opening){&o, 0}, 0, table);
    }
    free(main_path);
    prof_end(&span, &(prof_work){.pieces = 1});
    return status;
}

/* ---------------------------------------------------------------- closing, holding */

/* A promise that nobody writes is checked once, here. */
static bool kept_promise(const msio_table *t) {
    msio_signature now;
    for (int i = 0; i < t->children; i++)
        if (!kept_promise(t->child[i])) return false;
    if (msio_signature_read(t->path, t->lock, &now) || !msio_signature_equal(&now, &t->seen)) return false;
    for (int i = 0; i < t->snapshot->dat->managers; i++)
        if (msio_slot_changed(&t->snapshot->slot[i])) return false;
    return true;
}

msio_status msio_table_close(msio_table *table) {
    PROF_CALL(table ? table->path : NULL);
    msio_status status = MSIO_OK;
    if (!table) return MSIO_OK;
    while (table->holds > 0) msio_table_release(table);
    if (table->opts.freshness == MSIO_AS_OPENED && !kept_promise(table))
        status =
            msio_error_set(MSIO_E_CHANGED, table->path,
                           "the table was opened as one that nobody writes, and was written: what was read may be old");
    free_table(table);
    return status;
}

static msio_status hold_one(msio_table *t, bool writes) {
    msio_access access;
    msio_table_lock(t);
    bool nested = msio_table_is_held(t) && (t->hold_writes || !writes);
    if (nested) t->holds++;
    msio_table_unlock(t);
    if (nested) return MSIO_OK;
    /* takes the lock, and a snapshot of the state under it */
    msio_status status = writes ? msio_access_begin_writing(t, &access) : msio_access_begin(t, &access);
    if (status) return status;
    bool changed = false;
    for (int i = 0; i < access.snapshot->dat->managers && !changed; i++)
        changed = msio_slot_changed(&access.snapshot->slot[i]);
    msio_table_lock(t);
    msio_lock *old = NULL;
    bool first = !msio_table_is_held(t);
    t->holds = first ? 1 : t->holds + 1;
    if (first) {
        old = t->hold_lock; /* of a hold that a fork ended */
        t->hold_number++;
        t->hold_lock = access.locked || access.write_locked ? msio_lock_share(access.lock) : NULL;
        t->hold_writes = writes;
        t->hold_forks = msio_forks();
        t->hold_thread = pthread_self();
        if (access.write_locked) msio_lock_hold_write(access.lock);
        access.locked = access.write_locked = false; /* the access gives its lock to the hold */
    }
    t->stale = t->stale || changed;
    msio_table_unlock(t);
    msio_lock_close(old);
    return msio_access_end(&access, MSIO_OK);
}

static msio_status release(msio_table *table) {
    for (int i = 0; i < table->children; i++) release(table->child[i]);
    msio_table_lock(table);
    bool held = table->holds > 0, last = held && --table->holds == 0;
    msio_lock *lock = last ? table->hold_lock : NULL;
    unsigned forks = table->hold_forks;
    bool writes = table->hold_writes && table->children == 0;
    if (last) {
        table->hold_lock = NULL;
        table->hold_writes = false;
    }
    msio_table_unlock(table);
    if (lock) {
        if (writes)
            msio_lock_give_write(lock, forks);
        else
            msio_lock_give(lock, forks);
        msio_lock_close(lock);
    }
    return held ? MSIO_OK : msio_error_set(MSIO_E_ARGUMENT, table->path, "released more often than held");
}

static msio_status hold(msio_table *table, bool writes) {
    for (int i = 0; i < table->children; i++) {
        msio_status status = hold(table->child[i], writes);
        if (!status) continue;
        msio_error_copy error;
        msio_error_save(&error);
        while (i-- > 0) release(table->child[i]);
        return msio_error_restore(&error);
    }
    return hold_one(table, writes);
}

msio_status msio_table_hold(msio_table *table) {
    PROF_CALL(table ? table->path : NULL);
    return hold(table, false);
}
msio_status msio_table_hold_write(msio_table *table) {
    PROF_CALL(table ? table->path : NULL);
    return hold(table, true);
}

/* Single cells that this handle put are in the files when its lock goes. */
msio_status msio_table_release(msio_table *table) {
    PROF_CALL(table ? table->path : NULL);
    msio_error_copy error;
    msio_status settled = msio_pending_any() ? msio_pending_settle_table(table) : MSIO_OK;
    if (settled) msio_error_save(&error);
    msio_status status = release(table);
    return settled && !status ? msio_error_restore(&error) : status;
}

void msio_table_rest(msio_table *table) {
    for (int i = 0; i < table->children; i++) msio_table_rest(table->child[i]);
    msio_table_lock(table);
    msio_reader *casa = table->snapshot ? table->snapshot->casa : NULL;
    if (casa) table->snapshot->casa = NULL;
    msio_table_unlock(table);
    msio_reader_close(casa);
}

/* ---------------------------------------------------------------- describing */

static char *info_value(const char *text, const char *key) {
    const char *line = text;
    size_t n = strlen(key);
    while (line && strncmp(line, key, n) != 0) {
        line = strchr(line, '\n');
        if (line) line++;
    }
    if (!line) return strdup("");
    line += n;
    while (*line == ' ' || *line == '=') line++;
    return strndup(line, strcspn(line, "\n"));
}

/* table.info. With t->reading held. */
static void read_info(msio_table *t) {
    char path[PATH_MAX];
    char *text = NULL;
    int64_t length;
    snprintf(path, sizeof path, "%s/table.info", t->path);
    bool there = msio_file_slurp(path, NULL, 1 << 20, &text, &length, NULL) == MSIO_OK;
    t->info_subtype = info_value(there ? text : "", "SubType");
    atomic_store_explicit(&t->info_type, info_value(there ? text : "", "Type"), memory_order_release);
    free(text);
}

void msio_table_describe(msio_table *table, msio_table_info *info) {
    PROF_WITHIN;
    const msio_table_dat *dat = msio_table_dat_now(table);
    if (!atomic_load_explicit(&table->info_type, memory_order_acquire)) {
        msio_lengthy_lock(&table->reading);
        if (!atomic_load(&table->info_type)) read_info(table);
        msio_lengthy_unlock(&table->reading);
    }
    const char *type = atomic_load_explicit(&table->info_type, memory_order_relaxed);
    *info = (msio_table_info){
        .path = table->path,
        .kind = dat->kind,
        .columns = dat->columns,
        .managers = dat->managers,
        .type = type ? type : "",
        .subtype = table->info_subtype ? table->info_subtype : "",
    };
    info->big_endian = msio_table_dat_now(keyword_table(table))->big_endian;
    if (dat->kind == MSIO_CONCAT_TABLE) info->columns = msio_table_dat_now(keyword_table(table))->columns;
    info->rows = msio_table_rows(table);
}

int64_t msio_table_rows(const msio_table *table) {
    PROF_WITHIN;
    msio_table *t = (msio_table *)table; /* to be locked, not changed */
    msio_table_lock(t);
    int64_t rows = t->snapshot->rows;
    bool concatenated = t->snapshot->dat->kind == MSIO_CONCAT_TABLE;
    msio_table_unlock(t);
    if (!concatenated) return rows;
    rows = 0;
    for (int i = 0; i < t->children; i++) rows += msio_table_rows(t->child[i]);
    return rows;
}

/* FNV-1a, of the record as it stands: who writes it meanwhile changes it once more. */
uint64_t msio_table_glance(msio_table *table) {
    PROF_WITHIN;
    msio_table_lock(table);
    const uint8_t *head = table->lock ? msio_lock_sync_view(table->lock, 4) : NULL;
    int64_t length = head ? (int64_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3] : 0;
    const uint8_t *record = length > 0 ? msio_lock_sync_view(table->lock, length + 4) : NULL;
    uint64_t number = record ? 0xcbf29ce484222325u : 0;
    for (int64_t i = 0; record && i < length + 4; i++) number = (number ^ record[i]) * 0x100000001b3u;
    msio_table_unlock(table);
    return number;
}

static const msio_table *column_table(const msio_table *t) {
    while (msio_table_dat_now(t)->kind == MSIO_CONCAT_TABLE) t = t->child[0];
    return t;
}

const char *msio_table_column_name(const msio_table *table, int index) {
    const msio_table_dat *dat = msio_table_dat_now(column_table(table));
    return index >= 0 && index < dat->columns ? dat->column[index].name : NULL;
}

const msio_record *msio_table_keywords(const msio_table *table) {
    PROF_WITHIN;
    return msio_table_dat_now(keyword_table(table))->keywords;
}

int msio_table_subtables(const msio_table *table) { return table->subtables; }

const char *msio_table_subtable_name(const msio_table *table, int index) {
    return index >= 0 && index < table->subtables ? table->subtable_name[index] : NULL;
}

const char *msio_table_subtable_path(const msio_table *table, int index) {
    return index >= 0 && index < table->subtables ? table->subtable_path[index] : NULL;
}

int msio_table_parts(const msio_table *table) { return table->children; }

const char *msio_table_part_path(const msio_table *table, int index) {
    return index >= 0 && index < table->children ? table->child[index]->path : NULL;
}

/* ---------------------------------------------------------------- data managers */

/* Bytes of table.f<N>, table.f<N>i, table.f<N>_TSM<k>. */
static int64_t bytes_on_disk(const msio_table *t, int64_t sequence) {
    char prefix[40];
    int64_t bytes = 0;
    size_t n = (size_t)snprintf(prefix, sizeof prefix, "table.f%lld", (long long)sequence);
    DIR *directory = msio_descriptor_list(t->path);
    for (struct dirent *e; directory && (e = readdir(directory));) {
        char path[PATH_MAX + 300];
        msio_stamp stamp;
        if (strncmp(e->d_name, prefix, n) != 0 || (e->d_name[n] >= '0' && e->d_name[n] <= '9')) continue;
        snprintf(path, sizeof path, "%s/%s", t->path, e->d_name);
        if (msio_stamp_path(path, &stamp) == MSIO_OK) bytes += stamp.size;
    }
    if (directory) closedir(directory);
    return bytes;
}

typedef struct manager_job {
    int index;
    msio_manager_info *info;
} manager_job;

static msio_status describe_manager(void *user, msio_access *access) {
    manager_job *job = user;
    const msio_table_dat *dat = access->snapshot->dat;
    msio_slot *slot;
    if (job->index < 0 || job->index >= dat->managers)
        return msio_error_set(MSIO_E_RANGE, access->table->path, "data manager %d asked for, the table has %d",
                              job->index, dat->managers);
    const msio_manager_dat *m = &dat->manager[job->index];
    *job->info = (msio_manager_info){.type = m->type,
                                     .name = "",
                                     .sequence = (int)m->sequence,
                                     .columns = m->columns,
                                     .bytes = bytes_on_disk(access->table, m->sequence)};
    if (m->columns == 0 || msio_snapshot_manager(access->snapshot, job->index, &slot)) return MSIO_OK;
    if (atomic_load(&slot->state) != MSIO_SLOT_LOADED) return MSIO_OK;
    for (int i = 0; i < dat->columns; i++) {
        if (dat->column[i].manager != job->index) continue;
        msio_layout_facts facts = {.name = ""};
        slot->manager.layout->describe(&slot->manager, &dat->column[i], &facts);
        job->info->name = msio_table_keep(access->table, facts.name);
        break;
    }
    return MSIO_OK;
}

msio_status msio_table_manager(msio_table *table, int index, msio_manager_info *info) {
    PROF_WITHIN;
    manager_job job = {index, info};
    return msio_access_run(table, describe_manager, &job);
}
