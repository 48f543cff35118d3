/* casacore_helper.c - the program in which casacore reads for processes that it must not end.
 *
 * msio_casacore_helper MODULE is started by casacore_remote.c with a socket as descriptor 3. It becomes two processes:
 * one loads the module and answers, the other waits for its end and tells the signal. Neither is a child of the process
 * that asks, which need not know of them; both end when the other end of the socket is closed, but not while casacore
 * changes a table: a kill then could leave one that nobody opens.
 */
#include "io/casacore/casacore_remote.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---------------------------------------------------------------- the lock that is lent */

/* The write lock of the process that asks, on the table that is edited: the same open file description, so that it
 * lasts as long as either process has it. casacore's own request for the lock would wait for it, and is granted
 * instead. */
static int lent = -1;
static msio_casa_table *edited;

/* casacore locks by fcntl, which the linker finds here first. */
static int grant_or_pass(int fd, int command, void *argument) {
    if (lent >= 0 && (command == F_SETLK || command == F_SETLKW)) return 0;
    if (lent >= 0 && command == F_GETLK) {
        ((struct flock *)argument)->l_type = F_UNLCK;
        return 0;
    }
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

#define GRANTING(function, name)                                                                                       \
    __attribute__((visibility("default"))) int function(int fd, int command, ...) __asm__(name);                       \
    int function(int fd, int command, ...) {                                                                           \
        va_list list;                                                                                                  \
        va_start(list, command);                                                                                       \
        void *argument = va_arg(list, void *);                                                                         \
        va_end(list);                                                                                                  \
        return grant_or_pass(fd, command, argument);                                                                   \
    }
GRANTING(granting_fcntl, "fcntl")
GRANTING(granting_fcntl64, "fcntl64")

/* ---------------------------------------------------------------- zeros of new columns */

/* Set while columns are added whose zeros are to take no room. */
static int leaves_holes;
#define HOLE_BYTES 4096

static int is_zero(const char *bytes, size_t n) { return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0; }

/* Zeros at the file's place, where it has none or only holes: it is lengthened, and stays a hole there. */
static int leave_hole(int fd, size_t n) {
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) return 0;
    if (at < st.st_size) {
        off_t data = lseek(fd, at, SEEK_DATA);
        int hole = data < 0 ? errno == ENXIO : data >= at + (off_t)n;
        if (lseek(fd, at, SEEK_SET) != at || !hole) return 0;
    }
    if (at + (off_t)n > st.st_size && ftruncate(fd, at + (off_t)n)) return 0;
    return lseek(fd, (off_t)n, SEEK_CUR) >= 0;
}

/* casacore writes files by this, which the linker finds here first. */
__attribute__((visibility("default"))) ssize_t write(int fd, const void *bytes, size_t n) {
    if (leaves_holes && n >= HOLE_BYTES && is_zero(bytes, n) && leave_hole(fd, n)) return (ssize_t)n;
    return syscall(SYS_write, fd, bytes, n);
}

/* ---------------------------------------------------------------- changes that come to their end */

enum { ANSWERS, CHANGES, KILLED };
/* What the one that answers does: seen by both. */
static atomic_int *doing;
static int changes; /* begun, and not ended yet */
static const msio_casa_functions *functions_in_use;

static int turns(int from, int to) { return atomic_compare_exchange_strong(doing, &from, to); }

static void begin_change(void) {
    if (changes++ == 0 && !turns(ANSWERS, CHANGES)) _exit(0);
}
static void end_change(void) {
    if (--changes == 0) turns(CHANGES, ANSWERS);
}

static void give_lock_back(void) {
    if (lent >= 0) close(lent);
    lent = -1;
    edited = NULL;
}

/* Nobody is there any more. What casacore has put so far is written to its end, and the lock that was lent goes last.
 */
static void leave(void) {
    if (edited) functions_in_use->close(edited);
    _exit(0);
}

/* ---------------------------------------------------------------- the socket */

static void send_all(const void *bytes, size_t size) {
    const char *from = bytes;
    while (size > 0) {
        ssize_t n = send(MSIO_REMOTE_SOCKET, from, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) leave(); /* nobody listens any more */
        from += n;
        size -= (size_t)n;
    }
}

static void receive_all(void *bytes, size_t size) {
    char *to = bytes;
    while (size > 0) {
        ssize_t n = recv(MSIO_REMOTE_SOCKET, to, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) leave(); /* nobody asks any more */
        to += n;
        size -= (size_t)n;
    }
}

static int receive_descriptor(void) {
    char byte;
    int descriptor = -1;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    ssize_t n;
    do n = recvmsg(MSIO_REMOTE_SOCKET, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0) _exit(0);
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
    return descriptor;
}

/* casacore (3.5) loses the memory of some managers' tables when they are closed. */
static int64_t resident(void) {
    long long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm && fscanf(statm, "%*s %lld", &pages) != 1) pages = 0;
    if (statm) fclose(statm);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void answer(msio_status status, const void *bytes, size_t size, const msio_casa_table *table) {
    const msio_remote_reply reply = {MSIO_REMOTE_ANSWER, status, (int64_t)size, table ? resident() : 0,
                                     (uint64_t)(uintptr_t)table};
    send_all(&reply, sizeof reply);
    send_all(bytes, size);
}

