/* summary_text.c - what `msio info` prints. */
#include "cli/info/summary.h"

#include "cli/common/human.h"
#include "cli/output/grid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void print_heading(const cli_summary *summary, FILE *out) {
    static const char *const kinds[] = {"table", "reference table", "concatenated table"};
    const msio_table_info *info = &summary->info;
    char name[1024], type[128];
    fprintf(out, "%s\n  ", cli_printable(name, sizeof name, summary->path, strlen(summary->path)));
    if (summary->is_ms)
        fprintf(out, "Measurement Set%s%s", summary->ms_version > 0 ? " " : "",
                summary->ms_version > 0 ? cli_number(summary->ms_version, 3).text : "");
    else if (info->type[0])
        fprintf(out, "%s", cli_printable(type, sizeof type, info->type, strlen(info->type)));
    else
        fprintf(out, "casacore table");
    if (info->kind != MSIO_PLAIN_TABLE) fprintf(out, " (%s)", kinds[info->kind]);
    fprintf(out, ", %s rows, %d columns, %s on disk, %s-endian\n", cli_count(info->rows).text, info->columns,
            cli_size(summary->bytes).text, info->big_endian ? "big" : "little");
}

static void print_left(const cli_summary *summary, FILE *out) {
    const msio_repaired *l = &summary->left;
    char columns[512];
    if (!l->interrupted) return;
    fprintf(out,
            "\nA write of rows %lld to %lld of %s was interrupted; %d stretches of files may hold old and new "
            "values.\n  %s\n",
            (long long)l->first_row, (long long)l->last_row,
            cli_printable(columns, sizeof columns, l->columns, strlen(l->columns)), l->blocks,
            l->may_be_mixed
                ? "Another writer came since: check these rows, then run msio repair, which puts nothing back."
                : "msio repair puts the old ones back.");
}

static void print_observation(const cli_summary *summary, FILE *out) {
    const cli_facts *facts = &summary->observation;
    char text[256];
    if (!facts->rows && summary->times[1] == 0) return;
    fprintf(out, "\nObservation%s\n", facts->rows > 1 ? "s (the first of them)" : "");
    if (facts->rows) {
        fprintf(out, "  telescope  %s\n", cli_fact_text(facts, CLI_OBS_TELESCOPE, 0, text, sizeof text));
        fprintf(out, "  observer   %s\n", cli_fact_text(facts, CLI_OBS_OBSERVER, 0, text, sizeof text));
        fprintf(out, "  project    %s\n", cli_fact_text(facts, CLI_OBS_PROJECT, 0, text, sizeof text));
    }
    if (summary->times[1] != 0)
        fprintf(out, "  time       %s to %s %s (%s)\n", cli_iso_time(summary->times[0], "").text,
                cli_iso_time(summary->times[1], "").text, summary->time_frame[0] ? summary->time_frame : "UTC",
                cli_duration(summary->times[1] - summary->times[0]).text);
}

static void print_windows(const cli_facts *facts, int all, FILE *out) {
    static const char *const titles[] = {">#",        "name",       ">channels",  ">first MHz",
                                         ">last MHz", ">width kHz", ">total MHz", NULL};
    cli_grid grid;
    if (!facts->there) return;
    fprintf(out, "\nSpectral windows: %s\n", cli_count(facts->rows).text);
    cli_grid_begin(&grid, titles);
    for (int64_t row = 0; row < cli_listed(facts->rows, all); row++) {
        char name[128];
        int64_t channels = cli_fact_length(facts, CLI_SPW_FREQUENCIES, row);
        cli_words at = cli_count(row), count = cli_count(channels),
                  width = cli_number(cli_fact_number(facts, CLI_SPW_WIDTHS, row, 0) / 1e3, 7),
                  first = cli_number(cli_fact_number(facts, CLI_SPW_FREQUENCIES, row, 0) / 1e6, 9),
                  last = cli_number(cli_fact_number(facts, CLI_SPW_FREQUENCIES, row, channels - 1) / 1e6, 9),
                  total = cli_number(cli_fact_number(facts, CLI_SPW_BANDWIDTH, row, 0) / 1e6, 6);
        cli_fact_text(facts, CLI_SPW_NAME, row, name, sizeof name);
        cli_grid_row(&grid, (const char *const[]){at.text, name, count.text, channels ? first.text : "-",
                                                  channels ? last.text : "-", channels ? width.text : "-", total.text});
    }
    if (facts->rows) cli_grid_print(&grid, out);
    cli_tell_rest(out, facts->rows, all);
}

