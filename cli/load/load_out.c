/* load_out.c - `msio load` into files: npy, one an array, or one HDF5 file of all. */
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/load/load_run.h"
#include "cli/output/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CLI_WRITE_BYTES ((size_t)16 << 20) /* at a time: between them Ctrl-C is seen */

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static int is_npy(const char *out) { return ends_with(out, ".npy"); }
static int is_hdf5(const char *out) { return ends_with(out, ".h5") || ends_with(out, ".hdf5"); }

/* The file of one array, to be freed: x.npy, or of several x.visdata.npy and so on. */
static char *npy_path(const char *out, unsigned what, const char *array) {
    if (!(what & (what - 1))) return cli_copy(out);
    size_t stem = strlen(out) - strlen(".npy"), size = stem + strlen(array) + sizeof "..npy";
    char *path = cli_alloc(size);
    snprintf(path, size, "%.*s.%s.npy", (int)stem, out, array);
    return path;
}

/* A device or a pipe is written to; a file stays unless --force is given. */
static int check_place(const cli_context *cli, const char *path, int force) {
    struct stat there;
    if (stat(path, &there)) return 0;
    if (S_ISDIR(there.st_mode)) return cli_fail(cli, MSIO_E_IO, path, "--out names a folder; name a file");
    if (force || (!S_ISREG(there.st_mode) && is_npy(path))) return 0;
    return cli_fail(cli, MSIO_E_IO, path, "a file stands there, and stays as it is; --force replaces it");
}

int cli_load_out_check(const cli_context *cli, const cli_load_wishes *wishes, unsigned what) {
    static const msio_subbands nothing;
    int code = 0;
    if (is_hdf5(wishes->out)) return check_place(cli, wishes->out, wishes->force);
    if (!is_npy(wishes->out))
        return cli_usage(cli, "--out wants a name that ends with .npy or .h5, not \"%s\"", wishes->out);
    for (int i = 0; i < CLI_LOAD_ARRAYS && !code; i++) {
        if (!(what & 1u << i)) continue;
        char *path = npy_path(wishes->out, what, cli_load_array_of(&nothing, i).name);
        code = check_place(cli, path, wishes->force);
        free(path);
    }
    return code;
}

static int write_npy(const cli_context *cli, const char *path, const msio_subbands *loaded,
                     const cli_load_array *array) {
    cli_output output = CLI_OUTPUT_INIT;
    cli_dtype dtype = cli_npy_dtype(array->type, 0);
    int code = cli_output_open(cli, path, &output);
    if (!code) code = cli_npy_header(cli, &output, dtype.text, loaded->ndim, loaded->shape);
    for (size_t at = 0; at < array->bytes && !code; at += CLI_WRITE_BYTES) {
        size_t bytes = array->bytes - at < CLI_WRITE_BYTES ? array->bytes - at : CLI_WRITE_BYTES;
        code = cli_interrupted() ? CLI_INPUT : cli_output_write(cli, &output, (const char *)array->data + at, bytes);
    }
    if (!code) code = cli_output_finish(cli, &output);
    cli_output_drop(&output);
    return code;
}

int cli_load_out_write(const cli_context *cli, const cli_load_wishes *wishes, unsigned what,
                       const msio_subbands *loaded) {
    int code = 0;
    if (is_hdf5(wishes->out))
        return msio_subbands_write(loaded, wishes->out, wishes->force) ? cli_fail_status(cli, wishes->out) : 0;
    for (int i = 0; i < CLI_LOAD_ARRAYS && !code; i++) {
        cli_load_array array = cli_load_array_of(loaded, i);
        if (!(what & 1u << i)) continue;
        char *path = npy_path(wishes->out, what, array.name);
        code = write_npy(cli, path, loaded, &array);
        free(path);
    }
    return code;
}