static void answer_words(msio_status status, const char *words) { answer(status, words, strlen(words), NULL); }

/* ---------------------------------------------------------------- answers */

typedef struct question {
    msio_remote_request request;
    msio_casa_table *table;
    char *text;
    int64_t *list;
    char *payload;
    msio_casa_row_set rows;
    msio_casa_message message;
} question;

/* Memory for what was announced; this program ends without it, as it does where casacore dies. */
static void *room(int64_t count, size_t each) {
    size_t bytes = 0;
    void *made = count < 0 || __builtin_mul_overflow((size_t)count, each, &bytes) ? NULL : malloc(bytes + 1);
    if (!made) abort();
    return made;
}

static void answer_shapes(const msio_casa_functions *casacore, question *q) {
    const size_t each = sizeof(int64_t[MSIO_MAX_NDIM]), count = (size_t)q->request.count;
    char *both = room(q->request.count, each + 1);
    int64_t(*shapes)[MSIO_MAX_NDIM] = (void *)both;
    memset(both, 0, count * each);
    msio_status status =
        casacore->shapes(q->table, q->text, &q->rows, (int8_t *)both + count * each, shapes, &q->message);
    if (status)
        answer_words(status, q->message.text);
    else
        answer(status, both, count * (each + 1), NULL);
    free(both);
}

static void answer_read(const msio_casa_functions *casacore, question *q) {
    int64_t bad = -1;
    void *values = room(q->request.amount, 1);
    msio_status status = casacore->read(q->table, q->text, &q->rows, q->request.has_part ? &q->request.part : NULL,
                                        NULL, values, (size_t)q->request.amount, &bad, &q->message);
    if (status)
        answer_words(status, q->message.text);
    else
        answer(status, values, (size_t)q->request.amount, NULL);
    free(values);
}

typedef struct texts {
    char *bytes;
    size_t used, size;
} texts;

static int keep_text(void *user, const char *bytes, size_t length) {
    texts *t = user;
    const int64_t told = (int64_t)length;
    if (t->used + sizeof told + length > t->size) {
        size_t size = 2 * (t->used + sizeof told + length);
        char *grown = realloc(t->bytes, size);
        if (!grown) return 1;
        t->bytes = grown;
        t->size = size;
    }
    memcpy(t->bytes + t->used, &told, sizeof told);
    if (length) memcpy(t->bytes + t->used + sizeof told, bytes, length);
    t->used += sizeof told + length;
    return 0;
}

static void answer_strings(const msio_casa_functions *casacore, question *q) {
    texts t = {NULL, 0, 0};
    int64_t bad = -1;
    msio_status status =
        casacore->read_strings(q->table, q->text, &q->rows, NULL, &q->request.amount, keep_text, &t, &bad, &q->message);
    if (status)
        answer_words(status, q->message.text);
    else
        answer(status, t.bytes ? t.bytes : "", t.used, NULL);
    free(t.bytes);
}

static void answer_change(const msio_casa_functions *casacore, question *q) {
    const size_t path = strlen(q->text) + 1, all = (size_t)q->request.text_bytes;
    msio_status status = path > all ? MSIO_E_ARGUMENT : MSIO_OK;
    leaves_holes = !status && strcmp(q->text + path, MSIO_CASA_HOLES) == 0;
    begin_change();
    if (!status) status = casacore->change(q->text, q->text + path, all - path, &q->message);
    end_change();
    leaves_holes = 0;
    answer_words(status, q->message.text);
}

static msio_status edit(const msio_casa_functions *casacore, question *q) {
    if (lent < 0) return MSIO_E_LOCKED;
    begin_change(); /* until it is closed */
    msio_status status = casacore->edit(q->text, q->request.amount, &q->table, &q->message);
    edited = status ? NULL : q->table;
    if (status) give_lock_back();
    if (status) end_change();
    return status;
}

static msio_status put(const msio_casa_functions *casacore, question *q) {
    const msio_remote_request *r = &q->request;
    if (r->operation == MSIO_REMOTE_PUT_TEXTS)
        return casacore->put_texts(q->table, q->text, &q->rows, q->payload, (size_t)r->payload, &q->message);
    if (r->ndim < 0 || r->ndim > MSIO_MAX_NDIM) return MSIO_E_ARGUMENT;
    return casacore->put_cells(q->table, q->text, &q->rows, r->has_part ? &r->part : NULL, (int)r->ndim, r->shape,
                               q->payload, (size_t)r->payload, &q->message);
}

/* The lock goes with the table that it was lent for. */
static void close_table(const msio_casa_functions *casacore, msio_casa_table *table) {
    casacore->close(table);
    if (table != edited) return;
    give_lock_back();
    end_change();
}

