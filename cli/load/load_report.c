/* load_report.c - what `msio load` tells: of what was loaded, and of how files differ. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/load/load_run.h"
#include "cli/output/grid.h"
#include "cli/output/npy.h"
#include "msio/prof.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- JSON */

/* One number of each try. */
static void put_tries(cli_json *json, const char *key, const cli_load_try *tries, int n, size_t offset) {
    cli_json_open_array(json, key);
    for (int i = 0; i < n; i++) {
        double seconds;
        memcpy(&seconds, (const char *)&tries[i] + offset, sizeof seconds);
        cli_json_double(json, seconds);
    }
    cli_json_end(json);
}

static void put_arrays(cli_json *json, const msio_subbands *loaded, unsigned what) {
    cli_json_open_object(json, "what");
    for (int i = 0; i < CLI_LOAD_ARRAYS; i++) {
        cli_load_array array = cli_load_array_of(loaded, i);
        if (!(what & 1u << i)) continue;
        cli_json_put_string(json, array.name, cli_npy_dtype(array.type, 0).text);
    }
    cli_json_end(json);
    cli_json_put_ints(json, "shape", loaded->ndim, loaded->shape);
}

static void put_subbands(cli_json *json, const msio_subbands *loaded) {
    cli_json_open_array(json, "subbands");
    for (int i = 0; i < loaded->subbands; i++) cli_json_int(json, loaded->subband[i].number);
    cli_json_end(json);
    cli_json_put_int32s(json, "missing", loaded->missing, loaded->missing_subband);
    cli_json_open_list(json, "files");
    for (int i = 0; i < loaded->subbands; i++) {
        const msio_subband *subband = &loaded->subband[i];
        cli_json_flat_object(json);
        cli_json_put_int(json, "subband", subband->number);
        cli_json_put_string(json, "path", subband->present ? subband->path : NULL);
        cli_json_put_int(json, "channel", subband->channel);
        cli_json_put_int(json, "channels", subband->channels);
        cli_json_end(json);
    }
    cli_json_end(json);
}

void cli_load_report_json(const cli_load_wishes *wishes, const msio_subbands *loaded, unsigned what,
                          const cli_load_try *tries, double roofline) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    put_arrays(&json, loaded, what);
    cli_json_put_string(&json, "layout", cli_load_layout_name(wishes->opts.layout));
    cli_json_put_doubles(&json, "frequencies", loaded->channels, loaded->frequencies);
    cli_json_put_int32s(&json, "polarizations", loaded->pols, loaded->polarizations);
    put_subbands(&json, loaded);
    cli_json_put_int(&json, "bytes", cli_load_bytes(loaded));
    put_tries(&json, "seconds", tries, wishes->repeat, offsetof(cli_load_try, seconds));
    put_tries(&json, "index_seconds", tries, wishes->repeat, offsetof(cli_load_try, index_seconds));
    put_tries(&json, "read_seconds", tries, wishes->repeat, offsetof(cli_load_try, read_seconds));
    cli_json_put_double_or_null(&json, "roofline_seconds", roofline >= 0, roofline);
    cli_json_put_string(&json, "out", wishes->out);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- text */

static void print_subbands(const msio_subbands *loaded) {
    int there = 0;
    for (int i = 0; i < loaded->subbands; i++) there += loaded->subband[i].present;
    printf("  subbands       %d", there);
    for (int i = 0; i < loaded->missing && i < 16; i++)
        printf("%s%d", i ? ", " : "; missing: ", loaded->missing_subband[i]);
    if (loaded->missing > 16) printf(", ...");
    if (loaded->missing) printf(loaded->subbands > there ? " (zeros, flagged)" : " (left out)");
    putchar('\n');
}

static void print_frequencies(const msio_subbands *loaded) {
    if (!loaded->channels) return;
    printf("  frequencies    %s of %s to %s MHz\n", cli_count(loaded->channels).text,
           cli_number(loaded->frequencies[0] * 1e-6, 9).text,
           cli_number(loaded->frequencies[loaded->channels - 1] * 1e-6, 9).text);
}

