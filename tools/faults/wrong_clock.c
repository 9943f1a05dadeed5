/* Before the C library of one process: its time of day is what a file of two numbers makes of it.

   CLOCK_FILE holds, as 64-bit integers of this machine: how many ns the time of day is ahead of the
   machine's, how many ns longer than the machine it has been up, and what ntp_gettime(3) says of
   the time of day (0: synchronised, 5: not; <sys/timex.h>). Whoever writes the file moves the clock
   while the process runs. Durations (CLOCK_MONOTONIC) are the machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL

static const volatile int64_t *moved;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    static const int64_t nothing[3];
    const char *path = getenv("CLOCK_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = MAP_FAILED;
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (file >= 0) {
        map = mmap(NULL, sizeof nothing, PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
    moved = map == MAP_FAILED ? nothing : map;
}

int clock_gettime(clockid_t id, struct timespec *at) {
    int failed;
    int64_t ns = 0;
    if (!moved)
        begin();
    failed = real_gettime(id, at);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        ns = moved[0];
    else if (id == CLOCK_BOOTTIME)
        ns = moved[1];
    if (!failed && ns) {
        int64_t total = at->tv_sec * NS + at->tv_nsec + ns;
        at->tv_sec = total / NS;
        at->tv_nsec = total % NS;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

/* <sys/timex.h> calls ntp_gettimex by this name; who looks it up by name finds another one. */
int ntp_gettime_by_name(struct ntptimeval *at) __asm__("ntp_gettime");
int ntp_gettime_by_name(struct ntptimeval *at) {
    if (!moved)
        begin();
    memset(at, 0, sizeof *at);
    gettimeofday(&at->time, NULL);
    return (int)moved[2];
}
