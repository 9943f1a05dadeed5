/* Stands where /dev/i2c-N would: carries I2C_RDWR, as the kernel's own headers have it, over a
 * socket ($I2C_SOCKET) to whoever plays the bus for the device $I2C_DEVICE. Loaded before the C
 * library; nothing above `open` and `ioctl` is changed.
 *
 * To the bus, little-endian: count (4); then each message: address (2), flags (2), length (2), and
 * what is written. Back: an errno (4), 0 if all went well; then as many bytes as were to be read.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))
static int device = -1;

static int ours(const char *path) {
    const char *name = getenv("I2C_DEVICE");
    return name && !strcmp(path, name);
}

static int plug(void) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, getenv("I2C_SOCKET"), sizeof to.sun_path - 1);
    device = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(device, (struct sockaddr *)&to, sizeof to) ? -1 : device;
}

#define OPEN(name)                                                              \
    int name(const char *path, int flags, ...) {                                \
        va_list more;                                                           \
        va_start(more, flags);                                                  \
        int mode = va_arg(more, int);                                           \
        va_end(more);                                                           \
        if (ours(path)) return plug();                                          \
        return REAL(int, name, const char *, int, ...)(path, flags, mode);      \
    }
OPEN(open)
OPEN(open64)

static int whole(ssize_t (*move)(int, void *, size_t), void *data, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t more = move(device, (char *)data + done, length - done);
        if (more <= 0) return -1;
        done += more;
    }
    return 0;
}

static int transfer(struct i2c_rdwr_ioctl_data *all) {
    int failed = 0;
    __u32 count = all->nmsgs;
    ssize_t (*say)(int, void *, size_t) = (ssize_t(*)(int, void *, size_t))write;
    whole(say, &count, 4);
    for (__u32 n = 0; n < count; n++) {
        struct i2c_msg *one = &all->msgs[n];
        whole(say, &one->addr, 2);
        whole(say, &one->flags, 2);
        whole(say, &one->len, 2);
        if (!(one->flags & I2C_M_RD)) whole(say, one->buf, one->len);
    }
    if (whole((ssize_t(*)(int, void *, size_t))read, &failed, 4)) failed = EIO;
    for (__u32 n = 0; n < count && !failed; n++)
        if (all->msgs[n].flags & I2C_M_RD)
            whole((ssize_t(*)(int, void *, size_t))read, all->msgs[n].buf, all->msgs[n].len);
    if (failed) {
        errno = failed;
        return -1;
    }
    return count;
}

int ioctl(int fd, unsigned long request, ...) {
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (fd < 0 || fd != device) return REAL(int, ioctl, int, unsigned long, ...)(fd, request, argument);
    if (request == I2C_RDWR) return transfer(argument);
    if (request == I2C_FUNCS) {
        *(unsigned long *)argument = I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
        return 0;
    }
    errno = ENOTTY;
    return -1;
}
