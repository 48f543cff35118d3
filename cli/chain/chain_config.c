/* chain_config.c - the steps of a chain, from a file's TOML. */
#include "cli/chain/chain_config.h"

#include "cli/common/failure.h"
#include "cli/common/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MOST 1000 /* of a program */

_Static_assert(CLI_JSON_DEPTH >= 3 * CHAIN_TOML_DEPTH, "headers, whose names may be arrays of tables, then values");

const char *const chain_part_names[CHAIN_PARTS] = {"calibration", "imaging"};

void chain_config_free(chain_config *config) {
    for (int part = 0; part < CHAIN_PARTS; part++)
        for (int i = 0; i < config->part[part].n; i++) {
            chain_step *step = &config->part[part].step[i];
            for (char **word = step->argv; word && *word; word++) free(*word);
            free(step->argv);
            free(step->name);
            free(step->task);
            free(step->arguments);
            free(step->unless_column);
        }
    free(config->casa_python);
    memset(config, 0, sizeof *config);
}

/* Tells what is wrong with a value. Returns -1. */
__attribute__((format(printf, 3, 4))) static int wrong(chain_fault *fault, const chain_toml *value, const char *format,
                                                       ...) {
    va_list arguments;
    va_start(arguments, format);
    fault->line = value->line;
    fault->column = value->column;
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    return -1;
}

static int text_of(const chain_toml *value, const char *what, char **text, chain_fault *fault) {
    if (value->kind != CHAIN_TOML_TEXT) return wrong(fault, value, "%s is to be a string", what);
    if (!*value->text) return wrong(fault, value, "%s is empty", what);
    *text = cli_copy(value->text);
    return 0;
}

static int is_name(const char *text, int of_task) {
    const char *rest = of_task ? "_" : "._-";
    if (strlen(text) > 40 || text[0] == '.' || (of_task && text[0] >= '0' && text[0] <= '9')) return 0;
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr(rest, *c)))
            return 0;
    return 1;
}

/* A value as JSON. */
static void put_value(cli_json *json, const chain_toml *value) {
    switch (value->kind) {
    case CHAIN_TOML_TABLE:
    case CHAIN_TOML_ARRAY:
        if (value->kind == CHAIN_TOML_TABLE)
            cli_json_flat_object(json);
        else
            cli_json_array(json);
        for (const chain_toml *within = value->first; within; within = within->next) {
            if (within->key) cli_json_key(json, within->key);
            put_value(json, within);
        }
        cli_json_end(json);
        break;
    case CHAIN_TOML_TEXT: cli_json_string(json, value->text); break;
    case CHAIN_TOML_INTEGER: cli_json_int(json, value->whole); break;
    case CHAIN_TOML_FLOAT: cli_json_double(json, value->number); break;
    case CHAIN_TOML_BOOLEAN: cli_json_bool(json, (int)value->whole); break;
    }
}

static int read_arguments(const chain_toml *value, chain_step *step, chain_fault *fault) {
    size_t length = 0;
    if (value->kind != CHAIN_TOML_TABLE)
        return wrong(fault, value, "arguments are to be a table: [calibration.arguments], or { ... }");
    FILE *out = open_memstream(&step->arguments, &length);
    if (!out) return wrong(fault, value, "there is no memory");
    cli_json json = {.out = out};
    put_value(&json, value);
    return fclose(out) ? wrong(fault, value, "there is no memory") : 0;
}

static int read_argv(const chain_toml *value, chain_step *step, chain_fault *fault) {
    if (value->kind != CHAIN_TOML_ARRAY || value->n == 0 || value->n > WORDS_MOST)
        return wrong(fault, value, "argv is to be a list of 1 to %d strings", WORDS_MOST);
    char **word = step->argv = cli_zeros((size_t)value->n + 1, sizeof *step->argv);
    for (const chain_toml *one = value->first; one; one = one->next, word++) {
        if (one != value->first && one->kind == CHAIN_TOML_TEXT)
            *word = cli_copy(one->text); /* which may be empty */
        else if (text_of(one, "a word of argv", word, fault))
            return -1;
    }
    return 0;
}

