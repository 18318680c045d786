/* A disk that fails: preloaded into a process, it makes one call on files of one folder end with EIO.

   FAILING_FOLDER: absolute path. FAILING_CALL: read, write or sync. FAILING_AT: which of these calls is the first to
   fail, from 1 on. FAILING_TIMES: how many fail, one after the other. Made by tests/node/storage/test_failing_disk.py. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

static int fails(const char *call, int file) {
    const char *folder = getenv("FAILING_FOLDER"), *wanted = getenv("FAILING_CALL");
    if (!folder || !wanted || strcmp(call, wanted))
        return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)))
        return 0;
    long call_number = ++calls, first = atol(getenv("FAILING_AT"));
    if (call_number < first || call_number >= first + atol(getenv("FAILING_TIMES")))
        return 0;
    errno = EIO;
    return 1;
}

#define WRAP(call, result, name, parameters, arguments, file)                                                          \
    result name parameters {                                                                                           \
        static result(*real) parameters;                                                                               \
        if (!real)                                                                                                     \
            real = (result(*) parameters)dlsym(RTLD_NEXT, #name);                                                      \
        return fails(call, file) ? (result)-1 : real arguments;                                                        \
    }

WRAP("read", ssize_t, read, (int file, void *to, size_t size), (file, to, size), file)
WRAP("read", ssize_t, pread, (int file, void *to, size_t size, off_t at), (file, to, size, at), file)
WRAP("read", ssize_t, pread64, (int file, void *to, size_t size, off64_t at), (file, to, size, at), file)
WRAP("write", ssize_t, write, (int file, const void *from, size_t size), (file, from, size), file)
WRAP("write", ssize_t, pwrite, (int file, const void *from, size_t size, off_t at), (file, from, size, at), file)
WRAP("write", ssize_t, pwrite64, (int file, const void *from, size_t size, off64_t at), (file, from, size, at), file)
WRAP("sync", int, fsync, (int file), (file), file)
WRAP("sync", int, fdatasync, (int file), (file), file)
