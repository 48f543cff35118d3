/* change_report.c - what is told of a change: before it, and after. */
#include "cli/change/change.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/output/grid.h"

#include <stdio.h>
#include <string.h>

static const char *way_of(const cli_change *change) { return change->plan.native ? "native" : "casacore"; }

void cli_change_tell(const cli_change *change, const char *what) {
    const msio_write_plan *plan = &change->plan;
    char path[512], kept[128] = "";
    if (plan->bytes_kept) snprintf(kept, sizeof kept, ", %s of them read first", cli_size(plan->bytes_kept).text);
    cli_note(change->cli, "%s: %s: %s%s in %s block%s of %s%s, %s%s",
             cli_printable(path, sizeof path, change->path, strlen(change->path)), what, cli_size(plan->bytes).text,
             plan->makes_cells ? " in new cells" : "", cli_count(plan->blocks).text, plan->blocks == 1 ? "" : "s",
             cli_size(plan->bytes_stored).text, kept, way_of(change),
             change->dry_run ? "; --dry-run: nothing is changed" : "");
    if (!plan->native) cli_note(change->cli, "not natively: %s", plan->why_not);
}

void cli_change_json(cli_json *json, const cli_change *change) {
    const msio_write_plan *plan = &change->plan;
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"rows", plan->rows},
                   {"bytes", plan->bytes},
                   {"pieces", plan->pieces},
                   {"blocks", plan->blocks},
                   {"bytes_stored", plan->bytes_stored},
                   {"bytes_kept", plan->bytes_kept}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        cli_json_key(json, numbers[i].key);
        cli_json_int(json, numbers[i].value);
    }
    cli_json_key(json, "seconds");
    if (change->dry_run)
        cli_json_null(json);
    else
        cli_json_double(json, change->seconds);
    cli_json_key(json, "way");
    cli_json_string(json, way_of(change));
    cli_json_key(json, "why_not");
    cli_json_string(json, plan->native ? NULL : plan->why_not);
    cli_json_key(json, "new_cells");
    cli_json_bool(json, plan->makes_cells);
    cli_json_key(json, "read_only");
    cli_json_string(json, plan->read_only[0] ? plan->read_only : NULL);
    cli_json_key(json, "dry_run");
    cli_json_bool(json, change->dry_run);
}

void cli_change_report(const cli_change *change) {
    if (!change->cli->json) {
        if (!change->dry_run)
            cli_note(change->cli, "%s rows written in %s (%s)", cli_count(change->plan.rows).text,
                     cli_duration(change->seconds).text, cli_rate((double)change->plan.bytes, change->seconds).text);
        return;
    }
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_key(&json, "path");
    cli_json_string(&json, change->path);
    cli_json_key(&json, "column");
    cli_json_string(&json, change->name);
    cli_change_json(&json, change);
    cli_json_key(&json, "made");
    cli_json_bool(&json, change->made);
    cli_json_end(&json);
    cli_json_finish(&json);
}
