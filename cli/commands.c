/* commands.c - the list of subcommands, in the groups that help shows. */
#include "cli/commands.h"

#include <stddef.h>
#include <string.h>

const cli_command_section cli_command_list[] = {
    {"Look: what is in the data",
     {&cli_command_info, &cli_command_plan, &cli_command_flags, &cli_command_groups, &cli_command_stats,
      &cli_command_plot}},
    {"Read", {&cli_command_read, &cli_command_load}},
    {"Write",
     {&cli_command_write, &cli_command_fill, &cli_command_copy, &cli_command_addcols, &cli_command_model,
      &cli_command_repair}},
    {"Convert, and make data", {&cli_command_convert, &cli_command_simulate}},
    {"Measure",
     {&cli_command_profile, &cli_command_verify, &cli_command_compare, &cli_command_history, &cli_command_dashboard,
      &cli_command_report, &cli_command_bench}},
    {"Help of the shell", {&cli_command_completion}},
    {NULL, {NULL}},
};

const cli_command *cli_command_find(const char *name) {
    for (const cli_command_section *section = cli_command_list; section->title; section++)
        for (const cli_command *const *c = section->commands; *c; c++)
            if (strcmp(name, (*c)->name) == 0) return *c;
    return NULL;
}
