/* flagging.c - `msio flags --set`, `--clear`, and by limits and extension: FLAG, with FLAG_ROW in step; and the order
 * of all that was asked for. */
#include "cli/change/flagging.h"

#include "cli/change/same_shape.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/input/opening.h"
#include "msio/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int changes(const cli_flagging *f) { return f->set || f->clear || f->rules.given || f->restore; }

/* ---------------------------------------------------------------- counts */

static int count(cli_flagging *f, int after) {
    const cli_change *change = &f->change;
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    const msio_flags *flags;
    opts.open = cli_open_opts(change->cli);
    opts.threads = change->cli->threads;
    opts.ignore_flag_row = f->ignore_flag_row;
    if (msio_flags_count(change->path, 0, &opts, &flags)) return cli_fail_status(change->cli, change->path);
    if (after) {
        f->after.known = 1;
        f->after.flagged = flags->flagged, f->after.total = flags->total;
        f->after.from_flag_row = flags->from_flag_row, f->after.fraction = flags->fraction;
    } else {
        f->before.known = 1;
        f->before.flagged = flags->flagged, f->before.total = flags->total;
        f->before.from_flag_row = flags->from_flag_row, f->before.fraction = flags->fraction;
    }
    msio_flags_release(flags);
    return 0;
}

/* ---------------------------------------------------------------- setting and clearing */

/* A set FLAG_ROW flags the channels too that are not cleared: FLAG of such rows is set whole, before FLAG_ROW goes. */
typedef struct spreading {
    cli_flagging *flagging;
    int dry;
} spreading;

static int parts_only(const cli_flagging *f) {
    return f->change.selection.chans.given || f->change.selection.corrs.given;
}

static int spread_rows(void *user, const cli_same_shape *same) {
    spreading *s = user;
    cli_change *change = &s->flagging->change;
    const unsigned char set = 1;
    if (same->ndim < 0) return 0;
    if (s->dry) {
        int64_t before = change->plan.rows;
        int code = cli_change_plan(change, change->column, &same->select);
        change->plan.rows = before;
        return code;
    }
    return msio_write_value(change->column, &same->select, &set, 1, &change->opts)
               ? cli_fail_status(change->cli, change->path)
               : 0;
}

static int spread(cli_flagging *f, int dry) {
    const cli_selection *selection = &f->change.selection;
    int64_t rows = selection->count, found = 0;
    cli_selection part = CLI_SELECTION_INIT;
    spreading s = {f, dry};
    if (!f->clear || !parts_only(f) || !f->flag_row || rows == 0) return 0;
    unsigned char *now = cli_alloc((size_t)rows);
    part.row_list = cli_alloc_many((size_t)rows, sizeof *part.row_list);
    int code = cli_flag_row_get(f, selection, 0, rows, now);
    for (int64_t i = 0; i < rows && !code; i++)
        if (now[i]) part.row_list[found++] = cli_selection_row(selection, i);
    part.select.row_list = part.row_list;
    part.select.rows_in_list = part.count = found;
    part.path = selection->path;
    if (!code && found) code = cli_same_shapes(f->change.cli, &part, f->change.column, "FLAG", spread_rows, &s);
    cli_selection_free(&part);
    free(now);
    return code;
}

static int plan_rows(void *user, const cli_same_shape *same) {
    cli_flagging *f = user;
    if (same->ndim < 0) {
        f->never_written += same->rows;
        return 0;
    }
    return cli_change_plan(&f->change, f->change.column, &same->select);
}

static int put_rows(void *user, const cli_same_shape *same) {
    cli_flagging *f = user;
    cli_change *change = &f->change;
    const unsigned char value = f->set != 0;
    int64_t elements = same->rows;
    if (same->ndim < 0) return 0;
    if (msio_write_value(change->column, &same->select, &value, 1, &change->opts))
        return cli_fail_status(change->cli, change->path);
    for (int i = 0; i < same->ndim; i++) elements *= same->shape[i];
    change->before += elements;
    return 0;
}

/* In an order in which a kill between two of them flags nothing less than was flagged before, and FLAG_ROW never says
 * more than FLAG. */
static int set_or_clear(cli_flagging *f, int dry) {
    const cli_change *change = &f->change;
    int code = spread(f, dry);
    if (!code && f->clear) code = cli_flag_row_put(f, &change->selection, NULL, 0, dry);
    if (!code)
        code = cli_same_shapes(change->cli, &change->selection, change->column, "FLAG", dry ? plan_rows : put_rows, f);
    if (!code && f->set && !parts_only(f)) code = cli_flag_row_put(f, &change->selection, NULL, 1, dry);
    return code;
}

/* What the library's pass tells, as bytes of FLAG that are stored. */
static int extend_progress(void *user, int64_t done, int64_t total) {
    cli_change *change = user;
    const double part = total ? (double)done / (double)total : 1.0;
    return cli_change_progress(change, (int64_t)(part * (double)change->plan.bytes), 0);
}

/* By limits and extension. dry: the plan, as if all rows were written, and with --dry-run what would be flagged. */
static int extend(cli_flagging *f, int dry) {
    cli_change *change = &f->change;
    msio_flags_extend_opts *opts = &f->rules.opts;
    if (dry) {
        int code = cli_same_shapes(change->cli, &change->selection, change->column, "FLAG", plan_rows, f);
        if (code || !change->dry_run) return code;
    }
    opts->select = &change->selection.select;
    opts->ignore_flag_row = f->ignore_flag_row;
    opts->dry_run = dry;
    opts->threads = change->cli->threads;
    opts->progress = dry ? NULL : extend_progress;
    opts->user = change;
    return msio_flags_extend(change->table, opts, &f->rules.done) ? cli_fail_status(change->cli, change->path) : 0;
}