static void print_fields(const cli_facts *facts, int all, FILE *out) {
    static const char *const titles[] = {">#", "name", ">right ascension", ">declination", "frame", NULL};
    cli_grid grid;
    if (!facts->there) return;
    fprintf(out, "\nFields: %s\n", cli_count(facts->rows).text);
    cli_grid_begin(&grid, titles);
    for (int64_t row = 0; row < cli_listed(facts->rows, all); row++) {
        char name[128];
        int known = cli_fact_length(facts, CLI_FIELD_PHASE, row) >= 2;
        cli_words at = cli_count(row), alpha = cli_right_ascension(cli_fact_number(facts, CLI_FIELD_PHASE, row, 0)),
                  delta = cli_declination(cli_fact_number(facts, CLI_FIELD_PHASE, row, 1));
        cli_fact_text(facts, CLI_FIELD_NAME, row, name, sizeof name);
        cli_grid_row(&grid, (const char *const[]){at.text, name, known ? alpha.text : "-", known ? delta.text : "-",
                                                  facts->frame[0] ? facts->frame : "-"});
    }
    if (facts->rows) cli_grid_print(&grid, out);
    cli_tell_rest(out, facts->rows, all);
}

static void print_antennas(const cli_facts *facts, int all, FILE *out) {
    static const char *const titles[] = {">#", "name", "station", ">diameter m", "mount", ">x m", ">y m", ">z m", NULL};
    cli_grid grid;
    if (!facts->there) return;
    fprintf(out, "\nAntennas: %s%s%s\n", cli_count(facts->rows).text, facts->frame[0] ? ", positions " : "",
            facts->frame);
    cli_grid_begin(&grid, titles);
    for (int64_t row = 0; row < cli_listed(facts->rows, all); row++) {
        char name[128], station[128], mount[64], place[3][32];
        cli_words at = cli_count(row), diameter = cli_number(cli_fact_number(facts, CLI_ANTENNA_DIAMETER, row, 0), 4);
        for (int axis = 0; axis < 3; axis++)
            snprintf(place[axis], sizeof place[axis], "%.3f", cli_fact_number(facts, CLI_ANTENNA_POSITION, row, axis));
        cli_fact_text(facts, CLI_ANTENNA_NAME, row, name, sizeof name);
        cli_fact_text(facts, CLI_ANTENNA_STATION, row, station, sizeof station);
        cli_fact_text(facts, CLI_ANTENNA_MOUNT, row, mount, sizeof mount);
        cli_grid_row(&grid,
                     (const char *const[]){at.text, name, station, diameter.text, mount, place[0], place[1], place[2]});
    }
    if (facts->rows) cli_grid_print(&grid, out);
    cli_tell_rest(out, facts->rows, all);
}

/* "XX YX YY" of a POLARIZATION row. */
static void correlation_names(const cli_facts *facts, int64_t row, char *text, size_t size) {
    text[0] = '\0';
    for (int64_t i = 0; i < cli_fact_length(facts, CLI_POL_TYPES, row); i++) {
        size_t at = strlen(text);
        snprintf(text + at, size - at, "%s%s", i ? " " : "",
                 cli_stokes_name((int)cli_fact_number(facts, CLI_POL_TYPES, row, i)));
    }
}

static void print_polarizations(const cli_summary *summary, int all, FILE *out) {
    static const char *const titles[] = {">#", ">spectral window", ">polarization", "correlations", NULL};
    const cli_facts *facts = &summary->descriptions;
    cli_grid grid;
    if (!facts->there) return;
    fprintf(out, "\nData descriptions: %s\n", cli_count(facts->rows).text);
    cli_grid_begin(&grid, titles);
    for (int64_t row = 0; row < cli_listed(facts->rows, all); row++) {
        char names[128];
        double polarization = cli_fact_number(facts, CLI_DD_POL, row, 0);
        cli_words at = cli_count(row), window = cli_number(cli_fact_number(facts, CLI_DD_SPW, row, 0), 9),
                  which = cli_number(polarization, 9);
        correlation_names(&summary->polarizations, polarization >= 0 ? (int64_t)polarization : INT64_MAX, names,
                          sizeof names);
        cli_grid_row(&grid, (const char *const[]){at.text, window.text, which.text, names});
    }
    if (facts->rows) cli_grid_print(&grid, out);
    cli_tell_rest(out, facts->rows, all);
}

/* A list of words, as many to a line as fit. */
typedef struct word_list {
    FILE *out;
    int indent;
    size_t line; /* characters in it; 0: nothing was printed yet */
} word_list;

static void print_word(word_list *list, const char *word) {
    size_t length = strlen(word);
    if (list->line && list->line + length + 3 <= CLI_GRID_WIDTH) {
        fprintf(list->out, ", %s", word);
        list->line += length + 2;
    } else {
        fprintf(list->out, "%s\n%*s%s", list->line ? "," : "", list->indent, "", word);
        list->line = length + (size_t)list->indent;
    }
}

/* Why columns are not read natively: each reason once, with its columns. */
static void print_reasons(const cli_summary *summary, FILE *out) {
    for (int i = 0; i < summary->info.columns; i++) {
        const msio_column_info *info = summary->columns[i].info;
        int told = 0;
        if (!info || info->native || !info->why_not) continue;
        for (int k = 0; k < i; k++) {
            const msio_column_info *before = summary->columns[k].info;
            told |= before && !before->native && before->why_not && strcmp(before->why_not, info->why_not) == 0;
        }
        if (told) continue;
        char reason[512];
        word_list list = {out, 4, 0};
        fprintf(out, "  %s:", cli_printable(reason, sizeof reason, info->why_not, strlen(info->why_not)));
        for (int k = i; k < summary->info.columns; k++) {
            const msio_column_info *after = summary->columns[k].info;
            if (!after || after->native || !after->why_not || strcmp(after->why_not, info->why_not) != 0) continue;
            char name[128];
            print_word(&list, cli_printable(name, sizeof name, after->name, strlen(after->name)));
        }
        fputc('\n', out);
    }
}

