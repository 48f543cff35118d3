/* dashboard_paths.c - values over runs: gathered from a history's rows, and thinned out for the page. */
#include "cli/dashboard/dashboard.h"

#include "cli/common/failure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REPETITIONS_MOST 1000 /* of a run, in its median */
#define PATHS_MOST 2000       /* different ones that are gathered; a history may hold any number */

/* Room for one more of n things. */
static void *grown(void *list, int64_t n, int64_t *room, size_t size) {
    if (n < *room) return list;
    *room = *room ? 2 * *room : 16;
    return cli_resize(list, (size_t)*room, size);
}

bool dashboard_time_known(double time) { return time >= 0 && time < 1e11; }

/* ---------------------------------------------------------------- gathering */

static uint64_t mix(uint64_t sum, const char *text) { /* FNV-1a */
    for (; *text; text++) sum = (sum ^ (unsigned char)*text) * 1099511628211u;
    return (sum ^ 1) * 1099511628211u;
}

/* The path of that name in the run whose rows are read; NULL where there is no room for another. */
static dashboard_path *path_of(dashboard *board, const char *kind, const char *name, const char *subject) {
    const dashboard_run *run = &board->run[board->at];
    uint64_t hash = mix(mix(mix(mix(mix(14695981039346656037u, kind), run->series), run->machine), name), subject);
    for (int64_t i = 0; i < board->paths; i++) {
        dashboard_path *p = &board->path[i];
        if (p->hash == hash && strcmp(p->name, name) == 0 && strcmp(p->subject, subject) == 0 &&
            strcmp(p->series, run->series) == 0 && strcmp(p->machine, run->machine) == 0 && strcmp(p->kind, kind) == 0)
            return p;
    }
    if (board->paths == PATHS_MOST) {
        board->left_out++;
        return NULL;
    }
    board->path = grown(board->path, board->paths, &board->path_room, sizeof *board->path);
    dashboard_path *p = &board->path[board->paths++];
    *p = (dashboard_path){.kind = kind,
                          .series = cli_copy(run->series),
                          .machine = cli_copy(run->machine),
                          .name = cli_copy(name),
                          .subject = cli_copy(subject),
                          .hash = hash,
                          .target = NAN,
                          .reason = cli_copy("")};
    return p;
}

static dashboard_path *add_point(dashboard *board, const char *kind, const char *name, const char *subject,
                                 double value, char verdict) {
    const dashboard_run *run = &board->run[board->at];
    if (!isfinite(value) || value < 0 || !dashboard_time_known(run->time)) return NULL;
    dashboard_path *p = path_of(board, kind, name, subject);
    if (!p) return NULL;
    p->point = grown(p->point, p->points, &p->room, sizeof *p->point);
    p->point[p->points++] = (dashboard_point){run->time, value, run->id, verdict};
    return p;
}

/* Rows come in the order of the runs, so the next row's run is this one or a later one. */
static bool find_run(dashboard *board, int64_t id) {
    while (board->at < board->runs && board->run[board->at].id != id) board->at++;
    return board->at < board->runs;
}

static int take_run(void *user, const void *row) {
    dashboard *board = user;
    const history_run *r = row;
    board->run = grown(board->run, board->runs, &board->run_room, sizeof *board->run);
    board->run[board->runs++] =
        (dashboard_run){r->id, r->time, cli_copy(r->series), cli_copy(r->machine), cli_copy(r->kind)};
    board->at = board->runs - 1;
    if (dashboard_time_known(r->time)) {
        if (!(board->first <= r->time)) board->first = r->time;
        if (!(board->last >= r->time)) board->last = r->time;
    }
    add_point(board, "run", "the whole run", "", r->seconds, ' ');
    add_point(board, "memory", "peak memory", "", r->peak_bytes >= 0 ? (double)r->peak_bytes : NAN, ' ');
    add_point(board, "load", "load average", "", r->load, ' ');
    add_point(board, "others", "processors that others had", "", r->others, ' ');
    return 0;
}

static int take_target(void *user, const void *row) {
    dashboard *board = user;
    const history_target *t = row;
    if (!find_run(board, t->run)) return 1;
    char verdict = *t->verdict == 'P' || *t->verdict == 'F' ? *t->verdict : 'N';
    dashboard_path *p = add_point(board, "target", t->name, t->subject, t->measured, verdict);
    if (!p) return 0;
    p->target = t->target;
    free(p->reason);
    p->reason = cli_copy(t->reason);
    return 0;
}

