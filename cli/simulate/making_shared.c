/* making_shared.c - what the kinds of data sets of `msio simulate` share. */
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/simulate/making.h"

#include <stdio.h>
#include <unistd.h>

/* Asks on the terminal. Returns 1 for yes. */
static int ask(const char *what, int64_t size) {
    char answer[16];
    fprintf(stderr, "%s exists (%s). Replace it? [y/N] ", what, cli_size(size).text);
    fflush(stderr);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

int cli_making_replaces(const cli_context *cli, cli_making *wish, const char *what, int64_t size) {
    if (!wish->force && isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) wish->force = ask(what, size);
    if (cli_interrupted()) return CLI_INPUT;
    if (!wish->force) return cli_usage(cli, "%s exists, and stays as it is; --force replaces it", what);
    return 0;
}

void cli_making_numbers(cli_json *json, const cli_making_number *numbers, size_t n) {
    for (size_t i = 0; i < n; i++) cli_json_put_int(json, numbers[i].key, numbers[i].value);
}
