/* history_judge.c - counts against baselines, change points of ratios, and what is accepted of both. */
#include "prof/history/history_file.h"

#include "prof/compare/change_points.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGES_MOST 200

/* Judging one series. */
typedef struct judging {
    history *h;
    history_error *error;
    history_judgement *all;
    const char *series;
    int64_t newest, previous; /* runs; previous 0: there is none */
    char *machine;
} judging;

static char *copy(const char *text) {
    char *made = strdup(text ? text : "");
    return made; /* NULL is told by who asked */
}

static msio_status no_memory(judging *j) { return history_fail(j->error, MSIO_E_MEMORY, "no memory"); }

/* A question with the series as its first parameter, and a second text where there is one. */
static msio_status ask(judging *j, const char *sql, const char *second, sqlite3_stmt **query) {
    if (sqlite3_prepare_v2(j->h->db, sql, -1, query, NULL) != SQLITE_OK)
        return history_fail_sqlite(j->h, "judging", j->error);
    sqlite3_bind_text(*query, 1, j->series, -1, SQLITE_TRANSIENT);
    if (second) sqlite3_bind_text(*query, 2, second, -1, SQLITE_TRANSIENT);
    return MSIO_OK;
}

static msio_status end_of(judging *j, int code) {
    return code == SQLITE_DONE ? MSIO_OK : history_fail_sqlite(j->h, "judging", j->error);
}

static const char *text_at(sqlite3_stmt *query, int i) {
    const char *text = (const char *)sqlite3_column_text(query, i);
    return text ? text : "";
}

/* ---------------------------------------------------------------- accepted */

/* The last acceptance of a name: its run (0: none), value and reason. */
typedef struct acceptance {
    int64_t run, value;
    char *reason;
} acceptance;

static msio_status find_acceptance(judging *j, const char *name, acceptance *a) {
    sqlite3_stmt *query = NULL;
    *a = (acceptance){0, -1, NULL};
    msio_status status = ask(j,
                             "SELECT run, value, reason FROM accepted WHERE series = ?1 AND name = ?2"
                             " ORDER BY time DESC, rowid DESC LIMIT 1",
                             name, &query);
    if (status) return status;
    int code = sqlite3_step(query);
    if (code == SQLITE_ROW) {
        a->run = sqlite3_column_int64(query, 0);
        a->value = sqlite3_column_type(query, 1) == SQLITE_NULL ? -1 : sqlite3_column_int64(query, 1);
        code = SQLITE_DONE;
    }
    a->reason = copy(a->run ? text_at(query, 2) : "");
    status = end_of(j, code);
    sqlite3_finalize(query);
    return status || a->reason ? status : no_memory(j);
}

/* ---------------------------------------------------------------- counts */

/* The values of one count, in the order of their runs, from its acceptance on. */
typedef struct counted {
    char *name;
    acceptance accepted;
    int64_t *value; /* of the runs before the newest */
    size_t n, room;
    int64_t last_run, last_value, exact;
    int64_t newest_value; /* -1: not told */
} counted;

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t baseline_of(counted *c) {
    if (!c->n) return -1;
    qsort(c->value, c->n, sizeof *c->value, by_value);
    return c->exact == HISTORY_WITHIN ? c->value[(c->n - 1) / 2] : c->value[0];
}

static int has_risen(const history_held *k) {
    if (k->baseline < 0 || k->value < 0) return 0;
    if (k->exact == HISTORY_EXACT) return k->value > k->baseline;
    return (double)k->value > (double)k->baseline * (1 + HISTORY_WITHIN_SHARE);
}

