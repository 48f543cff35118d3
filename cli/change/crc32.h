/* crc32.h - the checksum of zip and png: CRC-32 (ISO 3309; polynomial 0xEDB88320, bits turned round). */
#ifndef MSIO_CLI_CRC32_H
#define MSIO_CLI_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what had the checksum `before` (0: of nothing), followed by these bytes. */
uint32_t cli_crc32(uint32_t before, const void *bytes, size_t length);

#endif
