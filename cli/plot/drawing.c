/* drawing.c - a Python that draws: started, fed and listened to. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "cli/plot/drawing.h"

#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY "ready\n"

static void close_end(int *end) {
    if (*end >= 0) close(*end);
    *end = -1;
}

/* ---------------------------------------------------------------- the program */

__attribute__((noreturn)) static void become(const char *const *arguments, const int ends[3]) {
    cli_interrupt_restore();
    for (int i = 0; i < 3; i++)
        if (dup2(ends[i], i) < 0) _exit(127);
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    dprintf(STDERR_FILENO, "%s\n", strerror(errno));
    _exit(127);
}

int cli_drawing_begin(const cli_context *cli, const char *format, const char *title, cli_drawing *drawing) {
    int in[2] = {-1, -1}, out[2] = {-1, -1}, words[2] = {-1, -1}, code = 0;
    const char *named = getenv("MSIO_PYTHON");
    drawing->python = named && *named ? named : "python3";
    const char *arguments[] = {drawing->python, "-m", "msio.plot", format, title, NULL};
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(words, O_CLOEXEC)) {
        code = cli_fail_system(cli, NULL, "no pipe can be made");
    } else {
        fflush(stdout);
        fflush(stderr);
        drawing->pid = fork();
        if (drawing->pid == 0) become(arguments, (const int[3]){in[0], out[1], words[1]});
        if (drawing->pid < 0) code = cli_fail_system(cli, NULL, "%s cannot be started", drawing->python);
    }
    close_end(&in[0]);
    close_end(&out[1]);
    close_end(&words[1]);
    drawing->to = in[1];
    drawing->from = out[0];
    drawing->words = words[0];
    if (code) drawing->pid = 0;
    return code;
}

void cli_drawing_drop(cli_drawing *drawing) {
    close_end(&drawing->to);
    close_end(&drawing->from);
    close_end(&drawing->words);
    if (drawing->pid <= 0) return;
    kill(drawing->pid, SIGKILL);
    while (waitpid(drawing->pid, NULL, 0) < 0 && errno == EINTR) {}
    drawing->pid = 0;
}

/* ---------------------------------------------------------------- what it says */

