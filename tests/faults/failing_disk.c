/* A stand-in for a disk or a network folder that fails, loaded with LD_PRELOAD.

   While the file FAILING_WHILE exists, calls on paths that contain FAILING_PATH fail with the
   number FAILING_ERRNO; with FAILING_AT, only reads of the 4096 bytes from that place of a file do.
*/
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char watched[65536];

static int is_failing(const char *path) {
    const char *part = getenv("FAILING_PATH"), *flag = getenv("FAILING_WHILE");
    if (!part || !path || !strstr(path, part)) return 0;
    return !flag || syscall(SYS_access, flag, F_OK) == 0;
}

static int number(void) {
    const char *text = getenv("FAILING_ERRNO");
    return text ? atoi(text) : EIO;
}

static int refuses(const char *path) {
    if (getenv("FAILING_AT") || !is_failing(path)) return 0;
    errno = number();
    return 1;
}

static int opened(int handle, const char *path) {
    const char *part = getenv("FAILING_PATH");
    if (handle >= 0 && handle < (int)sizeof watched)
        watched[handle] = part && path && strstr(path, part) != NULL;
    return handle;
}

static int read_fails(int handle, off_t position, size_t n_bytes) {
    const char *at = getenv("FAILING_AT"), *flag = getenv("FAILING_WHILE");
    if (handle < 0 || handle >= (int)sizeof watched || !watched[handle]) return 0;
    if (flag && syscall(SYS_access, flag, F_OK) != 0) return 0;
    if (at && (position + (off_t)n_bytes <= atol(at) || position >= atol(at) + 4096)) return 0;
    errno = number();
    return 1;
}

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        static int (*next)(const char *, int, ...);                           \
        va_list rest;                                                         \
        if (!next) next = dlsym(RTLD_NEXT, #name);                            \
        if (refuses(path)) return -1;                                         \
        va_start(rest, flags);                                                \
        int mode = va_arg(rest, int);                                         \
        va_end(rest);                                                         \
        return opened(next(path, flags, mode), path);                         \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                          \
    int name(int folder, const char *path, int flags, ...) {                  \
        static int (*next)(int, const char *, int, ...);                      \
        va_list rest;                                                         \
        if (!next) next = dlsym(RTLD_NEXT, #name);                            \
        if (refuses(path)) return -1;                                         \
        va_start(rest, flags);                                                \
        int mode = va_arg(rest, int);                                         \
        va_end(rest);                                                         \
        return opened(next(folder, path, flags, mode), path);                 \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t read(int handle, void *buffer, size_t n_bytes) {
    static ssize_t (*next)(int, void *, size_t);
    if (!next) next = dlsym(RTLD_NEXT, "read");
    if (read_fails(handle, lseek(handle, 0, SEEK_CUR), n_bytes)) return -1;
    return next(handle, buffer, n_bytes);
}

DIR *opendir(const char *path) {
    static DIR *(*next)(const char *);
    if (!next) next = dlsym(RTLD_NEXT, "opendir");
    return refuses(path) ? NULL : next(path);
}

#define STAT(name, record)                                                    \
    int name(const char *path, struct record *state) {                        \
        static int (*next)(const char *, struct record *);                    \
        if (!next) next = dlsym(RTLD_NEXT, #name);                            \
        return refuses(path) ? -1 : next(path, state);                        \
    }
STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)
