/* uvh5_lenient.h - header fields that another type holds than the memo says: numbers as texts and the reverse, as far
 * as they mean the same. */
#ifndef MSIO_IO_UVH5_LENIENT_H
#define MSIO_IO_UVH5_LENIENT_H

#include "io/uvh5/uvh5_fields.h"

/* Texts of a field's numbers, as Python's str writes them ("7", "1.0", "True"): its count. NULL after a failure. */
const char *const *msio_uvh5_texts_of(msio_uvh5_fields *f, const msio_field *field);

/* A list of bytes that stands for one text; NULL after a failure. */
const char *msio_uvh5_text_of_bytes(msio_uvh5_fields *f, const msio_field *field);

/* The number that a text is, spaces around it allowed. */
bool msio_uvh5_number_of_text(const char *text, double *number);

/* 1 or 0 where a text says so ("True", "false", "yes", "0", ...); -1: it says neither. */
int msio_uvh5_truth_of_text(const char *text);

/* Degrees and metres above WGS84's ellipsoid of a place in ITRF (m). */
void msio_uvh5_geodetic(const double place[3], double *latitude, double *longitude, double *altitude);

#endif
