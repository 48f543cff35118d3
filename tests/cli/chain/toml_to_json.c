/* toml_to_json.c - standard input, TOML, as JSON; or what is wrong with it, as `LINE COLUMN message`, and exit code 1.
 */
#include "cli/chain/chain_toml.h"
#include "cli/common/json.h"

#include <stdio.h>
#include <stdlib.h>

static void put(cli_json *json, const chain_toml *value) {
    const int table = value->kind == CHAIN_TOML_TABLE;
    if (table || value->kind == CHAIN_TOML_ARRAY) {
        table ? cli_json_flat_object(json) : cli_json_array(json);
        for (const chain_toml *within = value->first; within; within = within->next) {
            if (table) cli_json_key(json, within->key);
            put(json, within);
        }
        cli_json_end(json);
    } else if (value->kind == CHAIN_TOML_TEXT) {
        cli_json_string(json, value->text);
    } else if (value->kind == CHAIN_TOML_INTEGER) {
        cli_json_int(json, value->whole);
    } else if (value->kind == CHAIN_TOML_FLOAT) {
        cli_json_double(json, value->number);
    } else {
        cli_json_bool(json, (int)value->whole);
    }
}

int main(void) {
    static char text[1 << 20];
    size_t length = fread(text, 1, sizeof text, stdin);
    chain_fault fault;
    cli_json json = CLI_JSON_INIT(stdout);
    chain_toml *all = chain_toml_parse(text, length, &fault);
    if (!all) {
        printf("%d %d %s\n", fault.line, fault.column, fault.message);
        return 1;
    }
    put(&json, all);
    putchar('\n');
    chain_toml_free(all);
    return 0;
}
