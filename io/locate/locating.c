/* locating.c - telling parts: what all answers share. */
#include "io/locate/locating.h"

void msio_locate_tell(msio_question *question, const msio_located *part) {
    msio_located told = *part;
    int64_t end = part->offset + part->length;
    if (question->stop || part->length <= 0 || part->offset >= question->to || end <= question->from) return;
    if (told.offset < question->from) told.offset = question->from;
    if (end > question->to) end = question->to;
    told.length = end - told.offset;
    question->stop = question->visit(question->user, &told) != 0;
}

void msio_locate_tell_plain(msio_question *question, const char *what, int64_t from, int64_t to) {
    msio_located part = {.what = what, .unit = -1, .cube = -1, .row = -1, .offset = from, .length = to - from};
    msio_locate_tell(question, &part);
}

msio_rows msio_locate_rows(const msio_manager *manager, int64_t covered) {
    int64_t rows = covered < manager->rows ? covered : manager->rows;
    return (msio_rows){.count = rows, .step = 1, .place_step = 1};
}
