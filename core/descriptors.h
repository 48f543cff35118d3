/* descriptors.h - file descriptors that can be given back, and are opened again when they are needed.
 *
 * A process may have only so many descriptors, and others in it need some too. Those that msio keeps for later stand in
 * one list of the process: at most a quarter of RLIMIT_NOFILE, the ones used longest ago are closed first. Whoever
 * needs one says so for as long as it is used (a count); what is in use is never closed.
 */
#ifndef MSIO_CORE_DESCRIPTORS_H
#define MSIO_CORE_DESCRIPTORS_H

#include <dirent.h>
#include <stdbool.h>

typedef struct msio_descriptor msio_descriptor;

/* Whether a descriptor that nobody uses may be closed now. thorough: nothing else could be given back, so that it may
 * take long to find out. Asked with the list locked: it must not call anything of this header. */
typedef bool (*msio_descriptor_may_close)(void *user, int fd, bool thorough);

/* Not open yet; may_close NULL: it may always be closed. NULL without memory. */
msio_descriptor *msio_descriptor_new(msio_descriptor_may_close may_close, void *user);
/* Closes it. Nobody may be using it; takes NULL. */
void msio_descriptor_free(msio_descriptor *descriptor);

/* One more user of the open descriptor; false: it is not open, the caller is to open the file and put it here. */
bool msio_descriptor_use(msio_descriptor *descriptor, int *fd);
/* Puts a descriptor that the caller opened, who is its first user. When another thread was faster, this one is closed
 * and that one used. Returns the one to use. */
int msio_descriptor_put(msio_descriptor *descriptor, int fd);
void msio_descriptor_unuse(msio_descriptor *descriptor);
/* What stands here if it is open, else -1. Only for who uses it, or where nobody else can. */
int msio_descriptor_number(const msio_descriptor *descriptor);

/* It is not likely to be needed again: the first to be closed. */
void msio_descriptor_rest(msio_descriptor *descriptor);
/* Takes it out of the list, whoever uses it, and returns what stood here, or -1: for a child of fork. */
int msio_descriptor_abandon(msio_descriptor *descriptor);

/* open(path, flags); when descriptors have run out (EMFILE, ENFILE), kept ones are closed and it tries again.
 * Interrupted tries go on. -1 and errno. */
int msio_descriptor_open(const char *path, int flags);
/* opendir(folder), in the same way. */
DIR *msio_descriptor_list(const char *folder);
/* For calls that open files elsewhere: after one failed, tells whether descriptors have run out and some were closed,
 * so that it is worth another try. errno stays. */
bool msio_descriptors_relieve(void);

/* For tests: how many are kept open, and how many may be. */
int msio_descriptors_kept(void);
int msio_descriptors_limit(void);

#endif
