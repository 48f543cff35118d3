/* stored.h - integers as a file stores them, from any address. */
#ifndef MSIO_IO_STORED_H
#define MSIO_IO_STORED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t msio_stored_u32(const uint8_t *bytes, bool big) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return big == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? value : __builtin_bswap32(value);
}

static inline uint64_t msio_stored_u64(const uint8_t *bytes, bool big) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return big == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? value : __builtin_bswap64(value);
}

static inline int32_t msio_stored_i32(const uint8_t *bytes, bool big) { return (int32_t)msio_stored_u32(bytes, big); }
static inline int64_t msio_stored_i64(const uint8_t *bytes, bool big) { return (int64_t)msio_stored_u64(bytes, big); }

#endif
