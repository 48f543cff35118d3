/* metadata.c - metadata of a Measurement Set: read once, checked at every question, shared by all threads. */
#include "cache/metadata.h"
#include "cache/runs.h"

#include "core/error.h"
#include "core/sorting.h"
#include "prof/call.h"
#include "prof/span.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 3
/* What an open table keeps in memory, about: its description and small headers. */
#define TABLE_BYTES 16384

static const char *const subtable_name[MSIO_META_TABLES] = {
    "", "ANTENNA", "SPECTRAL_WINDOW", "POLARIZATION", "DATA_DESCRIPTION", "FIELD", "OBSERVATION", "SOURCE", "STATE"};

static msio_status no_memory(const char *path) { return msio_error_set(MSIO_E_MEMORY, path, "no memory for metadata"); }

/* ---------------------------------------------------------------- the main table */

static msio_status read_columns(msio_meta_answer *m, const msio_table_info *info) {
    msio_table *t = m->table[MSIO_META_MAIN];
    msio_column_info *column = msio_arena_take(&m->arena, info->columns + 1, sizeof *column);
    if (!column) return no_memory(info->path);
    for (int i = 0; i < info->columns; i++) {
        const msio_column *handle;
        msio_status status = msio_table_column(t, msio_table_column_name(t, i), &handle);
        if (!status) status = msio_column_sketch(handle, &column[i]);
        if (status) return status;
    }
    m->facts.column = column;
    m->facts.columns = info->columns;
    return MSIO_OK;
}

/* Adds what the files of a table's managers take to the manager's own, and to all. */
static msio_status measure_files(msio_metadata *facts, msio_disk_use *manager, int managers) {
    DIR *folder = msio_descriptor_list(facts->path);
    if (!folder && (errno == EMFILE || errno == ENFILE))
        return msio_error_system(MSIO_E_IO, facts->path, "the table's folder cannot be listed");
    facts->bytes = 0;
    for (struct dirent *e; folder && (e = readdir(folder));) {
        struct stat st;
        char *end;
        if (strncmp(e->d_name, "table.f", 7) != 0) continue;
        long sequence = strtol(e->d_name + 7, &end, 10);
        if (end == e->d_name + 7 || fstatat(dirfd(folder), e->d_name, &st, 0) != 0) continue;
        facts->bytes += st.st_size;
        for (int i = 0; i < managers; i++)
            if (manager[i].sequence == sequence) manager[i].bytes += st.st_size;
    }
    if (folder) closedir(folder);
    return MSIO_OK;
}

/* Managers without columns are left out. */
static msio_status read_managers(msio_meta_answer *m, const msio_table_dat *dat) {
    msio_disk_use *manager = msio_arena_take(&m->arena, dat->managers + 1, sizeof *manager);
    int n = 0;
    if (!manager) return no_memory(dat->path);
    for (int i = 0; i < dat->managers; i++)
        for (int k = 0; k < dat->columns; k++) {
            if (dat->column[k].manager != i) continue;
            manager[n++] = (msio_disk_use){dat->manager[i].type, m->facts.column[k].manager_name,
                                           (int)dat->manager[i].sequence, 0};
            break;
        }
    m->facts.manager = manager;
    m->facts.managers = n;
    return measure_files(&m->facts, manager, n);
}

/* A column as its first plain table describes it, below concatenations and references; NULL where there is none. */
static const msio_column_dat *column_below(const msio_access *access, const char *name) {
    while (access->snapshot->dat->kind != MSIO_PLAIN_TABLE) {
        const msio_table_dat *dat = access->snapshot->dat;
        int index = dat->kind == MSIO_REF_TABLE ? msio_table_dat_find(dat, name) : 0;
        if (index < 0) return NULL;
        if (dat->kind == MSIO_REF_TABLE) name = dat->root_column[index];
        access = &access->child[0];
    }
    int index = msio_table_dat_find(access->snapshot->dat, name);
    return index < 0 ? NULL : &access->snapshot->dat->column[index];
}

