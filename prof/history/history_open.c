/* history_open.c - opening the file: its schema, what is refused, how others are waited for. */
#include "prof/history/history_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION 0x6d73696f /* "msio" */
#define WAIT_MS 10000

/* What each version of the schema adds to the one before. A step that was released never changes. */
static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, series TEXT NOT NULL, time REAL NOT NULL,"
    " machine TEXT, host TEXT, system TEXT, processors INTEGER, \"commit\" TEXT, version TEXT, versions TEXT, load REAL,"
    " others REAL, program TEXT, folder TEXT, seconds REAL, cpu_seconds REAL, exit_code INTEGER, peak_bytes INTEGER,"
    " verdict TEXT, note TEXT, digest TEXT UNIQUE);"
    "CREATE INDEX runs_by_series ON runs(series, time);"
    "CREATE INDEX runs_by_time ON runs(time);"
    "CREATE TABLE targets(run INTEGER NOT NULL, name TEXT, subject TEXT, target REAL, measured REAL, uncached REAL,"
    " roofline REAL, bytes INTEGER, verdict TEXT, reason TEXT, tries INTEGER, met INTEGER);"
    "CREATE TABLE counts(run INTEGER NOT NULL, name TEXT, value INTEGER, exact INTEGER);"
    "CREATE TABLE times(run INTEGER NOT NULL, name TEXT, repetition INTEGER, seconds REAL);"
    "CREATE TABLE ratios(run INTEGER NOT NULL, name TEXT, ratio REAL, low REAL, high REAL, pairs INTEGER, verdict TEXT);"
    "CREATE TABLE moments(run INTEGER NOT NULL, seconds REAL, resident INTEGER, cpu REAL);"
    "CREATE TABLE stacks(run INTEGER NOT NULL, frames TEXT, samples INTEGER);"
    "CREATE TABLE columns(run INTEGER NOT NULL, rank INTEGER, table_path TEXT, name TEXT, calls INTEGER, cells INTEGER,"
    " reads INTEGER, writes INTEGER, bytes_read INTEGER, bytes_written INTEGER, bytes_wanted INTEGER,"
    " distinct_bytes INTEGER, tile_most INTEGER, seconds REAL);"
    "CREATE TABLE loops(run INTEGER NOT NULL, rank INTEGER, method TEXT, table_path TEXT, name TEXT, cells INTEGER,"
    " file TEXT, line INTEGER, function TEXT, would_take REAL);"
    "CREATE TABLE findings(run INTEGER NOT NULL, rank INTEGER, kind TEXT, what TEXT, instead TEXT, table_path TEXT,"
    " name TEXT, file TEXT, line INTEGER, about_seconds REAL);"
    "CREATE INDEX targets_of ON targets(run); CREATE INDEX counts_of ON counts(run);"
    "CREATE INDEX times_of ON times(run); CREATE INDEX ratios_of ON ratios(run);"
    "CREATE INDEX moments_of ON moments(run); CREATE INDEX stacks_of ON stacks(run);"
    "CREATE INDEX columns_of ON columns(run); CREATE INDEX loops_of ON loops(run);"
    "CREATE INDEX findings_of ON findings(run);",
    /* 2 */
    "CREATE TABLE accepted(run INTEGER NOT NULL, time REAL NOT NULL, series TEXT NOT NULL, name TEXT NOT NULL,"
    " value INTEGER, before INTEGER, reason TEXT NOT NULL);"
    "CREATE INDEX accepted_by_name ON accepted(series, name);",
};
#define SCHEMA ((int)(sizeof steps / sizeof *steps))

msio_status history_fail(history_error *error, msio_status code, const char *format, ...) {
    va_list list;
    va_start(list, format);
    error->code = code;
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    for (char *c = error->message; *c; c++) /* words that came from a damaged file, or of a hostile one */
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e) *c = '?';
    return code;
}

msio_status history_fail_sqlite(const history *h, const char *doing, history_error *error) {
    int code = h->db ? sqlite3_errcode(h->db) : SQLITE_NOMEM;
    const char *words = h->db ? sqlite3_errmsg(h->db) : "no memory";
    switch (code & 0xff) {
    case SQLITE_NOTADB:
        return history_fail(error, MSIO_E_FORMAT, "is no history: no SQLite file, or one that is damaged at its begin");
    case SQLITE_CORRUPT:
        return history_fail(error, MSIO_E_FORMAT, "is damaged (%s): `msio history export` shows what can be read of it",
                            words);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return history_fail(error, MSIO_E_LOCKED, "another process kept the history locked for %d s", WAIT_MS / 1000);
    case SQLITE_NOMEM: return history_fail(error, MSIO_E_MEMORY, "no memory while %s", doing);
    case SQLITE_ERROR: /* a table or column that is not there: not ours, or changed by hand */
        return history_fail(error, MSIO_E_FORMAT, "is no sound history: %s", words);
    default: return history_fail(error, MSIO_E_IO, "%s failed: %s", doing, words);
    }
}

msio_status history_run_sql(history *h, const char *sql, const char *doing, history_error *error) {
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? MSIO_OK : history_fail_sqlite(h, doing, error);
}

/* The one number that a query gives. */
static msio_status number_of(history *h, const char *sql, int64_t *number, history_error *error) {
    sqlite3_stmt *query = NULL;
    msio_status status = MSIO_OK;
    if (sqlite3_prepare_v2(h->db, sql, -1, &query, NULL) != SQLITE_OK || sqlite3_step(query) != SQLITE_ROW)
        status = history_fail_sqlite(h, "opening", error);
    else
        *number = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return status;
}

