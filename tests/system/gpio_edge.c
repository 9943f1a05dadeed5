/* Stands where the kernel would behind /dev/gpiochipN: the character device's ioctls (linux/gpio.h,
 * version 2), on a plain file that takes the device's place, two bytes a line: whether it is an
 * output, and its level. Loaded before the C library; nothing above `ioctl` is changed.
 *
 * A line's file is the chip's, opened anew and standing at the line; an open-file lock on it is what
 * the kernel calls "requested": it ends with the program. What the file says stays, as on a Pi whose
 * kernel keeps a dead program's outputs (persist_gpio_outputs). No line is ever pressed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINES = 54 };

static int stands_in(int file) {
    struct stat status;
    return !fstat(file, &status) && S_ISREG(status.st_mode) && status.st_size == 2 * LINES;
}

static int request(int chip, struct gpio_v2_line_request *request) {
    if (request->num_lines != 1 || request->offsets[0] >= LINES) return errno = EINVAL, -1;
    if (request->config.flags & (GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING))
        return (request->fd = eventfd(0, EFD_CLOEXEC)) < 0 ? -1 : 0;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", chip);
    int line = open(path, O_RDWR | O_CLOEXEC);
    if (line < 0) return -1;
    off_t at = 2 * request->offsets[0];
    struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 2};
    if (fcntl(line, F_OFD_SETLK, &held)) return close(line), errno = EBUSY, -1;
    unsigned char state[2] = {!!(request->config.flags & GPIO_V2_LINE_FLAG_OUTPUT), 0};
    for (__u32 n = 0; n < request->config.num_attrs; n++)
        if (request->config.attrs[n].attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
            state[1] = request->config.attrs[n].attr.values & 1;
    if (pwrite(line, state, 2, at) != 2) return close(line), -1;
    lseek(line, at, SEEK_SET);
    request->fd = line;
    return 0;
}

int ioctl(int file, unsigned long code, ...) {
    va_list more;
    va_start(more, code);
    void *what = va_arg(more, void *);
    va_end(more);
    unsigned char state[2] = {0, 1};
    off_t at = stands_in(file) ? lseek(file, 0, SEEK_CUR) : -1;
    if (code == GPIO_V2_LINE_GET_VALUES_IOCTL) {
        struct gpio_v2_line_values *values = what;
        if (at >= 0 && pread(file, state, 2, at) != 2) return -1;
        values->bits = state[1];
        return 0;
    }
    if (at < 0) return syscall(SYS_ioctl, file, code, what);
    switch (code) {
    case GPIO_GET_CHIPINFO_IOCTL: {
        struct gpiochip_info *info = what;
        *info = (struct gpiochip_info){"gpiochip0", "pinctrl-bcm2835", LINES};
        return 0;
    }
    case GPIO_V2_GET_LINEINFO_IOCTL: {
        struct gpio_v2_line_info *info = what;
        if (pread(file, state, 2, 2 * info->offset) != 2) return errno = EINVAL, -1;
        info->flags = state[0] ? GPIO_V2_LINE_FLAG_OUTPUT : GPIO_V2_LINE_FLAG_INPUT;
        return 0;
    }
    case GPIO_V2_GET_LINE_IOCTL:
        return request(file, what);
    case GPIO_V2_LINE_SET_VALUES_IOCTL:
        state[0] = ((struct gpio_v2_line_values *)what)->bits & 1;
        return pwrite(file, state, 1, at + 1) == 1 ? 0 : -1;
    }
    return errno = ENOTTY, -1;
}
