/* profile_targets.c - `msio profile --judge NAME=SECONDS`: the run, or a task of CASA in it, held against a target. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/options.h"
#include "cli/output/grid.h"
#include "msio/prof.h"

#include <string.h>

int cli_profile_take_target(const cli_context *cli, cli_profile_targets *targets, const char *text) {
    if (targets->n == CLI_PROFILE_TARGETS_MOST) return cli_usage(cli, "too many targets");
    cli_profile_target *made = &targets->list[targets->n];
    int code = cli_option_named_seconds(cli, "judge", text, made->name, sizeof made->name, &made->target);
    if (!code) targets->n++;
    return code;
}

/* wall, calibration, imaging: the whole run. Any other name is a task's. -1: it was not seen. */
static double measured(const char *name, const cli_profile_run *run, const prof_found *found) {
    static const char *const whole[] = {"wall", "calibration", "imaging"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(name, whole[i]) == 0) return run->seconds;
    if (strcmp(name, "cpu") == 0) return run->user + run->system;
    for (int i = 0; i < found->tasks; i++) {
        char task[200];
        prof_task_name(found->task[i].file, task, sizeof task);
        if (strcmp(name, task) == 0) return found->task[i].wall;
    }
    return -1;
}

void cli_profile_measure_targets(cli_profile_run *run, const prof_found *found) {
    for (int i = 0; i < run->targets.n; i++)
        run->targets.list[i].measured = measured(run->targets.list[i].name, run, found);
}

static msio_verdict verdict_of(const cli_profile_target *t) {
    if (t->measured < 0) return MSIO_NOT_MEASURED;
    return t->measured <= t->target ? MSIO_PASS : MSIO_FAIL;
}

bool cli_profile_targets_met(const cli_profile_targets *targets) {
    bool met = true;
    for (int i = 0; i < targets->n; i++) met &= verdict_of(&targets->list[i]) == MSIO_PASS;
    return met;
}

void cli_profile_targets_text(FILE *out, const cli_profile_targets *targets) {
    char name[512];
    for (int i = 0; i < targets->n; i++) {
        const cli_profile_target *t = &targets->list[i];
        fprintf(out, "target %s: %s, measured %s: %s\n", cli_printable(name, sizeof name, t->name, strlen(t->name)),
                cli_duration(t->target).text, t->measured < 0 ? "-" : cli_duration(t->measured).text,
                msio_verdict_name(verdict_of(t)));
    }
}

void cli_profile_targets_json(cli_json *json, const cli_profile_targets *targets) {
    cli_json_open_list(json, "targets");
    for (int i = 0; i < targets->n; i++) {
        const cli_profile_target *t = &targets->list[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "name", t->name);
        cli_json_put_double(json, "target_seconds", t->target);
        cli_json_put_double_or_null(json, "measured_seconds", t->measured >= 0, t->measured);
        cli_json_put_string(json, "verdict", msio_verdict_name(verdict_of(t)));
        cli_json_end(json);
    }
    cli_json_end(json);
}
