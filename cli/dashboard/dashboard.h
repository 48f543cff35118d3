/* dashboard.h - what a history becomes in its page. */
#ifndef MSIO_CLI_DASHBOARD_H
#define MSIO_CLI_DASHBOARD_H

#include "cli/common/json.h"
#include "prof/history/history.h"

#include <stdbool.h>

/* The page stays small whatever is kept: so many curves, and of each so many points; of more, neighbours are one point
 * with their median, least and largest. */
#define DASHBOARD_PATHS 80
#define DASHBOARD_POINTS 500
#define DASHBOARD_BINS 32
#define DASHBOARD_PROFILES 12 /* the newest profile of each of the newest series, whole */

/* One run: what its rows are drawn by. */
typedef struct dashboard_run {
    int64_t id;
    double time;
    char *series, *machine, *kind;
} dashboard_run;

typedef struct dashboard_point {
    double time, value;
    int64_t run;
    char verdict; /* of a target: P, F or N; else a space */
} dashboard_point;

/* A value over runs of one series on one machine. */
typedef struct dashboard_path {
    const char *kind; /* target, time, ratio, run, memory, load, others */
    char *series, *machine, *name, *subject;
    uint64_t hash; /* of these */
    double target; /* the newest run's; NaN: none */
    char *reason;  /* of its verdict */
    dashboard_point *point;
    int64_t points, room;
    double *single;                       /* all repetitions, of times; else NULL: the points are all */
    int64_t singles, single_room, of_run; /* of_run: of the last point's run */
} dashboard_path;

typedef struct dashboard {
    dashboard_run *run;
    double first, last;         /* times of runs that have one; NaN: none has */
    int64_t runs, run_room, at; /* at: the run whose rows are read */
    dashboard_path *path;
    int64_t paths, path_room, left_out; /* left_out: values of paths for which there was no room */
} dashboard;

/* Whether a page can show it: from 1970 on, for some thousand years. */
bool dashboard_time_known(double time);

/* Everything that is drawn over runs; to be freed, also after an error. */
msio_status dashboard_read(history *h, const char *series, int64_t newest, dashboard *board, history_error *error);
void dashboard_free(dashboard *board);

/* Its curves, most telling first, as a member of the page's data. */
void dashboard_put_paths(cli_json *json, dashboard *board);

/* Where levels of ratios changed, as `history_judge` says, as a member. */
void dashboard_put_changes(cli_json *json, const dashboard *board, const history_judgement *judged);

/* The newest profiles of the newest series, as a member: memory, stacks, columns, loops and findings. */
msio_status dashboard_put_profiles(cli_json *json, history *h, const dashboard *board, history_error *error);

#endif
