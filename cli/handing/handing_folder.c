/* handing_folder.c - the runs whose profiles MSIO_PROF=auto:FOLDER keeps, by the names of their files. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/handing/handing.h"
#include "cli/page/page.h"
#include "prof/automatic_name.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_MJD_SECONDS 3506716800.0 /* 1970-01-01 */
#define SLOW_TOLD 100

static bool parse(const char *name, handing_kept *of) {
    automatic_name is;
    if (strlen(name) >= sizeof of->file || !automatic_name_parse(name, &is)) return false;
    snprintf(of->file, sizeof of->file, "%s", name);
    of->program = (int)is.program;
    of->ended = 1e-9 * (double)is.end_ns;
    of->seconds = 1e-6 * (double)is.us;
    of->slow = is.slow;
    return true;
}

static int by_program(const void *a, const void *b) {
    const handing_kept *x = a, *y = b;
    int least = x->program < y->program ? x->program : y->program, order = strncmp(x->file, y->file, (size_t)least);
    if (order || x->program != y->program) return order ? order : x->program - y->program;
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

static int newest_first(const void *a, const void *b) {
    const handing_kept *x = a, *y = b;
    return x->ended != y->ended ? (x->ended < y->ended) - (x->ended > y->ended) : strcmp(x->file, y->file);
}

int64_t handing_folder_find(const char *path, handing_kept **kept) {
    int64_t n = 0, room = 0;
    DIR *names = opendir(path);
    *kept = NULL;
    for (struct dirent *entry; names && (entry = readdir(names));) {
        handing_kept of;
        if (!parse(entry->d_name, &of)) continue;
        if (n == room) {
            room = room ? 2 * room : 512;
            *kept = cli_resize(*kept, (size_t)room, sizeof **kept);
        }
        (*kept)[n++] = of;
    }
    if (names) closedir(names);
    return n;
}

/* A program's runs, by their times: k to end. Each learns the median. */
static void write_program(handing_text *to, handing_kept *kept, int64_t n) {
    char program[sizeof kept->file];
    double newest = 0, median = (kept[(n - 1) / 2].seconds + kept[n / 2].seconds) / 2;
    int64_t slow = 0;
    for (int64_t i = 0; i < n; i++) {
        kept[i].median = median;
        slow += kept[i].slow;
        if (kept[i].ended > newest) newest = kept[i].ended;
    }
    snprintf(program, sizeof program, "%.*s", kept->program, kept->file);
    handing_cell(to, program);
    handing_cell(to, cli_count(n).text);
    handing_cell(to, cli_count(slow).text);
    handing_cell(to, cli_duration(median).text);
    handing_cell(to, cli_duration(kept[n - 1].seconds).text);
    handing_cell(to, cli_iso_time(newest + EPOCH_MJD_SECONDS, "Z").text);
    handing_row_end(to);
}

static void write_programs(handing_text *to, handing_kept *kept, int64_t n) {
    static const char *const names[] = {"program", ">runs", ">slow", ">median", ">longest", "newest", NULL};
    qsort(kept, (size_t)n, sizeof *kept, by_program);
    handing_heading(to, 2, "Programs");
    handing_table(to, names);
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && kept[end].program == kept[i].program &&
                          strncmp(kept[end].file, kept[i].file, (size_t)kept[i].program) == 0;)
            end++;
        write_program(to, kept + i, end - i);
    }
    handing_table_end(to);
}

static void write_slow(handing_text *to, handing_kept *kept, int64_t n) {
    static const char *const names[] = {"ended", ">took", ">times the median", "profile", NULL};
    int told = 0;
    qsort(kept, (size_t)n, sizeof *kept, newest_first);
    handing_heading(to, 2, "Slow runs");
    handing_paragraph(to, "Kept whole as they ended, the newest first: \"slow\" in the profile says why.");
    handing_table(to, names);
    for (int64_t i = 0; i < n && told < SLOW_TOLD; i++) {
        const handing_kept *of = &kept[i];
        if (!of->slow) continue;
        told++;
        handing_cell(to, cli_iso_time(of->ended + EPOCH_MJD_SECONDS, "Z").text);
        handing_cell(to, cli_duration(of->seconds).text);
        handing_cell(to, of->median > 0 ? cli_number(of->seconds / of->median, 3).text : "-");
        handing_cell(to, of->file);
        handing_row_end(to);
    }
    handing_table_end(to);
}

void handing_folder_write(FILE *out, bool html, handing_kept *kept, int64_t n, const char *from) {
    handing_text to = {out, html, 0};
    if (html) page_begin(out, "msio report");
    handing_heading(&to, 1, "msio report");
    handing_paragraph(&to, from);
    write_programs(&to, kept, n);
    write_slow(&to, kept, n);
    if (html) page_end_plain(out);
}