/* What the file says that it is: its own version, 0 for an empty one. */
static msio_status version_of(history *h, int64_t *version, history_error *error) {
    int64_t application = 0, things = 0, odd = 0;
    msio_status status = number_of(h, "PRAGMA application_id", &application, error);
    if (!status) status = number_of(h, "PRAGMA user_version", version, error);
    if (!status) status = number_of(h, "SELECT count(*) FROM sqlite_schema", &things, error);
    if (!status)
        status = number_of(h, "SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')", &odd, error);
    if (status) return status;
    if (things == 0 && *version == 0 && application == 0) return MSIO_OK;
    if (application != APPLICATION)
        return history_fail(error, MSIO_E_FORMAT, "is another program's SQLite file, not a history");
    if (*version > SCHEMA)
        return history_fail(error, MSIO_E_UNSUPPORTED,
                            "was made by a newer msio (schema %lld, this one reads up to %d): use that one",
                            (long long)*version, SCHEMA);
    if (*version < 1 || odd)
        return history_fail(error, MSIO_E_FORMAT, "is no sound history: views, triggers or no version");
    return MSIO_OK;
}

/* Makes the tables, or those that an older file lacks: all of it or nothing; of two that try one does it. */
static msio_status bring_up(history *h, history_error *error) {
    char sql[96];
    int64_t version = 0;
    msio_status status = history_run_sql(h, "BEGIN IMMEDIATE", "locking", error);
    if (status) return status;
    status = version_of(h, &version, error);
    for (int64_t i = version; !status && i < SCHEMA; i++) status = history_run_sql(h, steps[i], "making tables", error);
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION, SCHEMA);
    if (!status) status = history_run_sql(h, sql, "making tables", error);
    if (status) sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* To be read: an older file, or one that is being made, is as it is. */
static msio_status check_old(int64_t version, history_error *error) {
    if (version == SCHEMA) return MSIO_OK;
    if (version == 0) return history_fail(error, MSIO_E_FORMAT, "is empty: nothing was recorded in it yet");
    return history_fail(error, MSIO_E_UNSUPPORTED,
                        "was made by an older msio (schema %lld, this one has %d): `msio history record` brings it up "
                        "to date, or any file of it copied",
                        (long long)version, SCHEMA);
}

/* A file that nobody here may write can be read where nobody does write it: it has no log beside it. */
static int open_unwritable(const char *path, sqlite3 **db) {
    char log[4200], *uri = sqlite3_mprintf("file:%s?immutable=1", path);
    snprintf(log, sizeof log, "%s-wal", path);
    int plain = !strpbrk(path, "?#%") && access(log, F_OK) != 0 && uri;
    sqlite3_close(*db);
    *db = NULL;
    int code = plain ? sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) : SQLITE_CANTOPEN;
    sqlite3_free(uri);
    return code;
}

static void be_careful(sqlite3 *db) {
    sqlite3_busy_timeout(db, WAIT_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 16 << 20);
    sqlite3_exec(db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
}

msio_status history_open(const char *path, int write, history **opened, history_error *error) {
    int64_t version = 0;
    int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    struct stat st;
    int missing = stat(path, &st) != 0;
    if (missing && errno != ENOENT) return history_fail(error, MSIO_E_IO, "cannot be looked at: %s", strerror(errno));
    if (missing && !write) return history_fail(error, MSIO_E_NOT_FOUND, "is not there: `msio history record` makes it");
    if (!missing && !S_ISREG(st.st_mode)) return history_fail(error, MSIO_E_FORMAT, "is no file");
    history *h = calloc(1, sizeof *h);
    if (!h) return history_fail(error, MSIO_E_MEMORY, "no memory");
    msio_status status = MSIO_OK;
    if (sqlite3_open_v2(path, &h->db, flags, NULL) != SQLITE_OK) {
        status = history_fail_sqlite(h, "opening", error);
        goto end;
    }
    be_careful(h->db);
    if (!write && sqlite3_exec(h->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK &&
        ((sqlite3_errcode(h->db) & 0xff) == SQLITE_CANTOPEN || (sqlite3_errcode(h->db) & 0xff) == SQLITE_READONLY) &&
        open_unwritable(path, &h->db) == SQLITE_OK)
        be_careful(h->db);
    status = version_of(h, &version, error);
    if (!status && write) {
        status = history_run_sql(h, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "opening", error);
        if (!status && version < SCHEMA) status = bring_up(h, error);
    } else if (!status) {
        status = check_old(version, error);
    }
end:
    if (status)
        history_close(h);
    else
        *opened = h;
    return status;
}

void history_close(history *h) {
    if (!h) return;
    sqlite3_close(h->db);
    free(h);
}

msio_status history_sound(history *h, history_error *error) {
    sqlite3_stmt *query = NULL;
    msio_status status = MSIO_OK;
    if (sqlite3_prepare_v2(h->db, "PRAGMA quick_check(1)", -1, &query, NULL) != SQLITE_OK ||
        sqlite3_step(query) != SQLITE_ROW)
        status = history_fail_sqlite(h, "checking", error);
    else if (strcmp((const char *)sqlite3_column_text(query, 0), "ok") != 0)
        status = history_fail(error, MSIO_E_FORMAT, "is damaged (%.300s)", (const char *)sqlite3_column_text(query, 0));
    sqlite3_finalize(query);
    return status;
}
