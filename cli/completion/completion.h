/* completion.h - what a shell may offer for an option's value or an operand, and the scripts that tell it so. */
#ifndef MSIO_CLI_COMPLETION_H
#define MSIO_CLI_COMPLETION_H

#include "cli/input/options.h"

#include <stdio.h>

/* What stands in the place of a word of a command line. */
typedef enum cli_completion {
    CLI_COMPLETE_NOTHING, /* a number, a name of its own: the shell offers nothing */
    CLI_COMPLETE_FILES,
    CLI_COMPLETE_FOLDERS,
    CLI_COMPLETE_COLUMNS, /* columns of the table that stands before it */
    CLI_COMPLETE_WORDS    /* one of those in the option's value, between bars */
} cli_completion;

/* For an option's value, by what it is called: "FILE", "auto|yes|no", "COLUMN". */
cli_completion cli_completion_of_value(const char *value);
/* For the operands of a command, by its usage: at most `most`; the last stands for all that follow. Returns how many.
 */
int cli_completion_operands(const cli_command *command, cli_completion *operand, int most);

/* The words between bars, each by itself: the next one from *at on, which is set behind it. Returns its length and sets
 * *word; 0 at the end. Words in capitals stand for something else, and are passed over. */
int cli_completion_word(const char **at, const char **word);

/* The scripts, whole, for all commands of the sections. */
void cli_completion_bash(FILE *out, const cli_command_section *sections);
void cli_completion_zsh(FILE *out, const cli_command_section *sections);

#endif
