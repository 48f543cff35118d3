// compare_report.cc - the count of mismatches, and their lines.
#include "compare.h"

#include <cstdio>

namespace oracle {

void Report::mismatch(const char *format, ...) {
    mismatches++;
    if (printed_table_ != table) printed_ = 0, printed_table_ = table;
    if (quiet || printed_++ >= 12) return;
    std::printf("  MISMATCH %s: ", table.c_str());
    va_list args;
    va_start(args, format);
    std::vprintf(format, args);
    va_end(args);
    std::putchar('\n');
}

bool Report::expect(bool good, const char *what, const char *where) {
    if (!good) mismatch("%s %s", what, where);
    return good;
}

} // namespace oracle
