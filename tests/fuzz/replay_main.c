/* replay_main.c - runs a fuzz target over files and folders of files: for where there is no libFuzzer. */
#include "fuzz_target.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST ((size_t)1 << 20)

static int replayed;

static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(LARGEST);
    size_t size = file && bytes ? fread(bytes, 1, LARGEST, file) : 0;
    int failed = !file || !bytes || ferror(file);
    if (file) fclose(file);
    /* a copy of the exact size, so that a read beyond it is found */
    uint8_t *exact = failed ? NULL : malloc(size ? size : 1);
    if (exact) {
        for (size_t i = 0; i < size; i++) exact[i] = bytes[i];
        alarm(60);
        LLVMFuzzerTestOneInput(exact, size);
        replayed++;
    } else {
        fprintf(stderr, "cannot read %s\n", path);
    }
    free(exact);
    free(bytes);
    return exact == NULL;
}

static int replay(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return replay_file(path);
    DIR *folder = opendir(path);
    int failures = folder == NULL;
    for (struct dirent *e; folder && (e = readdir(folder));) {
        char inside[PATH_MAX];
        if (e->d_name[0] == '.') continue;
        snprintf(inside, sizeof inside, "%s/%s", path, e->d_name);
        failures += replay(inside);
    }
    if (folder) closedir(folder);
    return failures;
}

int main(int argc, char **argv) {
    int failures = 0;
    for (int i = 1; i < argc; i++) failures += replay(argv[i]);
    printf("%d files\n", replayed);
    return failures || replayed == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