static void print_times(const cli_load_wishes *wishes, const msio_subbands *loaded, const cli_load_try *tries,
                        double roofline) {
    double bytes = (double)cli_load_bytes(loaded), best = tries[0].seconds;
    for (int i = 0; i < wishes->repeat; i++) {
        if (tries[i].seconds < best) best = tries[i].seconds;
        printf("  %-15s%s, %s: opening and checks %s, reading %s%s\n", i ? "" : "seconds",
               cli_duration(tries[i].seconds).text, cli_rate(bytes, tries[i].seconds).text,
               cli_duration(tries[i].index_seconds).text, cli_duration(tries[i].read_seconds).text,
               i ? "" : "; into new memory");
    }
    if (roofline > 0)
        printf("  roofline       %s, %s: the same bytes read raw; the best is %.2f of it\n",
               cli_duration(roofline).text, cli_rate(bytes, roofline).text, roofline / best);
}

void cli_load_report_text(const cli_load_wishes *wishes, const cli_load_input *input, const msio_subbands *loaded,
                          const cli_load_try *tries, double roofline) {
    char text[1024];
    const char *name = cli_load_input_name(input);
    printf("%s", cli_printable(text, sizeof text, name, strlen(name)));
    if (input->group) printf(": the group of %s", input->group->time);
    if (!input->group && input->count > 1) printf(" and %d more", input->count - 1);
    printf("\n  shape          %s, %s\n", cli_shape(loaded->ndim, loaded->shape).text,
           cli_load_layout_name(wishes->opts.layout));
    for (int i = 0; i < CLI_LOAD_ARRAYS; i++) {
        cli_load_array array = cli_load_array_of(loaded, i);
        if (array.bytes)
            printf("  %-15s%s, %s\n", array.name, msio_type_name(array.type), cli_size((int64_t)array.bytes).text);
    }
    print_subbands(loaded);
    print_frequencies(loaded);
    print_times(wishes, loaded, tries, roofline);
}

/* ---------------------------------------------------------------- differences */

static void check_json(const cli_load_input *input, const msio_load_report *report, int harmful) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_open_list(&json, "differences");
    for (int i = 0; i < report->differences; i++) {
        const msio_load_difference *d = &report->difference[i];
        cli_json_flat_object(&json);
        cli_json_put_string(&json, "path", d->path);
        cli_json_put_string(&json, "field", d->field);
        cli_json_put_string(&json, "text", d->text);
        cli_json_put_bool(&json, "harmless", d->harmless);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_put_int32s(&json, "missing", input->group ? input->group->missing : 0,
                        input->group ? input->group->missing_subband : NULL);
    cli_json_put_int(&json, "harmful", harmful);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static void check_text(const cli_load_input *input, const msio_load_report *report, int harmful) {
    char path[1024], text[1024];
    for (int i = 0; i < report->differences; i++) {
        const msio_load_difference *d = &report->difference[i];
        printf("%s: %s: %s%s\n", cli_printable(path, sizeof path, d->path, strlen(d->path)), d->field,
               cli_printable(text, sizeof text, d->text, strlen(d->text)), d->harmless ? " (harmless)" : "");
    }
    printf("%d difference%s, %d harmful", report->differences, report->differences == 1 ? "" : "s", harmful);
    for (int i = 0; input->group && i < input->group->missing; i++)
        printf("%s%d", i ? ", " : "; subbands missing: ", input->group->missing_subband[i]);
    putchar('\n');
}

int cli_load_report_check(const cli_context *cli, const cli_load_input *input, const msio_load_report *report) {
    int harmful = 0;
    for (int i = 0; i < report->differences; i++) harmful += !report->difference[i].harmless;
    if (cli->json)
        check_json(input, report, harmful);
    else
        check_text(input, report, harmful);
    return harmful ? CLI_NEGATIVE : CLI_OK;
}
