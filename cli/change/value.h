/* value.h - one value of a column's type, read from text. */
#ifndef MSIO_CLI_VALUE_H
#define MSIO_CLI_VALUE_H

#include "msio/core.h"

#include <stddef.h>

typedef struct cli_value {
    _Alignas(16) unsigned char bytes[16];
} cli_value;

/* Reads "3", "-1.5", "1+2j", "true", "nan". Returns NULL, or what is wrong: the value is none of that type, or beyond
 * what it holds. */
const char *cli_value_parse(const char *text, msio_type type, cli_value *value);

/* 1 when the text is a number, also a complex one: what begins with a minus is then no option. */
int cli_value_is_number(const char *text);

#endif
