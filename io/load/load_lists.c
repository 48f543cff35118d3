/* load_lists.c - the lists that loading keeps: its files, and the differences between them. */
#include "io/load/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

msio_load_file *msio_load_add(msio_loader *loader) {
    if (loader->files == loader->files_capacity) {
        int wanted = loader->files_capacity ? 2 * loader->files_capacity : 16;
        msio_load_file *grown = realloc(loader->file, (size_t)wanted * sizeof *grown);
        if (!grown) {
            msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of files");
            return NULL;
        }
        loader->file = grown;
        loader->files_capacity = wanted;
    }
    msio_load_file *file = &loader->file[loader->files++];
    *file = (msio_load_file){0};
    return file;
}

msio_status msio_load_differ(msio_load_list *list, const char *path, const char *field, int harmless,
                             const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (list->n == list->capacity) {
        int wanted = list->capacity ? 2 * list->capacity : 16;
        msio_load_difference *grown = realloc(list->difference, (size_t)wanted * sizeof *grown);
        if (!grown) return msio_error_set(MSIO_E_MEMORY, path, "no memory for a list of differences");
        list->difference = grown;
        list->capacity = wanted;
    }
    msio_load_difference *d = &list->difference[list->n];
    *d = (msio_load_difference){.path = path, .field = field, .harmless = harmless};
    d->text = msio_arena_text(list->arena, text, (int64_t)strlen(text));
    if (!d->text) return msio_error_set(MSIO_E_MEMORY, path, "no memory for a list of differences");
    list->n++;
    return MSIO_OK;
}