static void answer_simple(const msio_casa_functions *casacore, question *q) {
    msio_status status = MSIO_OK;
    switch (q->request.operation) {
    case MSIO_REMOTE_OPEN: status = casacore->open(q->text, &q->table, &q->message); break;
    case MSIO_REMOTE_CLOSE: close_table(casacore, q->table); break;
    case MSIO_REMOTE_REOPEN: status = casacore->reopen(q->table, &q->message); break;
    case MSIO_REMOTE_READABLE: status = casacore->readable(q->table, q->text, &q->message); break;
    case MSIO_REMOTE_EDIT: status = edit(casacore, q); break;
    case MSIO_REMOTE_PUT:
    case MSIO_REMOTE_PUT_TEXTS: status = put(casacore, q); break;
    case MSIO_REMOTE_SETTLE: status = casacore->settle(q->table, q->request.amount != 0, &q->message); break;
    default: status = MSIO_E_ARGUMENT;
    }
    if (status)
        answer_words(status, q->message.text);
    else
        answer(status, "", 0, q->table);
}

static void serve(const msio_casa_functions *casacore) {
    functions_in_use = casacore;
    for (;;) {
        question q = {.text = NULL};
        receive_all(&q.request, sizeof q.request);
        q.text = room(q.request.text_bytes, 1);
        receive_all(q.text, (size_t)q.request.text_bytes);
        q.text[q.request.text_bytes] = '\0';
        if (q.request.has_list) {
            q.list = room(q.request.count, sizeof *q.list);
            receive_all(q.list, (size_t)q.request.count * sizeof *q.list);
        }
        if (q.request.operation == MSIO_REMOTE_EDIT) {
            lent = receive_descriptor();
        } else if (q.request.payload > 0) {
            q.payload = room(q.request.payload, 1);
            receive_all(q.payload, (size_t)q.request.payload);
        }
        q.table = (msio_casa_table *)(uintptr_t)q.request.table;
        q.rows = (msio_casa_row_set){q.request.row, q.request.step, q.request.count, q.list};
        if (q.request.operation == MSIO_REMOTE_SHAPES)
            answer_shapes(casacore, &q);
        else if (q.request.operation == MSIO_REMOTE_READ)
            answer_read(casacore, &q);
        else if (q.request.operation == MSIO_REMOTE_STRINGS)
            answer_strings(casacore, &q);
        else if (q.request.operation == MSIO_REMOTE_CHANGE)
            answer_change(casacore, &q);
        else
            answer_simple(casacore, &q);
        free(q.text);
        free(q.list);
        free(q.payload);
    }
}

/* ---------------------------------------------------------------- beginning and end */

/* Loads the module; the first answer tells whether that went well. */
static const msio_casa_functions *load(const char *path) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        answer_words(MSIO_E_CASACORE, why ? why : "the system does not say why");
        _exit(0);
    }
    msio_casacore_functions_fn *get = NULL;
    *(void **)&get = dlsym(handle, MSIO_CASA_SYMBOL);
    const msio_casa_functions *functions = get ? get() : NULL;
    if (!functions || functions->version != MSIO_CASA_VERSION || functions->struct_size != sizeof *functions) {
        answer_words(MSIO_E_CASACORE, "the casacore module belongs to another version of msio");
        _exit(0);
    }
    answer_words(MSIO_OK, functions->casacore_version());
    return functions;
}

/* What the asking process had open, and did not mean for this one; no core files of deaths that are foreseen. */
static void drop_what_was_inherited(void) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, MSIO_REMOTE_SOCKET + 1, ~0U, 0) == 0) return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = MSIO_REMOTE_SOCKET + 1; fd < (most > 0 && most < 65536 ? most : 65536); fd++) close(fd);
}

/* Waits for the worker's end, which is brought about when nobody listens any more: it may be deep in a damaged table. A
 * change that has begun comes to its end by itself. */
static int watch(pid_t worker) {
    int end = 0, alone = 0;
    struct pollfd events[2] = {{.fd = MSIO_REMOTE_SOCKET, .events = POLLRDHUP}, {.fd = -1, .events = POLLIN}};
#ifdef SYS_pidfd_open
    events[1].fd = (int)syscall(SYS_pidfd_open, worker, 0);
#endif
    for (;;) {
        pid_t ended = waitpid(worker, &end, WNOHANG);
        if (ended == worker || (ended < 0 && errno != EINTR)) return end;
        if (alone && turns(ANSWERS, KILLED)) kill(worker, SIGKILL);
        int n = poll(events, 2, alone ? 20 : events[1].fd >= 0 ? -1 : 500);
        if (n <= 0 || !events[0].revents) continue;
        alone = 1;
        events[0].fd = -1;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "msio_casacore_helper: part of msio, which starts it where casacore is needed\n");
        return 2;
    }
    drop_what_was_inherited();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, which casacore tells */
    doing = mmap(NULL, sizeof *doing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (doing == MAP_FAILED) return 1;
    pid_t self = fork();
    if (self != 0) _exit(self < 0);
    pid_t worker = fork();
    if (worker == 0) serve(load(argv[1]));
    int end = worker > 0 ? watch(worker) : 0;
    if (worker > 0 && WIFSIGNALED(end)) {
        const msio_remote_reply reply = {.kind = MSIO_REMOTE_DIED, .status = WTERMSIG(end)};
        send_all(&reply, sizeof reply);
    }
    return 0;
}
