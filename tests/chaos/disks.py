"""Disks that get full: file systems in memory, seen by a campaign's own processes alone (a mount namespace)."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile

MARK = "CHAOS_MOUNTS"  # set in a namespace of our own; not RINGBACK_: the program refuses what it does not know
BALLAST = "ballast"


def enter():
    """Begins this program anew in a mount namespace of its own. None: it is in one; else why that cannot be."""
    if MARK in os.environ:
        return None
    words = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    with tempfile.TemporaryDirectory() as folder:
        try:
            tried = subprocess.run(words + mount_words(folder, 1), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, universal_newlines=True, check=False)  # fmt: skip
        except OSError as error:
            return "unshare: %s" % error
    if tried.returncode != 0:
        return tried.stderr.strip()
    os.environ[MARK] = "1"
    sys.stdout.flush()
    os.execvp(words[0], words + [sys.executable, os.path.abspath(sys.argv[0])] + sys.argv[1:])


def mount_words(folder, megabytes):
    return ["mount", "-t", "tmpfs", "-o", "size=%dm" % megabytes, "tmpfs", folder]


class Disk:
    """A folder. It is a file system of its own if the campaign has a namespace."""

    def __init__(self, folder, megabytes):
        self.folder = folder
        self.mounted = MARK in os.environ
        os.makedirs(folder, exist_ok=True)
        if self.mounted:
            subprocess.run(mount_words(folder, megabytes), check=True)

    def full(self, on):
        """Not a byte is left; or there is room again."""
        path = os.path.join(self.folder, BALLAST)
        if not on:
            if os.path.exists(path):
                os.remove(path)
            return
        block = bytes(1 << 20)
        with open(path, "wb", buffering=0) as file:
            while block:
                try:
                    file.write(block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    block = block[: len(block) // 2]

    def close(self, keep):
        """What was mounted is gone with the campaign: keep leaves a copy in its place."""
        if not self.mounted:
            return
        copy = self.folder + ".kept"
        if keep:
            shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns(BALLAST))
        subprocess.run(["umount", "--lazy", self.folder], check=False)
        if keep:
            os.rmdir(self.folder)
            os.rename(copy, self.folder)
