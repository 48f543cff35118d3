/* completion_zsh.c - the script for zsh: what its own _arguments wants, made from the options. */
#include "cli/completion/completion.h"

#include <string.h>

#define MOST_OPERANDS 4

static const char head[] = "#compdef msio\n"
                           "# Completion of msio's command lines for zsh, made by `msio completion zsh`.\n\n"
                           "# The columns of the table that the command line names: its first operand.\n"
                           "_msio_columns() {\n"
                           "    compadd -- ${(f)\"$(msio completion columns ${(Q)line[1]} 2>/dev/null)\"}\n"
                           "}\n\n"
                           "_msio() {\n"
                           "    local curcontext=$curcontext state line\n"
                           "    typeset -A opt_args\n"
                           "    local -a commands common\n";

static const char body[] =
    "    _arguments -C '(- *)--help[what there is]' '(- *)--version[the version]' '1:command:->command' "
    "'*::argument:->argument'\n"
    "    case $state in\n"
    "        command) _describe -t commands 'msio command' commands ;;\n"
    "        argument)\n"
    "            case $words[1] in\n";

static const char tail[] = "                help) _describe -t commands 'msio command' commands ;;\n"
                           "            esac\n"
                           "            ;;\n"
                           "    esac\n"
                           "}\n\n"
                           "if [[ $funcstack[1] == _msio ]]; then _msio \"$@\"; else compdef _msio msio; fi\n";

/* Text within single quotes; what is special to _arguments is escaped; new lines become blanks. */
static void put_text(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (*text == '\n')
            fputc(' ', out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

/* A message and the action of what is completed. */
static void put_action(FILE *out, const char *message, cli_completion kind, const char *words) {
    const char *word;
    fputc(':', out);
    put_text(out, message);
    fputc(':', out);
    switch (kind) {
    case CLI_COMPLETE_FILES: fputs("_files", out); break;
    case CLI_COMPLETE_FOLDERS: fputs("_files -/", out); break;
    case CLI_COMPLETE_COLUMNS: fputs("_msio_columns", out); break;
    case CLI_COMPLETE_WORDS:
        fputc('(', out);
        for (int length; (length = cli_completion_word(&words, &word));) {
            fprintf(out, "%.*s", word[length - 1] == ':' ? length - 1 : length, word);
            if (word[length - 1] == ':') fputs("\\:", out);
            fputc(' ', out);
        }
        fputc(')', out);
        break;
    case CLI_COMPLETE_NOTHING: fputc(' ', out); break;
    }
}

static void put_options(FILE *out, const cli_option *options, const char *indent, const char *end) {
    for (; options->name; options++) {
        fprintf(out, "%s'--%s%s[", indent, options->name, !options->value ? "" : options->optional ? "=-" : "=");
        put_text(out, options->help);
        fputc(']', out);
        if (options->value) {
            if (options->optional) fputc(':', out);
            put_action(out, options->value, cli_completion_of_value(options->value), options->value);
        }
        fprintf(out, "'%s\n", end);
    }
}

static void put_command(FILE *out, const cli_command *command) {
    cli_completion operand[MOST_OPERANDS];
    const int n = cli_completion_operands(command, operand, MOST_OPERANDS);
    fprintf(out, "                %s) _arguments -S $common \\\n", command->name);
    put_options(out, command->options, "                    ", " \\");
    for (int i = 0; i < n; i++) {
        fprintf(out, i + 1 < n ? "                    '%d" : "                    '*", i + 1);
        put_action(out, "operand", operand[i], command->words);
        fprintf(out, i + 1 < n ? "' \\\n" : "' ;;\n");
    }
}

void cli_completion_zsh(FILE *out, const cli_command_section *sections) {
    fputs(head, out);
    fprintf(out, "    commands=(\n");
    for (const cli_command_section *section = sections; section->title; section++)
        for (const cli_command *const *c = section->commands; *c; c++) {
            fprintf(out, "        '%s:", (*c)->name);
            put_text(out, (*c)->summary);
            fprintf(out, "'\n");
        }
    fprintf(out, "        'help:the help of a command'\n    )\n    common=(\n");
    put_options(out, cli_options_common, "        ", "");
    fprintf(out, "    )\n");
    fputs(body, out);
    for (const cli_command_section *section = sections; section->title; section++)
        for (const cli_command *const *c = section->commands; *c; c++) put_command(out, *c);
    fputs(tail, out);
}