static int take_ratio(void *user, const void *row) {
    const history_ratio *r = row;
    if (!find_run(user, r->run)) return 1;
    add_point(user, "ratio", r->name, "", r->ratio, ' ');
    return 0;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Of values in order. */
static double middle(const double *value, int64_t n) {
    return n % 2 ? value[n / 2] : 0.5 * (value[n / 2 - 1] + value[n / 2]);
}

/* The last point of a path becomes the median of its run's repetitions, which are the last `n` singles. */
static void settle(dashboard_path *p, int64_t n) {
    double *value = cli_alloc_many((size_t)n, sizeof *value);
    memcpy(value, p->single + (p->singles - n), (size_t)n * sizeof *value);
    qsort(value, (size_t)n, sizeof *value, by_value);
    p->point[p->points - 1].value = middle(value, n);
    free(value);
}

static int take_time(void *user, const void *row) {
    dashboard *board = user;
    const history_time *t = row;
    if (!find_run(board, t->run)) return 1;
    dashboard_path *p = isfinite(t->seconds) && t->seconds >= 0 ? path_of(board, "time", t->name, "") : NULL;
    if (!p) return 0;
    if (p->points == 0 || p->point[p->points - 1].run != t->run) {
        if (!add_point(board, "time", t->name, "", t->seconds, ' ')) return 0;
        p->of_run = 0;
    }
    p->single = grown(p->single, p->singles, &p->single_room, sizeof *p->single);
    p->single[p->singles++] = t->seconds;
    if (++p->of_run <= REPETITIONS_MOST) settle(p, p->of_run);
    return 0;
}

msio_status dashboard_read(history *h, const char *series, int64_t newest, dashboard *board, history_error *error) {
    static const struct {
        history_table table;
        history_visit take;
    } tables[] = {{HISTORY_TARGETS, take_target}, {HISTORY_RATIOS, take_ratio}, {HISTORY_TIMES, take_time}};
    *board = (dashboard){.first = NAN, .last = NAN};
    msio_status status = history_each_of(h, HISTORY_RUNS, series, NULL, newest, take_run, board, error);
    for (size_t i = 0; !status && i < sizeof tables / sizeof *tables; i++) {
        board->at = 0;
        status = history_each_of(h, tables[i].table, series, NULL, newest, tables[i].take, board, error);
    }
    return status;
}

void dashboard_free(dashboard *board) {
    for (int64_t i = 0; i < board->runs; i++) {
        free(board->run[i].series);
        free(board->run[i].machine);
        free(board->run[i].kind);
    }
    for (int64_t i = 0; i < board->paths; i++) {
        dashboard_path *p = &board->path[i];
        void *own[] = {p->series, p->machine, p->name, p->subject, p->reason, p->point, p->single};
        for (size_t k = 0; k < sizeof own / sizeof *own; k++) free(own[k]);
    }
    free(board->run);
    free(board->path);
    *board = (dashboard){0};
}

/* ---------------------------------------------------------------- writing */

static int rank_of(const char *kind) {
    static const char *const ranks[] = {"target", "ratio", "time", "run", "memory", "load", "others"};
    int i = 0;
    while (i < 6 && strcmp(kind, ranks[i]) != 0) i++;
    return i;
}

/* Targets first, then what has most points. */
static int most_telling(const void *a, const void *b) {
    const dashboard_path *x = a, *y = b;
    int difference = rank_of(x->kind) - rank_of(y->kind);
    if (difference) return difference;
    if (x->points != y->points) return x->points < y->points ? 1 : -1;
    return strcmp(x->name, y->name);
}

/* A point of the page: neighbours, in the order of their times. */
typedef struct thinned {
    double time, middle, low, high;
    int64_t run, missed;
    char verdict;
} thinned;

static int64_t thin(const dashboard_path *p, thinned out[DASHBOARD_POINTS]) {
    int64_t n = p->points < DASHBOARD_POINTS ? p->points : DASHBOARD_POINTS;
    double *value = cli_alloc_many((size_t)p->points, sizeof *value);
    for (int64_t i = 0; i < n; i++) {
        int64_t from = i * p->points / n, to = (i + 1) * p->points / n, missed = 0;
        for (int64_t k = from; k < to; k++) {
            value[k - from] = p->point[k].value;
            missed += p->point[k].verdict == 'F';
        }
        qsort(value, (size_t)(to - from), sizeof *value, by_value);
        const dashboard_point *last = &p->point[to - 1];
        out[i] = (thinned){last->time,   middle(value, to - from), value[0], value[to - from - 1], last->run, missed,
                           last->verdict};
    }
    free(value);
    return n;
}

static void put_points(cli_json *json, const dashboard_path *p) {
    thinned *point = cli_alloc_many(DASHBOARD_POINTS, sizeof *point);
    int64_t n = thin(p, point);
    int thinner = n < p->points;
    const struct {
        const char *key;
        size_t offset;
        int wanted;
    } values[] = {{"t", offsetof(thinned, time), 1},
                  {"v", offsetof(thinned, middle), 1},
                  {"low", offsetof(thinned, low), thinner},
                  {"high", offsetof(thinned, high), thinner}};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        if (!values[k].wanted) continue;
        cli_json_open_array(json, values[k].key);
        for (int64_t i = 0; i < n; i++)
            cli_json_double(json, *(const double *)(const void *)((const char *)&point[i] + values[k].offset));
        cli_json_end(json);
    }
    cli_json_open_array(json, "run");
    for (int64_t i = 0; i < n; i++) cli_json_int(json, point[i].run);
    cli_json_end(json);
    cli_json_open_array(json, "missed");
    for (int64_t i = 0; i < n; i++) cli_json_int(json, point[i].missed);
    cli_json_end(json);
    free(point);
}

