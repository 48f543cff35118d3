/* handing.h - a profile as a document to hand on: gathered from a history's rows, written as Markdown or HTML. */
#ifndef MSIO_CLI_HANDING_H
#define MSIO_CLI_HANDING_H

#include "cli/history/kept_copy.h"

#include <stdbool.h>
#include <stdio.h>

/* ---------------------------------------------------------------- what is told */

/* A run with what was kept of it. */
typedef struct handing_run {
    history_run run;
    cli_rows targets, counts, moments, stacks, columns, loops, findings;
} handing_run;

/* Reads a run; false with MSIO_OK where there is none of that id. To be freed, also after an error. */
msio_status handing_read(history *h, int64_t id, handing_run *of, bool *there, history_error *error);
void handing_free(handing_run *of);

/* A function or a line, by the samples of stacks. Seconds: in itself, and with all that it calls. */
typedef struct handing_place {
    char *name;
    double own, all;
} handing_place;
typedef struct handing_places {
    handing_place *place;
    int64_t n;
} handing_places;

/* The functions of stacks, or their lines ("FILE:LINE function"), in no order. */
void handing_places_of(const cli_rows *stacks, bool lines, handing_places *places);
void handing_places_free(handing_places *places);
void handing_by_own(handing_places *places); /* most first */
void handing_by_all(handing_places *places);

/* Writes the document. before: NULL, or the run that it is held against. from: what it was read from. */
void handing_write(FILE *out, bool html, const handing_run *of, const handing_run *before, const char *from);

/* ---------------------------------------------------------------- a folder of every run's profiles */

/* A profile that MSIO_PROF=auto:FOLDER keeps. */
typedef struct handing_kept {
    char file[256];                /* its name, which begins with the program's */
    int program;                   /* bytes of that */
    double ended, seconds, median; /* since 1970; what it took; of the program's runs there */
    bool slow;                     /* kept whole */
} handing_kept;

/* All of a folder, in no order; 0: there is none. *kept is to be freed. */
int64_t handing_folder_find(const char *path, handing_kept **kept);
/* Writes the document; changes their order. */
void handing_folder_write(FILE *out, bool html, handing_kept *kept, int64_t n, const char *from);

/* ---------------------------------------------------------------- how it is written */

typedef struct handing_text {
    FILE *out;
    bool html;
    int cells; /* of the row that is being written */
} handing_text;

/* Text is text: nothing in it is taken for markup of either kind. */
void handing_put(handing_text *to, const char *text);
void handing_heading(handing_text *to, int level, const char *text);
void handing_paragraph(handing_text *to, const char *text);
/* One line of the checklist. */
void handing_check(handing_text *to, bool there, const char *what, const char *said);
/* names ended by NULL; of those that begin with '>' the cells are numbers. */
void handing_table(handing_text *to, const char *const *names);
void handing_cell(handing_text *to, const char *text);
void handing_row_end(handing_text *to);
void handing_table_end(handing_text *to);

#endif
