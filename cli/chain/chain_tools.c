/* chain_tools.c - finding CASA and the programs that the steps name. */
#include "cli/chain/chain.h"
#include "cli/common/interrupt.h"
#include "cli/profile/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK                                                                                                           \
    "import importlib.util as u, sys; sys.exit(0 if u.find_spec('casatasks') and u.find_spec('casatools') else 1)"

/* Whether this Python has CASA, without importing it. */
static int has_casa(const char *python) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        cli_interrupt_restore();
        for (int i = 0; i < 3; i++) dup2(null, i);
        execlp(python, python, "-c", LOOK, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int wants_casa(const chain_steps *steps) {
    for (int i = 0; i < steps->n; i++)
        if (steps->step[i].task) return 1;
    return 0;
}

/* Puts the Python into the plan, or says where none is. */
static void find_casa(chain_plan *plan, char *why, size_t size) {
    const char *named = plan->config.casa_python, *where = "casa_python of the configuration";
    if (!named) named = getenv("MSIO_CASA_PYTHON"), where = "MSIO_CASA_PYTHON";
    if (!named || !*named) named = "python3", where = NULL;
    if (has_casa(named))
        snprintf(plan->python, sizeof plan->python, "%s", named);
    else if (where)
        snprintf(why, size,
                 "%.200s, which %s names, has no casatasks and casatools: pip install casatools casatasks there", named,
                 where);
    else
        snprintf(why, size,
                 "python3 has no casatasks and casatools: pip install casatools casatasks (in an environment of its "
                 "own), and name its Python in MSIO_CASA_PYTHON");
}

/* Whether a program is there; says what to install where not. */
static void find_program(const char *name, char *why, size_t size) {
    char path[PATH_MAX];
    if (cli_profile_find_program(name, path) && access(path, X_OK) == 0) return;
    if (strcmp(name, "wsclean") == 0)
        snprintf(why, size,
                 "there is no wsclean: apt install wsclean, or put it into PATH; --config FILE.toml has other steps");
    else
        snprintf(why, size, "there is no program %.200s in PATH", name);
}

void chain_find_tools(chain_plan *plan) {
    int asked = 0;
    char no_casa[sizeof plan->missing[0]] = "";
    for (int part = 0; part < CHAIN_PARTS; part++) {
        const chain_steps *steps = &plan->config.part[part];
        char *why = plan->missing[part];
        const size_t size = sizeof plan->missing[part];
        if (!(plan->wish.parts & 1u << part)) continue;
        if (steps->n == 0) snprintf(why, size, "the configuration has no step of %s", chain_part_names[part]);
        if (wants_casa(steps)) {
            if (!asked++) find_casa(plan, no_casa, sizeof no_casa);
            snprintf(why, size, "%s", no_casa);
        }
        for (int i = 0; i < steps->n && !*why; i++)
            if (steps->step[i].argv) find_program(steps->step[i].argv[0], why, size);
    }
}
