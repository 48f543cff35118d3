/* grid.c - tables of text with aligned columns. */
#include "cli/output/grid.h"

#include "cli/common/human.h"

#include "cli/common/failure.h"
#include "cli/common/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Names in tables come from anywhere: no escape sequence reaches the terminal, C1 controls included. */
const char *cli_printable(char *buffer, size_t size, const char *text, size_t length) {
    size_t at = 0;
    for (size_t i = 0; i < length;) {
        uint32_t point;
        size_t used = cli_utf8_next(text + i, length - i, &point);
        int bad = point < 0x20 || (point >= 0x7f && point < 0xa0) || point == CLI_UTF8_BAD;
        if (at + (bad ? 1 : used) >= size) break;
        if (bad)
            buffer[at++] = '?';
        else
            for (size_t k = 0; k < used; k++) buffer[at++] = text[i + k];
        i += used;
    }
    buffer[at] = '\0';
    return buffer;
}

void cli_grid_begin(cli_grid *grid, const char *const titles[]) {
    memset(grid, 0, sizeof *grid);
    for (; titles[grid->columns] && grid->columns < CLI_GRID_COLUMNS; grid->columns++) {
        const char *title = titles[grid->columns];
        grid->right[grid->columns] = title[0] == '>';
        grid->titles[grid->columns] = title + (title[0] == '>');
    }
}

void cli_grid_row(cli_grid *grid, const char *const cells[]) {
    char buffer[512];
    if (grid->rows == grid->room) {
        grid->room = grid->room ? 2 * grid->room : 16;
        grid->cells = cli_resize(grid->cells, (size_t)grid->room, (size_t)grid->columns * sizeof *grid->cells);
    }
    char **row = grid->cells + (size_t)grid->rows * (size_t)grid->columns;
    for (int i = 0; i < grid->columns; i++)
        row[i] = cli_copy(cli_printable(buffer, sizeof buffer, cells[i], strlen(cells[i])));
    grid->rows++;
}

static int width_of(const char *text) { return (int)cli_utf8_count(text, strlen(text)); }

/* Prints text in width characters; the last column gets no blanks at its end. */
static void print_cell(const char *text, int width, int right, int last, FILE *out) {
    int wide = width_of(text), cut = wide > width;
    int blanks = cut ? 0 : width - wide;
    if (right) fprintf(out, "%*s", blanks, "");
    if (cut) {
        uint32_t point;
        size_t bytes = 0, length = strlen(text);
        for (int i = 0; i < width - 2; i++) bytes += cli_utf8_next(text + bytes, length - bytes, &point);
        fprintf(out, "%.*s..", (int)bytes, text);
    } else {
        fputs(text, out);
    }
    if (!right && !last) fprintf(out, "%*s", blanks, "");
}

static void print_line(const cli_grid *grid, const char *const *texts, const int *widths, FILE *out) {
    fputs("  ", out);
    for (int i = 0; i < grid->columns; i++) {
        if (i) fputs("  ", out);
        print_cell(texts[i], widths[i], grid->right[i], i + 1 == grid->columns, out);
    }
    fputc('\n', out);
}

/* Takes from the widest column until a line fits. */
static void narrow(const cli_grid *grid, int *widths) {
    int whole = 2 * grid->columns;
    for (int i = 0; i < grid->columns; i++) whole += widths[i];
    while (whole > CLI_GRID_WIDTH) {
        int widest = 0;
        for (int i = 1; i < grid->columns; i++)
            if (widths[i] > widths[widest]) widest = i;
        if (widths[widest] <= 8) return;
        widths[widest]--;
        whole--;
    }
}

void cli_grid_print(cli_grid *grid, FILE *out) {
    int widths[CLI_GRID_COLUMNS];
    for (int i = 0; i < grid->columns; i++) {
        widths[i] = width_of(grid->titles[i]);
        for (int row = 0; row < grid->rows; row++) {
            int wide = width_of(grid->cells[(size_t)row * (size_t)grid->columns + (size_t)i]);
            if (wide > widths[i]) widths[i] = wide;
        }
    }
    narrow(grid, widths);
    print_line(grid, grid->titles, widths, out);
    for (int row = 0; row < grid->rows; row++) {
        char **cells = grid->cells + (size_t)row * (size_t)grid->columns;
        print_line(grid, (const char *const *)cells, widths, out);
        for (int i = 0; i < grid->columns; i++) free(cells[i]);
    }
    free(grid->cells);
    memset(grid, 0, sizeof *grid);
}

/* ---------------------------------------------------------------- long lists */

#define CLI_LIST_MOST 24

int64_t cli_listed(int64_t rows, int all) { return all || rows <= CLI_LIST_MOST ? rows : CLI_LIST_MOST - 4; }

void cli_tell_rest(FILE *out, int64_t rows, int all) {
    if (cli_listed(rows, all) < rows)
        fprintf(out, "  ... and %s more; --all lists them\n", cli_count(rows - cli_listed(rows, all)).text);
}
