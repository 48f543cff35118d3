/* handing_lines.c - a run's rows, and what its stacks say of functions and lines. */
#include "cli/handing/handing.h"

#include "cli/common/failure.h"

#include <stdlib.h>
#include <string.h>

#define STACK_SECONDS 1e-6 /* a sample of profile.folded is a microsecond */

/* ---------------------------------------------------------------- rows */

typedef struct finding_run {
    history_run *to;
    bool found;
} finding_run;

static int take_run(void *user, const void *row) {
    finding_run *f = user;
    cli_row_copy(HISTORY_RUNS, f->to, row);
    f->found = true;
    return 1;
}

msio_status handing_read(history *h, int64_t id, handing_run *of, bool *there, history_error *error) {
    *of = (handing_run){0};
    finding_run f = {&of->run, false};
    const struct {
        cli_rows *rows;
        history_table table;
        int64_t most;
    } parts[] = {{&of->targets, HISTORY_TARGETS, 1000},
                 {&of->counts, HISTORY_COUNTS, 1000},
                 {&of->moments, HISTORY_MOMENTS_OF, HISTORY_MOMENTS},
                 {&of->stacks, HISTORY_STACKS_OF, HISTORY_STACKS},
                 {&of->columns, HISTORY_COLUMNS_OF, HISTORY_COLUMNS},
                 {&of->loops, HISTORY_LOOPS_OF, HISTORY_LOOPS},
                 {&of->findings, HISTORY_FINDINGS_OF, HISTORY_FINDINGS}};
    msio_status status = id > 0 ? history_each(h, HISTORY_RUNS, id, take_run, &f, error) : MSIO_OK;
    *there = f.found;
    if (!f.found) of->run.id = 0;
    for (size_t i = 0; !status && f.found && i < sizeof parts / sizeof *parts; i++)
        status = cli_rows_read(h, parts[i].table, id, parts[i].most, parts[i].rows, error);
    return status;
}

void handing_free(handing_run *of) {
    cli_rows *rows[] = {&of->targets, &of->counts, &of->moments, &of->stacks, &of->columns, &of->loops, &of->findings};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) cli_rows_free(rows[i]);
    if (of->run.id) cli_row_free(HISTORY_RUNS, &of->run);
    *of = (handing_run){0};
}

/* ---------------------------------------------------------------- stacks */

/* A frame is "FILE:LINE function": of a function the line is left out. */
static char *name_of(const char *frame, size_t length, bool lines) {
    char *name = cli_alloc(length + 1);
    memcpy(name, frame, length);
    name[length] = 0;
    char *space = strchr(name, ' '), *colon = space;
    if (lines || !space) return name;
    while (colon > name && *colon != ':') colon--;
    if (*colon == ':') memmove(colon, space, strlen(space) + 1);
    return name;
}

static handing_place *place_of(handing_places *places, int64_t room, char *name) {
    for (int64_t i = 0; i < places->n; i++)
        if (strcmp(places->place[i].name, name) == 0) {
            free(name);
            return &places->place[i];
        }
    if (places->n == room) {
        free(name);
        return NULL;
    }
    places->place[places->n] = (handing_place){name, 0, 0};
    return &places->place[places->n++];
}

/* One stack: each of its places once, however often it is in it. */
static void add_stack(handing_places *places, int64_t room, const history_stack *stack, bool lines) {
    int64_t seen[HISTORY_TEXT / 2 + 1], n = 0;
    double seconds = STACK_SECONDS * (double)stack->samples;
    for (const char *at = stack->frames; *at;) {
        size_t length = strcspn(at, ";");
        handing_place *place = place_of(places, room, name_of(at, length, lines));
        at += length + (at[length] == ';');
        if (!place) continue;
        int64_t k = 0, index = place - places->place;
        while (k < n && seen[k] != index) k++;
        if (k == n) {
            seen[n++] = index;
            place->all += seconds;
        }
        if (!*at) place->own += seconds;
    }
}

void handing_places_of(const cli_rows *stacks, bool lines, handing_places *places) {
    int64_t room = 20000;
    *places = (handing_places){cli_alloc_many((size_t)room, sizeof *places->place), 0};
    for (int64_t i = 0; i < stacks->n; i++) add_stack(places, room, cli_rows_at(stacks, i), lines);
}

void handing_places_free(handing_places *places) {
    for (int64_t i = 0; i < places->n; i++) free(places->place[i].name);
    free(places->place);
    *places = (handing_places){NULL, 0};
}

static int more(double a, double b) { return a == b ? 0 : a < b ? 1 : -1; }

static int compare_own(const void *a, const void *b) {
    const handing_place *x = a, *y = b;
    int order = more(x->own, y->own);
    return order ? order : strcmp(x->name, y->name);
}

static int compare_all(const void *a, const void *b) {
    const handing_place *x = a, *y = b;
    int order = more(x->all, y->all);
    return order ? order : strcmp(x->name, y->name);
}

void handing_by_own(handing_places *places) {
    qsort(places->place, (size_t)places->n, sizeof *places->place, compare_own);
}

void handing_by_all(handing_places *places) {
    qsort(places->place, (size_t)places->n, sizeof *places->place, compare_all);
}
