/* npy_read.c - numpy's .npy files, read by rows (numpy/lib/format.py tells the format). */
#include "cli/change/npy_read.h"

#include "cli/change/change.h"
#include "cli/common/failure.h"
#include "cli/output/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_MOST 65536
/* Bytes of a column of a Fortran array that are read at once. */
#define SCRATCH ((size_t)1 << 20)

static int read_at(const cli_context *cli, const cli_npy *npy, void *out, size_t bytes, int64_t at) {
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(npy->fd, (char *)out + done, bytes - done, (off_t)(at + (int64_t)done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return cli_fail_system(cli, npy->path, "the file cannot be read");
        if (got == 0)
            return cli_fail(cli, MSIO_E_FORMAT, npy->path, "the file ends at byte %" PRId64 ", before its array does",
                            at + (int64_t)done);
        done += (size_t)got;
    }
    return 0;
}

static int read_header(const cli_context *cli, cli_npy *npy) {
    unsigned char head[12];
    int code = read_at(cli, npy, head, 10, 0);
    if (code) return code;
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return cli_fail(cli, MSIO_E_FORMAT, npy->path, "this is no .npy file: numpy's mark is not at its begin");
    if (head[6] < 1 || head[6] > 3)
        return cli_fail(cli, MSIO_E_UNSUPPORTED, npy->path, "version %d of .npy is not known: 1 to 3 are", head[6]);
    size_t wide = head[6] > 1 ? 4 : 2, length = (size_t)head[8] | (size_t)head[9] << 8;
    if (wide == 4) {
        if ((code = read_at(cli, npy, head, 12, 0))) return code;
        length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    if (length > HEADER_MOST)
        return cli_fail(cli, MSIO_E_FORMAT, npy->path, "its header claims %zu bytes, %d at most are read", length,
                        HEADER_MOST);
    char *text = cli_alloc(length + 1);
    npy->data = (int64_t)(8 + wide + length);
    code = read_at(cli, npy, text, length, (int64_t)(8 + wide));
    text[length] = '\0';
    const char *wrong = code ? NULL : cli_npy_parse(text, npy);
    free(text);
    return wrong ? cli_fail(cli, MSIO_E_FORMAT, npy->path, "%s", wrong) : code;
}

int cli_npy_open(const cli_context *cli, const char *path, cli_npy *npy) {
    struct stat there;
    npy->path = path;
    npy->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (npy->fd < 0) return cli_fail_system(cli, path, "the file cannot be read");
    if (fstat(npy->fd, &there) || !S_ISREG(there.st_mode))
        return cli_fail(cli, MSIO_E_IO, path, "this is no regular file");
    return read_header(cli, npy);
}

void cli_npy_close(cli_npy *npy) {
    if (npy->fd >= 0) close(npy->fd);
    npy->fd = -1;
}

int cli_npy_wants(const cli_context *cli, cli_npy *npy, msio_type type, const char *column) {
    struct stat there;
    char message[512];
    cli_dtype own = cli_npy_dtype(type, 0);
    char order = npy->dtype[0];
    if (strcmp(npy->dtype + (order != '\0'), own.text + 1) != 0 || !strchr("<>=|", order)) {
        snprintf(message, sizeof message, "it holds %s, column %s holds %s (%s); convert it first: a.astype('%s')",
                 npy->dtype, column, own.text, msio_type_name(type), own.text);
        return cli_change_refuse(cli, MSIO_E_ARGUMENT, npy->path, message);
    }
    npy->type = type;
    npy->element = msio_type_size(type);
    npy->unit = type == MSIO_COMPLEX || type == MSIO_DCOMPLEX ? npy->element / 2 : npy->element;
    npy->swapped = (order == '<' || order == '>') && order != own.text[0] && npy->unit > 1;
    int64_t bytes = (int64_t)npy->element;
    for (int i = 0; i < npy->ndim; i++)
        if (__builtin_mul_overflow(bytes, npy->shape[i], &bytes))
            return cli_fail(cli, MSIO_E_FORMAT, npy->path, "its shape has more elements than can be counted");
    if (fstat(npy->fd, &there)) return cli_fail_system(cli, npy->path, "the file cannot be read");
    if (there.st_size - npy->data < bytes)
        return cli_fail(cli, MSIO_E_FORMAT, npy->path,
                        "it is cut short: %" PRId64 " bytes of the array are there, its header says %" PRId64,
                        (int64_t)there.st_size - npy->data, bytes);
    return 0;
}

/* ---------------------------------------------------------------- rows */

/* Numbers of `unit` bytes turned to the other byte order. */
static void swap(unsigned char *bytes, size_t count, size_t unit) {
    for (size_t i = 0; i < count; i++, bytes += unit)
        for (size_t k = 0; k < unit / 2; k++) {
            unsigned char other = bytes[k];
            bytes[k] = bytes[unit - 1 - k];
            bytes[unit - 1 - k] = other;
        }
}

/* Rows of an array whose first axis is the fastest: each place of a cell is a column of the file. */
static int gather(const cli_context *cli, const cli_npy *npy, int64_t first, int64_t rows, size_t places, char *out) {
    size_t element = npy->element, most = SCRATCH / element;
    char *scratch = cli_alloc(SCRATCH);
    int code = 0;
    for (size_t place = 0; place < places && !code; place++) {
        /* the place in C order, as one in Fortran order */
        int64_t rest = (int64_t)place, step = 1, column = 0, of_all = (int64_t)places;
        for (int axis = 1; axis < npy->ndim; axis++) {
            of_all /= npy->shape[axis];
            column += rest / of_all * step;
            rest %= of_all;
            step *= npy->shape[axis];
        }
        for (int64_t at = 0; at < rows && !code; at += (int64_t)most) {
            size_t count = rows - at < (int64_t)most ? (size_t)(rows - at) : most;
            int64_t from = npy->data + (column * npy->shape[0] + first + at) * (int64_t)element;
            code = read_at(cli, npy, scratch, count * element, from);
            char *to = out + ((size_t)at * places + place) * element;
            for (size_t i = 0; i < count && !code; i++)
                memcpy(to + i * places * element, scratch + i * element, element);
        }
    }
    free(scratch);
    return code;
}

int cli_npy_rows(const cli_context *cli, const cli_npy *npy, int64_t first, int64_t rows, void *out) {
    size_t places = 1, elements;
    int code;
    for (int i = 1; i < npy->ndim; i++) places *= (size_t)npy->shape[i];
    elements = (size_t)rows * places;
    if (elements == 0) return 0;
    if (npy->fortran && npy->ndim > 1)
        code = gather(cli, npy, first, rows, places, out);
    else
        code = read_at(cli, npy, out, elements * npy->element, npy->data + first * (int64_t)(places * npy->element));
    if (code) return code;
    if (npy->swapped) swap(out, elements * npy->element / npy->unit, npy->unit);
    unsigned char *truth = out;
    for (size_t i = 0; npy->type == MSIO_BOOL && i < elements; i++) truth[i] = truth[i] != 0;
    return 0;
}
