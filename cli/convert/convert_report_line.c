/* convert_report_line.c - telling of a conversion. */
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/convert/converting.h"

static const char *const phase_names[] = {"auto", "meridian", "centre", "zenith", "none"};

static void report_json(const char *path, const char *time, const msio_converted *made, double seconds,
                        double roofline) {
    cli_json json = CLI_JSON_INIT(stdout);
    if (time)
        cli_json_flat_object(&json);
    else
        cli_json_object(&json);
    if (time) cli_json_put_string(&json, "time", time);
    cli_json_put_string(&json, "path", path);
    cli_json_put_int(&json, "rows", made->rows);
    cli_json_put_int(&json, "spws", made->spectral_windows);
    cli_json_put_int(&json, "missing", made->missing);
    cli_json_put_string(&json, "phase", phase_names[made->phase]);
    cli_json_put_bool(&json, "earth_orientation", made->earth_orientation);
    cli_json_put_int(&json, "bytes_read", made->bytes_read);
    cli_json_put_int(&json, "bytes_written", made->bytes_written);
    cli_json_put_double(&json, "seconds", seconds);
    cli_json_put_double_or_null(&json, "roofline_seconds", roofline >= 0, roofline);
    cli_json_end(&json);
    cli_json_finish(&json);
}

void cli_convert_report(const cli_context *cli, const char *path, const char *time, const msio_converted *made,
                        double seconds, double roofline) {
    if (cli->json)
        report_json(path, time, made, seconds, roofline);
    else if (!cli->quiet)
        printf("%s: %s rows, %d spectral window%s%s%s, %s written in %s (%s)\n", path, cli_count(made->rows).text,
               made->spectral_windows, made->spectral_windows == 1 ? "" : "s", made->phase ? ", phase " : "",
               made->phase ? phase_names[made->phase] : "", cli_size(made->bytes_written).text,
               cli_duration(seconds).text, cli_rate((double)made->bytes_written, seconds).text);
}
