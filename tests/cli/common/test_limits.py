"""What the system does not give: files that are none, locks that do not exist, sizes that are not allowed, a process that
is killed while it writes. One group of tests a run: test_limits.py MSIO GROUP."""
import errno
import fcntl
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy as np

from running import main, MSIO, msio

HANGS = 60  # seconds after which a command counts as hanging; none takes a tenth of it


def run(*arguments, timeout=HANGS, **more):
    """Runs the command; the run, which ends by TimeoutExpired where it hangs."""
    return subprocess.run([MSIO, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, **more)


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="msio-test-limits-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)


class Fifos(Folder):
    """Every file of a small Measurement Set and of UVH5 files, something else in its place, one after the other."""

    def replaced(self, path, make):
        """Puts something in the place of a file; a function that puts the file back."""
        aside = self.path("aside")
        os.rename(path, aside)
        make(path)

        def back():
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            os.rename(aside, path)
        return back

    def sees(self, commands, path, make):
        """Some of the commands fail, naming the file; the others do not need it; none hangs."""
        back = self.replaced(path, make)
        named = 0
        try:
            for command in commands:
                ended = run(*command)
                self.assertIn(ended.returncode, (0, 1, 3), (command, ended.stderr))
                if ended.returncode == 3:
                    self.assertIn("expected a regular file, found a", ended.stderr, (path, command))
                    self.assertIn(os.path.basename(path), ended.stderr, (path, command))
                    named += 1
        finally:
            back()
        return named

    def test_measurement_set(self):
        ms = self.path("t.ms")
        msio("simulate", "ms", "--quiet", "--out", ms, "--antennas", 4, "--times", 2, "--subbands", 1, "--channels", 4)
        columns = ["DATA", "FLAG", "UVW", "TIME", "ANTENNA1"]
        commands = [["info", ms], ["flags", ms], ["load", ms], ["info", ms + "::ANTENNA"], ["info", ms + "::FIELD"],
                    *[["read", ms, name, "--out", self.path("out.npy")] for name in columns],
                    ["--native=no", "read", ms, "DATA", "--out", self.path("out.npy")]]
        commands[-1] = ["read", ms, "DATA", "--native=no", "--out", self.path("out.npy")]
        for command in commands:
            self.assertEqual(run(*command).returncode, 0, command)
        main = [os.path.join(ms, name) for name in sorted(os.listdir(ms)) if os.path.isfile(os.path.join(ms, name))]
        self.assertGreater(len(main), 20)
        files = main + [os.path.join(ms, sub, name) for sub in ("ANTENNA", "FIELD", "SPECTRAL_WINDOW")
                        for name in sorted(os.listdir(os.path.join(ms, sub)))]
        unseen = [os.path.relpath(path, ms) for path in files if not self.sees(commands, path, os.mkfifo)]
        for name in ("table.dat", "table.lock", "table.info", "ANTENNA/table.dat", "ANTENNA/table.lock",
                     "FIELD/table.lock", "SPECTRAL_WINDOW/table.dat"):
            self.assertNotIn(name, unseen)
        # A file that none of the commands wants may be anything; reading everything through casacore wants them all.
        self.assertEqual([name for name in unseen if "/" not in name], [])

    def test_other_kinds(self):
        ms = self.path("t.ms")
        msio("simulate", "ms", "--quiet", "--out", ms, "--antennas", 3, "--times", 1, "--subbands", 1, "--channels", 2)
        kept = []

        def bind(path):
            kept.append(socket.socket(socket.AF_UNIX))
            self.addCleanup(kept[-1].close)
            here = os.getcwd()
            os.chdir(os.path.dirname(path))  # names of sockets are short
            kept[-1].bind(os.path.basename(path))
            os.chdir(here)
        for name in ("table.lock", "table.dat", "table.info"):
            for make in (bind, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
                self.assertEqual(self.sees([["info", ms]], os.path.join(ms, name), make), 1, name)

    def test_uvh5(self):
        group = self.path("group")
        msio("simulate", "uvh5", "--quiet", "--out", group, "--antennas", 3, "--times", 2, "--subbands", 2,
             "--channels", 4)
        for name in sorted(os.listdir(group)):
            path = os.path.join(group, name)
            commands = [["info", path], ["read", path, "visdata", "--out", self.path("out.npy")],
                        ["load", path], ["plan", path, "visdata"], ["load", "--check", path]]
            for make in (os.mkfifo, lambda at: os.symlink("/dev/zero", at)):
                self.assertEqual(self.sees(commands, path, make), len(commands), name)
            back = self.replaced(path, os.mkfifo)
            for command in (["groups", group], ["groups", group, "--pattern", "*.hdf5"], ["load", group]):
                self.assertIn(run(*command).returncode, (0, 1, 3), command)
            back()

    def test_what_hdf5_files_lead_to(self):
        """External links, virtual datasets, elements in files of their own: a file is read, a FIFO is told."""
        other = self.path("other.h5")
        with h5py.File(other, "w") as file:
            file["x"] = np.arange(12.)
        with open(self.path("raw"), "wb") as raw:
            raw.write(np.arange(12.).tobytes())
        for number, name in enumerate(("other.h5", other)):
            with h5py.File(self.path(f"leads{number}.h5"), "w") as file:
                file["g/link"] = h5py.ExternalLink(name, "/x")
                layout = h5py.VirtualLayout(shape=(12,), dtype="f8")
                layout[:] = h5py.VirtualSource(name, "x", shape=(12,))
                file.create_virtual_dataset("virtual", layout)
                raw = self.path("raw") if number else "raw"
                file.create_dataset("external", shape=(12,), dtype="f8", external=[(raw, 0, 96)])
        commands = [["read", self.path(f"leads{n}.h5"), name, "--out", self.path("out.npy")]
                    for n in range(2) for name in ("g/link", "virtual", "external")]
        for command in commands:
            ended = run(*command, cwd=self.folder)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertTrue(np.array_equal(np.load(self.path("out.npy")), np.arange(12.)))
        for name in ("other.h5", "raw"):
            os.unlink(self.path(name))
            os.mkfifo(self.path(name))
        for command in commands:
            ended = run(*command, cwd=self.folder)
            self.assertEqual(ended.returncode, 3, (command, ended.stderr))
            self.assertIn("expected a regular file", ended.stderr)
            self.assertIn("raw" if "external" in command else "other.h5", ended.stderr)
        for n in range(2):
            self.assertIn(run("info", self.path(f"leads{n}.h5"), cwd=self.folder).returncode, (0, 3))

    def test_waiting_writer_notices_nothing(self):
        """Who waits to write into a FIFO in a file's place goes on waiting, and is not killed by SIGPIPE."""
        fifo = self.path("x.uvh5")
        os.mkfifo(fifo)
        with subprocess.Popen([sys.executable, "-c", f"open({fifo!r}, 'w')"]) as writer:
            time.sleep(0.5)
            self.assertEqual(run("info", fifo).returncode, 3)
            time.sleep(0.2)
            self.assertIsNone(writer.poll())
            writer.kill()

    def test_signal_ends_the_wait_for_a_lock(self):
        ms = self.path("t.ms")
        msio("simulate", "ms", "--quiet", "--out", ms, "--antennas", 3, "--times", 1, "--subbands", 1, "--channels", 2)
        holder = subprocess.Popen([sys.executable, "-c", "import fcntl, struct, sys, time\n"
                                   f"f = open({ms!r} + '/table.lock', 'r+b')\nfcntl.lockf(f, fcntl.LOCK_EX, 1, 0)\n"
                                   "print('held', flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        holder.stdout.readline()
        for number in (signal.SIGINT, signal.SIGTERM):
            waits = subprocess.Popen([MSIO, "info", ms], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(1)
            self.assertIsNone(waits.poll())
            waits.send_signal(number)
            told = waits.communicate(timeout=HANGS)[1]
            self.assertEqual(waits.returncode, -number, told)
            self.assertNotIn("has kept its", told)  # it did not wait to the end


class FileSize(Folder):
    """ulimit -f: exit code 3, a message, and nothing left."""

    def limited(self, size, *arguments):
        return run(*arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))

    def refused(self, size, out, *arguments):
        ended = self.limited(size, *arguments)
        self.assertEqual(ended.returncode, 3, (arguments, ended.stderr))
        self.assertIn("ulimit -f", ended.stderr)
        self.assertEqual(os.listdir(out), [], arguments)

    def test_outputs(self):
        ms, group, out = self.path("t.ms"), self.path("group"), self.path("out")
        os.mkdir(out)
        small = ["--antennas", 20, "--times", 4, "--subbands", 2]
        msio("simulate", "ms", "--quiet", "--out", ms, *small)
        msio("simulate", "uvh5", "--quiet", "--out", group, *small)
        for size in (0, 4096, 100 * 512):
            name = os.path.join(out, "x.npy")
            self.refused(size, out, "read", ms, "DATA", "--out", name)
            self.refused(size // 2, out, "read", ms, "UVW", "--out", name)
            self.refused(size // 60, out, "read", ms, "ANTENNA1", "--format", "json", "--out", name)
            for name in ("x.npy", "x.h5"):
                self.refused(size, out, "load", group, "--out", os.path.join(out, name), "--missing", "skip")
                self.refused(size, out, "load", ms, "--what", "visdata", "--out", os.path.join(out, name))
            self.refused(size, out, "simulate", "uvh5", "--out", os.path.join(out, "g"), *small)
        self.refused(4096, out, "info", ms, "--prof=json:" + os.path.join(out, "p.json"))

    def test_casacore_outputs(self):
        out = self.path("out")
        os.mkdir(out)
        for size in (0, 4096, 50000, 400000):
            ended = self.limited(size, "simulate", "ms", "--out", os.path.join(out, "t.ms"), "--antennas", 20, "--times",
                                 4, "--subbands", 2)
            self.assertEqual(ended.returncode, 3, ended.stderr)
            self.assertEqual(os.listdir(out), [])

    def test_standard_output(self):
        ms = self.path("t.ms")
        msio("simulate", "ms", "--quiet", "--out", ms, "--antennas", 20, "--times", 4, "--subbands", 2)
        with open(self.path("data"), "wb") as data:
            ended = subprocess.run([MSIO, "read", ms, "DATA"], stdout=data, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999)))
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn("ulimit -f", ended.stderr)

    def test_children_are_as_the_command_was(self):
        """What the command ignores is not handed on to the benchmark program, nor taken from who ignored it before."""
        program = self.path("libexec", "msio-bench")
        os.makedirs(os.path.dirname(program))
        copy = self.path("bin", "msio")
        os.mkdir(os.path.dirname(copy))
        shutil.copy(MSIO, copy)
        for beside in (os.path.dirname(copy), os.path.dirname(program), self.path("bench"),
                       self.path("libexec", "msio"), self.path("lib", "msio"), self.path("bin", "bench")):
            os.makedirs(beside, exist_ok=True)
            with open(os.path.join(beside, "msio-bench"), "w", encoding="utf-8") as script:
                script.write("#!/bin/sh\ngrep SigIgn /proc/self/status\n")
            os.chmod(os.path.join(beside, "msio-bench"), 0o755)
        both = 1 << signal.SIGXFSZ - 1 | 1 << signal.SIGPIPE - 1

        def ignored(before):
            def prepare():
                for number in (signal.SIGXFSZ, signal.SIGPIPE):
                    signal.signal(number, before)
            ended = subprocess.run([copy, "bench"], capture_output=True, text=True, preexec_fn=prepare,
                                   restore_signals=False)
            if "SigIgn" not in ended.stdout:
                self.skipTest("the benchmark program is looked for elsewhere: " + ended.stderr)
            return int(ended.stdout.split()[1], 16) & both
        self.assertEqual(ignored(signal.SIG_DFL), 0)
        self.assertEqual(ignored(signal.SIG_IGN), both)


class NoLocks(Folder):
    """File systems without locks, and HDF5's own locks where there are some."""

    ERRORS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

    def setUp(self):
        super().setUp()
        self.ms, self.group = self.path("t.ms"), self.path("group")
        small = ["--antennas", 4, "--times", 2, "--subbands", 2, "--channels", 4]
        msio("simulate", "ms", "--quiet", "--out", self.ms, *small)
        msio("simulate", "uvh5", "--quiet", "--out", self.group, *small, "--compression", "lzf")
        self.file = os.path.join(self.group, sorted(os.listdir(self.group))[0])

    def without(self, number, *arguments, **variables):
        library = os.environ.get("MSIO_TEST_NOLOCK")
        if not library:
            sys.exit(77)
        return subprocess.run([MSIO, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=HANGS,
                              env={**os.environ, "LD_PRELOAD": library, "MSIO_TEST_LOCK_ERRNO": str(number),
                                   **variables})

    def test_read_all_the_same(self):
        commands = [["read", self.ms, "DATA"], ["read", self.ms, "DATA", "--native=no"], ["read", self.file, "visdata"],
                    ["read", self.file, "visdata", "--native=no"], ["info", self.ms, "--json"],
                    ["info", self.file, "--json"], ["flags", self.ms, "--json"], ["groups", self.group, "--json"]]
        for command in commands:
            usual = msio(*command).stdout
            for number in self.ERRORS:
                for options in ([], ["--nolock"]):
                    ended = self.without(number, *command, *options)
                    self.assertEqual(ended.returncode, 0, (command, number, ended.stderr))
                    if "flags" not in command:  # they tell how long it took
                        self.assertEqual(ended.stdout, usual, (command, number))

    def test_loading_and_making(self):
        for number in self.ERRORS:
            for name in (self.ms, self.group):
                for out in ("x.h5", "x.npy"):
                    ended = self.without(number, "load", name, "--what", "visdata", "--force", "--out", self.path(out),
                                         "--missing", "skip")
                    self.assertEqual(ended.returncode, 0, (number, ended.stderr))
                    expected = np.load(self.path("x.npy")) if out == "x.npy" else None
                with h5py.File(self.path("x.h5")) as loaded:
                    self.assertTrue(np.array_equal(loaded["visdata"][()], expected))
            ended = self.without(number, "simulate", "uvh5", "--out", self.path("g%d" % number), "--antennas", 3,
                                 "--times", 1, "--subbands", 1, "--channels", 2)
            self.assertEqual(ended.returncode, 0, (number, ended.stderr))

    def test_insisting_on_locks_is_told(self):
        for number in self.ERRORS[:2]:
            ended = self.without(number, "read", self.file, "visdata", HDF5_USE_FILE_LOCKING="TRUE")
            self.assertEqual(ended.returncode, 3)
            self.assertIn(b"the file system has no locks", ended.stderr)
            self.assertIn(b"HDF5_USE_FILE_LOCKING=FALSE", ended.stderr)
            self.assertNotIn(b"a writer has", ended.stderr)

    def test_a_writer_elsewhere(self):
        """HDF5's lock of a writer is an error that says so; --nolock reads what is there."""
        data = np.arange(6.)
        with h5py.File(self.path("w.h5"), "w") as made:
            made["x"] = data
        with open(self.path("w.h5"), "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            ended = run("read", self.path("w.h5"), "x", "--out", self.path("w.npy"))
            self.assertEqual(ended.returncode, 3)
            self.assertIn("a writer has the file open", ended.stderr)
            for command in (["read", self.path("w.h5"), "x"], ["read", self.path("w.h5"), "x", "--native=no"]):
                ended = run(*command, "--nolock", "--out", self.path("w.npy"))
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertTrue(np.array_equal(np.load(self.path("w.npy")), data))
        with open(self.file, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            load = ["load", self.group, "--missing", "skip", "--out", self.path("y.npy"), "--what", "flags"]
            self.assertEqual(run(*load).returncode, 3)
            ended = run(*load, "--nolock")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(run("info", self.file).returncode, 3)
            self.assertEqual(run("info", self.file, "--nolock").returncode, 0)


class Leftovers(Folder):
    """SIGKILL while a file or a folder is made: the next run finds its place free, and cleans up."""

    def setUp(self):
        super().setUp()
        self.ms, self.group, self.out = self.path("t.ms"), self.path("group"), self.path("out")
        small = ["--antennas", 16, "--times", 4, "--subbands", 2]
        msio("simulate", "ms", "--quiet", "--out", self.ms, *small)
        msio("simulate", "uvh5", "--quiet", "--out", self.group, *small)
        os.mkdir(self.out)

    def commands(self):
        """What is run, and what then stands in the folder, whole."""
        small = ["--antennas", 24, "--times", 4, "--subbands", 4]
        out = [os.path.join(self.out, name) for name in ("d.npy", "l.npy", "l.h5", "s.ms", "s")]
        return [(["read", self.ms, "DATA", "--out", out[0]], out[0]),
                (["load", self.group, "--missing", "skip", "--what", "visdata", "--force", "--out", out[1]], out[1]),
                (["load", self.group, "--missing", "skip", "--force", "--out", out[2]], out[2]),
                (["simulate", "ms", "--force", "--out", out[3], *small], out[3]),
                (["simulate", "uvh5", "--out", out[4], *small], out[4])]

    def killed(self, command, chance):
        """Runs the command and kills it at some moment; its exit code."""
        process = subprocess.Popen([MSIO, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance)
        process.kill()
        return process.wait(timeout=HANGS)

    def test_killed_at_any_moment(self):
        chance = random.Random(20)
        kills = left = 0
        for command, target in self.commands():
            began = time.monotonic()
            msio(*command)
            took = time.monotonic() - began
            for trial in range(12):
                if os.path.isdir(target):
                    shutil.rmtree(target)
                elif trial % 2 and os.path.exists(target):
                    os.unlink(target)  # else one is replaced
                code = self.killed(command, chance.uniform(0, 1.1 * took))
                kills += code == -signal.SIGKILL
                left += any(".msio-" in name for name in os.listdir(self.out))
                # Under the final name stands nothing, or what is whole: the next run may ask to replace that only.
                if os.path.isdir(target):
                    self.assertTrue(os.listdir(target))
                    shutil.rmtree(target)
                ended = run(*command)
                self.assertEqual(ended.returncode, 0, (command, ended.stderr))
                self.assertEqual([name for name in os.listdir(self.out) if ".msio-" in name], [], command)
        self.assertGreater(kills, 5)
        self.assertGreater(left, 3)
        self.assertEqual(sorted(os.listdir(self.out)), ["d.npy", "l.h5", "l.npy", "s", "s.ms"])
        whole = os.path.join(self.out, "s")
        for name in os.listdir(whole):
            self.assertEqual(run("read", os.path.join(whole, name), "visdata", "--out", self.path("v.npy")).returncode, 0)
        self.assertEqual(len(os.listdir(whole)), 4)

    def test_killed_within_a_folder_that_stands(self):
        where = os.path.join(self.out, "stands")
        os.mkdir(where)
        command = ["simulate", "uvh5", "--out", where, "--antennas", 24, "--times", 4, "--subbands", 4]
        process = self.stopped_in_the_middle(command, where)
        process.kill()
        process.wait(timeout=HANGS)
        self.assertEqual(len(os.listdir(where)), 2)
        msio(*command)
        self.assertEqual(len(os.listdir(where)), 4)
        self.assertFalse([name for name in os.listdir(where) if name.startswith(".")])

    def stopped_in_the_middle(self, command, where):
        """A process that stands still while it makes something in the folder."""
        while True:
            process = subprocess.Popen([MSIO, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None:
                made = [name for name in os.listdir(where) if ".msio-" in name and not name.endswith(".lock")]
                if made:
                    process.send_signal(signal.SIGSTOP)
                    # it goes on until it has taken the signal
                    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                    if process.poll() is None and any(".msio-" in name and not name.endswith(".lock")
                                                      for name in os.listdir(where)):
                        return process
                    break
            process.kill()
            process.wait(timeout=HANGS)

    def test_of_a_living_process_is_left_and_named(self):
        for command, target in self.commands():
            process = self.stopped_in_the_middle(command, self.out)
            try:
                before = sorted(name for name in os.listdir(self.out) if ".msio-" in name)
                ended = run(*command)
                self.assertEqual(ended.returncode, 0, (command, ended.stderr))
                self.assertIn(f"process {process.pid}", ended.stderr)
                self.assertEqual(sorted(name for name in os.listdir(self.out) if ".msio-" in name), before)
                self.assertTrue(os.path.exists(target))
            finally:
                process.kill()
                process.wait(timeout=HANGS)
            if os.path.isdir(target):
                shutil.rmtree(target)
            msio(*command)
            self.assertEqual([name for name in os.listdir(self.out) if ".msio-" in name], [])

    def test_foreign_names_stay(self):
        names = [".d.npy.msio-ABCDEF", ".d.npy.msio-abcdef.lock", "d.npy.ABCDEF", ".s.msio-ABCDEF", "s.ms.making-1"]
        for name in names:
            with open(os.path.join(self.out, name), "w", encoding="utf-8") as file:
                file.write("somebody's")
        for command, _ in self.commands():
            msio(*command)
        for name in names:
            with open(os.path.join(self.out, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), "somebody's")


class FullDisk(Folder):
    """A file system that is full before all is written: needs one of its own, as root."""

    def test_full(self):
        mount = self.path("small")
        os.mkdir(mount)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], capture_output=True,
                          check=False).returncode:
            print("skipped: no file system can be mounted here")
            sys.exit(77)
        self.addCleanup(subprocess.run, ["umount", mount], check=False)
        ms, group = self.path("t.ms"), self.path("group")
        small = ["--antennas", 20, "--times", 4, "--subbands", 2]
        msio("simulate", "ms", "--quiet", "--out", ms, *small)
        msio("simulate", "uvh5", "--quiet", "--out", group, *small)
        for command in (["read", ms, "DATA", "--out", os.path.join(mount, "d.npy")],
                        ["load", group, "--missing", "skip", "--out", os.path.join(mount, "l.h5")],
                        ["load", group, "--missing", "skip", "--out", os.path.join(mount, "l.npy")],
                        ["simulate", "uvh5", "--out", os.path.join(mount, "g"), *small],
                        ["simulate", "ms", "--out", os.path.join(mount, "s.ms"), *small]):
            ended = run(*command)
            self.assertEqual(ended.returncode, 3, (command, ended.stderr))
            self.assertEqual(os.listdir(mount), [], command)
        with open(os.path.join(mount, "filler"), "wb") as filler:
            filler.write(bytes((1 << 20) - 8192))
        ended = run("read", ms, "UVW", "--out", os.path.join(mount, "u.npy"))
        self.assertEqual(ended.returncode, 3)
        self.assertIn("No space left", ended.stderr)
        self.assertEqual(os.listdir(mount), ["filler"])


if __name__ == "__main__":
    main(globals())
