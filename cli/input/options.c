/* options.c - reading a subcommand's options, and writing its help. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getopt_long */
#endif
#include "cli/input/options.h"

#include "cli/common/failure.h"
#include "msio/prof.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_EXPANDED_MOST 4096 /* arguments */
#define CLI_OPTIONS_MOST 40

const cli_option cli_options_common[] = {
    {"threads", "N", 0,
     "threads to read with; 0, the default, is all that the affinity mask\nand OMP_NUM_THREADS allow"},
    {"nolock", NULL, 0, "take no lock on tables and HDF5 files; a change meanwhile is still\nnoticed"},
    {"lock-seconds", "S", 0, "how long to wait for a lock on a table that another process has, by\ndefault 10"},
    {"native", "auto|yes|no", 0,
     "natively where msio knows how (auto), or not at all (yes), or all\nthrough casacore (no)"},
    {"quiet", NULL, 0, "no progress and no messages on standard error, only errors"},
    {"json", NULL, 0, "the report as one JSON object on standard output; errors too"},
    {"prof", "report|json:FILE", 1,
     "the profile of this run, as a report on standard error (the default)\nor as JSON in FILE"},
    {"help", NULL, 0, "this text"},
    {"version", NULL, 0, "the version"},
    {NULL, NULL, 0, NULL},
};

static int count_of(const cli_option *options) {
    int count = 0;
    while (options[count].name) count++;
    return count;
}

static void print_options(const cli_option *options) {
    for (; options->name; options++) {
        char head[64];
        if (!options->value)
            snprintf(head, sizeof head, "--%s", options->name);
        else if (options->optional)
            snprintf(head, sizeof head, "--%s[=%s]", options->name, options->value);
        else
            snprintf(head, sizeof head, "--%s %s", options->name, options->value);
        if (strlen(head) > 22)
            printf("  %s\n%26s", head, "");
        else
            printf("  %-24s", head);
        for (const char *line = options->help; *line;) {
            size_t length = strcspn(line, "\n");
            printf("%.*s\n", (int)length, line);
            line += length;
            if (*line) printf("%26s", ""), line++;
        }
    }
}

void cli_options_print_exits(const char *negative) {
    printf("\nExit codes\n  0  all well\n");
    if (negative) printf("  1  %s\n", negative);
    printf("  2  wrong usage\n"
           "  3  the input could not be read, or the output not written: one line on standard error says why\n");
}

static void print_help(const cli_command *command) {
    printf("usage: msio %s %s\n\n%s\n", command->name, command->usage, command->text);
    if (command->options[0].name) {
        printf("\nOptions\n");
        print_options(command->options);
    }
    printf("\nCommon options\n");
    print_options(cli_options_common);
    cli_options_print_exits(command->negative);
    if (command->unsure) printf("  4  %s\n", command->unsure);
    printf("\nExamples\n%s", command->examples);
}

int cli_option_integer(const cli_context *cli, const char *name, const char *text, int64_t low, int64_t high,
                       int64_t *value) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < low || number > high)
        return cli_usage(cli, "--%s wants a whole number from %" PRId64 " to %" PRId64 ", not \"%s\"", name, low, high,
                         text);
    *value = number;
    return 0;
}

int cli_option_named_seconds(const cli_context *cli, const char *name, const char *text, char *key, size_t room,
                             double *seconds) {
    const char *sign = strrchr(text, '=');
    char *end = NULL;
    *seconds = sign ? strtod(sign + 1, &end) : 0;
    if (!sign || sign == text || (size_t)(sign - text) >= room || end == sign + 1 || *end || !isfinite(*seconds) ||
        *seconds <= 0)
        return cli_usage(cli, "--%s wants NAME=SECONDS, as in imaging=3600, not \"%s\"", name, text);
    snprintf(key, room, "%.*s", (int)(sign - text), text);
    return 0;
}

int cli_option_bytes(const cli_context *cli, const char *name, const char *text, size_t *bytes) {
    static const char prefixes[] = "kMGT";
    char *end;
    errno = 0;
    double value = strtod(text, &end), unit = 1;
    if (end == text || errno || !isfinite(value) || value < 0) end = NULL;
    const char *prefix = end && *end ? strchr(prefixes, *end == 'K' ? 'k' : *end) : NULL;
    if (prefix) {
        int binary = end[1] == 'i';
        unit = pow(binary ? 1024 : 1000, (double)(prefix - prefixes + 1));
        end += 1 + binary;
    }
    if (end && *end == 'B') end++;
    if (!end || *end || !isdigit((unsigned char)text[0]) || value * unit > 1e18)
        return cli_usage(cli, "--%s wants bytes, as in 2GiB, 512MiB or 1e9, not \"%s\"", name, text);
    *bytes = (size_t)(value * unit);
    return 0;
}

int cli_option_word(const cli_context *cli, const char *name, const char *text, const char *const words[], int *index) {
    char list[256] = "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *index = i;
            return 0;
        }
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", words[i]);
    }
    return cli_usage(cli, "--%s is one of %s, not \"%s\"", name, list, text);
}

