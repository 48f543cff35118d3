/* uvh5_text.c - what `msio info` prints of a UVH5 file alone. */
#include "cli/info/hdf5_summary.h"

#include "cli/common/human.h"
#include "cli/info/summary.h"
#include "cli/output/grid.h"

#include <math.h>
#include <string.h>

static const char *or_dash(char *buffer, size_t size, const char *text) {
    return cli_printable(buffer, size, text && text[0] ? text : "-", text && text[0] ? strlen(text) : 1);
}

/* A number in units of `unit`, "-" where the file has none. */
static cli_words number(double value, double unit, int digits) {
    cli_words none = {"-"};
    return isnan(value) ? none : cli_number(value / unit, digits);
}

static void print_rows(const cli_hdf5_summary *summary, FILE *out) {
    static const char *const axes[] = {"in no order", "time-major", "baseline-major"};
    const msio_uvh5_order *order = &summary->order;
    const double *length = summary->integration;
    if (!order->times) return;
    fprintf(out, "  rows        %s time%s, %s baseline%s, %s%s\n", cli_count(order->times).text,
            order->times == 1 ? "" : "s", cli_count(order->baselines).text, order->baselines == 1 ? "" : "s",
            axes[order->axis], order->rectangular ? ", none missing" : ", not rectangular");
    if (isnan(length[0])) return;
    fprintf(out, "  integration %s s", cli_number(length[0], 6).text);
    if (strcmp(cli_number(length[0], 6).text, cli_number(length[1], 6).text) != 0)
        fprintf(out, " to %s s", cli_number(length[1], 6).text);
    fputc('\n', out);
}

static void print_observation(const cli_hdf5_summary *summary, FILE *out) {
    const msio_uvh5_header *header = summary->header;
    char name[128], instrument[128], units[64];
    fprintf(out, "\nObservation\n");
    fprintf(out, "  telescope   %s\n", or_dash(name, sizeof name, header->telescope_name));
    fprintf(out, "  instrument  %s\n", or_dash(instrument, sizeof instrument, header->instrument));
    fprintf(out, "  place       %s deg north, %s deg east, %s m\n", number(header->latitude, 1, 9).text,
            number(header->longitude, 1, 9).text, number(header->altitude, 1, 7).text);
    if (!isnan(summary->times[0])) {
        double first = cli_uvh5_seconds(summary->times[0]), last = cli_uvh5_seconds(summary->times[1]);
        char frame[16];
        fprintf(out, "  time        %s to %s %s (%s)\n", cli_iso_time(first, "").text, cli_iso_time(last, "").text,
                or_dash(frame, sizeof frame, cli_uvh5_timesys(header)), cli_duration(last - first).text);
    }
    print_rows(summary, out);
    fprintf(out, "  units       %s\n", or_dash(units, sizeof units, header->vis_units));
    fprintf(out, "  keywords    %s extra, history of %s\n", cli_count(header->extra_keywords).text,
            cli_size(header->history ? (int64_t)strlen(header->history) : 0).text);
}

static void print_windows(const cli_hdf5_summary *summary, int all, FILE *out) {
    static const char *const titles[] = {">#",        ">number",    ">channels",  ">first MHz",
                                         ">last MHz", ">width kHz", ">total MHz", NULL};
    int64_t count = summary->windows ? summary->header->nspws : 0;
    cli_grid grid;
    fprintf(out, "\nSpectral windows: %s\n", cli_count(count).text);
    cli_grid_begin(&grid, titles);
    for (int64_t i = 0; i < cli_listed(count, all); i++) {
        const cli_uvh5_window *window = &summary->windows[i];
        int64_t last = window->channels - 1;
        double total = 0, none = (double)NAN;
        for (int64_t k = 0; k <= last; k++) total += fabs(window->widths[k]);
        cli_words at = cli_count(i), which = cli_count(window->number), channels = cli_count(window->channels),
                  begin = number(last < 0 ? none : window->frequencies[0], 1e6, 9),
                  end = number(last < 0 ? none : window->frequencies[last], 1e6, 9),
                  width = number(last < 0 ? none : window->widths[0], 1e3, 7), sum = number(total, 1e6, 6);
        cli_grid_row(&grid, (const char *const[]){at.text, which.text, channels.text, begin.text, end.text, width.text,
                                                  sum.text});
    }
    if (count) cli_grid_print(&grid, out);
    cli_tell_rest(out, count, all);
}

