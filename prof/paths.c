/* paths.c - the table of paths, and finding one by name. */
#include "prof/paths.h"

#include <string.h>

#include "core/error.h"
#include "msio/prof.h"

const msio_path_text msio_path_texts[PROF_PATHS] = {
#define MSIO_PATH(id, name, unit, target, what) {name, unit, what},
#include "prof/paths.def"
#undef MSIO_PATH
};

static const char all_names[] =
#define MSIO_PATH(id, name, unit, target, what) " " name
#include "prof/paths.def"
#undef MSIO_PATH
    ;

int msio_path_find(const char *name) {
    for (int i = 0; name != NULL && i < PROF_PATHS; i++)
        if (strcmp(name, msio_path_texts[i].name) == 0) return i;
    msio_error_set(MSIO_E_ARGUMENT, NULL, "the profiler has no path '%s'; there are:%s", name == NULL ? "(null)" : name,
                   all_names);
    return -1;
}

int msio_prof_paths(void) { return PROF_PATHS; }

const char *msio_prof_path_name(int index) {
    return index < 0 || index >= PROF_PATHS ? NULL : msio_path_texts[index].name;
}
