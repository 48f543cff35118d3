/* handing_text.c - headings, tables and text as Markdown (GitHub's) or HTML. */
#include "cli/handing/handing.h"

#include "cli/common/utf8.h"
#include "cli/page/page.h"

#include <string.h>

/* What means something to Markdown anywhere in a line is escaped; what would end the line is a space. */
static void put_markdown(FILE *out, const char *text) {
    size_t length = strlen(text);
    while (length) {
        uint32_t point;
        size_t n = cli_utf8_next(text, length, &point);
        if (point == '\n' || point == '\r' || point == '\t')
            fputc(' ', out);
        else if (point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) ||
                 (point >= 0x2066 && point <= 0x2069) || point == CLI_UTF8_BAD)
            fputs("\xef\xbf\xbd", out);
        else if (point == '<')
            fputs("&lt;", out);
        else if (point == '&')
            fputs("&amp;", out);
        else if (point < 0x80 && strchr("\\`*_[]>|#~!", (int)point))
            fprintf(out, "\\%c", (int)point);
        else
            fwrite(text, 1, n, out);
        text += n;
        length -= n;
    }
}

void handing_put(handing_text *to, const char *text) {
    if (to->html)
        page_text(to->out, text);
    else
        put_markdown(to->out, text);
}

void handing_heading(handing_text *to, int level, const char *text) {
    if (to->html)
        fprintf(to->out, "<h%d>", level);
    else
        fprintf(to->out, "%.*s ", level, "######");
    handing_put(to, text);
    if (to->html)
        fprintf(to->out, "</h%d>\n", level);
    else
        fputs("\n\n", to->out);
}

void handing_paragraph(handing_text *to, const char *text) {
    if (to->html) fputs("<p>", to->out);
    handing_put(to, text);
    fputs(to->html ? "</p>\n" : "\n\n", to->out);
}

void handing_check(handing_text *to, bool there, const char *what, const char *said) {
    if (to->html)
        fprintf(to->out, "<p>%s <b>", there ? "&#9745;" : "&#9744;");
    else
        fprintf(to->out, "- [%c] **", there ? 'x' : ' ');
    handing_put(to, what);
    fputs(to->html ? "</b>: " : "**: ", to->out);
    handing_put(to, said);
    fputs(to->html ? "</p>\n" : "\n", to->out);
}

void handing_table(handing_text *to, const char *const *names) {
    fputs(to->html ? "<div class=\"wide\"><table><thead><tr>" : "|", to->out);
    for (const char *const *name = names; *name; name++) {
        bool number = **name == '>';
        fputs(!to->html ? " " : number ? "<th class=\"n\">" : "<th>", to->out);
        handing_put(to, *name + number);
        fputs(to->html ? "</th>" : " |", to->out);
    }
    fputs(to->html ? "</tr></thead><tbody>\n" : "\n|", to->out);
    for (const char *const *name = names; !to->html && *name; name++) fputs(**name == '>' ? "---:|" : "---|", to->out);
    if (!to->html) fputc('\n', to->out);
    to->cells = 0;
}

void handing_cell(handing_text *to, const char *text) {
    if (to->html)
        fputs(to->cells ? "<td>" : "<tr><td>", to->out);
    else
        fputs(to->cells ? " " : "| ", to->out);
    handing_put(to, text);
    fputs(to->html ? "</td>" : " |", to->out);
    to->cells++;
}

void handing_row_end(handing_text *to) {
    fputs(to->html ? "</tr>\n" : "\n", to->out);
    to->cells = 0;
}

void handing_table_end(handing_text *to) { fputs(to->html ? "</tbody></table></div>\n" : "\n", to->out); }
