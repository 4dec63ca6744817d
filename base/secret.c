#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void secret_wipe(char secret[secret_bytes])
{
    explicit_bzero(secret, secret_bytes);
}

/* How many bytes, up to secret_bytes; -1: errno says why. Without stdio, which keeps a copy. */
static ssize_t read_all(const char *path, char secret[secret_bytes])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer: empty */
    ssize_t size = 0, got;

    if (fd < 0)
        return -1;
    do {
        got = read(fd, secret + size, (size_t)(secret_bytes - size));
        if (got > 0)
            size += got;
    } while ((got > 0 && size < secret_bytes) || (got < 0 && errno == EINTR));
    (void)close(fd);
    return got < 0 ? -1 : size;
}

enum err secret_read(const char *path, char secret[secret_bytes], struct err_note *note)
{
    ssize_t size = read_all(path, secret);
    const char *wrong = NULL;

    if (size < 0)
        return FAIL(note, ERR_BAD_OPTION,
                    "%s cannot be read: %s; it must hold the password alone, and be readable to "
                    "the user that ringback runs as",
                    path, strerror(errno));
    if (size >= secret_bytes)
        wrong = "holds more than a password: over 1,000 bytes";
    else if (memchr(secret, '\0', (size_t)size) != NULL)
        wrong = "is no text";
    if (wrong == NULL) {
        if (size > 0 && secret[size - 1] == '\n')
            size--;
        if (size > 0 && secret[size - 1] == '\r')
            size--;
        secret[size] = '\0';
        if (size == 0)
            wrong = "is empty";
        else if (strpbrk(secret, "\r\n") != NULL)
            wrong = "has several lines";
    }
    if (wrong == NULL)
        return ERR_OK;
    secret_wipe(secret);
    return FAIL(note, ERR_BAD_OPTION, "%s %s; it must hold the password alone", path, wrong);
}