/* How often each value came: bins of equal ratio from the least to the largest. */
static void put_bins(cli_json *json, const dashboard_path *p) {
    int64_t n = p->single ? p->singles : p->points, count[DASHBOARD_BINS] = {0};
    double *value = cli_alloc_many((size_t)n, sizeof *value);
    for (int64_t i = 0; i < n; i++) value[i] = p->single ? p->single[i] : p->point[i].value;
    qsort(value, (size_t)n, sizeof *value, by_value);
    double low = fmax(value[0], 1e-12), high = fmax(value[n - 1], low), step = log(high / low) / DASHBOARD_BINS;
    for (int64_t i = 0; i < n; i++) {
        double at = step > 0 ? log(fmax(value[i], low) / low) / step : 0;
        count[at < DASHBOARD_BINS - 1 ? (int)at : DASHBOARD_BINS - 1]++;
    }
    cli_json_put_double(json, "least", value[0]);
    cli_json_put_double(json, "p10", value[(n - 1) / 10]);
    cli_json_put_double(json, "p50", middle(value, n));
    cli_json_put_double(json, "p90", value[(n - 1) - (n - 1) / 10]);
    cli_json_put_double(json, "largest", value[n - 1]);
    cli_json_put_ints(json, "bins", DASHBOARD_BINS, count);
    free(value);
}

static void put_path(cli_json *json, const dashboard_path *p) {
    const dashboard_point *last = &p->point[p->points - 1];
    cli_json_object(json);
    cli_json_put_string(json, "kind", p->kind);
    cli_json_put_string(json, "series", p->series);
    cli_json_put_string(json, "machine", p->machine);
    cli_json_put_string(json, "name", p->name);
    cli_json_put_string(json, "subject", p->subject);
    cli_json_put_double_or_null(json, "target", isfinite(p->target), p->target);
    cli_json_put_string(json, "reason", p->reason);
    cli_json_put_string(json, "verdict",
                        last->verdict == 'P'   ? "PASS"
                        : last->verdict == 'F' ? "FAIL"
                        : last->verdict == 'N' ? "NOT MEASURED"
                                               : "");
    cli_json_put_int(json, "points", p->points);
    put_points(json, p);
    put_bins(json, p);
    cli_json_end(json);
}

void dashboard_put_paths(cli_json *json, dashboard *board) {
    if (board->paths) qsort(board->path, (size_t)board->paths, sizeof *board->path, most_telling);
    int64_t n = board->paths < DASHBOARD_PATHS ? board->paths : DASHBOARD_PATHS;
    cli_json_put_int(json, "paths_left_out", board->paths - n + (board->left_out > 0));
    cli_json_open_list(json, "paths");
    for (int64_t i = 0; i < n; i++)
        if (board->path[i].points) put_path(json, &board->path[i]);
    cli_json_end(json);
}
