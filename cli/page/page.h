/* page.h - what pages are made of: one HTML file each that needs nothing else. Styles, scripts and uPlot stand beside
 * this file, and are put into the program when it is built (cmake/embed.cmake). */
#ifndef MSIO_CLI_PAGE_H
#define MSIO_CLI_PAGE_H

#include <stdio.h>

/* Text ended by a NUL. */
extern const char page_report_css[], page_shared_js[], page_report_js[], page_dashboard_js[];
extern const char page_uplot_js[], page_uplot_css[], page_uplot_license[];

/* Text as text: markup, controls and what is no UTF-8 do nothing. */
void page_text(FILE *out, const char *text);
/* From the doctype to the body: title, styles and the licence of uPlot. Nothing may be fetched by the page. */
void page_begin(FILE *out, const char *title);
/* Behind the page's data (an element "data" of JSON): uPlot, what scripts share (page.js), the page's own, and the end.
 */
void page_end(FILE *out, const char *script);
/* The end of a page without scripts. */
void page_end_plain(FILE *out);

#endif
