/* profile_native.c - call sites in native code. While a program runs a site is a place in a library, with the name that
 * the library exports; here it gets the function that the library's symbols tell, and the line, where it was built with
 * -g.
 *
 * Sites are rewritten in our own copy of the counters, with strings that are added to it: sites that turn out to be one
 * line then are one to all who read them.
 */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/samples/samples_names.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

typedef struct added_string {
    char *text;
    uint32_t index;
    UT_hash_handle hh;
} added_string;

typedef struct naming {
    profile_segment *segment;
    added_string *strings;
    uint32_t next; /* of the segment's strings, to be looked at */
} naming;

/* UINT32_MAX: there is no room. */
static uint32_t add_string(naming *n, const char *text) {
    profile_segment *s = n->segment;
    added_string *string;
    HASH_FIND_STR(n->strings, text, string);
    if (string) return string->index;
    size_t bytes = strlen(text) + 1;
    uint32_t at = s->text_used + 1;
    while (n->next < PROFILE_STRINGS && s->string[n->next].state != PROFILE_FREE) n->next++;
    if (n->next == PROFILE_STRINGS || at >= PROFILE_TEXT_BYTES || bytes >= PROFILE_TEXT_BYTES - at) return UINT32_MAX;
    memcpy(s->text + at, text, bytes);
    s->text_used = at + (uint32_t)bytes;
    s->string[n->next].at = at;
    s->string[n->next].state = PROFILE_READY;
    string = cli_alloc(sizeof *string);
    *string = (added_string){.text = cli_copy(text), .index = n->next++};
    HASH_ADD_KEYPTR(hh, n->strings, string->text, bytes - 1, string);
    return string->index;
}

/* A call returns behind itself. Without a line the library is named by its last part. */
static void name_site(naming *n, names *by, profile_site *site) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", prof_string(n->segment, site->file));
    const char *slash = strrchr(path, '/');
    code_name name = names_find_loaded(by, path, (uint64_t) - (int64_t)site->line - 1);
    const char *exported = prof_string(n->segment, site->function);
    bool named = name.function[0] != '+' || *exported == '+';
    uint32_t file = add_string(n, name.source ? name.source : slash ? slash + 1 : path);
    uint32_t function = add_string(n, named ? name.function : exported);
    site->line = name.source ? name.line : 0;
    if (file != UINT32_MAX) site->file = file;
    if (function != UINT32_MAX) site->function = function;
    free(name.function);
    free(name.source);
}

void prof_name_native_sites(profile_segment *s) {
    naming n = {.segment = s};
    names *by = names_new();
    for (uint32_t i = 0; i < PROFILE_SITES; i++)
        if (s->site[i].state == PROFILE_READY && s->site[i].line < 0) name_site(&n, by, &s->site[i]);
    names_free(by);
    added_string *string, *next;
    HASH_ITER(hh, n.strings, string, next) {
        HASH_DEL(n.strings, string);
        free(string->text);
        free(string);
    }
}
