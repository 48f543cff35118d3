/* history_rows.c - rows of the file to structs, and back. */
#include "prof/history/history_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The columns of a table, as "a, b, c"; what: before each. */
static void names_of(const history_layout *layout, const char *before, char *text, size_t size) {
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < layout->fields && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s\"%s\"", i ? ", " : "", before, layout->field[i].name);
}

static void take_field(sqlite3_stmt *query, int i, const history_field *field, void *row) {
    void *to = (char *)row + field->offset;
    int none = sqlite3_column_type(query, i) == SQLITE_NULL;
    if (field->kind == HISTORY_INTEGER) {
        *(int64_t *)to = none ? -1 : sqlite3_column_int64(query, i);
    } else if (field->kind == HISTORY_DOUBLE) {
        *(double *)to = none ? (double)NAN : sqlite3_column_double(query, i);
    } else {
        const char *text = (const char *)sqlite3_column_text(query, i);
        *(const char **)to = text ? text : "";
    }
}

/* Room for any of the rows. */
typedef union any_row {
    history_run run;
    history_target target;
    history_column column;
    history_finding finding;
} any_row;

static msio_status visit_all(history *h, const history_layout *layout, sqlite3_stmt *query, history_visit visit,
                             void *user, history_error *error) {
    any_row row;
    int code;
    while ((code = sqlite3_step(query)) == SQLITE_ROW) {
        memset(&row, 0, sizeof row);
        for (int i = 0; i < layout->fields; i++) take_field(query, i, &layout->field[i], &row);
        if (visit(user, &row)) return MSIO_OK;
    }
    return code == SQLITE_DONE ? MSIO_OK : history_fail_sqlite(h, "reading", error);
}

/* A question whose parameters are the run, or the series, the kind and how many. */
static msio_status ask(history *h, history_table table, const char *where, int64_t run, const char *series,
                       const char *kind, int64_t newest, history_visit visit, void *user, history_error *error) {
    const history_layout *layout = history_layout_of(table);
    char names[1024], sql[2048];
    sqlite3_stmt *query = NULL;
    int is_runs = table == HISTORY_RUNS;
    names_of(layout, "t.", names, sizeof names);
    snprintf(sql, sizeof sql, "SELECT %s FROM \"%s\" t%s %s ORDER BY r.time, r.id, t.rowid", names, layout->name,
             is_runs ? " JOIN runs r ON r.id = t.id" : " JOIN runs r ON r.id = t.run", where);
    if (sqlite3_prepare_v2(h->db, sql, -1, &query, NULL) != SQLITE_OK) return history_fail_sqlite(h, "reading", error);
    int n = sqlite3_bind_parameter_count(query);
    if (n == 1) sqlite3_bind_int64(query, 1, run);
    if (n == 3) {
        sqlite3_bind_text(query, 1, series ? series : "", -1, SQLITE_STATIC);
        sqlite3_bind_text(query, 2, kind ? kind : "", -1, SQLITE_STATIC);
        sqlite3_bind_int64(query, 3, newest > 0 ? newest : -1);
    }
    msio_status status = visit_all(h, layout, query, visit, user, error);
    sqlite3_finalize(query);
    return status;
}

msio_status history_each(history *h, history_table table, int64_t run, history_visit visit, void *user,
                         history_error *error) {
    return ask(h, table, run ? "WHERE r.id = ?1" : "", run, NULL, NULL, 0, visit, user, error);
}

msio_status history_each_of(history *h, history_table table, const char *series, const char *kind, int64_t newest,
                            history_visit visit, void *user, history_error *error) {
    return ask(h, table,
               "WHERE r.id IN (SELECT id FROM runs WHERE (?1 = '' OR series = ?1) AND (?2 = '' OR kind = ?2)"
               " ORDER BY time DESC, id DESC LIMIT ?3)",
               0, series, kind, newest, visit, user, error);
}

static void bind_field(sqlite3_stmt *to, int i, const history_field *field, const void *row) {
    const void *from = (const char *)row + field->offset;
    if (field->kind == HISTORY_INTEGER) {
        if (*(const int64_t *)from != -1) sqlite3_bind_int64(to, i, *(const int64_t *)from);
    } else if (field->kind == HISTORY_DOUBLE) {
        double value = *(const double *)from;
        if (isfinite(value)) sqlite3_bind_double(to, i, value);
    } else {
        const char *text = *(const char *const *)from;
        size_t length = text ? strnlen(text, HISTORY_TEXT) : 0;
        while (length == HISTORY_TEXT && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
        if (length) sqlite3_bind_text(to, i, text, (int)length, SQLITE_TRANSIENT);
    }
}

msio_status history_put(history *h, history_table table, const void *row, history_error *error) {
    const history_layout *layout = history_layout_of(table);
    char names[1024], sql[2048], marks[128] = "?";
    sqlite3_stmt *to = NULL;
    int64_t id = 0;
    names_of(layout, "", names, sizeof names);
    for (int i = 1; i < layout->fields; i++) strcat(marks, ",?");
    snprintf(sql, sizeof sql, "INSERT INTO \"%s\"(%s) VALUES(%s)", layout->name, names, marks);
    if (sqlite3_prepare_v2(h->db, sql, -1, &to, NULL) != SQLITE_OK) return history_fail_sqlite(h, "recording", error);
    memcpy(&id, row, sizeof id);
    for (int i = 0; i < layout->fields; i++)
        if (table != HISTORY_RUNS || i > 0 || id > 0) bind_field(to, i + 1, &layout->field[i], row);
    int code = sqlite3_step(to);
    msio_status status = code == SQLITE_DONE ? MSIO_OK : history_fail_sqlite(h, "recording", error);
    sqlite3_finalize(to);
    return status;
}
