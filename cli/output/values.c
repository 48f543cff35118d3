/* values.c - statistics of a column's values, as reports tell them. */
#include "cli/output/values.h"

#include "cli/common/human.h"

void cli_values_put(cli_json *json, const msio_stats_values *v, int whole) {
    cli_json_flat_object(json);
    cli_json_put_int(json, "count", v->count);
    cli_json_open_array(json, "mean");
    cli_json_double(json, v->mean[0]);
    cli_json_double(json, v->mean[1]);
    cli_json_end(json);
    cli_json_put_double(json, "amplitude", v->amplitude);
    cli_json_put_double(json, "rms", v->rms);
    cli_json_put_double(json, "min", v->min);
    cli_json_put_double(json, "max", v->max);
    if (whole) {
        cli_json_put_double(json, "median", v->median);
        cli_json_put_double(json, "mad", v->mad);
    }
    cli_json_put_int(json, "nan", v->nan);
    cli_json_put_int(json, "inf", v->inf);
    cli_json_end(json);
}

void cli_values_print(FILE *out, const char *column, const msio_stats_values *v) {
    fprintf(out, "\n  %s\n", column);
    fprintf(out, "    count        %s%s\n", cli_count(v->count).text,
            v->count ? "" : " (all are flagged, or there are none)");
    if (v->count) {
        fprintf(out, "    mean         %s %+.6gi\n", cli_number(v->mean[0], 6).text, v->mean[1]);
        fprintf(out, "    amplitude    mean %s, rms %s, %s to %s\n", cli_number(v->amplitude, 6).text,
                cli_number(v->rms, 6).text, cli_number(v->min, 6).text, cli_number(v->max, 6).text);
        fprintf(out, "    median       %s, deviation %s\n", cli_number(v->median, 4).text, cli_number(v->mad, 4).text);
    }
    if (v->nan || v->inf) fprintf(out, "    NaN, inf     %s, %s\n", cli_count(v->nan).text, cli_count(v->inf).text);
}
