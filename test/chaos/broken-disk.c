/*
 * Preloaded into one worker: makes the system refuse writes below one folder, as a disk does that fails or was remounted
 * read-only. BROKEN_DISK_FOLDER names the folder, the file BROKEN_DISK_SWITCH holds the number of the error, 0 or nothing for none.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int fault(void) {
  static int (*real_open)(const char *, int, ...);
  static ssize_t (*real_read)(int, void *, size_t);
  if (!real_open) real_open = dlsym(RTLD_NEXT, "open");
  if (!real_read) real_read = dlsym(RTLD_NEXT, "read");
  const char *path = getenv("BROKEN_DISK_SWITCH");
  char text[16] = {0};
  int fd = path ? real_open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  if (real_read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  return atoi(text);
}

static int is_ours(const char *path) {
  const char *folder = getenv("BROKEN_DISK_FOLDER");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_ours_fd(int fd) {
  char link[64], path[4096];
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_ours(path);
}

#define REFUSE(condition) \
  do { \
    int code; \
    if ((condition) && (code = fault()) != 0) { \
      errno = code; \
      return -1; \
    } \
  } while (0)
#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t count) {
  REAL(write);
  REFUSE(is_ours_fd(fd));
  return real(fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  REAL(pwrite64);
  REFUSE(is_ours_fd(fd));
  return real(fd, bytes, count, at);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  REFUSE(is_ours_fd(fd));
  return real(fd);
}

int fsync(int fd) {
  REAL(fsync);
  REFUSE(is_ours_fd(fd));
  return real(fd);
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  REFUSE(is_ours(path));
  return real(path, mode);
}

static int open_mode(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
  REFUSE((flags & (O_WRONLY | O_RDWR | O_CREAT)) && is_ours(path));
  return real(path, flags, mode);
}

#define OPENS(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return open_mode(path, flags, mode, real); \
  }
OPENS(open)
OPENS(open64)
