/* Preloaded before the C library: every fsync and fdatasync takes MS milliseconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
#define SLOW(name) \
    int name(int fd) { \
        usleep((useconds_t)(MS * 1000)); \
        return ((int (*)(int))dlsym(RTLD_NEXT, #name))(fd); \
    }
SLOW(fsync)
SLOW(fdatasync)