/* A name's values are all there: the newest one is held against the baseline. */
static msio_status hold(judging *j, counted *c) {
    history_judgement *all = j->all;
    if (!c->name || c->exact == HISTORY_SHOWN || (c->newest_value < 0 && c->last_run != j->previous)) return MSIO_OK;
    history_held *more = realloc(all->held, (size_t)(all->helds + 1) * sizeof *more);
    if (!more) return no_memory(j);
    all->held = more;
    history_held *k = &more[all->helds++];
    *k = (history_held){
        copy(j->series), copy(c->name), copy(c->accepted.reason), j->newest, c->newest_value, 0, c->exact, 0};
    k->baseline = baseline_of(c);
    k->risen = has_risen(k);
    all->regressions += k->risen;
    return k->series && k->name && k->reason ? MSIO_OK : no_memory(j);
}

static void forget(counted *c) {
    free(c->name);
    free(c->accepted.reason);
    *c = (counted){.value = c->value, .room = c->room, .newest_value = -1};
}

static msio_status begin_count(judging *j, counted *c, const char *name) {
    msio_status status = hold(j, c);
    forget(c);
    if (status) return status;
    c->name = copy(name);
    return c->name ? find_acceptance(j, name, &c->accepted) : no_memory(j);
}

static msio_status take_value(judging *j, counted *c, int64_t run, int64_t value, int64_t exact) {
    c->exact = exact;
    if (run == c->accepted.run) c->n = 0; /* what was before does not matter any more */
    if (run == j->newest) c->newest_value = value;
    int accepted_now = run == j->newest && run == c->accepted.run;
    if (run == j->newest && !accepted_now) return MSIO_OK;
    c->last_run = run;
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        int64_t *more = realloc(c->value, room * sizeof *more);
        if (!more) return no_memory(j);
        c->value = more;
        c->room = room;
    }
    c->value[c->n++] = run == c->accepted.run && c->accepted.value >= 0 ? c->accepted.value : value;
    return MSIO_OK;
}

static msio_status judge_counts(judging *j) {
    sqlite3_stmt *query = NULL;
    counted c = {.newest_value = -1};
    int code = SQLITE_DONE;
    msio_status status = ask(j,
                             "SELECT c.name, r.id, c.value, c.exact FROM runs r JOIN counts c ON c.run = r.id"
                             " WHERE r.series = ?1 AND c.name IS NOT NULL AND c.value IS NOT NULL"
                             " ORDER BY c.name, r.time, r.id",
                             NULL, &query);
    while (!status && (code = sqlite3_step(query)) == SQLITE_ROW) {
        const char *name = text_at(query, 0);
        if (!c.name || strcmp(c.name, name) != 0) status = begin_count(j, &c, name);
        if (!status)
            status = take_value(j, &c, sqlite3_column_int64(query, 1), sqlite3_column_int64(query, 2),
                                sqlite3_column_int64(query, 3));
    }
    if (!status) status = end_of(j, code);
    if (!status) status = hold(j, &c);
    forget(&c);
    free(c.value);
    sqlite3_finalize(query);
    return status;
}

/* ---------------------------------------------------------------- ratios */

/* One ratio over its runs. */
typedef struct course {
    char *name;
    int n, room;
    double *value, *time;
    int64_t *run;
    char (*commit)[64];
} course;

static void drop(course *c) {
    free(c->name);
    c->name = NULL;
    c->n = 0;
}

static msio_status keep_change(judging *j, const course *c, const change_point *p, const acceptance *a, int accepted_at,
                               double now) {
    history_judgement *all = j->all;
    history_change *more = realloc(all->change, (size_t)(all->changes + 1) * sizeof *more);
    if (!more) return no_memory(j);
    all->change = more;
    history_change *k = &more[all->changes++];
    int accepted = accepted_at >= p->at;
    *k = (history_change){copy(j->series),
                          copy(c->name),
                          copy(c->commit[p->at]),
                          copy(accepted ? a->reason : ""),
                          c->run[p->at],
                          c->time[p->at],
                          p->before,
                          p->after,
                          p->magnitude,
                          p->p,
                          accepted,
                          0};
    k->standing = !accepted && p->magnitude > 0 && now >= p->before * (1 + CHANGE_MAGNITUDE);
    all->regressions += k->standing;
    return k->series && k->name && k->commit && k->reason ? MSIO_OK : no_memory(j);
}

