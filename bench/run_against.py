"""run_against.py - msio's rows of the benchmarks of reading beside those of another build, interleaved; bench/run calls it.

Times are a matter of luck on a shared machine, counts are not: read calls and their bytes, all system calls and allocations
of one request stand beside them."""
import statistics

from bench_shared import Worker, human, say


def one_work(work, asked, rows, programs, path, tries, threads):
    """Both builds in turn, tries times over, the first of them changing; the first round warms up and is compared."""
    results, sums = {}, set()
    workers = {build: Worker([program, path], False) for build, program in programs.items()}
    for turn in range(tries + 1):
        for variant, n in rows:
            for build in sorted(workers, reverse=turn % 2 == 0):
                answer = workers[build].ask(asked, variant, n or threads, int(not turn))
                if answer["seconds"] < 0:
                    raise SystemExit(f"bench: {programs[build]} does not answer {work} {variant}")
                if answer["checksum"]:
                    sums.add(answer["checksum"])
                if turn:
                    results.setdefault((variant, n, build), []).append(answer["seconds"])
    for worker in workers.values():
        worker.close()
    if len(sums) > 1:
        raise SystemExit(f"bench: the builds differ in what they read for {work}")
    return results


def compare(works, same_as, programs, path, tries, threads, counted, quiet):
    """programs: {"this": ..., "other": ...}; works: {work: rows of msio's as (variant, threads)}."""
    out = []
    for work, rows in works.items():
        say(f"{work} ...", quiet)
        asked = same_as.get(work, work)
        times = one_work(work, asked, rows, programs, path, tries, threads)
        for variant, n in rows:
            for build, program in sorted(programs.items()):
                counts = counted(program, path, f"{asked} {variant} {n or threads}")
                out.append({"work": work, "variant": variant, "threads": n, "build": build, "seconds": times[variant, n, build]}
                           | {k: counts[k] for k in ("bytes_read", "allocations", "system_calls")})
    return out


def table(results):
    lines = ["| work | variant | threads | least: other, this | median: other, this | this takes | bytes by read calls: other, this "
             "| system calls: other, this | allocations: other, this |", "|---|---|---|---|---|---|---|---|---|"]
    for other, this in zip(results[::2], results[1::2]):
        def both(value):
            return f"{value(other)}, {value(this)}"
        ratio = statistics.median(this["seconds"]) / statistics.median(other["seconds"])
        lines.append(f"| {this['work']} | {this['variant']} | {this['threads'] or 'all'} | "
                     f"{both(lambda r: human(min(r['seconds'])))} | {both(lambda r: human(statistics.median(r['seconds'])))} | "
                     f"{ratio:.2f} | " + " | ".join(both(lambda r, k=k: r[k]) for k in ("bytes_read", "system_calls", "allocations"))
                     + " |")
    return "\n".join(lines)


MARKS = [("docs/benchmarks.md", "<!-- against:begin -->", "<!-- against:end -->")]