static int read_key(const chain_toml *value, chain_step *step, chain_fault *fault) {
    const char *key = value->key;
    if (strcmp(key, "name") == 0) {
        if (text_of(value, "name", &step->name, fault)) return -1;
        if (is_name(step->name, 0)) return 0;
        return wrong(fault, value,
                     "a step's name is of letters, digits, '.', '_' and '-', 40 at most, and begins with no '.'");
    }
    if (strcmp(key, "task") == 0) {
        if (text_of(value, "task", &step->task, fault)) return -1;
        return is_name(step->task, 1) ? 0 : wrong(fault, value, "task is to be the name of a task of CASA");
    }
    if (strcmp(key, "unless_column") == 0) return text_of(value, key, &step->unless_column, fault);
    if (strcmp(key, "arguments") == 0) return read_arguments(value, step, fault);
    if (strcmp(key, "argv") == 0) return read_argv(value, step, fault);
    return wrong(fault, value, "a step has no key \"%.60s\": name, task, arguments, argv, unless_column", key);
}

static int read_step(const chain_toml *table, const chain_steps *before, chain_step *step, chain_fault *fault) {
    for (const chain_toml *value = table->first; value; value = value->next)
        if (read_key(value, step, fault)) return -1;
    if (!step->name) return wrong(fault, table, "a step has no name");
    if (!step->task == !step->argv) return wrong(fault, table, "step %s is to have either a task or argv", step->name);
    if (step->argv && step->arguments)
        return wrong(fault, table, "step %s has arguments, which are a task's: a program's stand in argv", step->name);
    if (step->task && !step->arguments) step->arguments = cli_copy("{}");
    for (int i = 0; i < before->n - 1; i++)
        if (strcmp(before->step[i].name, step->name) == 0)
            return wrong(fault, table, "there are two steps %s", step->name);
    return 0;
}

static int read_steps(const chain_toml *list, chain_steps *steps, chain_fault *fault) {
    const char *part = list->key;
    if (list->kind != CHAIN_TOML_ARRAY)
        return wrong(fault, list, "the steps of %s are to be tables: [[%s]]", part, part);
    if (list->n > CHAIN_STEPS_MOST) return wrong(fault, list, "%s has more than %d steps", part, CHAIN_STEPS_MOST);
    for (const chain_toml *table = list->first; table; table = table->next) {
        if (table->kind != CHAIN_TOML_TABLE)
            return wrong(fault, table, "a step of %s is to be a table: [[%s]]", part, part);
        chain_step *step = &steps->step[steps->n++]; /* freed with the others, whatever of it was read */
        if (read_step(table, steps, step, fault)) return -1;
    }
    return 0;
}

static int read_file(const chain_toml *all, chain_config *config, chain_fault *fault) {
    for (const chain_toml *value = all->first; value; value = value->next) {
        int part = 0, failed;
        while (part < CHAIN_PARTS && strcmp(value->key, chain_part_names[part]) != 0) part++;
        if (part < CHAIN_PARTS)
            failed = read_steps(value, &config->part[part], fault);
        else if (strcmp(value->key, "casa_python") == 0)
            failed = text_of(value, value->key, &config->casa_python, fault);
        else
            failed = wrong(fault, value, "there is no key \"%.60s\": calibration, imaging, casa_python", value->key);
        if (failed) return -1;
    }
    return 0;
}

int chain_config_parse(const char *text, size_t length, chain_config *config, chain_fault *fault) {
    memset(config, 0, sizeof *config);
    *fault = (chain_fault){0};
    if (length > CHAIN_CONFIG_BYTES_MOST) {
        snprintf(fault->message, sizeof fault->message, "it is longer than 1 MiB");
        return -1;
    }
    chain_toml *all = chain_toml_parse(text, length, fault);
    int failed = !all || read_file(all, config, fault);
    chain_toml_free(all);
    return failed ? -1 : 0;
}
