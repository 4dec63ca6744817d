#include "producers/span_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { look_ms = 1000, mode = 0640 };

struct span_file {
    char *path;
    int fd; /* -1: not open */
    int64_t looked_ms;
};

static enum err open_file(struct span_file *file, enum err err, struct err_note *note)
{
    file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, mode);
    if (file->fd >= 0)
        return ERR_OK;
    return FAIL(note, err, "%s cannot be opened for spans: %s", file->path, strerror(errno));
}

enum err span_file_create(const char *path, struct span_file **out, struct err_note *note)
{
    struct span_file *file = memory_zalloc(sizeof(*file), "a file of spans");
    enum err err;

    file->path = memory_alloc(strlen(path) + 1, "a file of spans");
    memcpy(file->path, path, strlen(path) + 1);
    err = open_file(file, ERR_BAD_OPTION, note);
    if (err != ERR_OK) {
        span_file_destroy(file);
        return err;
    }
    *out = file;
    return ERR_OK;
}

static void close_file(struct span_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}

void span_file_destroy(struct span_file *file)
{
    if (file == NULL)
        return;
    close_file(file);
    free(file->path);
    free(file);
}

/* It was renamed or removed: what we hold is no longer what the path names. */
static bool is_another(const struct span_file *file)
{
    struct stat named, held;

    return stat(file->path, &named) != 0 || fstat(file->fd, &held) != 0 ||
           named.st_ino != held.st_ino || named.st_dev != held.st_dev;
}

/* A part of a line would spoil the next one: it is cut off again, as far as that can be done. */
static void cut(struct span_file *file, ssize_t written)
{
    struct stat held;

    if (written <= 0 || fstat(file->fd, &held) != 0 || !S_ISREG(held.st_mode))
        return;
    if (ftruncate(file->fd, held.st_size - written) != 0)
        close_file(file);
}

enum err span_file_write(struct span_file *file, struct slice line, int64_t now_ms,
                         struct err_note *note)
{
    ssize_t written;
    int saved;

    if (file->fd >= 0 && now_ms - file->looked_ms >= look_ms && is_another(file))
        close_file(file);
    if (file->fd < 0)
        TRY(open_file(file, ERR_BUS_DOWN, note));
    file->looked_ms = now_ms;
    written = write(file->fd, line.data, line.size);
    if (written == (ssize_t)line.size)
        return ERR_OK;
    saved = written < 0 ? errno : ENOSPC;
    cut(file, written);
    return FAIL(note, ERR_BUS_DOWN, "spans cannot be written to %s: %s", file->path,
                strerror(saved));
}
