/* npy.c - numpy's .npy files (format version 1.0: numpy/lib/format.py tells it). */
#include "cli/output/npy.h"

#include <inttypes.h>
#include <string.h>

cli_dtype cli_npy_dtype(msio_type type, size_t width) {
    const uint16_t one = 1;
    const char order = *(const unsigned char *)&one ? '<' : '>';
    cli_dtype dtype = {""};
    const char *code = "";
    switch (type) {
    case MSIO_BOOL: code = "b1"; break;
    case MSIO_CHAR: code = "i1"; break;
    case MSIO_UCHAR: code = "u1"; break;
    case MSIO_SHORT: code = "i2"; break;
    case MSIO_USHORT: code = "u2"; break;
    case MSIO_INT: code = "i4"; break;
    case MSIO_UINT: code = "u4"; break;
    case MSIO_INT64: code = "i8"; break;
    case MSIO_UINT64: code = "u8"; break;
    case MSIO_FLOAT: code = "f4"; break;
    case MSIO_DOUBLE: code = "f8"; break;
    case MSIO_COMPLEX: code = "c8"; break;
    case MSIO_DCOMPLEX: code = "c16"; break;
    case MSIO_STRING: snprintf(dtype.text, sizeof dtype.text, "%cU%zu", order, width ? width : 1); return dtype;
    case MSIO_TABLE:
    case MSIO_RECORD: return dtype;
    }
    snprintf(dtype.text, sizeof dtype.text, "%c%s", code[1] == '1' && code[2] == '\0' ? '|' : order, code);
    return dtype;
}

int cli_npy_header(const cli_context *cli, cli_output *output, const char *dtype, int ndim, const int64_t *shape) {
    enum { PREFIX = 10, ROUND = 64 };
    char header[512];
    int at = PREFIX, room = (int)sizeof header - ROUND;
    at += snprintf(header + at, (size_t)(room - at), "{'descr': '%s', 'fortran_order': False, 'shape': (", dtype);
    for (int i = 0; i < ndim; i++) at += snprintf(header + at, (size_t)(room - at), "%" PRId64 ", ", shape[i]);
    if (ndim > 1) at -= 2; /* (n, ) is a tuple of one, (n, m) of two */
    at += snprintf(header + at, (size_t)(room - at), "), }");
    while ((at + 1) % ROUND) header[at++] = ' ';
    header[at++] = '\n';
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)((at - PREFIX) & 0xff);
    header[9] = (char)((at - PREFIX) >> 8);
    return cli_output_write(cli, output, header, (size_t)at);
}
