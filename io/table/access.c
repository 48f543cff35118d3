/* access.c - one state of a table for the length of a call: locks, signatures, snapshots. */
#include "core/error.h"
#include "io/table/pending.h"
#include "io/table/table.h"
#include "prof/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_DAT_LIMIT ((int64_t)1 << 31)
#define TRIES 3

/* ---------------------------------------------------------------- table.dat */

/* Parses table.dat unless its stamp, taken just now, is known. With t->reading held: it alone adds to the list. */
static msio_status get_dat(msio_table *t, const msio_stamp *stamp, const msio_table_dat **dat) {
    char path[4096];
    char *bytes = NULL;
    int64_t length;
    msio_dat_list *entry = NULL;
    for (msio_dat_list *d = t->dats; d; d = d->next)
        if (msio_stamp_equal(&d->stamp, stamp)) {
            *dat = d->dat;
            return MSIO_OK;
        }
    snprintf(path, sizeof path, "%s/table.dat", t->path);
    msio_stamp read;
    msio_status status = msio_file_slurp(path, stamp, TABLE_DAT_LIMIT, &bytes, &length, &read);
    if (status) return status;
    if (!msio_stamp_equal(&read, stamp)) {
        free(bytes);
        return msio_error_set(MSIO_E_CHANGED, path, "the table's description was replaced while it was read");
    }
    entry = calloc(1, sizeof *entry);
    if (!entry) status = msio_error_set(MSIO_E_MEMORY, path, "no memory to open a table");
    if (!status) status = msio_table_dat_parse(bytes, length, path, &entry->dat);
    free(bytes);
    if (status) {
        free(entry);
        return status;
    }
    entry->stamp = *stamp;
    entry->next = t->dats;
    msio_table_lock(t);
    t->dats = entry;
    prof_hold(&t->told, t->path, MSIO_HELD_OPEN, t->told.bytes + (int64_t)entry->dat->arena.total);
    msio_table_unlock(t);
    *dat = entry->dat;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- snapshots of a table */

/* One user less: the snapshot, where it was the last one, to be freed once the table is no longer locked. */
static msio_snapshot *leave(msio_snapshot *snapshot) { return snapshot && --snapshot->users == 0 ? snapshot : NULL; }

/* The table's snapshot, where it is of the state that access->signature shows. */
static bool share_snapshot(msio_table *t, msio_access *access) {
    msio_table_lock(t);
    bool same = t->snapshot && !t->stale && msio_signature_equal(&t->seen, &access->signature);
    if (same) {
        access->snapshot = t->snapshot;
        t->snapshot->users++;
    }
    msio_table_unlock(t);
    return same;
}

/* Makes a snapshot of that state the table's. With t->reading held; *old is to be freed without, since closing
 * casacore's handle may wait for a lock of the program's (Python's). */
static msio_status renew_snapshot(msio_table *t, msio_access *access, msio_snapshot **old) {
    const msio_table_dat *dat;
    msio_snapshot *fresh = NULL;
    msio_status status = get_dat(t, &access->signature.dat, &dat);
    if (!status) status = msio_snapshot_new(dat, t->path, &access->signature, &fresh);
    if (status) return status;
    fresh->users = 2; /* the table, and the access */
    access->snapshot = fresh;
    msio_table_lock(t);
    *old = leave(t->snapshot);
    t->snapshot = fresh;
    t->seen = access->signature;
    t->stale = false;
    msio_table_unlock(t);
    return MSIO_OK;
}

/* Takes the snapshot for the state that access->signature shows. */
static msio_status take_snapshot(msio_table *t, msio_access *access) {
    msio_status status = MSIO_OK;
    msio_snapshot *old = NULL;
    if (share_snapshot(t, access)) return MSIO_OK;
    msio_lengthy_lock(&t->reading);
    if (!share_snapshot(t, access)) status = renew_snapshot(t, access, &old);
    msio_lengthy_unlock(&t->reading);
    msio_snapshot_free(old);
    return status;
}

msio_status msio_access_see_again(msio_table *t, msio_lock *lock) {
    msio_access access = {.table = t};
    msio_status status = msio_signature_read(t->path, lock, &access.signature);
    if (!status) status = take_snapshot(t, &access);
    if (status) return status;
    msio_table_lock(t);
    msio_snapshot *last = leave(access.snapshot);
    msio_table_unlock(t);
    msio_snapshot_free(last);
    return MSIO_OK;
}

static msio_lock *share_lock(msio_table *t) {
    msio_table_lock(t);
    msio_lock *lock = msio_lock_share(t->lock);
    msio_table_unlock(t);
    return lock;
}

/* table.lock was made, or made anew, since the table was opened. */
static msio_status renew_lock(msio_table *t) {
    msio_lock *found = NULL;
    msio_status status = msio_lock_open(t->path, &found);
    msio_table_lock(t);
    msio_lock *old = t->lock;
    t->lock = found;
    msio_table_unlock(t);
    msio_lock_close(old);
    return status;
}

/* Whether that is the lock file of now. The opening itself has looked just before its access, which is the first. */
static bool is_current(msio_table *t, const msio_lock *lock) {
    bool looked = t->lock_looked_up;
    if (looked) t->lock_looked_up = false;
    return looked || msio_lock_current(lock, t->path);
}

/* The lock file that there is now. */
static msio_status take_lock_file(msio_table *t, msio_lock **lock) {
    msio_status status = MSIO_OK;
    *lock = share_lock(t);
    if (is_current(t, *lock)) return MSIO_OK;
    msio_lock_close(*lock);
    msio_lengthy_lock(&t->reading);
    *lock = share_lock(t);
    if (!msio_lock_current(*lock, t->path)) {
        msio_lock_close(*lock);
        status = renew_lock(t);
        *lock = share_lock(t);
    }
    msio_lengthy_unlock(&t->reading);
    return status;
}

/* Cells that another thread put since settle_puts wait under a lock that would not go by itself. */
static msio_status settle_lock(const msio_lock *lock) {
    return msio_pending_any() ? msio_pending_settle_lock(lock, NULL) : MSIO_OK;
}

static msio_status take_lock(msio_table *t, msio_access *access) {
    bool writes = access->writing && t->children == 0;
    msio_status status = take_lock_file(t, &access->lock);
    if (!status && writes && !access->lock) { /* a plain table gets one, as casacore gives it one */
        status = msio_lock_make(t->path);
        if (!status) status = take_lock_file(t, &access->lock);
    }
    if (status || access->in_hold) return status;
    if (writes && t->opts.lock_is_held)
        return msio_lock_join_write(access->lock, t->opts.lock_seconds, settle_lock, &access->write_locked);
    if (writes) return msio_lock_take_write(access->lock, t->opts.lock_seconds, settle_lock, &access->write_locked);
    return t->opts.nolock ? MSIO_OK : msio_lock_take(access->lock, t->opts.lock_seconds, &access->locked);
}

static void give_lock(msio_access *access) {
    if (access->write_locked) msio_lock_give_write(access->lock, access->forks);
    if (access->locked) msio_lock_give(access->lock, access->forks);
    msio_lock_close(access->lock);
    access->write_locked = access->locked = false;
    access->lock = NULL;
}

/* A hold for writing has the lock already, when its files have to be looked at anew. */
static void note_hold(msio_table *t, msio_access *access) {
    msio_table_lock(t);
    access->in_hold = msio_table_is_held(t) && t->hold_writes && t->children == 0;
    access->hold_number = t->hold_number;
    msio_table_unlock(t);
}

static msio_status begin_checked(msio_table *t, msio_access *access) {
    prof_span span;
    msio_interrupted found;
    prof_begin(&span, PROF_PATH_LOCK);
    note_hold(t, access);
    msio_status status = take_lock(t, access);
    if (!status && access->write_locked) status = msio_interrupted_repair(t->path, access->lock, &found);
    if (!status) status = msio_signature_read(t->path, access->lock, &access->signature);
    access->verify = !access->locked && !access->write_locked && !access->in_hold;
    access->check_files = true;
    prof_end(&span, NULL);
    if (!status) status = take_snapshot(t, access);
    if (status) give_lock(access);
    return status;
}

/* A held table, or one that nobody writes: the state is the one last seen. */
static bool begin_unchecked(msio_table *t, msio_access *access) {
    msio_table_lock(t);
    bool promised = access->writing ? msio_table_is_held(t) && t->hold_writes
                                    : msio_table_is_held(t) || t->opts.freshness == MSIO_AS_OPENED;
    bool held = t->snapshot && !t->stale && promised;
    if (held) {
        access->snapshot = t->snapshot;
        access->hold_number = t->hold_number;
        t->snapshot->users++;
    }
    msio_table_unlock(t);
    return held;
}

static void give_back(msio_access *access) {
    msio_table *t = access->table;
    for (int i = 0; i < access->children; i++) give_back(&access->child[i]);
    free(access->child);
    msio_table_lock(t);
    msio_snapshot *last = leave(access->snapshot);
    msio_table_unlock(t);
    msio_snapshot_free(last);
    give_lock(access);
}

static msio_status begin_children(msio_access *access) {
    msio_table *t = access->table;
    msio_status status = MSIO_OK;
    access->rows = access->snapshot->rows;
    if (t->children == 0) return MSIO_OK;
    access->child = calloc((size_t)t->children, sizeof *access->child);
    if (!access->child) return msio_error_set(MSIO_E_MEMORY, t->path, "no memory to read a table");
    if (access->snapshot->dat->kind == MSIO_CONCAT_TABLE) access->rows = 0;
    for (int i = 0; i < t->children && !status; i++) {
        status = access->writing ? msio_access_begin_writing(t->child[i], &access->child[i])
                                 : msio_access_begin(t->child[i], &access->child[i]);
        if (status) break;
        access->children++;
        if (access->snapshot->dat->kind == MSIO_CONCAT_TABLE) access->rows += access->child[i].rows;
    }
    return status;
}

/* A hold that began before a fork goes on in the child of the thread that held: it keeps the first lock that the child
 * takes. That of another thread, which the child does not have, is none there: nobody would end it. */
static void inherit_hold(msio_access *access) {
    msio_table *t = access->table;
    msio_lock *old = NULL;
    if (!access->check_files || !msio_forks()) return;
    msio_table_lock(t);
    if (t->holds > 0 && t->hold_forks != msio_forks() && msio_fork_by(t->hold_thread)) {
        old = t->hold_lock;
        t->hold_lock = access->locked ? msio_lock_share(access->lock) : NULL;
        t->hold_forks = msio_forks();
        t->hold_writes =
            false; /* the lock that it keeps is one for reading: what the parent writes stays the parent's */
        t->hold_number++;
        access->locked = false; /* the access gives its lock to the hold */
    }
    msio_table_unlock(t);
    msio_lock_close(old);
}

/* Single cells that were put and still are in memory are stored before anybody looks. */
static msio_status settle_puts(msio_table *t) {
    if (!msio_pending_any() || t->children) return MSIO_OK;
    msio_table_lock(t);
    const msio_lock *lock = t->lock; /* to be compared only */
    msio_table_unlock(t);
    return msio_pending_settle_lock(lock, NULL);
}

msio_status msio_access_begin(msio_table *table, msio_access *access) {
    *access = (msio_access){.table = table, .forks = msio_forks()};
    msio_status status = settle_puts(table);
    if (!status && !begin_unchecked(table, access)) status = begin_checked(table, access);
    if (status) return status;
    inherit_hold(access);
    status = begin_children(access);
    if (status) give_back(access);
    return status;
}

/* Whether the handle may write, and does not stand in its own way. */
static msio_status may_write(msio_table *t) {
    if (!t->opts.writable || t->opts.nolock)
        return msio_error_set(MSIO_E_ARGUMENT, t->path, "the table was opened %s: open it with writable set",
                              t->opts.writable ? "without locks, under which nothing is written" : "for reading");
    msio_table_lock(t);
    bool reads = msio_table_is_held(t) && !t->hold_writes;
    msio_table_unlock(t);
    if (!reads) return MSIO_OK;
    return msio_error_set(MSIO_E_ARGUMENT, t->path,
                          "the table is held for reading by this very handle: release it first, or hold it by "
                          "msio_table_hold_write");
}

msio_status msio_access_begin_writing(msio_table *table, msio_access *access) {
    *access = (msio_access){.table = table, .writing = true, .forks = msio_forks()};
    msio_status status = settle_puts(table);
    if (!status) status = may_write(table);
    if (!status && !begin_unchecked(table, access)) status = begin_checked(table, access);
    if (status) return status;
    if (!access->lock) access->lock = share_lock(table); /* a hold has locked it */
    status = begin_children(access);
    if (status) give_back(access);
    return status;
}

msio_status msio_table_repair(msio_table *table, msio_interrupted *found) {
    msio_access access = {.table = table, .writing = true, .forks = msio_forks()};
    *found = (msio_interrupted){.left = MSIO_LEFT_NOTHING};
    msio_status status = settle_puts(table);
    if (!status) status = may_write(table);
    if (!status) status = take_lock(table, &access);
    if (!status) status = msio_interrupted_repair(table->path, access.lock, found);
    give_lock(&access);
    return status;
}

/* A fork within the access, by what a caller's function does, leaves it without a lock too. */
static bool is_unlocked(const msio_access *access) {
    return access->verify || (access->locked && access->forks != msio_forks());
}

/* Without a lock the state may have changed under the call. */
static bool same_state(const msio_access *access) {
    for (int i = 0; i < access->children; i++)
        if (!same_state(&access->child[i])) return false;
    if (!is_unlocked(access)) return true;
    msio_signature now;
    return msio_signature_read(access->table->path, access->lock, &now) == MSIO_OK &&
           msio_signature_equal(&now, &access->signature);
}

/* Whether a failure may come from a writer at work rather than from damage. */
static bool unverified(const msio_access *access) {
    for (int i = 0; i < access->children; i++)
        if (unverified(&access->child[i])) return true;
    return is_unlocked(access);
}

static void mark_stale(msio_table *t) {
    msio_table_lock(t);
    t->stale = true;
    msio_table_unlock(t);
}

static void mark_unverified(msio_access *access) {
    for (int i = 0; i < access->children; i++) mark_unverified(&access->child[i]);
    if (is_unlocked(access)) mark_stale(access->table);
}

/* A file was another one when it was opened again: what was remembered of it goes. What a hold or the caller's promise
 * covers stays as it is. */
static void mark_changed(msio_access *access) {
    for (int i = 0; i < access->children; i++) mark_changed(&access->child[i]);
    if (access->check_files) mark_stale(access->table);
}

msio_status msio_access_end(msio_access *access, msio_status status) {
    if (status == MSIO_E_CHANGED) mark_changed(access);
    if (unverified(access) && !same_state(access))
        status = msio_error_set(MSIO_E_CHANGED, access->table->path,
                                "the table changed while it was read without a lock; try again, or hold its lock");
    else if (status == MSIO_E_FORMAT)
        mark_unverified(access); /* a header may have been half-written: the next try reads it again */
    give_back(access);
    return status;
}

msio_status msio_access_run(msio_table *table, msio_status (*work)(void *user, msio_access *access), void *user) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < TRIES; i++) {
        msio_access access;
        status = msio_access_begin(table, &access);
        if (!status) {
            bool again = unverified(&access);
            status = work(user, &access);
            status = msio_access_end(&access, status);
            if (status != MSIO_E_CHANGED && !(status == MSIO_E_FORMAT && again)) return status;
        } else if (status != MSIO_E_CHANGED && status != MSIO_E_FORMAT) {
            return status;
        }
    }
    return status;
}

