/* commands.h - the list of subcommands, in the groups that help shows. */
#ifndef MSIO_CLI_COMMANDS_H
#define MSIO_CLI_COMMANDS_H

#include "cli/command.h"

typedef struct cli_command_section {
    const char *title;               /* NULL ends the list */
    const cli_command *commands[12]; /* ended by NULL */
} cli_command_section;

extern const cli_command_section cli_command_list[];

/* The subcommand of that name, or NULL. */
const cli_command *cli_command_find(const char *name);

#endif
