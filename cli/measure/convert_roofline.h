/* convert_roofline.h - the fastest that a conversion could have been. */
#ifndef MSIO_CLI_CONVERT_ROOFLINE_H
#define MSIO_CLI_CONVERT_ROOFLINE_H

#include "cli/load/load_input.h"

/* Seconds in which all threads read the input's files (of a Measurement Set those of its main table), and write so many
 * bytes into new files beside the target, which have no names. -1: unknown, as without room for them. */
double cli_convert_roofline(const cli_context *cli, const char *out, const cli_load_input *input, int64_t written);

#endif