static int change_flags(cli_flagging *f, int dry) {
    if (f->restore) return cli_flags_put_back(f, dry);
    if (f->rules.given) return extend(f, dry);
    return f->set || f->clear ? set_or_clear(f, dry) : 0;
}

/* ---------------------------------------------------------------- the report */

static void put_counts(cli_json *json, const char *key, int known, int64_t flagged, int64_t total,
                       int64_t from_flag_row, double fraction) {
    cli_json_key(json, key);
    if (!known) {
        cli_json_null(json);
        return;
    }
    cli_json_flat_object(json);
    cli_json_put_int(json, "flagged", flagged);
    cli_json_put_int(json, "total", total);
    cli_json_put_int(json, "from_flag_row", from_flag_row);
    cli_json_put_double(json, "fraction", fraction);
    cli_json_end(json);
}

static void report(const cli_flagging *f) {
    const cli_change *change = &f->change;
    if (!change->cli->json) {
        if (f->after.known)
            printf("flagged before %s of %s (%.3f%%), after %s of %s (%.3f%%)\n", cli_count(f->before.flagged).text,
                   cli_count(f->before.total).text, 100 * f->before.fraction, cli_count(f->after.flagged).text,
                   cli_count(f->after.total).text, 100 * f->after.fraction);
        if (f->rules.given) cli_flag_rules_print(&f->rules);
        return;
    }
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", change->path);
    put_counts(&json, "before", f->before.known, f->before.flagged, f->before.total, f->before.from_flag_row,
               f->before.fraction);
    put_counts(&json, "after", f->after.known, f->after.flagged, f->after.total, f->after.from_flag_row,
               f->after.fraction);
    if (f->rules.given) cli_flag_rules_put(&json, &f->rules);
    cli_json_put_int(&json, "never_written", f->never_written);
    cli_json_put_string(&json, "backup", f->backup);
    cli_json_put_string(&json, "restored", f->restore);
    cli_change_json(&json, change);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- all of it */

static int check_wishes(const cli_flagging *f) {
    const cli_context *cli = f->change.cli;
    struct stat there;
    const cli_selection *s = &f->change.selection;
    if (f->set + f->clear + f->rules.given + (f->restore != NULL) > 1)
        return cli_usage(cli, "one of --set, --clear, --restore, and limits and extension at a time");
    if (!f->rules.given && f->rules.without) return cli_usage(cli, "--%s is for --above and --below", f->rules.without);
    if (f->rules.given && (s->chans.given || s->corrs.given))
        return cli_usage(cli, "--chans and --corrs are for --set and --clear: rows are looked at whole");
    if (f->rules.given && f->change.sync) return cli_usage(cli, "--sync is for --set, --clear and --restore");
    if (!f->set && !f->clear && !f->rules.given && (s->rows.given || s->chans.given || s->corrs.given))
        return cli_usage(cli, "--rows, --chans and --corrs are for changes; files hold all flags of a table");
    if (f->backup && !f->change.force && stat(f->backup, &there) == 0)
        return cli_usage(cli, "%s exists, and stays as it is; --force replaces it", f->backup);
    return 0;
}

static int open_table(cli_flagging *f) {
    cli_change *change = &f->change;
    change->name = "FLAG";
    int code = cli_change_open(change);
    if (code) return code;
    if (change->info->type != MSIO_BOOL)
        return cli_usage(change->cli, "FLAG holds %s here, which are no flags", msio_type_name(change->info->type));
    f->flag_row = NULL;
    if (!f->ignore_flag_row && msio_table_column(change->table, "FLAG_ROW", &f->flag_row)) f->flag_row = NULL;
    return 0;
}

static void tell(const cli_flagging *f) {
    const cli_change *change = &f->change;
    char what[512];
    if (f->restore)
        snprintf(what, sizeof what, "FLAG of %s rows becomes what %.200s keeps", cli_count(change->plan.rows).text,
                 f->restore);
    else
        snprintf(what, sizeof what, "FLAG of %s rows is %s", cli_count(change->plan.rows).text,
                 f->set     ? "set"
                 : f->clear ? "cleared"
                            : "set by limits and extension");
    cli_change_tell(change, what);
    if (f->never_written)
        cli_note(change->cli, "FLAG of %s rows was never written, and stays so", cli_count(f->never_written).text);
}

/* Under the write lock: what is counted, kept and changed belongs together. */
static int work(cli_flagging *f) {
    cli_change *change = &f->change;
    int code = cli_change_begin(change, f->restore ? "restoring flags" : "flagging");
    if (!code) code = count(f, 0);
    if (!code && f->backup) code = cli_flags_keep(f);
    if (!code) code = change_flags(f, 0);
    if (!code) code = count(f, 1);
    return cli_change_end(change, code);
}

/* A backup alone: under the read lock. */
static int only_keep(cli_flagging *f) {
    cli_change *change = &f->change;
    if (change->dry_run) return 0;
    if (msio_table_hold(change->table)) return cli_fail_status(change->cli, change->path);
    int code = count(f, 0);
    if (!code) code = cli_flags_keep(f);
    if (msio_table_release(change->table) && !code) code = cli_fail_status(change->cli, change->path);
    return code;
}

int cli_flagging_run(cli_flagging *f) {
    cli_change *change = &f->change;
    int code = check_wishes(f);
    if (!code) code = open_table(f);
    if (!code) code = change_flags(f, 1);
    if (!code) code = cli_change_allowed(change);
    if (code) return code;
    if (changes(f)) tell(f);
    if (!changes(f))
        code = only_keep(f);
    else if (change->dry_run)
        code = count(f, 0);
    else
        code = work(f);
    if (!code) report(f);
    return code;
}
