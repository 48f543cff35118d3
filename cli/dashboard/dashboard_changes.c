/* dashboard_changes.c - change points: where the judge of the history saw a ratio's level change. */
#include "cli/dashboard/dashboard.h"

static const char *machine_of(const dashboard *board, int64_t run) {
    for (int64_t i = board->runs; i-- > 0;)
        if (board->run[i].id == run) return board->run[i].machine;
    return "";
}

static void put_change(cli_json *json, const dashboard *board, const history_change *k) {
    cli_json_flat_object(json);
    cli_json_put_string(json, "series", k->series);
    cli_json_put_string(json, "machine", machine_of(board, k->run));
    cli_json_put_string(json, "name", k->name);
    cli_json_put_int(json, "run", k->run);
    cli_json_put_double(json, "t", k->time);
    cli_json_put_string(json, "commit", k->commit);
    cli_json_put_double(json, "before", k->before);
    cli_json_put_double(json, "after", k->after);
    cli_json_put_double(json, "p", k->p);
    cli_json_put_bool(json, "standing", k->standing);
    cli_json_put_bool(json, "accepted", k->accepted);
    cli_json_put_string(json, "reason", k->reason);
    cli_json_end(json);
}

void dashboard_put_changes(cli_json *json, const dashboard *board, const history_judgement *judged) {
    cli_json_open_list(json, "changes");
    for (int i = 0; i < judged->changes; i++)
        if (dashboard_time_known(judged->change[i].time)) put_change(json, board, &judged->change[i]);
    cli_json_end(json);
}
