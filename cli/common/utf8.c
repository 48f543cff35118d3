/* utf8.c - code points of text that may or may not be UTF-8. */
#include "cli/common/utf8.h"

size_t cli_utf8_next(const char *text, size_t length, uint32_t *point) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    if (first < 0x80) {
        *point = first;
        return 1;
    }
    size_t bytes = first >= 0xf0 && first < 0xf8   ? 4
                   : first >= 0xe0 && first < 0xf0 ? 3
                   : first >= 0xc0 && first < 0xe0 ? 2
                                                   : 0;
    *point = CLI_UTF8_BAD;
    if (!bytes || bytes > length) return 1;
    uint32_t value = first & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80) return 1;
        value = value << 6 | (next & 0x3fu);
    }
    if (value < least[bytes] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 1;
    *point = value;
    return bytes;
}

size_t cli_utf8_count(const char *text, size_t length) {
    size_t count = 0;
    uint32_t point;
    for (size_t i = 0; i < length; count++) i += cli_utf8_next(text + i, length - i, &point);
    return count;
}