static void print_columns(const cli_summary *summary, FILE *out) {
    static const char *const titles[] = {"column", "type", "shape", "tile", "manager", "read", NULL};
    cli_grid grid;
    fprintf(out, "\nColumns: %d (shapes and tiles in numpy's order: [row, channel, correlation])\n",
            summary->info.columns);
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < summary->info.columns; i++) {
        const cli_summary_column *column = &summary->columns[i];
        const msio_column_info *info = column->info;
        if (!info) {
            cli_grid_row(&grid, (const char *const[]){column->name, "?", "?", "?", "?", column->error.message});
            continue;
        }
        cli_words shape = cli_shape(info->ndim, info->shape), tile = cli_shape(info->tile_ndim, info->tile);
        const char *form = !info->is_array ? "scalar" : info->shape_known ? shape.text : "varies";
        const char *how = info->native ? "native" : info->readable ? "casacore" : "not readable";
        cli_grid_row(&grid, (const char *const[]){column->name, msio_type_name(info->type), form, tile.text,
                                                  info->manager ? info->manager : "-", how});
    }
    if (summary->info.columns) cli_grid_print(&grid, out);
    print_reasons(summary, out);
}

/* The columns of a manager, as far as its type and name tell it from the others. */
static void column_names(const cli_summary *summary, const msio_manager_info *manager, char *text, size_t size) {
    text[0] = '\0';
    for (int i = 0; i < summary->info.columns; i++) {
        const msio_column_info *info = summary->columns[i].info;
        if (!info || !info->manager || !info->manager_name) continue;
        if (strcmp(info->manager, manager->type) != 0 || strcmp(info->manager_name, manager->name) != 0) continue;
        size_t at = strlen(text);
        if (at + 1 < size) snprintf(text + at, size - at, "%s%s", at ? " " : "", info->name);
    }
}

static void print_managers(const cli_summary *summary, FILE *out) {
    static const char *const titles[] = {">#", "manager", "name", ">size", "columns", NULL};
    cli_grid grid;
    if (!summary->info.managers) return;
    fprintf(out, "\nData managers: %d\n", summary->info.managers);
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < summary->info.managers; i++) {
        const msio_manager_info *manager = &summary->managers[i];
        if (!manager->type) continue;
        char names[512];
        cli_words at = cli_count(manager->sequence), size = cli_size(manager->bytes);
        column_names(summary, manager, names, sizeof names);
        cli_grid_row(&grid, (const char *const[]){at.text, manager->type, manager->name[0] ? manager->name : "-",
                                                  size.text, names[0] ? names : "-"});
    }
    cli_grid_print(&grid, out);
}

/* The subtables that are there, or those that are missing. */
static void print_subtable_names(const cli_summary *summary, int missing, int count, int all, FILE *out) {
    word_list list = {out, 2, 0};
    int shown = 0;
    for (int i = 0; i < summary->subtable_count && shown < cli_listed(count, all); i++) {
        const cli_summary_subtable *subtable = &summary->subtables[i];
        char name[128], item[256];
        if (subtable->missing != missing) continue;
        cli_printable(name, sizeof name, subtable->name, strlen(subtable->name));
        if (missing)
            snprintf(item, sizeof item, "%s", name);
        else
            snprintf(item, sizeof item, "%s (%s)", name,
                     subtable->rows < 0 ? "unreadable" : cli_count(subtable->rows).text);
        print_word(&list, item);
        shown++;
    }
    fputc('\n', out);
    cli_tell_rest(out, count, all);
}

static void print_subtables(const cli_summary *summary, int all, FILE *out) {
    int missing = 0;
    for (int i = 0; i < summary->subtable_count; i++) missing += summary->subtables[i].missing;
    int there = summary->subtable_count - missing;
    if (there) {
        fprintf(out, "\nSubtables: %d (rows)", there);
        print_subtable_names(summary, 0, there, all, out);
    }
    if (missing) {
        fprintf(out, "\nSubtables that are named and missing: %d", missing);
        print_subtable_names(summary, 1, missing, all, out);
    }
}

void cli_summary_text(const cli_summary *summary, int all, FILE *out) {
    print_heading(summary, out);
    print_left(summary, out);
    print_observation(summary, out);
    print_windows(&summary->windows, all, out);
    print_fields(&summary->fields, all, out);
    print_antennas(&summary->antennas, all, out);
    print_polarizations(summary, all, out);
    print_columns(summary, out);
    print_managers(summary, out);
    print_subtables(summary, all, out);
}
