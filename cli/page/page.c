/* page.c - the begin and the end of a page. */
#include "cli/page/page.h"

#include "cli/common/utf8.h"

#include <stdint.h>
#include <string.h>

/* What shows nothing, or turns what follows around. */
static int is_hidden(uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == CLI_UTF8_BAD;
}

void page_text(FILE *out, const char *text) {
    size_t length = strlen(text);
    while (length) {
        uint32_t point;
        size_t n = cli_utf8_next(text, length, &point);
        if (point == '<')
            fputs("&lt;", out);
        else if (point == '>')
            fputs("&gt;", out);
        else if (point == '&')
            fputs("&amp;", out);
        else if (point == '"')
            fputs("&quot;", out);
        else if (point == '\'')
            fputs("&#39;", out);
        else if (is_hidden(point))
            fputs("\xef\xbf\xbd", out);
        else
            fwrite(text, 1, n, out);
        text += n;
        length -= n;
    }
}

void page_begin(FILE *out, const char *title) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
          "script-src 'unsafe-inline'; img-src data:\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
          out);
    page_text(out, title);
    fprintf(out, "</title>\n<!-- uPlot, which draws the charts:\n%s-->\n<style>\n%s\n%s</style></head><body>\n",
            page_uplot_license, page_uplot_css, page_report_css);
}

void page_end(FILE *out, const char *script) {
    fprintf(out, "<script>%s</script>\n<script>\n%s</script>\n<script>\n%s</script>\n</body></html>\n", page_uplot_js,
            page_shared_js, script);
}

void page_end_plain(FILE *out) { fputs("</body></html>\n", out); }
