/* main.c - the msio command: finds the subcommand, runs it, and ends as its outcome says. */
#include "cli/command.h"
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/input/options.h"
#include "msio/files.h"
#include "msio/io.h"
#include "msio/prof.h"

#include <stdio.h>
#include <string.h>

/* What --help lists, and under which words. */
static const struct {
    const char *title;
    const cli_command *commands[12];
} groups[] = {
    {"What is in the data",
     {&cli_command_info, &cli_command_read, &cli_command_plan, &cli_command_flags, &cli_command_groups,
      &cli_command_load}},
    {"Changing tables",
     {&cli_command_write, &cli_command_fill, &cli_command_copy, &cli_command_addcols, &cli_command_repair}},
    {"Computing with visibilities", {&cli_command_model, &cli_command_stats, &cli_command_plot}},
    {"Comparing two commands", {&cli_command_compare}},
    {"Converting", {&cli_command_convert}},
    {"Measuring, and data to measure with",
     {&cli_command_profile, &cli_command_verify, &cli_command_history, &cli_command_dashboard, &cli_command_report,
      &cli_command_simulate, &cli_command_bench}},
};
#define CLI_GROUPS (sizeof groups / sizeof groups[0])

static void print_help(FILE *out) {
    fprintf(out, "usage: msio COMMAND [options]\n\n"
                 "Reads and writes Measurement Sets and other casacore tables, natively and in parallel.\n");
    for (size_t g = 0; g < CLI_GROUPS; g++) {
        fprintf(out, "\n%s\n", groups[g].title);
        for (const cli_command *const *c = groups[g].commands; *c; c++)
            fprintf(out, "  %-10s%s\n", (*c)->name, (*c)->summary);
    }
    fprintf(out, "\nmsio COMMAND --help tells a command's options, man msio tells all; msio --version the version.\n");
}

static const cli_command *find(const char *name) {
    for (size_t g = 0; g < CLI_GROUPS; g++)
        for (const cli_command *const *c = groups[g].commands; *c; c++)
            if (strcmp(name, (*c)->name) == 0) return *c;
    return NULL;
}

/* The profile that --prof asked for. Returns 0, or an exit code after telling. */
static int write_profile(const cli_context *cli) {
    if (!cli->prof || !msio_prof_running()) return 0;
    msio_prof_stop();
    msio_status status =
        strcmp(cli->prof, "report") == 0 ? msio_prof_print(stderr) : msio_prof_write_json(cli->prof + 5);
    return status ? cli_fail_status(cli, cli->prof) : 0;
}

/* What was printed must have arrived. */
static int flush_output(const cli_context *cli) {
    if (!fflush(stdout) && !ferror(stdout)) return 0;
    return cli_fail_write(cli, "standard output");
}

static int run(cli_context *cli, int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        printf("msio %s\n", msio_version());
        return flush_output(cli);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (strcmp(name, "help") == 0 && argc == 2)) {
        print_help(stdout);
        cli_options_print_exits("a judgement was negative: a target was missed or could not be held against anything");
        return flush_output(cli);
    }
    char *help[] = {argv[0], (char[]){"--help"}, NULL};
    int asks_help = strcmp(name, "help") == 0;
    const cli_command *command = find(asks_help ? argv[2] : name);
    if (!command) {
        cli->json = cli_options_want_json(argc, argv);
        return cli_usage(cli, "there is no command \"%s\"", asks_help ? argv[2] : name);
    }
    cli->command = command->name;
    int code = asks_help ? command->run(cli, 2, help) : command->run(cli, argc - 1, argv + 1);
    if (code)
        fflush(stdout);
    else
        code = flush_output(cli);
    int late = write_profile(cli);
    return code ? code : late;
}

static void tell_notice(void *user, const char *sentence) { cli_note(user, "msio: %s", sentence); }

int main(int argc, char **argv) {
    cli_context cli = {.command = "", .native = MSIO_NATIVE_AUTO, .lock_seconds = -1};
    cli_interrupt_watch();
    msio_waits_ask(cli_interrupt_asked, NULL);
    msio_notices_tell(tell_notice, &cli);
    int code = run(&cli, argc, argv);
    cli_interrupt_obey();
    return code;
}
