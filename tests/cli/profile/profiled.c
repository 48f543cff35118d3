/* profiled.c - a program that reads a tile file in a known way and then does what a profiler must survive.
 * usage: profiled MODE FILE; prints "READS BYTES": what it, and all its children, read of FILE.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 512

static const char *path;
static int shared; /* a descriptor of the file */
static volatile sig_atomic_t handled;

static int open_file(void) {
    int fd = open(path, O_RDWR);
    if (fd < 0) {
        perror(path);
        exit(9);
    }
    return fd;
}

static void read_at(int fd, int times) {
    char block[BLOCK];
    for (int i = 0; i < times; i++)
        if (pread(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK) exit(8);
}

static void tell(int reads) {
    printf("%d %d\n", reads, reads * BLOCK);
    fflush(stdout);
}

static void await(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status)) exit(7);
}

static void fork_many(void) {
    tell(100 * 2 + 3);
    read_at(shared, 3);
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            read_at(shared, 1);
            int own = open_file();
            read_at(own, 1);
            _exit(0);
        }
        await(pid);
    }
}

/* The child of vfork works in our memory: what it closes is still open here. */
static void vfork_once(void) {
    tell(4);
    read_at(shared, 2);
    pid_t pid = vfork();
    if (pid == 0) {
        close(shared);
        dup2(2, 1);
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    await(pid);
    read_at(shared, 2);
}

static void *read_often(void *unused) {
    (void)unused;
    read_at(shared, 200);
    int own = open_file();
    read_at(own, 50);
    close(own);
    return NULL;
}

static void many_threads(void) {
    pthread_t thread[64];
    tell(64 * 250);
    for (int i = 0; i < 64; i++)
        if (pthread_create(&thread[i], NULL, read_often, NULL)) exit(6);
    for (int i = 0; i < 64; i++) pthread_join(thread[i], NULL);
}

static void in_handler(int signal_number) {
    int kept = errno;
    char block[BLOCK];
    (void)signal_number;
    if (pread(shared, block, BLOCK, 0) == BLOCK) handled++;
    errno = kept;
}

/* Reads in a signal handler, while malloc works. */
static void from_handler(void) {
    struct sigaction action = {.sa_handler = in_handler};
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    while (handled < 200) {
        void *memory = malloc(1 + (size_t)(handled % 5000));
        char *again = realloc(memory, 9000);
        free(again ? again : memory);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN);
    tell((int)handled);
}

static void close_all(void) {
    tell(4);
    read_at(shared, 2);
    closefrom(3);
    int other[2];
    if (pipe(other)) exit(5); /* takes the numbers that were closed */
    if (write(other[1], "0123456789", 10) != 10) exit(5);
    char ten[10];
    if (read(other[0], ten, 10) != 10) exit(5);
    read_at(open_file(), 2);
}

static void copies(void) {
    tell(6);
    char block[BLOCK];
    int second = dup(shared), third = fcntl(shared, F_DUPFD_CLOEXEC, 40), fourth = dup2(shared, 77);
    if (read(shared, block, BLOCK) != BLOCK || read(second, block, BLOCK) != BLOCK) exit(4);
    if (read(third, block, BLOCK) != BLOCK || read(fourth, block, BLOCK) != BLOCK) exit(4);
    close(second);
    close(shared);
    read_at(third, 1);
    read_at(fourth, 1);
}

/* errno must be what the call left. */
static void errors(void) {
    char block[BLOCK];
    tell(3);
    errno = 0;
    read_at(shared, 1);
    if (errno != 0) exit(3);
    if (pread(shared, block, BLOCK, -5) != -1 || errno != EINVAL) exit(3);
    if (open("/nonexistent/table.f0", O_RDONLY) != -1 || errno != ENOENT) exit(3);
    int writing = open("/dev/null", O_WRONLY);
    if (read(writing, block, 1) != -1 || errno != EBADF) exit(3);
    read_at(shared, 1);
}

/* Half a million pieces as small as buckets of scalars are, and then larger ones, which must find room among them. */
static void small_pieces(void) {
    static char large[1 << 20];
    char small[128];
    const int pieces = 500000, larger = 61;
    printf("%d %d\n", pieces + larger, pieces * (int)sizeof small + larger * (int)sizeof large);
    fflush(stdout);
    if (ftruncate(shared, (off_t)pieces * (off_t)sizeof small)) exit(2);
    for (int i = 0; i < pieces; i++)
        if (pread(shared, small, sizeof small, (off_t)i * (off_t)sizeof small) != sizeof small) exit(8);
    for (int i = 0; i < larger; i++)
        if (pread(shared, large, sizeof large, (off_t)i * (off_t)sizeof large) != sizeof large) exit(8);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const char *mode = argv[1];
    path = argv[2];
    shared = open_file();
    if (!strcmp(mode, "read")) {
        tell(10);
        read_at(shared, 10);
    } else if (!strcmp(mode, "crash")) {
        tell(3);
        read_at(shared, 3);
        raise(SIGSEGV);
    } else if (!strcmp(mode, "killed")) {
        tell(3);
        read_at(shared, 3);
        raise(SIGKILL);
    } else if (!strcmp(mode, "quick")) {
        tell(3);
        read_at(shared, 3);
        _exit(5);
    } else if (!strcmp(mode, "exec")) {
        read_at(shared, 3);
        execl("/proc/self/exe", argv[0], "after", path, (char *)NULL);
        return 1;
    } else if (!strcmp(mode, "after")) {
        tell(3 + 2);
        read_at(shared, 2);
    } else if (!strcmp(mode, "fork")) {
        fork_many();
    } else if (!strcmp(mode, "vfork")) {
        vfork_once();
    } else if (!strcmp(mode, "threads")) {
        many_threads();
    } else if (!strcmp(mode, "handler")) {
        from_handler();
    } else if (!strcmp(mode, "closefrom")) {
        close_all();
    } else if (!strcmp(mode, "copies")) {
        copies();
    } else if (!strcmp(mode, "errors")) {
        errors();
    } else if (!strcmp(mode, "pieces")) {
        small_pieces();
    } else {
        return 2;
    }
    return 0;
}