/* A ratio's values are all there. */
static msio_status judge_course(judging *j, const course *c) {
    change_point found[CHANGES_MOST];
    acceptance a;
    int accepted_at = -1, from = c->n > CHANGE_SERIES_MOST ? c->n - CHANGE_SERIES_MOST : 0;
    if (!c->name || c->run[c->n - 1] != j->newest) return MSIO_OK;
    int n = change_points_find(c->n - from, c->value + from, found, CHANGES_MOST);
    msio_status status = n < 0 ? no_memory(j) : find_acceptance(j, c->name, &a);
    if (status) return status;
    for (int i = 0; i < c->n; i++)
        if (a.run && c->run[i] == a.run) accepted_at = i;
    for (int i = 0; i < n && !status; i++) {
        found[i].at += from;
        status = keep_change(j, c, &found[i], &a, accepted_at, found[n - 1].after);
    }
    free(a.reason);
    return status;
}

static msio_status grow(judging *j, course *c) {
    int room = c->room ? 2 * c->room : 256;
    double *value = realloc(c->value, (size_t)room * sizeof *value);
    if (value) c->value = value;
    double *time = realloc(c->time, (size_t)room * sizeof *time);
    if (time) c->time = time;
    int64_t *run = realloc(c->run, (size_t)room * sizeof *run);
    if (run) c->run = run;
    char(*commit)[64] = realloc(c->commit, (size_t)room * sizeof *commit);
    if (commit) c->commit = commit;
    if (!value || !time || !run || !commit) return no_memory(j);
    c->room = room;
    return MSIO_OK;
}

static msio_status take_ratio(judging *j, course *c, sqlite3_stmt *query) {
    const char *name = text_at(query, 0);
    msio_status status = MSIO_OK;
    if (!c->name || strcmp(c->name, name) != 0) {
        status = judge_course(j, c);
        drop(c);
        c->name = copy(name);
        if (!status && !c->name) status = no_memory(j);
    }
    if (!status && c->n == c->room) status = grow(j, c);
    if (status) return status;
    c->run[c->n] = sqlite3_column_int64(query, 1);
    c->value[c->n] = sqlite3_column_double(query, 2);
    c->time[c->n] = sqlite3_column_double(query, 3);
    snprintf(c->commit[c->n], sizeof c->commit[c->n], "%s", text_at(query, 4));
    c->n++;
    return MSIO_OK;
}

static msio_status judge_ratios(judging *j) {
    sqlite3_stmt *query = NULL;
    course c = {0};
    int code = SQLITE_DONE;
    msio_status status =
        ask(j,
            "SELECT t.name, r.id, t.ratio, r.time, r.\"commit\" FROM runs r JOIN ratios t ON t.run = r.id"
            " WHERE r.series = ?1 AND ifnull(r.machine, '') = ?2 AND t.name IS NOT NULL"
            " AND t.ratio IS NOT NULL ORDER BY t.name, r.time, r.id",
            j->machine, &query);
    while (!status && (code = sqlite3_step(query)) == SQLITE_ROW) status = take_ratio(j, &c, query);
    if (!status) status = end_of(j, code);
    if (!status) status = judge_course(j, &c);
    drop(&c);
    free(c.value);
    free(c.time);
    free(c.run);
    free(c.commit);
    sqlite3_finalize(query);
    return status;
}

/* ---------------------------------------------------------------- all of it */