/* Values of a column's runs, sorted, in memory of the caller's; *n 0 where the table has no such column. */
static msio_status run_values(msio_access *access, const char *column, double **values, int64_t *n) {
    msio_run_list list = {0};
    *values = NULL;
    *n = 0;
    if (!column_below(access, column)) return MSIO_OK;
    msio_status status = msio_runs_read(access, column, &list);
    if (!status && !(*values = malloc(((size_t)list.n + 1) * sizeof **values))) status = no_memory(NULL);
    for (int64_t i = 0; i < list.n && !status; i++) (*values)[(*n)++] = list.run[i].value;
    if (!status) qsort(*values, (size_t)*n, sizeof **values, msio_compare_doubles);
    msio_run_list_free(&list);
    return status;
}

static msio_status read_scans(msio_meta_answer *m, msio_access *access) {
    double *values;
    int64_t n;
    msio_status status = run_values(access, "SCAN_NUMBER", &values, &n);
    int32_t *scan = status ? NULL : msio_arena_take(&m->arena, n + 1, sizeof *scan);
    if (!status && !scan) status = no_memory(NULL);
    for (int64_t i = 0; i < n && !status; i++)
        if (i == 0 || values[i] > values[i - 1]) scan[m->facts.scans++] = (int32_t)values[i];
    m->facts.scan = scan;
    free(values);
    return status;
}

static msio_status read_times(msio_meta_answer *m, msio_access *access) {
    double *values;
    int64_t n;
    msio_status status = run_values(access, "TIME", &values, &n);
    for (int64_t i = 0; i < n; i++) m->facts.times += i == 0 || values[i] > values[i - 1];
    if (n) m->facts.time_range[0] = values[0];
    if (n) m->facts.time_range[1] = values[n - 1];
    free(values);
    if (status) return status;
    status = run_values(access, "INTERVAL", &values, &n);
    if (n) m->facts.integration_time = values[n / 2];
    free(values);
    return status;
}

/* Whether an answer depends on files of this column's manager: those of arrays, whose shapes stand in the header, and
 * of the main table's columns whose values are told. A subtable is read whole. */
static bool depends_on(int which, const msio_access *access, const char *name) {
    static const char *const told[] = {"TIME", "SCAN_NUMBER", "INTERVAL"};
    const msio_column_dat *column = column_below(access, name);
    if (which != MSIO_META_MAIN || !column || column->kind != MSIO_KIND_SCALAR) return true;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(name, told[i]) == 0) return true;
    return false;
}

typedef struct note_job {
    msio_meta_answer *m;
    int which;
} note_job;

/* Notes the state of a table. Before it is read: what changes afterwards without a lock is then seen as a change. */
static msio_status note_table(void *user, msio_access *access) {
    note_job *job = user;
    msio_state **state = &job->m->state[job->which];
    const msio_access *part = access; /* that names the columns: a concatenation has its parts' */
    while (part->snapshot->dat->kind == MSIO_CONCAT_TABLE) part = &part->child[0];
    const msio_table_dat *dat = part->snapshot->dat;
    int n = 0;
    const char **names = calloc((size_t)dat->columns + 1, sizeof *names);
    if (!names) return no_memory(access->table->path);
    for (int i = 0; i < dat->columns; i++)
        if (depends_on(job->which, part, dat->column[i].name)) names[n++] = dat->column[i].name;
    msio_state_free(*state);
    *state = NULL;
    msio_status status = msio_state_note(access, MSIO_DEPENDS_DESCRIPTION, n, names, state);
    free(names);
    return status;
}

static msio_status read_main_rows(void *user, msio_access *access) {
    msio_meta_answer *m = user;
    const msio_table_dat *dat = access->snapshot->dat;
    m->facts.rows = access->rows;
    m->facts.scans = m->facts.times = 0;
    msio_status status = m->facts.is_ms ? read_scans(m, access) : MSIO_OK;
    if (!status && m->facts.is_ms) status = read_times(m, access);
    return status || dat->kind != MSIO_PLAIN_TABLE ? status : read_managers(m, dat);
}