/* ---------------------------------------------------------------- columns of plain tables */

/* A manager's files are looked at once in an access. */
static bool must_check_files(msio_access *access, int manager) {
    uint64_t bit = manager < 64 ? (uint64_t)1 << manager : 0;
    if (!access->check_files || (access->files_checked & bit)) return false;
    access->files_checked |= bit;
    return true;
}

msio_status msio_leaf_find(msio_access *access, const char *column, msio_leaf *leaf) {
    const msio_table_dat *dat = access->snapshot->dat;
    int index = msio_table_dat_find(dat, column);
    if (index < 0) return msio_error_set(MSIO_E_NO_COLUMN, access->table->path, "the table has no column %s", column);
    *leaf = (msio_leaf){.access = access, .column = &dat->column[index]};
    int manager = dat->column[index].manager;
    msio_slot *slot = &access->snapshot->slot[manager];
    if (must_check_files(access, manager) && msio_slot_changed(slot)) {
        mark_stale(access->table);
        return msio_error_set(MSIO_E_CHANGED, access->table->path, "the files of column %s changed while it was read",
                              column);
    }
    if (access->table->opts.native == MSIO_NATIVE_NO) {
        leaf->slot = slot;
        leaf->why_not = "casacore was asked for";
        return MSIO_OK;
    }
    msio_status status = msio_snapshot_manager(access->snapshot, manager, &leaf->slot);
    if (status == MSIO_E_UNSUPPORTED && leaf->slot->error) { /* a version that no layout knows: casacore may */
        leaf->why_not = leaf->slot->error->message;
        return MSIO_OK;
    }
    if (status) return status;
    const msio_manager *m = &leaf->slot->manager;
    if (atomic_load(&leaf->slot->state) == MSIO_SLOT_FOREIGN)
        leaf->why_not =
            dat->storage != 2 ? "the table's files are packed into one" : "its data manager has no layout here";
    else
        leaf->why_not = m->layout->refuses(m, leaf->column);
    leaf->native = leaf->why_not == NULL;
    return MSIO_OK;
}