static void add_field(cli_grid *grid, int64_t at, const msio_uvh5_phase_center *center) {
    char name[128], type[32], frame[32];
    int one = center->lons == 1 && center->lats == 1, angles = center->frame && strcmp(center->frame, "altaz") == 0;
    double longitude = one ? center->lon[0] : (double)NAN, latitude = one ? center->lat[0] : (double)NAN;
    const double degree = 3.14159265358979323846 / 180;
    cli_words count = cli_count(at), alpha = angles ? number(longitude, degree, 9) : cli_right_ascension(longitude),
              delta = angles ? number(latitude, degree, 9) : cli_declination(latitude);
    cli_grid_row(grid, (const char *const[]){
                           count.text, or_dash(name, sizeof name, center->name),
                           or_dash(type, sizeof type, center->type), center->lons > 1 ? "moves" : alpha.text,
                           center->lons > 1 ? "moves" : delta.text, or_dash(frame, sizeof frame, center->frame)});
}

static void print_fields(const msio_uvh5_header *header, int all, FILE *out) {
    static const char *const titles[] = {">#", "name", "type", ">right ascension", ">declination", "frame", NULL};
    int64_t count = header->phase_centers ? header->phase_centers : 1;
    cli_grid grid;
    fprintf(out, "\nFields: %s\n", cli_count(count).text);
    cli_grid_begin(&grid, titles);
    for (int64_t i = 0; i < cli_listed(header->phase_centers, all); i++) add_field(&grid, i, &header->phase_center[i]);
    if (!header->phase_centers) {
        const msio_uvh5_phase_center only = {.name = header->object_name,
                                             .type = header->phase_type,
                                             .frame = header->phase_center_frame,
                                             .lons = 1,
                                             .lats = 1,
                                             .lon = &header->phase_center_ra,
                                             .lat = &header->phase_center_dec};
        add_field(&grid, 0, &only);
    }
    cli_grid_print(&grid, out);
    cli_tell_rest(out, count, all);
}

static void print_antennas(const msio_uvh5_header *header, int all, FILE *out) {
    static const char *const titles[] = {">#", "name", ">number", ">diameter m", "mount", ">x m", ">y m", ">z m", NULL};
    int64_t count = header->nants_telescope;
    cli_grid grid;
    double place[3];
    int known = count > 0 && cli_uvh5_position(header, 0, place) == 0;
    fprintf(out, "\nAntennas: %s, %s in rows%s\n", cli_count(count).text, cli_count(header->nants_data).text,
            known ? ", positions ITRF" : "");
    cli_grid_begin(&grid, titles);
    for (int64_t i = 0; i < cli_listed(count, all); i++) {
        char name[128], mount[64], axis[3][32] = {"-", "-", "-"};
        if (cli_uvh5_position(header, i, place) == 0)
            for (int k = 0; k < 3; k++) snprintf(axis[k], sizeof axis[k], "%.3f", place[k]);
        cli_words at = cli_count(i), which = cli_count(header->antenna_numbers ? header->antenna_numbers[i] : i),
                  diameter = number(header->antenna_diameters ? header->antenna_diameters[i] : (double)NAN, 1, 4);
        cli_grid_row(&grid,
                     (const char *const[]){
                         at.text, or_dash(name, sizeof name, header->antenna_names ? header->antenna_names[i] : NULL),
                         which.text, diameter.text,
                         or_dash(mount, sizeof mount, header->mount_type ? header->mount_type[i] : NULL), axis[0],
                         axis[1], axis[2]});
    }
    if (count) cli_grid_print(&grid, out);
    cli_tell_rest(out, count, all);
}

static void print_polarizations(const msio_uvh5_header *header, FILE *out) {
    const int32_t *flexible = header->flex_spw_polarization_array;
    int64_t count = flexible ? header->nspws : header->npols;
    fprintf(out, "\nPolarizations: %s\n ", cli_count(count).text);
    for (int64_t i = 0; flexible && i < count; i++) fprintf(out, " %s", cli_stokes_name(cli_uvh5_stokes(flexible[i])));
    if (flexible) fputs(" (flexible: one a spectral window)\n", out);
    if (flexible) return;
    for (int64_t i = 0; header->polarization_array && i < header->npols; i++)
        fprintf(out, " %s", cli_stokes_name(cli_uvh5_stokes(header->polarization_array[i])));
    fputc('\n', out);
}

void cli_uvh5_text(const cli_hdf5_summary *summary, int all, FILE *out) {
    print_observation(summary, out);
    print_windows(summary, all, out);
    print_fields(summary->header, all, out);
    print_antennas(summary->header, all, out);
    print_polarizations(summary->header, out);
}
