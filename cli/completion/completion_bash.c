/* completion_bash.c - the script for bash: tables made from the options, and one function that looks into them. */
#include "cli/completion/completion.h"

#include <string.h>

#define MOST_OPERANDS 4

static const char head[] = "# Completion of msio's command lines for bash, made by `msio completion bash`.\n"
                           "# shellcheck shell=bash\n\n";

/* What looks into the tables: the word before is an option that takes a value, or the word is an operand or an option.
 */
static const char body[] =
    "# The operands before the word, one a line: what is neither an option nor an option's value.\n"
    "_msio_given() {\n"
    "    local i before\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        before=${COMP_WORDS[i - 1]}\n"
    "        [[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i]} == = || $before == = ]] && continue\n"
    "        [[ $before == --* && $(_msio_value \"${COMP_WORDS[1]}\" \"$before\") ]] || printf '%s\\n' \"${COMP_WORDS[i]}\"\n"
    "    done\n"
    "}\n\n"
    "# The columns of the table that the command line names: its first operand.\n"
    "_msio_columns() {\n"
    "    local table\n"
    "    read -r table < <(_msio_given) && \"${COMP_WORDS[0]}\" completion columns \"$table\" 2>/dev/null\n"
    "}\n\n"
    "# Offers what stands behind a kind: files, folders, columns, words A B C, nothing.\n"
    "_msio_offer() {\n"
    "    local kind=$1 word=$2\n"
    "    shift 2\n"
    "    case $kind in\n"
    "        files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
    "        folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
    "        columns) mapfile -t COMPREPLY < <(compgen -W \"$(_msio_columns)\" -- \"$word\") ;;\n"
    "        words) mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$word\") ;;\n"
    "    esac\n"
    "}\n\n"
    "_msio() {\n"
    "    local command=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} sign='' i\n"
    "    local -a offer\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _msio_offer words \"$word\" \"$(_msio_commands)\"\n"
    "        return\n"
    "    fi\n"
    "    # behind -- stands another program's command line\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        if [[ ${COMP_WORDS[i]} == -- ]]; then\n"
    "            if declare -F _command_offset >/dev/null; then _command_offset $((i + 1)); else _msio_offer files \"$word\"; fi\n"
    "            return\n"
    "        fi\n"
    "    done\n"
    "    # bash cuts words at '=': --prof=report are three\n"
    "    if [[ $word == = ]]; then word='' sign='='; fi\n"
    "    if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]} sign='='; fi\n"
    "    read -ra offer <<<\"$(_msio_value \"$command\" \"$before\")\"\n"
    "    if ((${#offer[@]} == 0)) && [[ $sign ]]; then\n"
    "        read -ra offer <<<\"$(_msio_value \"$command\" \"$before=\")\"\n"
    "    fi\n"
    "    if ((${#offer[@]})); then\n"
    "        _msio_offer \"${offer[0]}\" \"$word\" \"${offer[@]:1}\"\n"
    "    elif [[ $word == -* ]]; then\n"
    "        _msio_offer words \"$word\" \"$(_msio_options \"$command\")\"\n"
    "    else\n"
    "        read -ra offer <<<\"$(_msio_operand \"$command\" \"$(_msio_given | wc -l)\")\"\n"
    "        _msio_offer \"${offer[0]}\" \"$word\" \"${offer[@]:1}\"\n"
    "    fi\n"
    "}\n\n"
    "complete -F _msio msio\n";

static void put_words(FILE *out, const char *words) {
    const char *word;
    for (int length; (length = cli_completion_word(&words, &word));) fprintf(out, " %.*s", length, word);
}

static void put_kind(FILE *out, cli_completion kind, const char *words) {
    static const char *const names[] = {"nothing", "files", "folders", "columns", "words"};
    fprintf(out, "echo '%s", names[kind]);
    if (kind == CLI_COMPLETE_WORDS) put_words(out, words);
    fprintf(out, "' ;;\n");
}

static void put_commands(FILE *out, const cli_command_section *section) {
    fprintf(out, "_msio_commands() {\n    echo '");
    for (; section->title; section++)
        for (const cli_command *const *c = section->commands; *c; c++) fprintf(out, "%s ", (*c)->name);
    fprintf(out, "help --help --version'\n}\n\n");
}

static void put_names(FILE *out, const cli_option *options) {
    for (; options->name; options++) fprintf(out, " --%s", options->name);
}

static void put_options(FILE *out, const cli_command_section *section) {
    fprintf(out, "# The options of a command.\n_msio_options() {\n    case $1 in\n");
    for (; section->title; section++)
        for (const cli_command *const *c = section->commands; *c; c++) {
            fprintf(out, "        %s) echo '", (*c)->name);
            put_names(out, (*c)->options);
            fprintf(out, "' ;;\n");
        }
    fprintf(out, "    esac\n    echo '");
    put_names(out, cli_options_common);
    fprintf(out, "'\n}\n\n");
}

static void put_values_of(FILE *out, const char *command, const cli_option *option) {
    for (; option->name; option++) {
        if (!option->value) continue;
        fprintf(out, "        %s:--%s%s) ", command, option->name, option->optional ? "=" : "");
        put_kind(out, cli_completion_of_value(option->value), option->value);
    }
}

/* An optional value stands behind '=' only: its name has the sign at its end. */
static void put_values(FILE *out, const cli_command_section *section) {
    fprintf(out, "# What may be the value of a command's option; nothing at all where it takes none.\n"
                 "_msio_value() {\n    case $1:$2 in\n");
    for (; section->title; section++)
        for (const cli_command *const *c = section->commands; *c; c++) put_values_of(out, (*c)->name, (*c)->options);
    put_values_of(out, "*", cli_options_common);
    fprintf(out, "    esac\n}\n\n");
}

static void put_operands(FILE *out, const cli_command_section *section) {
    fprintf(out, "# What may be the operand of a command in a place, counted from 0.\n"
                 "_msio_operand() {\n    case $1:$2 in\n");
    for (; section->title; section++)
        for (const cli_command *const *c = section->commands; *c; c++) {
            cli_completion operand[MOST_OPERANDS];
            const int n = cli_completion_operands(*c, operand, MOST_OPERANDS);
            for (int i = 0; i < n; i++) {
                fprintf(out, i + 1 < n ? "        %s:%d) " : "        %s:*) ", (*c)->name, i);
                put_kind(out, operand[i], (*c)->words);
            }
        }
    fprintf(out, "        help:*) echo \"words $(_msio_commands)\" ;;\n"
                 "        *) echo 'files' ;;\n    esac\n}\n\n");
}

void cli_completion_bash(FILE *out, const cli_command_section *sections) {
    fputs(head, out);
    put_commands(out, sections);
    put_options(out, sections);
    put_values(out, sections);
    put_operands(out, sections);
    fputs(body, out);
}