int cli_option_words(const cli_context *cli, const char *name, const char *list, const char *const words[],
                     unsigned *bits) {
    for (const char *from = list;;) {
        char word[24];
        int index, length = (int)strcspn(from, ",");
        snprintf(word, sizeof word, "%.*s", length, from);
        int code = cli_option_word(cli, name, word, words, &index);
        if (code) return code;
        *bits |= words[index + 1] ? 1u << index : (1u << index) - 1;
        if (!from[length]) return 0;
        from += length + 1;
    }
}

int cli_option_seconds(const cli_context *cli, const char *name, const char *text, double *value) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= 0 && number <= 1e6))
        return cli_usage(cli, "--%s wants seconds, 0 to 1000000, not \"%s\"", name, text);
    *value = number;
    return 0;
}

static int take_common(cli_context *cli, const char *name, const char *value) {
    static const char *const natives[] = {"auto", "yes", "no", NULL};
    int code = 0, index = 0;
    int64_t number = 0;
    if (strcmp(name, "threads") == 0) {
        code = cli_option_integer(cli, name, value, 0, 4096, &number);
        cli->threads = (int)number;
    } else if (strcmp(name, "nolock") == 0) {
        cli->nolock = 1;
    } else if (strcmp(name, "lock-seconds") == 0) {
        code = cli_option_seconds(cli, name, value, &cli->lock_seconds);
    } else if (strcmp(name, "native") == 0) {
        code = cli_option_word(cli, name, value, natives, &index);
        cli->native = (msio_native)index;
    } else if (strcmp(name, "quiet") == 0) {
        cli->quiet = 1;
    } else if (strcmp(name, "prof") == 0) {
        cli->prof = value ? value : "report";
        if (strcmp(cli->prof, "report") != 0 && (strncmp(cli->prof, "json:", 5) != 0 || !cli->prof[5]))
            code = cli_usage(cli, "--prof is report or json:FILE, not \"%s\"", cli->prof);
    }
    return code;
}

/* getopt's table of both lists; val is the place in them, counted from 256. */
static void fill_table(struct option *table, const cli_option *own, int owns) {
    int commons = count_of(cli_options_common);
    memset(table, 0, CLI_OPTIONS_MOST * sizeof *table);
    for (int i = 0; i < owns + commons && i < CLI_OPTIONS_MOST - 1; i++) {
        const cli_option *option = i < owns ? &own[i] : &cli_options_common[i - owns];
        table[i].name = option->name;
        table[i].has_arg = !option->value ? no_argument : option->optional ? optional_argument : required_argument;
        table[i].val = 256 + i;
    }
}

/* An error in what stands before --json is to be told in JSON too. */
int cli_options_want_json(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0) return 1;
    return 0;
}

/* In the place of what the environment's MSIO_PROF may have started. */
static void start_profile(void) {
    msio_prof_setup("off");
    msio_prof_reset();
    msio_prof_start();
}

/* Paths that the shell left as they are, in quotes say. Returns -1, or an exit code after telling. */
static int expand_arguments(const cli_context *cli, int n, char **argument) {
    static char *kept[CLI_EXPANDED_MOST]; /* so that leak checkers see who has them */
    char expanded[MSIO_PATH_BYTES];
    for (int i = 0, k = 0; i < n && k < CLI_EXPANDED_MOST; i++) {
        if (argument[i][0] != '~' && !strchr(argument[i], '$')) continue;
        if (msio_path_expand(argument[i], expanded)) return cli_fail_status(cli, argument[i]);
        if (strcmp(expanded, argument[i]) == 0) continue;
        char *copy = cli_alloc_many(strlen(expanded) + 1, 1);
        strcpy(copy, expanded);
        argument[i] = kept[k++] = copy;
    }
    return -1;
}

int cli_options_parse(cli_context *cli, const cli_command *command, int argc, char **argv, cli_option_take take,
                      void *state, int *first) {
    struct option table[CLI_OPTIONS_MOST];
    int owns = count_of(command->options), found;
    fill_table(table, command->options, owns);
    cli->json = cli_options_want_json(argc, argv);
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        int place = found - 256;
        if (found == ':') return cli_usage(cli, "%s wants a value", argv[optind - 1]);
        if (found == '?' && optopt >= 256) return cli_usage(cli, "%s takes no value", argv[optind - 1]);
        if (found == '?' && optopt) return cli_usage(cli, "there is no option -%c", optopt);
        if (found == '?') return cli_usage(cli, "there is no option %s", argv[optind - 1]);
        const char *name = found == 'h' ? "help" : table[place].name;
        if (strcmp(name, "help") == 0) {
            print_help(command);
            return CLI_OK;
        }
        if (strcmp(name, "version") == 0) {
            printf("msio %s\n", msio_version());
            return CLI_OK;
        }
        int code = place < owns ? take(cli, state, name, optarg) : take_common(cli, name, optarg);
        if (code) return code;
    }
    *first = optind;
    if (cli->prof) start_profile();
    return expand_arguments(cli, argc - optind, argv + optind);
}