msio_status msio_leaf_check_native(const msio_leaf *leaf) {
    const msio_table *t = leaf->access->table;
    if (leaf->native || t->opts.native != MSIO_NATIVE_YES) return MSIO_OK;
    return msio_error_set(MSIO_E_UNSUPPORTED, t->path,
                          "column %s is not read natively (%s), and casacore was ruled out", leaf->column->name,
                          leaf->why_not);
}

const char *msio_leaf_keeps(const msio_leaf *leaf) {
    const msio_manager *m = &leaf->slot->manager;
    return leaf->native ? msio_column_keeps(m->layout, m, leaf->column) : leaf->why_not;
}

const char *msio_leaf_shares(const msio_leaf *leaf) {
    const msio_manager *m = &leaf->slot->manager;
    return leaf->native ? msio_column_shares(m->layout, m, leaf->column) : NULL;
}

bool msio_leaf_all_defined(const msio_leaf *leaf) {
    msio_layout_facts facts = {.name = ""};
    if (leaf->column->kind != MSIO_KIND_SCALAR) return false;
    if (leaf->native) leaf->slot->manager.layout->describe(&leaf->slot->manager, leaf->column, &facts);
    return !facts.undefined;
}

static msio_status visit_root(msio_access *access, const char *column, const msio_rows *rows, msio_leaf_work work,
                              void *user) {
    const msio_table_dat *dat = access->snapshot->dat;
    int index = msio_table_dat_find(dat, column);
    if (index < 0) return msio_error_set(MSIO_E_NO_COLUMN, access->table->path, "the table has no column %s", column);
    int64_t *list = malloc(((size_t)rows->count + 1) * 2 * sizeof *list);
    if (!list)
        return msio_error_set(MSIO_E_MEMORY, access->table->path, "no memory for %lld rows", (long long)rows->count);
    msio_rows mapped = {0};
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < rows->count && !status; i++) {
        int64_t row = dat->root_row[msio_rows_row(rows, i)];
        if (row < 0 || row >= access->child[0].rows)
            status =
                msio_error_set(MSIO_E_FORMAT, access->table->path, "row %lld refers to row %lld of %s, which has %lld",
                               (long long)msio_rows_row(rows, i), (long long)row, access->child[0].table->path,
                               (long long)access->child[0].rows);
        list[i] = row;
        list[rows->count + i] = msio_rows_place(rows, i);
    }
    if (!status) status = msio_rows_from_list(rows->count, list, list + rows->count, &mapped);
    free(list);
    if (!status) status = msio_leaves_visit(&access->child[0], dat->root_column[index], &mapped, work, user);
    msio_rows_free(&mapped);
    return status;
}

