/* fuzz_text_trace.c - what the profiler takes for casacore's text trace: any bytes, written in pieces as a stream's
 * buffer gives them. What it makes of them has a table that was named, a column, and rows within reason. */
#include "fuzz_target.h"
#include "prof/preload/text_trace.c"

profile_segment *preload_segment;
unsigned preload_epoch;

bool preload_wanted(void) { return true; }
bool preload_is_own_memory(void) { return true; }
uint32_t preload_process(void) { return 0; }
profile_segment *preload_attach(void) { return preload_segment; }
bool preload_needs_text(void) { return true; }

uint32_t preload_string(const char *text, size_t length) {
    if (length == 0 || strnlen(text, length + 1) != length) abort();
    return (uint32_t)length % 7;
}

static void check(const preload_column *of) {
    if (of->table < 0 || of->table >= 7 || of->length == 0 || strlen(of->name) != of->length) abort();
}

void preload_count_cell(const preload_column *of, int64_t row, uint64_t elements) {
    check(of);
    if (row < 0) abort();
    (void)elements;
}

void preload_count_rows(const preload_column *of, bool whole, uint64_t rows, uint64_t elements) {
    check(of);
    (void)whole, (void)rows, (void)elements;
}

/* The first byte is the length of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static profile_segment segment;
    preload_segment = &segment;
    if (size == 0) return 0;
    FILE *stream = preload_text_open(ODD, "w");
    if (!stream) abort();
    size_t step = (size_t)data[0] + 1;
    for (size_t at = 1; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        struct iovec parts[2] = {{(void *)(uintptr_t)(data + at), n / 2},
                                 {(void *)(uintptr_t)(data + at + n / 2), n - n / 2}};
        if (preload_text_written(fileno(stream), parts, 2) != (ssize_t)n) abort();
    }
    preload_text_closed(fileno(stream));
    if (preload_text_is_stream(fileno(stream))) abort();
    fclose(stream);
    return 0;
}
