/* snapshot.c - one state of a plain table's files: description, row count, data managers loaded on first use. */
#include "io/table/snapshot.h"

#include "core/error.h"
#include "io/aipsio/aipsio.h"
#include "io/layout/shared/buckets.h"
#include "prof/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- signatures */

msio_status msio_signature_read(const char *directory, msio_lock *lock, msio_signature *signature) {
    char path[4096];
    snprintf(path, sizeof path, "%s/table.dat", directory);
    msio_status status = msio_stamp_path(path, &signature->dat);
    if (!status) status = msio_lock_sync_bytes(lock, signature->sync, sizeof signature->sync, &signature->sync_length);
    return status;
}

bool msio_signature_equal(const msio_signature *a, const msio_signature *b) {
    return msio_stamp_equal(&a->dat, &b->dat) && a->sync_length == b->sync_length &&
           memcmp(a->sync, b->sync, (size_t)a->sync_length) == 0;
}

/* Rows by the sync record, which is the truth: table.dat goes stale. -1 where there is no record. */
static msio_status sync_rows(const msio_signature *signature, const char *directory, int64_t *rows) {
    char path[4096];
    msio_arena arena = {0};
    msio_aips a;
    *rows = -1;
    if (signature->sync_length == 0) return MSIO_OK;
    snprintf(path, sizeof path, "%s/table.lock", directory);
    msio_aips_start(&a, signature->sync + 4, signature->sync_length - 4, true, path, &arena);
    uint32_t version = msio_aips_enter(&a, "sync", 2);
    int64_t n = version == 2 ? msio_aips_i64(&a) : (int64_t)msio_aips_u32(&a);
    if (msio_aips_ok(&a) && n < 0) msio_aips_fail(&a, MSIO_E_FORMAT, "the sync record says %lld rows", (long long)n);
    msio_arena_free(&arena);
    if (!a.status) {
        *rows = n;
        return MSIO_OK;
    }
    msio_error_copy error;
    msio_error_save(&error);
    return msio_error_set(a.status, path, "the sync record cannot be read (%s): " MSIO_OTHER_LOCK_ADVICE,
                          error.message);
}

/* ---------------------------------------------------------------- snapshots */

static const msio_layout *find_layout(const char *type) {
    static const msio_layout *const layouts[] = {&msio_tiled_column_layout, &msio_tiled_shape_layout,
                                                 &msio_tiled_cell_layout,   &msio_tiled_data_layout,
                                                 &msio_ssm_layout,          &msio_ism_layout};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strcmp(layouts[i]->type, type) == 0) return layouts[i];
    return NULL;
}

msio_status msio_snapshot_new(const msio_table_dat *dat, const char *directory, const msio_signature *signature,
                              msio_snapshot **snapshot) {
    int64_t rows;
    msio_status status = sync_rows(signature, directory, &rows);
    if (status) return status;
    msio_snapshot *s = calloc(1, sizeof *s);
    if (s) s->slot = calloc((size_t)dat->managers + 1, sizeof *s->slot);
    if (!s || !s->slot) {
        free(s);
        return msio_error_set(MSIO_E_MEMORY, directory, "no memory to open a table");
    }
    s->dat = dat;
    s->rows = rows >= 0 && dat->kind == MSIO_PLAIN_TABLE ? rows : dat->rows;
    s->left = msio_left_find(directory, signature->sync, signature->sync_length);
    msio_lengthy_init(&s->loading);
    for (int i = 0; i < dat->managers; i++) {
        const msio_layout *layout = dat->storage == 2 ? find_layout(dat->manager[i].type) : NULL;
        s->slot[i].manager = (msio_manager){
            .dat = dat, .index = i, .rows = s->rows, .directory = directory, .layout = layout, .left = s->left};
        atomic_init(&s->slot[i].state, layout ? MSIO_SLOT_UNLOADED : MSIO_SLOT_FOREIGN);
    }
    *snapshot = s;
    return MSIO_OK;
}

