/* numbers.h - numbers as files hold them, turned into the types that are delivered. */
#ifndef MSIO_CORE_NUMBERS_H
#define MSIO_CORE_NUMBERS_H

#include "core/box.h"

/* How a stored number becomes bytes. */
typedef enum msio_number_kind { MSIO_NUMBER_SIGNED, MSIO_NUMBER_UNSIGNED, MSIO_NUMBER_FLOAT } msio_number_kind;

/* A stored element: one number, or two (real, imaginary) side by side. */
typedef struct msio_number {
    msio_number_kind kind;
    int bytes;     /* of one number: 1, 2, 4, 8 (floats 4, 8) */
    int parts;     /* 1, or 2: complex */
    bool swapped;  /* not in this machine's byte order */
    bool is_truth; /* an enumeration of FALSE and TRUE: delivered as MSIO_BOOL, 1 for all but 0 */
} msio_number;

/* The type that holds the stored numbers: exactly, but for complex numbers of 64-bit integers, which become
 * MSIO_DCOMPLEX. Complex integers of up to 16 bits become MSIO_COMPLEX, of 32 bits MSIO_DCOMPLEX. */
msio_type msio_number_type(const msio_number *number);

/* Whether such numbers are delivered as `type` on request: real ones as the type that holds them, as MSIO_FLOAT and
 * MSIO_DOUBLE (rounded to nearest), and integers and truths as MSIO_BOOL (0, else 1); complex ones as MSIO_COMPLEX and
 * MSIO_DCOMPLEX. */
bool msio_number_becomes(const msio_number *number, msio_type type);

/* Whether delivery is a copy of the bytes, or a change of their order alone: then msio_box_copy does it (elem: all
 * parts' bytes, unit: one part's). A truth of one byte is none of these: a stored 2 must become 1. */
bool msio_number_copies(const msio_number *number, msio_type type);

/* Copies a box of stored numbers to elements of `type`, which they must become; src strides of the box count stored
 * bytes, dst strides delivered ones (and may be negative). No alignment is needed. */
void msio_box_convert(const msio_box *box, const msio_number *number, msio_type type, const void *src, void *dst);

#endif
