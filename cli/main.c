/* main.c - the msio command: finds the subcommand, runs it, and ends as its outcome says. */
#include "cli/commands.h"
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/input/options.h"
#include "msio/files.h"
#include "msio/io.h"
#include "msio/prof.h"

#include <stdio.h>
#include <string.h>

static void print_help(FILE *out) {
    fprintf(out, "usage: msio COMMAND [options]\n\n"
                 "Reads and writes Measurement Sets and other casacore tables, natively and in parallel.\n");
    for (const cli_command_section *section = cli_command_list; section->title; section++) {
        fprintf(out, "\n%s\n", section->title);
        for (const cli_command *const *c = section->commands; *c; c++)
            fprintf(out, "  %-12s%s\n", (*c)->name, (*c)->summary);
    }
    fprintf(out, "\nmsio COMMAND --help tells a command's options, man msio tells all; msio --version the version.\n");
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
    const cli_command *command = cli_command_find(asks_help ? argv[2] : name);
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
    cli_context cli = {.command = "", .native = MSIO_NATIVE_AUTO, .lock_seconds = -1, .sections = cli_command_list};
    cli_interrupt_watch();
    msio_waits_ask(cli_interrupt_asked, NULL);
    msio_notices_tell(tell_notice, &cli);
    int code = run(&cli, argc, argv);
    cli_interrupt_obey();
    return code;
}
