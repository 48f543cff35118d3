/* convert_report.c - how far a conversion has come. */
#include "core/error.h"
#include "io/convert/conversion.h"

msio_status msio_conv_report(msio_conversion *c, int64_t bytes) {
    c->done += bytes;
    if (c->opts.progress && c->opts.progress(c->opts.user, c->done, c->total))
        return msio_error_set(MSIO_E_CANCELLED, NULL, "stopped on request after %lld of %lld bytes", (long long)c->done,
                              (long long)c->total);
    return MSIO_OK;
}
