/* profile_counters.c - the counters of a run as they lie in its folder: mapped, and looked into with care. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int prof_map_segment(const cli_context *cli, const char *folder, profile_segment **segment) {
    char path[PATH_MAX + 32];
    struct stat about;
    snprintf(path, sizeof path, "%s/" PROFILE_FILE, folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return cli_fail(cli, MSIO_E_NOT_FOUND, path,
                        "there are no counters: it is no folder of a profile, or no "
                        "process of the run opened a table");
    if (fd < 0) return cli_fail_system(cli, path, "the counters cannot be read");
    profile_segment *s = NULL;
    if (fstat(fd, &about) == 0 && about.st_size == (off_t)sizeof *s) {
        /* private: what still runs may count on, and nothing here changes it */
        void *map = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) s = map;
    }
    close(fd);
    if (s && memcmp(s->magic, PROFILE_MAGIC, 8) == 0 && s->version == PROFILE_VERSION && s->bytes == sizeof *s) {
        s->text[0] = s->text[PROFILE_TEXT_BYTES - 1] = '\0';
        *segment = s;
        return 0;
    }
    if (s) munmap(s, sizeof *s);
    return cli_fail(cli, MSIO_E_FORMAT, path, "these are no counters of this version");
}

const char *prof_string(const profile_segment *s, uint32_t index) {
    if (index >= PROFILE_STRINGS) return "";
    uint32_t at = s->string[index].at;
    return s->string[index].state == PROFILE_READY && at < PROFILE_TEXT_BYTES ? s->text + at : "";
}
