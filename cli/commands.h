/* commands.h - the list of subcommands, in the groups that help shows. */
#ifndef MSIO_CLI_COMMANDS_H
#define MSIO_CLI_COMMANDS_H

#include "cli/command.h"

extern const cli_command_section cli_command_list[];

/* The subcommand of that name, or NULL. */
const cli_command *cli_command_find(const char *name);

#endif
