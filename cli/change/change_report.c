/* change_report.c - what is told of a change: before it, and after. */
#include "cli/change/change.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/output/grid.h"

#include <stdio.h>
#include <string.h>

static const char *why_not_all(const cli_change *change) {
    return change->info && !change->one_value ? change->info->why_not_writable : NULL;
}

const char *cli_change_way(const cli_change *change) {
    if (!change->plan.native) return "casacore";
    return why_not_all(change) ? "native or casacore" : "native";
}

const char *cli_change_why_not(const cli_change *change) {
    return change->plan.native ? why_not_all(change) : change->plan.why_not;
}

void cli_change_tell(const cli_change *change, const char *what) {
    const msio_write_plan *plan = &change->plan;
    char path[512], kept[128] = "";
    if (plan->bytes_kept) snprintf(kept, sizeof kept, ", %s of them read first", cli_size(plan->bytes_kept).text);
    cli_note(change->cli, "%s: %s: %s%s in %s block%s of %s%s, %s%s",
             cli_printable(path, sizeof path, change->path, strlen(change->path)), what, cli_size(plan->bytes).text,
             plan->makes_cells ? " in new cells" : "", cli_count(plan->blocks).text, plan->blocks == 1 ? "" : "s",
             cli_size(plan->bytes_stored).text, kept, cli_change_way(change),
             change->dry_run ? "; --dry-run: nothing is changed" : "");
    if (!plan->native) cli_note(change->cli, "not natively: %s", plan->why_not);
    if (plan->native && why_not_all(change)) cli_note(change->cli, "not all natively: %s", why_not_all(change));
}

#define OF_PLAN(name) CLI_JSON_MEMBER(msio_write_plan, #name, name)

void cli_change_json(cli_json *json, const cli_change *change) {
    static const cli_json_member counts[] = {OF_PLAN(rows),   OF_PLAN(bytes),        OF_PLAN(pieces),
                                             OF_PLAN(blocks), OF_PLAN(bytes_stored), OF_PLAN(bytes_kept)};
    const msio_write_plan *plan = &change->plan;
    CLI_JSON_PUT_MEMBERS(json, plan, counts);
    cli_json_put_double_or_null(json, "seconds", !change->dry_run, change->seconds);
    cli_json_put_string(json, "way", cli_change_way(change));
    cli_json_put_string(json, "why_not", cli_change_why_not(change));
    cli_json_put_bool(json, "new_cells", plan->makes_cells);
    cli_json_put_string(json, "read_only", plan->read_only[0] ? plan->read_only : NULL);
    cli_json_put_bool(json, "dry_run", change->dry_run);
}

void cli_change_report_with(const cli_change *change, void (*more)(void *user, cli_json *json), void *user) {
    if (!change->cli->json) {
        if (!change->dry_run)
            cli_note(change->cli, "%s rows written in %s (%s)", cli_count(change->plan.rows).text,
                     cli_duration(change->seconds).text, cli_rate((double)change->plan.bytes, change->seconds).text);
        if (more) more(user, NULL);
        return;
    }
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", change->path);
    cli_json_put_string(&json, "column", change->name);
    cli_change_json(&json, change);
    cli_json_put_bool(&json, "made", change->made);
    if (more) more(user, &json);
    cli_json_end(&json);
    cli_json_finish(&json);
}

void cli_change_report(const cli_change *change) { cli_change_report_with(change, NULL, NULL); }