static void close_files(msio_manager *m) {
    for (int i = 0; i < m->files; i++) msio_file_close(m->file[i]);
    free(m->file);
    m->file = NULL;
    m->files = 0;
}

static void unload(msio_slot *slot) {
    msio_manager *m = &slot->manager;
    if (m->state) m->layout->unload(m->state);
    close_files(m);
    free(slot->error);
}

void msio_snapshot_free(msio_snapshot *snapshot) {
    if (!snapshot) return;
    if (snapshot->told.bytes) prof_hold(&snapshot->told, snapshot->slot[0].manager.directory, MSIO_HELD_OPEN, 0);
    for (int i = 0; i < snapshot->dat->managers; i++) unload(&snapshot->slot[i]);
    msio_reader_close(snapshot->casa);
    msio_left_free(snapshot->left);
    msio_lengthy_destroy(&snapshot->loading);
    free(snapshot->slot);
    free(snapshot);
}

/* Whether a failure says nothing of the files: no descriptor was left, no memory. It is tried again. */
static bool may_pass(msio_status status) {
    return status == MSIO_E_IO || status == MSIO_E_MEMORY || status == MSIO_E_CHANGED;
}

static msio_status load(msio_slot *slot) {
    msio_manager *m = &slot->manager;
    *m = (msio_manager){/* a thread that a fork left behind may have begun */
                        .dat = m->dat,       .index = m->index, .rows = m->rows, .directory = m->directory,
                        .layout = m->layout, .left = m->left};
    slot->error = NULL;
    prof_span span;
    prof_begin(&span, PROF_PATH_HEADER);
    msio_status status = m->layout->load(m, &m->state);
    prof_end(&span, &(prof_work){.pieces = 1});
    if (may_pass(status)) {
        close_files(m);
        m->state = NULL;
        return status;
    }
    if (status) {
        slot->error = calloc(1, sizeof *slot->error);
        if (slot->error) msio_error_save(slot->error);
    }
    atomic_store_explicit(&slot->state, status ? MSIO_SLOT_FAILED : MSIO_SLOT_LOADED, memory_order_release);
    return MSIO_OK;
}

/* Another manager is loaded: tells what it takes. */
static void tell_of(msio_snapshot *s, const msio_slot *slot) {
    const msio_manager *m = &slot->manager;
    if (atomic_load_explicit(&slot->state, memory_order_relaxed) == MSIO_SLOT_LOADED)
        prof_hold(&s->told, m->directory, MSIO_HELD_OPEN, s->told.bytes + (int64_t)m->layout->held(m->state));
}

msio_status msio_snapshot_manager(msio_snapshot *snapshot, int index, msio_slot **slot) {
    msio_slot *s = &snapshot->slot[index];
    msio_status status = MSIO_OK;
    if (atomic_load_explicit(&s->state, memory_order_acquire) == MSIO_SLOT_UNLOADED) {
        msio_lengthy_lock(&snapshot->loading);
        if (atomic_load_explicit(&s->state, memory_order_relaxed) == MSIO_SLOT_UNLOADED) {
            status = load(s);
            if (!status && prof_calls_told()) tell_of(snapshot, s);
        }
        msio_lengthy_unlock(&snapshot->loading);
    }
    *slot = s;
    if (status || atomic_load_explicit(&s->state, memory_order_acquire) != MSIO_SLOT_FAILED) return status;
    if (s->error) return msio_error_restore(s->error);
    return msio_error_set(MSIO_E_MEMORY, s->manager.directory, "a data manager could not be loaded: no memory");
}

bool msio_slot_changed(const msio_slot *slot) {
    if (atomic_load_explicit(&slot->state, memory_order_acquire) != MSIO_SLOT_LOADED) return false;
    const msio_layout *layout = slot->manager.layout;
    return layout->changed ? layout->changed(&slot->manager) : msio_manager_changed(&slot->manager);
}
