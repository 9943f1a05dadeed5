/* Records what a process does to the files below $TRACE_ROOT, in order, into the file $TRACE.
 *
 * Records are little-endian: kind (1 byte), file (4), offset (8), length (4), then so many bytes:
 * O open (data: path), W write, T truncate to offset, S sync, U unlink (data: path). Loaded before the C library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define FDS 1024
static int files[FDS], next_file = 1, trace = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static void record(char kind, int file, int64_t offset, const void *data, uint32_t length) {
    char head[17];
    head[0] = kind;
    memcpy(head + 1, &file, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &length, 4);
    pthread_mutex_lock(&lock);
    REAL(ssize_t, write, int, const void *, size_t)(trace, head, 17);
    if (length) REAL(ssize_t, write, int, const void *, size_t)(trace, data, length);
    pthread_mutex_unlock(&lock);
}

static int watched(int fd) { return fd >= 0 && fd < FDS ? files[fd] : 0; }

static int opened(int fd, const char *path) {
    const char *root = getenv("TRACE_ROOT");
    if (fd < 0 || fd >= FDS || !root || strncmp(path, root, strlen(root))) return fd;
    if (trace < 0)
        trace = REAL(int, open, const char *, int, ...)(
            getenv("TRACE"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    files[fd] = next_file++;
    record('O', files[fd], 0, path, strlen(path));
    return fd;
}

#define OPEN(name)                                                          \
    int name(const char *path, int flags, ...) {                            \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        int mode = va_arg(more, int);                                       \
        va_end(more);                                                       \
        return opened(REAL(int, name, const char *, int, ...)(path, flags, mode), path); \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (fd >= 0 && fd < FDS) files[fd] = 0;
    return REAL(int, close, int)(fd);
}

#define PWRITE(name, kind)                                                  \
    ssize_t name(int fd, const void *data, size_t length, kind offset) {    \
        ssize_t done = REAL(ssize_t, name, int, const void *, size_t, kind)(fd, data, length, offset); \
        if (done > 0 && watched(fd)) record('W', files[fd], offset, data, done); \
        return done;                                                        \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t length) {
    int64_t at = watched(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = REAL(ssize_t, write, int, const void *, size_t)(fd, data, length);
    if (done > 0 && watched(fd)) record('W', files[fd], at, data, done);
    return done;
}

int unlink(const char *path) {
    int failed = REAL(int, unlink, const char *)(path);
    if (!failed && trace >= 0) record('U', 0, 0, path, strlen(path));
    return failed;
}

#define TRUNCATE(name, kind)                                                \
    int name(int fd, kind size) {                                           \
        int failed = REAL(int, name, int, kind)(fd, size);                  \
        if (!failed && watched(fd)) record('T', files[fd], size, 0, 0);     \
        return failed;                                                      \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                                          \
    int name(int fd) {                                                      \
        int failed = REAL(int, name, int)(fd);                              \
        if (!failed && watched(fd)) record('S', files[fd], 0, 0, 0);        \
        return failed;                                                      \
    }
SYNC(fsync)
SYNC(fdatasync)
