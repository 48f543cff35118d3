/* types.c - names and sizes: statuses, element types, the version. */
#include "msio/core.h"

const char *msio_version(void) { return MSIO_VERSION_STRING; }

const char *msio_status_name(msio_status status) {
    switch (status) {
    case MSIO_OK: return "OK";
    case MSIO_END: return "END";
    case MSIO_E_ARGUMENT: return "E_ARGUMENT";
    case MSIO_E_MEMORY: return "E_MEMORY";
    case MSIO_E_NOT_FOUND: return "E_NOT_FOUND";
    case MSIO_E_IO: return "E_IO";
    case MSIO_E_FORMAT: return "E_FORMAT";
    case MSIO_E_UNSUPPORTED: return "E_UNSUPPORTED";
    case MSIO_E_NO_COLUMN: return "E_NO_COLUMN";
    case MSIO_E_RANGE: return "E_RANGE";
    case MSIO_E_SHAPE: return "E_SHAPE";
    case MSIO_E_UNDEFINED: return "E_UNDEFINED";
    case MSIO_E_SIZE: return "E_SIZE";
    case MSIO_E_LOCKED: return "E_LOCKED";
    case MSIO_E_CHANGED: return "E_CHANGED";
    case MSIO_E_CANCELLED: return "E_CANCELLED";
    case MSIO_E_CASACORE: return "E_CASACORE";
    case MSIO_E_INTERRUPTED: return "E_INTERRUPTED";
    }
    return "UNKNOWN";
}

size_t msio_type_size(msio_type type) {
    switch (type) {
    case MSIO_BOOL:
    case MSIO_CHAR:
    case MSIO_UCHAR: return 1;
    case MSIO_SHORT:
    case MSIO_USHORT: return 2;
    case MSIO_INT:
    case MSIO_UINT:
    case MSIO_FLOAT: return 4;
    case MSIO_DOUBLE:
    case MSIO_COMPLEX:
    case MSIO_INT64:
    case MSIO_UINT64: return 8;
    case MSIO_DCOMPLEX: return 16;
    case MSIO_STRING:
    case MSIO_TABLE:
    case MSIO_RECORD: return 0;
    }
    return 0;
}

const char *msio_type_name(msio_type type) {
    switch (type) {
    case MSIO_BOOL: return "Bool";
    case MSIO_CHAR: return "Char";
    case MSIO_UCHAR: return "uChar";
    case MSIO_SHORT: return "Short";
    case MSIO_USHORT: return "uShort";
    case MSIO_INT: return "Int";
    case MSIO_UINT: return "uInt";
    case MSIO_FLOAT: return "Float";
    case MSIO_DOUBLE: return "Double";
    case MSIO_COMPLEX: return "Complex";
    case MSIO_DCOMPLEX: return "DComplex";
    case MSIO_STRING: return "String";
    case MSIO_TABLE: return "Table";
    case MSIO_RECORD: return "Record";
    case MSIO_INT64: return "Int64";
    case MSIO_UINT64: return "uInt64";
    }
    return "unknown";
}
