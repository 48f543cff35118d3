/* utf8.h - code points of text that may or may not be UTF-8. */
#ifndef MSIO_CLI_UTF8_H
#define MSIO_CLI_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define CLI_UTF8_BAD 0xfffdu /* stands for bytes that are no UTF-8 */

/* The first code point of length > 0 bytes, and the bytes it takes. Overlong forms, surrogates and what lies beyond
 * Unicode are one bad byte each. */
size_t cli_utf8_next(const char *text, size_t length, uint32_t *point);
/* Code points in the text. */
size_t cli_utf8_count(const char *text, size_t length);

#endif
