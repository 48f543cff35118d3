/* casacore_remote.c - asking casacore in a process of its own. */
#include "io/casacore/casacore_remote.h"

#include "core/error.h"
#include "core/lock.h"
#include "io/casacore/casacore_module.h"
#include "io/lock/lock_registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Bytes that one answer holds: the helper keeps them in memory before it sends them. */
#define MOST_BYTES ((int64_t)16 << 20)

/* A helper that holds more memory than this is replaced before it opens another table: casacore loses some. */
#define MOST_RESIDENT ((int64_t)256 << 20)

/* Guards what follows: one request at a time. */
static msio_lengthy mutex = MSIO_LENGTHY_INIT;
static unsigned owner; /* msio_forks() of the process that started the helper */
static int channel = -1;
static uint64_t generation = 1; /* of the helper: tables of an earlier one are opened again */
static int64_t resident;        /* bytes that it held when it last opened a table */
static bool has_opened;         /* it has opened tables, which casacore keeps as they were */
static bool missing;            /* there is no helper beside the module */
static bool fresh;              /* the helper was asked nothing yet: it has no table open */

static _Thread_local bool last_died;

struct msio_remote_table {
    char *path;
    uint64_t generation, handle;
};

bool msio_remote_died(void) { return last_died; }

/* ---------------------------------------------------------------- the helper */

/* It ends, whoever else has a copy of the socket. */
static void forget(void) {
    if (channel >= 0 && owner == msio_forks()) shutdown(channel, SHUT_RDWR);
    if (channel >= 0) close(channel);
    channel = -1;
    resident = 0;
    has_opened = false;
    generation++;
}

/* A child of fork has no share in its parent's helper, in which a question may be under way. */
static void take(void) {
    msio_lengthy_lock(&mutex);
    if (owner == msio_forks()) return;
    forget();
    owner = msio_forks();
}

static bool helper_path(char module[PATH_MAX], char helper[PATH_MAX]) {
    if (msio_casacore_module_path(module)) return false;
    const char *slash = strrchr(module, '/');
    int folder = slash ? (int)(slash - module) : 1;
    int length = snprintf(helper, PATH_MAX, "%.*s/%s", folder, slash ? module : ".", MSIO_REMOTE_FILE);
    return length < PATH_MAX && access(helper, X_OK) == 0 && access(module, R_OK) == 0;
}

/* Signals as they are by default, no standard streams (casacore's words come with its exceptions), no terminal. */
static bool spawn(const char *helper, const char *module, int socket) {
    char *const arguments[] = {(char *)(uintptr_t)MSIO_REMOTE_FILE, (char *)(uintptr_t)module, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    pid_t child = 0;
    sigfillset(&all);
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions)) return false;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    bool made =
        !posix_spawn_file_actions_adddup2(&actions, socket, MSIO_REMOTE_SOCKET) &&
        !posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) &&
        !posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) &&
        !posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) &&
        !posix_spawnattr_setsigdefault(&attributes, &all) && !posix_spawnattr_setsigmask(&attributes, &none) &&
        !posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID) &&
        !posix_spawn(&child, helper, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (!made) return false;
    int status = 0; /* it goes on in a child of its own, and ends at once */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return true;
}