/* Takes what has come on its standard error; 0 when it has closed it. The end of it is kept. */
static int listen_to(cli_drawing *d) {
    char piece[512];
    ssize_t got = read(d->words, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return 1;
    if (got <= 0) return 0;
    const size_t more = (size_t)got, room = sizeof d->said - 1;
    if (d->length + more > room) {
        const size_t keep = room - more < d->length ? room - more : d->length;
        memmove(d->said, d->said + d->length - keep, keep);
        d->length = keep;
    }
    memcpy(d->said + d->length, piece, more);
    d->length += more;
    d->said[d->length] = '\0';
    char *ready = d->ready ? NULL : strstr(d->said, READY);
    if (ready) {
        d->ready = 1;
        d->length = 0;
        d->said[0] = '\0';
    }
    return 1;
}

int cli_drawing_ended(cli_drawing *drawing) {
    struct pollfd look = {.fd = drawing->words, .events = POLLIN};
    while (poll(&look, 1, 0) > 0)
        if (!listen_to(drawing)) return 1;
    return 0;
}

/* The last line that it said. */
static const char *last_line(cli_drawing *d) {
    while (d->length && (d->said[d->length - 1] == '\n' || d->said[d->length - 1] == ' ')) d->said[--d->length] = '\0';
    const char *line = strrchr(d->said, '\n');
    return line ? line + 1 : d->said;
}

int cli_drawing_tell(const cli_context *cli, cli_drawing *drawing) {
    while (listen_to(drawing)) {}
    const char *line = last_line(drawing);
    if (strstr(line, "No module named") && strstr(line, "matplotlib"))
        return cli_fail(cli, MSIO_E_UNSUPPORTED, NULL,
                        "plots are drawn by matplotlib, which %s does not have: pip install matplotlib, or apt install "
                        "python3-matplotlib; MSIO_PYTHON names another Python",
                        drawing->python);
    if (strstr(line, "No module named") && strstr(line, "msio"))
        return cli_fail(
            cli, MSIO_E_UNSUPPORTED, NULL,
            "plots are drawn by msio's Python package and matplotlib, and %s does not have the package: pip "
            "install it as docs/python.md tells; MSIO_PYTHON names another Python",
            drawing->python);
    return cli_fail(cli, MSIO_E_UNSUPPORTED, NULL, "%s -m msio.plot did not draw: %s", drawing->python,
                    *line ? line : "it said nothing");
}

/* ---------------------------------------------------------------- the grid and the picture */

static void put_scale(cli_json *json, const char *key, const msio_scale *s) {
    cli_json_open_array(json, key);
    cli_json_string(json, msio_axis_name(s->axis));
    cli_json_string(json, s->unit);
    cli_json_int(json, s->bins);
    cli_json_double(json, s->low);
    cli_json_double(json, s->width);
    cli_json_end(json);
}

/* As msio.plot.read wants it. 0: it takes no more. */
static int put_grid(FILE *to, const msio_density *d) {
    const size_t cells = (size_t)(d->x.bins * d->y.bins);
    cli_json json = CLI_JSON_INIT(to);
    cli_json_flat_object(&json);
    put_scale(&json, "x", &d->x);
    put_scale(&json, "y", &d->y);
    cli_json_put_bool(&json, "flagged", d->flagged != NULL);
    cli_json_put_int(&json, "rows", d->rows);
    cli_json_put_int(&json, "points", d->points);
    cli_json_put_int(&json, "outside", d->outside);
    cli_json_put_int(&json, "not_finite", d->not_finite);
    cli_json_put_int(&json, "antennas", d->antennas);
    cli_json_end(&json);
    cli_json_finish(&json);
    return fwrite(d->count, sizeof *d->count, cells, to) == cells &&
           (!d->flagged || fwrite(d->flagged, sizeof *d->flagged, cells, to) == cells);
}

static int feed(cli_drawing *drawing, const msio_density *density) {
    FILE *to = fdopen(drawing->to, "wb");
    if (!to) return 0;
    drawing->to = -1;
    const int put = put_grid(to, density);
    return fclose(to) == 0 && put;
}

/* Hands on the picture as it comes, and hears what is said meanwhile. Returns 0, or an exit code after telling. */
static int take_picture(const cli_context *cli, cli_drawing *d, cli_output *output, size_t *bytes) {
    static char piece[65536];
    struct pollfd look[2] = {{.fd = d->from, .events = POLLIN}, {.fd = d->words, .events = POLLIN}};
    while (look[0].fd >= 0) {
        if (cli_interrupted()) return CLI_INPUT;
        if (poll(look, 2, -1) < 0) continue;
        if (look[1].revents && !listen_to(d)) look[1].fd = -1;
        if (!look[0].revents) continue;
        const ssize_t got = read(d->from, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        *bytes += (size_t)got;
        const int code = cli_output_write(cli, output, piece, (size_t)got);
        if (code) return code;
    }
    return 0;
}

int cli_drawing_finish(const cli_context *cli, cli_drawing *drawing, const msio_density *density, cli_output *output) {
    int status = 0;
    size_t bytes = 0;
    if (!feed(drawing, density)) return cli_interrupted() ? CLI_INPUT : cli_drawing_tell(cli, drawing);
    const int code = take_picture(cli, drawing, output, &bytes);
    if (code) return code;
    pid_t ended;
    while ((ended = waitpid(drawing->pid, &status, 0)) < 0 && errno == EINTR && !cli_interrupted()) {}
    if (ended < 0) return CLI_INPUT;
    drawing->pid = 0;
    return status == 0 && bytes ? 0 : cli_drawing_tell(cli, drawing);
}