static msio_status judge_series(history *h, const char *series, history_judgement *all, history_error *error) {
    judging j = {.h = h, .error = error, .all = all, .series = series};
    sqlite3_stmt *query = NULL;
    int code;
    msio_status status =
        ask(&j, "SELECT id, machine FROM runs WHERE series = ?1 ORDER BY time DESC, id DESC LIMIT 2", NULL, &query);
    if (status) return status;
    for (int i = 0; (code = sqlite3_step(query)) == SQLITE_ROW; i++) {
        *(i ? &j.previous : &j.newest) = sqlite3_column_int64(query, 0);
        if (!i) j.machine = copy(text_at(query, 1));
    }
    status = end_of(&j, code);
    sqlite3_finalize(query);
    if (!status && j.newest && !j.machine) status = no_memory(&j);
    if (!status && j.newest) {
        all->series++;
        status = judge_counts(&j);
        if (!status) status = judge_ratios(&j);
    }
    free(j.machine);
    return status;
}

msio_status history_judge(history *h, const char *series, history_judgement *all, history_error *error) {
    sqlite3_stmt *query = NULL;
    msio_status status = MSIO_OK;
    int code = SQLITE_DONE;
    *all = (history_judgement){0};
    if (series && series[0]) return judge_series(h, series, all, error);
    if (sqlite3_prepare_v2(h->db, "SELECT DISTINCT series FROM runs ORDER BY series", -1, &query, NULL) != SQLITE_OK)
        return history_fail_sqlite(h, "judging", error);
    while (!status && (code = sqlite3_step(query)) == SQLITE_ROW)
        status = judge_series(h, text_at(query, 0), all, error);
    if (!status && code != SQLITE_DONE) status = history_fail_sqlite(h, "judging", error);
    sqlite3_finalize(query);
    return status;
}

void history_judgement_free(history_judgement *all) {
    for (int i = 0; i < all->helds; i++) {
        free(all->held[i].series);
        free(all->held[i].name);
        free(all->held[i].reason);
    }
    for (int i = 0; i < all->changes; i++) {
        free(all->change[i].series);
        free(all->change[i].name);
        free(all->change[i].commit);
        free(all->change[i].reason);
    }
    free(all->held);
    free(all->change);
    *all = (history_judgement){0};
}

/* The newest run of a series, at which a change is accepted: later ones are new. */
static int64_t newest_of(history *h, const char *series) {
    sqlite3_stmt *query = NULL;
    int64_t run = 0;
    if (sqlite3_prepare_v2(h->db, "SELECT id FROM runs WHERE series = ?1 ORDER BY time DESC, id DESC LIMIT 1", -1,
                           &query, NULL) == SQLITE_OK) {
        sqlite3_bind_text(query, 1, series, -1, SQLITE_STATIC);
        if (sqlite3_step(query) == SQLITE_ROW) run = sqlite3_column_int64(query, 0);
    }
    sqlite3_finalize(query);
    return run;
}

static msio_status accept_all(history *h, const history_judgement *all, const char *reason, double now, int64_t *moved,
                              history_error *error) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < all->helds && !status; i++) {
        const history_held *k = &all->held[i];
        history_accepted row = {k->run, now, k->series, k->name, k->value, k->baseline, reason};
        if (!k->risen) continue;
        status = history_put(h, HISTORY_ACCEPTED, &row, error);
        ++*moved;
    }
    for (int i = 0; i < all->changes && !status; i++) {
        const history_change *k = &all->change[i];
        history_accepted row = {newest_of(h, k->series), now, k->series, k->name, -1, -1, reason};
        if (!k->standing) continue;
        status = history_put(h, HISTORY_ACCEPTED, &row, error);
        ++*moved;
    }
    return status;
}

msio_status history_accept(history *h, const char *series, const char *reason, double now, int64_t *moved,
                           history_error *error) {
    history_judgement all = {0};
    *moved = 0;
    msio_status status = history_run_sql(h, "BEGIN IMMEDIATE", "locking", error);
    if (status) return status;
    status = history_judge(h, series, &all, error);
    if (!status) status = accept_all(h, &all, reason, now, moved, error);
    if (!status) status = history_run_sql(h, "COMMIT", "accepting", error);
    if (status) sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    history_judgement_free(&all);
    return status;
}