/* The part of a set that lies in rows [first, first + n) of the concatenation, numbered from `first` on. */
static msio_status shift_part(const msio_rows *rows, int64_t from, int64_t count, int64_t first, msio_rows *part) {
    *part = msio_rows_part(rows, from, count);
    if (!part->row) {
        part->first -= first;
        return MSIO_OK;
    }
    int64_t *list = malloc(((size_t)count + 1) * sizeof *list);
    if (!list) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for %lld rows", (long long)count);
    for (int64_t i = 0; i < count; i++) list[i] = part->row[i] - first;
    msio_status status = msio_rows_from_list(count, list, part->place, part);
    free(list);
    return status;
}

static msio_status visit_parts(msio_access *access, const char *column, const msio_rows *rows, msio_leaf_work work,
                               void *user) {
    int64_t first = 0, from = 0;
    msio_status status = MSIO_OK;
    for (int i = 0; i < access->children && !status; i++) {
        int64_t n = access->child[i].rows, end = msio_rows_after(rows, from, first + n - 1);
        if (end > from || (rows->count == 0 && i == 0)) {
            msio_rows part;
            if ((status = shift_part(rows, from, end - from, first, &part))) break;
            status = msio_leaves_visit(&access->child[i], column, &part, work, user);
            msio_rows_free(&part);
        }
        from = end;
        first += n;
    }
    return status;
}

msio_status msio_leaves_visit(msio_access *access, const char *column, const msio_rows *rows, msio_leaf_work work,
                              void *user) {
    msio_leaf leaf;
    if (access->snapshot->dat->kind == MSIO_REF_TABLE) return visit_root(access, column, rows, work, user);
    if (access->snapshot->dat->kind == MSIO_CONCAT_TABLE) return visit_parts(access, column, rows, work, user);
    msio_status status = msio_leaf_find(access, column, &leaf);
    return status ? status : work(user, &leaf, rows);
}

msio_status msio_leaf_first(msio_access *access, const char *column, msio_leaf *leaf) {
    while (access->snapshot->dat->kind != MSIO_PLAIN_TABLE) {
        const msio_table_dat *dat = access->snapshot->dat;
        if (dat->kind == MSIO_REF_TABLE) {
            int index = msio_table_dat_find(dat, column);
            if (index < 0)
                return msio_error_set(MSIO_E_NO_COLUMN, access->table->path, "the table has no column %s", column);
            column = dat->root_column[index];
        }
        access = &access->child[0];
    }
    return msio_leaf_find(access, column, leaf);
}