static bool receive_all(void *bytes, size_t size) {
    char *to = bytes;
    while (size > 0) {
        ssize_t n = recv(channel, to, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        to += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_all(const void *bytes, size_t size) {
    const char *from = bytes;
    while (size > 0) {
        ssize_t n = send(channel, from, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        from += n;
        size -= (size_t)n;
    }
    return true;
}

/* Starts the helper unless it runs. With the mutex held. */
static bool start(void) {
    char module[PATH_MAX], helper[PATH_MAX];
    int ends[2];
    if (channel >= 0) return true;
    if (missing) return false;
    if (!helper_path(module, helper)) {
        missing = true;
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) return false;
    bool started = spawn(helper, module, ends[1]);
    close(ends[1]);
    channel = ends[0];
    msio_remote_reply hello;
    char version[64];
    started = started && receive_all(&hello, sizeof hello) && hello.kind == MSIO_REMOTE_ANSWER && !hello.status &&
              hello.bytes >= 0 && hello.bytes < (int64_t)sizeof version && receive_all(version, (size_t)hello.bytes);
    if (!started) forget();
    fresh = started;
    return started;
}

bool msio_remote_ready(void) {
    last_died = false;
    take();
    bool ready = start();
    msio_lengthy_unlock(&mutex);
    return ready;
}

/* ---------------------------------------------------------------- one question */

typedef struct question {
    msio_remote_request request;
    const char *text;
    const int64_t *list;
    const void *payload;
    int lent;       /* EDIT: the descriptor that goes with it */
    bool unstopped; /* nobody is asked whether to go on */
    void *out;      /* of the answer: out_bytes, or NULL: memory is made for it */
    size_t out_bytes;
    void *made; /* to be freed */
    uint64_t table;
} question;

/* casacore is gone, or no longer understood. */
static msio_status lost(int signal_number, msio_casa_message *message) {
    forget();
    last_died = true;
    const bool proc = access("/proc/meminfo", R_OK) == 0;
    char how[100] = "";
    if (signal_number) snprintf(how, sizeof how, " by signal %d (%s)", signal_number, strsignal(signal_number));
    snprintf(message->text, sizeof message->text,
             "casacore ended%s while it looked at this, in a process of its own; %s", how,
             proc ? "the table's files are damaged, or it has a fault"
                  : "/proc is not mounted, and casacore needs it: mount it, or read columns that msio reads natively");
    return MSIO_E_CASACORE;
}

/* Waits for the answer's begin, and asks meanwhile whether the caller still wants it. */
static bool wanted_until_answered(bool unstopped) {
    struct pollfd wait = {.fd = channel, .events = POLLIN};
    for (;;) {
        int n = poll(&wait, 1, 50);
        if (n > 0 || (n < 0 && errno != EINTR)) return true;
        if (!unstopped && msio_waits_asked()) return false;
    }
}

/* One byte, and a descriptor that is the other process's, too, from then on. */
static bool send_descriptor(int descriptor) {
    char byte = 0;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    control.head =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), &descriptor, sizeof descriptor);
    ssize_t n;
    do n = sendmsg(channel, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

static bool send_question(const question *q) {
    return send_all(&q->request, sizeof q->request) && send_all(q->text, (size_t)q->request.text_bytes) &&
           (!q->list || send_all(q->list, (size_t)q->request.count * sizeof *q->list)) &&
           (q->request.operation == MSIO_REMOTE_EDIT ? send_descriptor(q->lent)
                                                     : send_all(q->payload, (size_t)q->request.payload));
}

/* The answer's begin; *status is the call's. False: it is all that there is. */
static bool begin_answer(const question *q, msio_remote_reply *reply, msio_status *status, msio_casa_message *message) {
    *status = MSIO_OK;
    if (!send_question(q)) {
        /* the end's cause may be there to be read */
    } else if (!wanted_until_answered(q->unstopped)) {
        forget();
        snprintf(message->text, sizeof message->text, "the wait for it was stopped");
        *status = MSIO_E_CANCELLED;
        return false;
    }
    if (!receive_all(reply, sizeof *reply)) *reply = (msio_remote_reply){.kind = MSIO_REMOTE_DIED};
    if (reply->kind == MSIO_REMOTE_ANSWER && reply->bytes >= 0) return true;
    *status = lost(reply->kind == MSIO_REMOTE_DIED ? reply->status : 0, message);
    return false;
}

static msio_status take_words(const msio_remote_reply *reply, msio_casa_message *message) {
    if (reply->bytes >= (int64_t)sizeof message->text || !receive_all(message->text, (size_t)reply->bytes))
        return lost(0, message);
    message->text[reply->bytes] = '\0';
    return reply->status;
}

/* Asks. With the mutex held and the helper running. */
static msio_status ask(question *q, msio_casa_message *message) {
    msio_remote_reply reply;
    msio_status status = MSIO_OK;
    fresh = false;
    if (!begin_answer(q, &reply, &status, message)) return status;
    if (reply.status) return take_words(&reply, message);
    q->table = reply.table;
    if (reply.resident) resident = reply.resident;
    if (q->out && (size_t)reply.bytes != q->out_bytes) return lost(0, message);
    if (!q->out && reply.bytes > 0) {
        q->out = q->made = malloc((size_t)reply.bytes);
        q->out_bytes = (size_t)reply.bytes;
        if (!q->made) { /* what was not read would be taken for the next answer */
            forget();
            snprintf(message->text, sizeof message->text, "no memory for its answer");
            return MSIO_E_MEMORY;
        }
    }
    return receive_all(q->out, q->out ? q->out_bytes : 0) ? MSIO_OK : lost(0, message);
}

static void set_text(question *q, const char *text) {
    q->text = text;
    q->request.text_bytes = (int32_t)strlen(text) + 1;
}

/* Opens the table in the present helper, if that has not been done. With the mutex held. */
static msio_status bring(msio_remote_table *table, msio_casa_message *message) {
    if (!start()) {
        snprintf(message->text, sizeof message->text, "the program %s cannot be started any more", MSIO_REMOTE_FILE);
        return MSIO_E_CASACORE;
    }
    if (table->generation == generation) return MSIO_OK;
    if (resident > MOST_RESIDENT) {
        forget();
        return bring(table, message);
    }
    question q = {.request = {.operation = MSIO_REMOTE_OPEN}};
    set_text(&q, table->path);
    msio_status status = ask(&q, message);
    free(q.made);
    if (status) return status;
    table->handle = q.table;
    table->generation = generation;
    has_opened = true;
    return MSIO_OK;
}

static msio_status ask_about(msio_remote_table *table, question *q, msio_casa_message *message) {
    last_died = false;
    take();
    msio_status status = bring(table, message);
    q->request.table = table->handle;
    if (!status) status = ask(q, message);
    msio_lengthy_unlock(&mutex);
    return status;
}

/* ---------------------------------------------------------------- tables */

msio_status msio_remote_open(const char *path, void **table, msio_casa_message *message) {
    msio_remote_table *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->path = strdup(path))) {
        free(opened);
        snprintf(message->text, sizeof message->text, "no memory to open a table");
        return MSIO_E_MEMORY;
    }
    last_died = false;
    take();
    msio_status status = bring(opened, message);
    msio_lengthy_unlock(&mutex);
    if (status) {
        free(opened->path);
        free(opened);
        return status;
    }
    *table = opened;
    return MSIO_OK;
}

/* Closes the table in the helper, if that has it; the next call opens it again. */
static void put_away(msio_remote_table *table) {
    msio_casa_message message;
    take();
    if (channel >= 0 && table->generation == generation) {
        question q = {.request = {.operation = MSIO_REMOTE_CLOSE, .table = table->handle}};
        set_text(&q, "");
        ask(&q, &message);
        free(q.made);
    }
    table->generation = 0;
    msio_lengthy_unlock(&mutex);
}

void msio_remote_close(void *table) {
    msio_remote_table *closed = table;
    if (!closed) return;
    put_away(closed);
    free(closed->path);
    free(closed);
}

msio_status msio_remote_reopen(void *table, msio_casa_message *message) {
    msio_remote_table *stale = table;
    question q = {.request = {.operation = MSIO_REMOTE_REOPEN}};
    set_text(&q, "");
    last_died = false;
    take();
    if (resident > MOST_RESIDENT) forget();
    const bool afresh = stale->generation != generation;
    msio_status status = bring(stale, message);
    q.request.table = stale->handle;
    if (!status && !afresh) status = ask(&q, message);
    msio_lengthy_unlock(&mutex);
    free(q.made);
    if (status) put_away(stale); /* the helper closed it, and could not open it again */
    return status;
}

msio_status msio_remote_readable(void *table, const char *column, msio_casa_message *message) {
    question q = {.request = {.operation = MSIO_REMOTE_READABLE}};
    set_text(&q, column);
    msio_status status = ask_about(table, &q, message);
    free(q.made);
    return status;
}

/* ---------------------------------------------------------------- cells */

static void set_rows(question *q, const msio_casa_row_set *rows, int64_t from, int64_t count) {
    q->list = rows->list ? rows->list + from : NULL;
    q->request.has_list = rows->list != NULL;
    q->request.row = rows->row + from * rows->step;
    q->request.step = rows->step;
    q->request.count = count;
}

msio_status msio_remote_shapes(void *table, const char *column, const msio_casa_row_set *rows, int8_t *ndims,
                               int64_t (*shapes)[MSIO_MAX_NDIM], msio_casa_message *message) {
    const size_t each = sizeof *shapes, count = (size_t)rows->count;
    question q = {.request = {.operation = MSIO_REMOTE_SHAPES}};
    set_text(&q, column);
    set_rows(&q, rows, 0, rows->count);
    msio_status status = ask_about(table, &q, message);
    if (!status && q.out_bytes != count * (each + 1)) status = MSIO_E_CASACORE;
    if (!status && count) {
        memcpy(shapes, q.made, count * each);
        memcpy(ndims, (char *)q.made + count * each, count);
    }
    free(q.made);
    return status;
}

msio_status msio_remote_read(void *table, const char *column, const msio_casa_row_set *rows, const msio_casa_part *part,
                             void *out, size_t out_bytes, msio_casa_message *message) {
    if (rows->count <= 0) return MSIO_OK;
    const int64_t row_bytes = (int64_t)out_bytes / rows->count;
    const int64_t most = row_bytes > 0 && MOST_BYTES / row_bytes < rows->count ? MOST_BYTES / row_bytes : rows->count;
    const int64_t block = most > 0 ? most : 1;
    msio_status status = MSIO_OK;
    for (int64_t from = 0; from < rows->count && !status; from += block) {
        const int64_t count = rows->count - from < block ? rows->count - from : block;
        question q = {.request = {.operation = MSIO_REMOTE_READ, .amount = count * row_bytes},
                      .out = (char *)out + from * row_bytes,
                      .out_bytes = (size_t)(count * row_bytes)};
        set_text(&q, column);
        set_rows(&q, rows, from, count);
        q.request.has_part = part != NULL;
        if (part) q.request.part = *part;
        status = ask_about(table, &q, message);
    }
    return status;
}

static msio_status hand_over(const question *q, int64_t count, msio_casa_text_sink *sink, void *user,
                             msio_casa_message *message) {
    const char *from = q->made, *end = from ? from + q->out_bytes : NULL;
    for (int64_t i = 0; i < count; i++) {
        int64_t length = -1;
        if (end - from >= (ptrdiff_t)sizeof length) memcpy(&length, from, sizeof length);
        if (length < 0 || length > end - from - (ptrdiff_t)sizeof length) {
            snprintf(message->text, sizeof message->text, "casacore delivered fewer strings than the cell has");
            return MSIO_E_CASACORE;
        }
        if (sink(user, from + sizeof length, (size_t)length)) {
            snprintf(message->text, sizeof message->text, "no memory for the strings of the answer");
            return MSIO_E_MEMORY;
        }
        from += (ptrdiff_t)sizeof length + length;
    }
    return MSIO_OK;
}

msio_status msio_remote_strings(void *table, const char *column, int64_t row, int64_t count, msio_casa_text_sink *sink,
                                void *user, msio_casa_message *message) {
    question q = {.request = {.operation = MSIO_REMOTE_STRINGS, .row = row, .step = 1, .count = 1, .amount = count}};
    set_text(&q, column);
    msio_status status = ask_about(table, &q, message);
    if (!status) status = hand_over(&q, count, sink, user, message);
    free(q.made);
    return status;
}

/* ---------------------------------------------------------------- changes */

msio_status msio_remote_change(const char *path, const char *orders, size_t bytes, msio_casa_message *message) {
    const size_t length = strlen(path) + 1;
    char *text = bytes < INT32_MAX / 2 ? malloc(length + bytes) : NULL;
    question q = {.request = {.operation = MSIO_REMOTE_CHANGE, .text_bytes = (int32_t)(length + bytes)}, .text = text};
    if (!text) {
        snprintf(message->text, sizeof message->text, "no memory to ask for it");
        return MSIO_E_MEMORY;
    }
    memcpy(text, path, length);
    memcpy(text + length, orders, bytes);
    last_died = false;
    take();
    if (!fresh) forget(); /* tables that it has open would keep their locks and columns */
    msio_status status = MSIO_E_CASACORE;
    if (start())
        status = ask(&q, message);
    else
        snprintf(message->text, sizeof message->text, "the program %s cannot be started", MSIO_REMOTE_FILE);
    forget();
    msio_lengthy_unlock(&mutex);
    if (!status) {
        const size_t said = q.made && q.out_bytes < sizeof message->text ? q.out_bytes : 0;
        if (said) memcpy(message->text, q.made, said);
        message->text[said] = '\0';
    }
    free(q.made);
    free(text);
    return status;
}

/* ---------------------------------------------------------------- cells that are put */

msio_status msio_remote_edit(const char *path, int lock, int64_t bytes, void **table, msio_casa_message *message) {
    msio_remote_table *opened = calloc(1, sizeof *opened);
    question q = {
        .request = {.operation = MSIO_REMOTE_EDIT, .amount = bytes, .payload = 1}, .lent = lock, .unstopped = true};
    if (!opened || !(opened->path = strdup(path))) {
        free(opened);
        snprintf(message->text, sizeof message->text, "no memory to open a table");
        return MSIO_E_MEMORY;
    }
    set_text(&q, path);
    last_died = false;
    take();
    if (has_opened) forget();
    msio_status status = MSIO_E_CASACORE;
    if (start())
        status = ask(&q, message);
    else
        snprintf(message->text, sizeof message->text, "the program %s cannot be started", MSIO_REMOTE_FILE);
    opened->handle = q.table;
    opened->generation = generation;
    msio_lengthy_unlock(&mutex);
    free(q.made);
    if (status) {
        free(opened->path);
        free(opened);
        return status;
    }
    *table = opened;
    return MSIO_OK;
}

/* Of a table that is being edited: with a helper that was ended since, what it had not written is lost. */
static msio_status ask_editing(msio_remote_table *table, question *q, msio_casa_message *message) {
    msio_status status = MSIO_E_CASACORE;
    q->unstopped = true;
    q->request.table = table->handle;
    last_died = false;
    take();
    if (channel >= 0 && table->generation == generation)
        status = ask(q, message);
    else
        snprintf(message->text, sizeof message->text, "its process ended; what it had not written is lost");
    msio_lengthy_unlock(&mutex);
    free(q->made);
    return status;
}

msio_status msio_remote_put(void *table, const char *column, const msio_casa_row_set *rows, const msio_casa_part *part,
                            int ndim, const int64_t *shape, const void *values, size_t bytes,
                            msio_casa_message *message) {
    question q = {.request = {.operation = MSIO_REMOTE_PUT, .payload = (int64_t)bytes, .ndim = ndim},
                  .payload = values};
    if (ndim > 0) memcpy(q.request.shape, shape, (size_t)ndim * sizeof *shape);
    set_text(&q, column);
    set_rows(&q, rows, 0, rows->count);
    q.request.has_part = part != NULL;
    if (part) q.request.part = *part;
    return ask_editing(table, &q, message);
}

msio_status msio_remote_put_texts(void *table, const char *column, const msio_casa_row_set *rows, const char *texts,
                                  size_t bytes, msio_casa_message *message) {
    question q = {.request = {.operation = MSIO_REMOTE_PUT_TEXTS, .payload = (int64_t)bytes}, .payload = texts};
    set_text(&q, column);
    set_rows(&q, rows, 0, rows->count);
    return ask_editing(table, &q, message);
}

msio_status msio_remote_settle(void *table, bool sync, msio_casa_message *message) {
    question q = {.request = {.operation = MSIO_REMOTE_SETTLE, .amount = sync}};
    set_text(&q, "");
    return ask_editing(table, &q, message);
}