/* Opens a table and keeps its read lock until everything is read. */
static msio_status open_held(msio_meta_answer *m, int which, const char *path) {
    msio_status status = msio_table_open(path, NULL, &m->table[which]);
    if (!status) status = msio_table_hold(m->table[which]);
    if (!status) status = msio_access_run(m->table[which], note_table, &(note_job){m, which});
    return status;
}

static msio_status read_main(msio_meta_answer *m) {
    msio_table *t = m->table[MSIO_META_MAIN];
    msio_table_info info;
    int found = 0;
    msio_table_describe(t, &info);
    for (int i = 0; i < msio_table_subtables(t); i++) {
        const char *name = msio_table_subtable_name(t, i);
        found += !strcmp(name, "ANTENNA") || !strcmp(name, "SPECTRAL_WINDOW") || !strcmp(name, "FIELD") ||
                 !strcmp(name, "DATA_DESCRIPTION");
    }
    m->facts.path = info.path;
    m->facts.is_ms = found == 4;
    msio_status status = read_columns(m, &info);
    return status ? status : msio_access_run(t, read_main_rows, m);
}

/* ---------------------------------------------------------------- subtables */

static msio_status read_subtable(msio_meta_answer *m, int which, const char *path) {
    msio_status status = open_held(m, which, path);
    if (status == MSIO_E_NOT_FOUND && !m->table[which]) {
        m->missing[which] = path;
        return MSIO_OK;
    }
    if (status) return status;
    msio_subtable t = {.table = m->table[which], .arena = &m->arena, .rows = msio_table_rows(m->table[which])};
    msio_meta_read(m, which, &t);
    return t.status;
}

static msio_status read_subtables(msio_meta_answer *m) {
    const msio_table *main = m->table[MSIO_META_MAIN];
    msio_status status = MSIO_OK;
    for (int i = 0; i < msio_table_subtables(main) && m->facts.is_ms && !status; i++)
        for (int which = MSIO_META_MAIN + 1; which < MSIO_META_TABLES && !status; which++)
            if (strcmp(msio_table_subtable_name(main, i), subtable_name[which]) == 0 && !m->table[which])
                status = read_subtable(m, which, msio_table_subtable_path(main, i));
    return status;
}

/* ---------------------------------------------------------------- the answer */

static void free_answer(msio_answer *answer) {
    msio_meta_answer *m = (msio_meta_answer *)answer;
    for (int i = 0; i < MSIO_META_TABLES; i++) {
        msio_state_free(m->state[i]);
        msio_table_close(m->table[i]);
    }
    msio_row_index_free(atomic_load(&m->index));
    msio_lengthy_destroy(&m->indexing);
    msio_arena_free(&m->arena);
    free(m->asked);
    free(m);
}

/* Whether the path still leads to the folder that was read. */
static bool same_folder(const msio_meta_answer *m) {
    msio_stamp now;
    if (strstr(m->asked, "::")) return true; /* through a keyword of a table that is checked itself */
    return !msio_stamp_path(m->asked, &now) && now.device == m->folder.device && now.inode == m->folder.inode;
}

msio_status msio_meta_holds(msio_answer *answer, bool *holds) {
    const msio_meta_answer *m = (const msio_meta_answer *)answer;
    *holds = true;
    if (atomic_load(&m->holds) > 0) return MSIO_OK;
    *holds = same_folder(m);
    msio_status status = MSIO_OK;
    for (int i = 0; i < MSIO_META_TABLES && *holds && !status; i++)
        if (m->table[i])
            status = msio_state_holds(m->state[i], m->table[i], holds);
        else if (m->missing[i])
            *holds = access(m->missing[i], F_OK) != 0;
    return status;
}

