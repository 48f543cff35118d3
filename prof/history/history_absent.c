/* history_absent.c - what stands in for the history where msio is built without SQLite or jansson. */
#include "prof/history/history.h"

#include <stdio.h>

static msio_status absent(history_error *error) {
    error->code = MSIO_E_UNSUPPORTED;
    snprintf(error->message, sizeof error->message,
             "cannot be used: this msio was built without SQLite (libsqlite3-dev) or jansson (libjansson-dev)");
    return error->code;
}

msio_status history_open(const char *path, int write, history **opened, history_error *error) {
    (void)path, (void)write, (void)opened;
    return absent(error);
}

void history_close(history *h) { (void)h; }

msio_status history_sound(history *h, history_error *error) {
    (void)h;
    return absent(error);
}

msio_status history_each(history *h, history_table table, int64_t run, history_visit visit, void *user,
                         history_error *error) {
    (void)h, (void)table, (void)run, (void)visit, (void)user;
    return absent(error);
}

msio_status history_each_of(history *h, history_table table, const char *series, const char *kind, int64_t newest,
                            history_visit visit, void *user, history_error *error) {
    (void)h, (void)table, (void)series, (void)kind, (void)newest, (void)visit, (void)user;
    return absent(error);
}

msio_status history_record(history *h, const char *document, size_t bytes, const history_facts *facts, int64_t *run,
                           int *there, history_error *error) {
    (void)h, (void)document, (void)bytes, (void)facts, (void)run, (void)there;
    return absent(error);
}

msio_status history_judge(history *h, const char *series, history_judgement *judgement, history_error *error) {
    (void)h, (void)series, (void)judgement;
    return absent(error);
}

void history_judgement_free(history_judgement *judgement) { (void)judgement; }

msio_status history_accept(history *h, const char *series, const char *reason, double now, int64_t *moved,
                           history_error *error) {
    (void)h, (void)series, (void)reason, (void)now, (void)moved;
    return absent(error);
}
