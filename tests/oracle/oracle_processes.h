// oracle_processes.h - programs that start themselves anew as several processes, and wait for them.
#ifndef MSIO_TESTS_ORACLE_PROCESSES_H
#define MSIO_TESTS_ORACLE_PROCESSES_H

#include "oracle_check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace oracle {

inline pid_t start(const char *program, std::vector<const char *> args) {
    pid_t child = fork();
    if (child != 0) return child;
    args.insert(args.begin(), program);
    args.push_back(nullptr);
    execv("/proc/self/exe", const_cast<char *const *>(args.data()));
    _exit(127);
}

inline bool succeeded(pid_t child) {
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

// A process that makes a table at a path, one that writes it until it is through, and two that read it until `done` is
// there: "make PATH", "write PATH HOW", "read PATH DONE HOW NUMBER".
inline void run_beside(const char *program, const std::string &path, const char *how) {
    const std::string done = path + ".done";
    unlink(done.c_str());
    check(succeeded(start(program, {"make", path.c_str()})), "the table is not made");
    pid_t readers[2], writer = start(program, {"write", path.c_str(), how});
    for (int i = 0; i < 2; i++) readers[i] = start(program, {"read", path.c_str(), done.c_str(), how, i ? "1" : "0"});
    check(succeeded(writer), "the writer failed (%s)", how);
    FILE *file = std::fopen(done.c_str(), "w");
    if (check(file != nullptr, "no file %s", done.c_str())) std::fclose(file);
    for (pid_t reader : readers) check(succeeded(reader), "a reader failed (%s)", how);
}

} // namespace oracle
#endif