/* *certain: the locks of all tables were kept from the first to the last, so that all of it was true at one moment. */
static msio_status load(const char *path, msio_meta_answer **made, bool *certain) {
    msio_meta_answer *m = calloc(1, sizeof *m);
    if (!m || !(m->asked = strdup(path))) {
        free(m);
        return no_memory(path);
    }
    msio_lengthy_init(&m->indexing);
    m->answer.holds = msio_meta_holds;
    m->answer.free = free_answer;
    (void)msio_stamp_path(path, &m->folder); /* a path that is none fails next */
    msio_status status = open_held(m, MSIO_META_MAIN, path);
    if (!status) status = read_main(m);
    if (!status) status = read_subtables(m);
    int tables = 0;
    *certain = true;
    for (int i = 0; i < MSIO_META_TABLES; i++) {
        if (!m->table[i]) continue;
        tables++;
        *certain = *certain && m->table[i]->children == 0 && m->table[i]->hold_lock;
        if (!status) msio_table_release(m->table[i]);
        if (!status) msio_table_rest(m->table[i]);
    }
    if (status) {
        free_answer(&m->answer);
        return status;
    }
    atomic_store(&m->answer.bytes, (int64_t)(sizeof *m + m->arena.total) + (int64_t)tables * TABLE_BYTES);
    *made = m;
    return MSIO_OK;
}

/* Without locks every table is read at its own moment. When all of them are unchanged afterwards there was a common
 * one. */
static msio_status make(void *user, msio_answer **answer) {
    const char *path = user;
    msio_status status = MSIO_OK;
    for (int i = 0; i < TRIES; i++) {
        msio_meta_answer *m = NULL;
        bool holds = true, certain = false;
        status = load(path, &m, &certain);
        if (status == MSIO_E_CHANGED) continue;
        if (status) return status;
        if (!certain) status = msio_meta_holds(&m->answer, &holds);
        if (!status && holds) {
            *answer = &m->answer;
            return MSIO_OK;
        }
        free_answer(&m->answer);
        if (status) return status;
        status = msio_error_set(MSIO_E_CHANGED, path,
                                "the tables changed each time while their metadata was read; try again later");
    }
    return status;
}

/* ---------------------------------------------------------------- the public calls */

msio_status msio_metadata_get(const char *path, msio_freshness freshness, const msio_metadata **metadata) {
    PROF_CALL(path);
    char key[PATH_MAX];
    msio_answer *answer;
    bool found;
    prof_span span;
    *metadata = NULL;
    prof_begin(&span, PROF_PATH_METADATA);
    msio_status status = msio_store_path(path, key);
    if (!status) status = msio_store_get(key, freshness == MSIO_AS_OPENED, make, key, &answer, &found);
    prof_end(&span, NULL);
    if (!status) *metadata = &((msio_meta_answer *)answer)->facts;
    return status;
}

void msio_metadata_release(const msio_metadata *metadata) {
    PROF_WITHIN;
    if (metadata) msio_store_give(&msio_meta_answer_of(metadata)->answer);
}

void msio_cache_clear(const char *path) {
    PROF_WITHIN;
    char key[PATH_MAX];
    if (!path || msio_store_path(path, key) == MSIO_OK) msio_store_clear(path ? key : NULL);
}

typedef struct index_job {
    msio_meta_answer *m;
    msio_row_index *index;
} index_job;

static msio_status make_index(void *user, msio_access *access) {
    index_job *job = user;
    if (!msio_state_holds_in(job->m->state[MSIO_META_MAIN], access))
        return msio_error_set(MSIO_E_CHANGED, access->table->path,
                              "the table changed since its metadata was read: get it anew");
    return msio_row_index_make(access, &job->m->facts, &job->index);
}

msio_status msio_metadata_row_index(const msio_metadata *metadata, const msio_row_index **index) {
    PROF_CALL(metadata->path);
    index_job job = {msio_meta_answer_of(metadata), NULL};
    msio_status status = MSIO_OK;
    *index = atomic_load_explicit(&job.m->index, memory_order_acquire);
    if (*index) return MSIO_OK;
    msio_lengthy_lock(&job.m->indexing);
    *index = atomic_load(&job.m->index);
    if (!*index && !(status = msio_access_run(job.m->table[MSIO_META_MAIN], make_index, &job))) {
        atomic_store_explicit(&job.m->index, job.index, memory_order_release);
        *index = job.index;
    }
    msio_lengthy_unlock(&job.m->indexing);
    if (job.index) msio_store_grown(&job.m->answer, job.index->runs * (int64_t)sizeof *job.index->run);
    return status;
}
