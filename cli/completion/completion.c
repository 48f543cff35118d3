/* completion.c - what a shell may offer, read from the words of the option tables and usages. */
#include "cli/completion/completion.h"

#include <ctype.h>
#include <string.h>

static int begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

cli_completion cli_completion_of_value(const char *value) {
    static const char *const files[] = {"FILE", "PATH", "GROUP", "obs.ms", NULL},
                             *const folders[] = {"FOLDER", "DIR", NULL},
                             *const columns[] = {"COLUMN", "FROM", "TO", "DATA,MODEL", NULL};
    for (int i = 0; columns[i]; i++)
        if (strcmp(value, columns[i]) == 0) return CLI_COMPLETE_COLUMNS;
    for (int i = 0; files[i]; i++)
        if (begins(value, files[i])) return CLI_COMPLETE_FILES;
    for (int i = 0; folders[i]; i++)
        if (begins(value, folders[i])) return CLI_COMPLETE_FOLDERS;
    return strchr(value, '|') ? CLI_COMPLETE_WORDS : CLI_COMPLETE_NOTHING;
}

int cli_completion_operands(const cli_command *command, cli_completion *operand, int most) {
    int n = 0;
    for (const char *at = command->usage; *at && n < most;) {
        const int length = (int)strcspn(at, " ");
        char word[64] = "";
        if ((size_t)length < sizeof word) memcpy(word, at, (size_t)length);
        at += length + (at[length] == ' ');
        /* what follows an option, or a bar, belongs to another way of calling it */
        if (word[0] == '-' || word[0] == '|') break;
        if (word[0] == '[') continue;
        const cli_completion kind = cli_completion_of_value(word);
        /* "REPORT.json|FOLDER" is one or the other file */
        operand[n] = command->words && n == 0     ? CLI_COMPLETE_WORDS
                     : kind == CLI_COMPLETE_WORDS ? CLI_COMPLETE_FILES
                                                  : kind;
        n++;
    }
    if (!n && command->words) operand[n++] = CLI_COMPLETE_WORDS;
    if (!n || (n < most && command->usage[0] == '[')) operand[n++] = CLI_COMPLETE_FILES;
    return n;
}

int cli_completion_word(const char **at, const char **word) {
    while (**at) {
        const char *from = *at;
        int length = (int)strcspn(from, "|"), capitals = 0;
        *at = from + length + (from[length] == '|');
        for (int i = 0; i < length; i++) capitals += isupper((unsigned char)from[i]) != 0;
        *word = from;
        /* "json:FILE" is offered up to what has to be filled in */
        if (capitals) length = (int)strcspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (length) return length;
    }
    return 0;
}
