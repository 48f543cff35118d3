/* locate.c - locators: which file a question is about, and which storage manager answers. */
#include "core/error.h"
#include "io/locate/locating.h"
#include "io/table/table.h"
#include "prof/call.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct msio_locator {
    msio_table *table; /* or */
    msio_hdf5 *hdf5;
    msio_access access;
    bool accessed;
    msio_locate_index *indices;
};

/* ---------------------------------------------------------------- opening */

static bool is_folder(const char *path) {
    struct stat found;
    return strstr(path, "::") != NULL || (stat(path, &found) == 0 && S_ISDIR(found.st_mode));
}

static msio_status open_table(msio_locator *l, const char *path) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.freshness = MSIO_AS_OPENED;
    opts.nolock = 1;
    msio_status status = msio_table_open(path, &opts, &l->table);
    if (!status) status = msio_access_begin(l->table, &l->access);
    l->accessed = !status;
    return status;
}

static msio_status open_hdf5(msio_locator *l, const char *path) {
    msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
    opts.nolock = 1;
    msio_status status = msio_hdf5_open(path, &opts, &l->hdf5);
    if (status) return status;
    l->indices = calloc(1, sizeof *l->indices);
    if (!l->indices) return msio_error_set(MSIO_E_MEMORY, path, "no memory for the places of its chunks");
    return msio_locate_hdf5(l->hdf5, l->indices);
}

msio_status msio_locator_open(const char *path, msio_locator **locator) {
    PROF_CALL(path);
    if (!path || !locator) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no path, or nowhere to put the locator");
    msio_locator *l = calloc(1, sizeof *l);
    if (!l) return msio_error_set(MSIO_E_MEMORY, path, "no memory for a locator");
    msio_status status = is_folder(path) ? open_table(l, path) : open_hdf5(l, path);
    if (status)
        msio_locator_close(l);
    else
        *locator = l;
    return status;
}

void msio_locator_close(msio_locator *locator) {
    PROF_WITHIN;
    if (!locator) return;
    for (msio_locate_index *i = locator->indices, *next; i; i = next) {
        next = i->next;
        if (i->free_state) i->free_state(i->state);
        free(i);
    }
    if (locator->accessed) msio_access_end(&locator->access, MSIO_OK);
    msio_table_close(locator->table);
    msio_hdf5_close(locator->hdf5);
    free(locator);
}

/* ---------------------------------------------------------------- which manager */

/* Splits "table.f12_TSM0" into 12 and "_TSM0"; false where it is another name. */
static bool split_name(const char *file, int64_t *sequence, const char **suffix) {
    if (strncmp(file, "table.f", 7) != 0 || file[7] < '0' || file[7] > '9') return false;
    char *end;
    *sequence = strtoll(file + 7, &end, 10);
    *suffix = end;
    return true;
}

static int manager_of(const msio_table_dat *dat, int64_t sequence) {
    for (int i = 0; i < dat->managers; i++)
        if (dat->manager[i].sequence == sequence) return i;
    return -1;
}

/* Of a manager without a layout only its columns are known. */
static void find_foreign(const msio_locate_index *index, msio_question *question, msio_status *status) {
    const msio_manager *m = index->manager;
    bool told = false;
    (void)status;
    for (int i = 0; i < m->dat->columns; i++) {
        if (m->dat->column[i].manager != m->index) continue;
        msio_located part = {.what = "data", .column = m->dat->column[i].name, .unit = -1, .cube = -1, .row = -1};
        part.offset = question->from;
        part.length = question->to - question->from;
        msio_locate_tell(question, &part);
        told = true;
    }
    if (!told) msio_locate_tell_plain(question, "unused", question->from, question->to);
}

static msio_status make_index(msio_locator *l, int manager, const char *suffix, msio_locate_index *index) {
    msio_slot *slot;
    msio_status status = msio_snapshot_manager(l->access.snapshot, manager, &slot);
    index->manager = &slot->manager;
    if (status == MSIO_E_UNSUPPORTED || (!status && atomic_load(&slot->state) == MSIO_SLOT_FOREIGN)) {
        index->find = find_foreign;
        return MSIO_OK;
    }
    if (status) return status;
    const msio_manager *m = &slot->manager;
    if (m->layout == &msio_ssm_layout) return msio_locate_ssm(m, suffix, index);
    if (m->layout == &msio_ism_layout) return msio_locate_ism(m, suffix, index);
    return msio_locate_tiled(m, suffix, index);
}

/* The index of a file, made at the first question; *found NULL where no manager has such a file. */
static msio_status index_of(msio_locator *l, const char *file, const msio_locate_index **found) {
    const msio_table_dat *dat = l->access.snapshot->dat;
    int64_t sequence;
    const char *suffix;
    *found = NULL;
    for (const msio_locate_index *i = l->indices; i; i = i->next)
        if (strcmp(i->name, file) == 0) return *found = i, MSIO_OK;
    int manager = split_name(file, &sequence, &suffix) ? manager_of(dat, sequence) : -1;
    if (manager < 0) return MSIO_OK;
    size_t length = strlen(file) + 1;
    msio_locate_index *index = calloc(1, sizeof *index + length);
    if (!index) return msio_error_set(MSIO_E_MEMORY, l->table->path, "no memory for the places in %s", file);
    index->name = memcpy(index + 1, file, length);
    msio_status status = make_index(l, manager, suffix, index);
    if (status) {
        free(index);
        return status;
    }
    index->next = l->indices;
    l->indices = index;
    *found = index;
    return MSIO_OK;
}

static const char *plain_file(const char *file) {
    static const char *const names[][2] = {
        {"table.dat", "description"}, {"table.dat_tmp", "description"}, {"table.lock", "lock"}, {"table.info", "info"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(file, names[i][0]) == 0) return names[i][1];
    return NULL;
}

static msio_status find_in_table(msio_locator *l, const char *file, msio_question *question) {
    const char *plain = plain_file(file);
    const msio_locate_index *index = NULL;
    msio_status status = MSIO_OK;
    if (!plain && l->access.snapshot->dat->storage != 2 && strncmp(file, "table.mf", 8) == 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, l->table->path,
                              "its files are packed into %s, where no places are known", file);
    if (!plain) status = index_of(l, file, &index);
    if (status) return status;
    if (index && index->find)
        index->find(index, question, &status);
    else
        msio_locate_tell_plain(question, plain ? plain : "unused", question->from, question->to);
    return status;
}

msio_status msio_locator_find(msio_locator *locator, const char *file, int64_t offset, int64_t length,
                              msio_locate_visit visit, void *user) {
    PROF_WITHIN;
    msio_question question = {.from = offset, .visit = visit, .user = user};
    if (!locator || !visit || (!file && locator->table) || offset < 0 || length < 0 ||
        __builtin_add_overflow(offset, length, &question.to))
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no locator, file or visitor, or an impossible stretch of bytes");
    if (length == 0) return MSIO_OK;
    msio_status status = MSIO_OK;
    if (locator->table) return find_in_table(locator, file, &question);
    locator->indices->find(locator->indices, &question, &status);
    return status;
}

msio_status msio_locate(const char *path, const char *file, int64_t offset, int64_t length, msio_locate_visit visit,
                        void *user) {
    PROF_CALL(path);
    msio_locator *locator;
    msio_status status = msio_locator_open(path, &locator);
    if (status) return status;
    status = msio_locator_find(locator, file, offset, length, visit, user);
    msio_locator_close(locator);
    return status;
}
