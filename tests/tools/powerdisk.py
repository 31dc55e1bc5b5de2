# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk whose power can be cut: the kernel's nbd, and a server of it that logs what the disk took.

The server takes one request at a time, so the log has them in the order in which the disk had them:
writes, flushes, and what a test says in between.  A disk can be several drives, one behind the other
in its image, each with a cache of its own: else a flush of the store were one of all that is beside it.
cuts() makes of the log what a real disk with a volatile cache may hold after the power went.

dm-log-writes is not used for this: it logs a write with the flush that found it, when that flush ends.
Of two flushes that overlap the later may end first, and then the log has what was acknowledged with it
before writes that are older, and a newer write before an older one to the same place.
"""
import fcntl
import mmap
import os
import pathlib
import pickle
import select
import socket
import struct
import tempfile
import threading
import time

FLUSH, FUA, MARK = 1, 2, 8
NBD = "/dev/nbd0"
SET_SOCK, SET_BLKSIZE, DO_IT, SET_SIZE_BLOCKS, DISCONNECT, SET_FLAGS = (
    0xab00, 0xab01, 0xab03, 0xab07, 0xab08, 0xab0a)
DEVICE_FLAGS = 1 | 4 | 8  # has flags, takes flushes, takes FUA
CMD_READ, CMD_WRITE, CMD_DISC, CMD_FLUSH = range(4)
CMD_FUA = 1 << 16
REQUEST = struct.Struct(">II8sQI")
REPLY = struct.Struct(">II8s")
REQUEST_MAGIC, REPLY_MAGIC = 0x25609513, 0x67446698
EINVAL = 22
SECTOR = 512


class Image(mmap.mmap):
    """Memory that is a file too: ->path."""

    def __new__(cls, size):
        fd = os.memfd_create("image")
        os.ftruncate(fd, size)
        self = super().__new__(cls, fd, size)
        self.path = f"/proc/{os.getpid()}/fd/{fd}"
        return self


def pages(size):
    """Memory for an image of a disk; its file is ->obj.path."""
    return memoryview(Image(size))


def receive(sock, size):
    data = bytearray(size)
    view = memoryview(data)
    while view:
        n = sock.recv_into(view)
        if not n:
            raise EOFError
        view = view[n:]
    return bytes(data)


class Server:
    """The disk itself, a process of its own; the test tells it through `control` what to note.

    drives: of each its socket, and where it begins and ends in the image.
    """

    def __init__(self, image, drives, control):
        self.image, self.drives, self.control = bytearray(image), drives, control
        self.log = []

    def request(self, sock, start, end):
        """False: the kernel has let this drive go."""
        magic, kind, handle, at, size = REQUEST.unpack(receive(sock, REQUEST.size))
        if magic != REQUEST_MAGIC:
            raise RuntimeError("that is no request")
        error, answer, command, at = 0, b"", kind & 0xffff, at + start
        if command == CMD_DISC:
            return False
        if command == CMD_READ:
            answer = self.image[at:at + size]
        elif command == CMD_WRITE:
            data = receive(sock, size)
            self.image[at:at + size] = data
            self.log.append((FUA if kind & CMD_FUA else 0, at, data))
        elif command == CMD_FLUSH:
            self.log.append((FLUSH, start, end))
        else:
            error = EINVAL
        sock.sendall(REPLY.pack(REPLY_MAGIC, error, handle) + answer)
        return True

    def mark(self):
        text = self.control.recv(4096)
        if not text:
            raise EOFError
        self.log.append((MARK, 0, text.decode()))
        self.control.send(b"!")

    def serve(self):
        while self.drives:
            ready = select.select([*(drive[0] for drive in self.drives), self.control], [], [])[0]
            if self.control in ready:
                self.mark()
                continue
            drive = next(drive for drive in self.drives if drive[0] in ready)
            if not self.request(*drive):
                self.drives.remove(drive)
                drive[0].close()  # the kernel waits for that


class Drive:
    """/dev/nbd<nr>, of so many bytes, behind a socket."""

    def __init__(self, nr, sock, size):
        self.path, self.sys, self.sock = f"/dev/nbd{nr}", pathlib.Path(f"/sys/block/nbd{nr}"), sock
        self.fd = os.open(self.path, os.O_RDWR)
        for request, value in ((SET_SOCK, sock.fileno()), (SET_BLKSIZE, SECTOR),
                               (SET_SIZE_BLOCKS, size // SECTOR), (SET_FLAGS, DEVICE_FLAGS)):
            fcntl.ioctl(self.fd, request, value)
        self.thread = threading.Thread(target=self._do_it, daemon=True)
        self.thread.start()
        self._wait_cache()

    def _do_it(self):
        fcntl.ioctl(self.fd, DO_IT, 0)

    def _wait_cache(self):
        """Until the kernel has taken the flags.

        DO_IT does that; what stands on the disk before would believe that it has no cache.
        """
        def said(name):
            return (self.sys / "queue" / name).read_text().strip()

        end = time.monotonic() + 60
        while not ((self.sys / "pid").exists() and said("write_cache") == "write back" and said("fua") == "1"):
            if time.monotonic() > end:
                raise RuntimeError("the disk did not say that it has a cache")
            time.sleep(0.005)

    def end(self):
        fd = os.open(self.path, os.O_RDWR)
        fcntl.ioctl(fd, DISCONNECT, 0)
        os.close(fd)
        self.thread.join()
        os.close(self.fd)
        self.sock.close()


class Disk:
    """/dev/nbd0 over a copy of `image`, until end(); or nbd0, nbd1, ... of such sizes."""

    def __init__(self, image, *sizes):
        sizes = sizes or (len(image),)
        pairs = [socket.socketpair() for _ in sizes]
        self.starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.out = tempfile.TemporaryFile(dir="/run")
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                self.control.close()
                for kernel, _ in pairs:
                    kernel.close()
                server = Server(image, [(ours, start, start + size) for (_, ours), start, size
                                        in zip(pairs, self.starts, sizes)], theirs)
                server.serve()
                pickle.dump(server.log, self.out)
                self.out.flush()
                status = 0
            except EOFError:
                pass  # the test has died
            finally:
                os._exit(status)
        theirs.close()
        for _, ours in pairs:
            ours.close()
        self.drives = [Drive(i, kernel, size) for i, ((kernel, _), size) in enumerate(zip(pairs, sizes))]
        self.lock = threading.Lock()

    def place(self, at):
        """The drive that has this byte of the image, and where in it that is."""
        nr = max(i for i, start in enumerate(self.starts) if start <= at)
        return self.drives[nr].path, at - self.starts[nr]

    def mark(self, text):
        """Note it behind all that has been acknowledged by now."""
        with self.lock:
            self.control.send(text.encode())
            self.control.recv(1)

    def end(self):
        """The disk goes: its log, a list of (flags, byte offset, data or mark)."""
        for drive in self.drives:
            drive.end()
        self.control.close()
        if os.waitpid(self.pid, 0)[1]:
            raise RuntimeError("the disk's process failed")
        self.out.seek(0)
        return pickle.load(self.out)


def acknowledged(entry):
    return entry[0] & MARK and entry[2].split(":")[0] in ("created", "flushed", "made", "deleted")


def within(log, begun):
    """Indices of flushes and FUA writes of commands, from the mark that begins one to its reply."""
    inside = False
    for i, entry in enumerate(log):
        if entry[0] & MARK:
            inside = bool(begun) and entry[2].startswith(begun)
        elif inside and entry[0] & (FLUSH | FUA):
            yield i


def points(log, wanted, rnd, *begun):
    """Indices behind which the power may go: flushes, FUA writes, and what was acknowledged.

    At most `wanted`, and so many if there are: a third behind replies, a third behind flushes of
    commands, which marks begin that begin with one of `begun`, the rest behind any flush.  And how
    many there are.
    """
    opened = next(i for i, e in enumerate(log) if e[2] == "opened")
    if not any(e[0] & (FLUSH | FUA) for e in log[:opened]):
        raise RuntimeError("a store was made on the disk without a flush: was its cache not seen?")
    told = [i for i, e in enumerate(log) if acknowledged(e)]
    commands = list(within(log, begun))
    flushes = [i for i, e in enumerate(log) if e[0] & (FLUSH | FUA) and i > opened]
    chosen = set()
    for some, nr in (told, wanted // 3), (commands, wanted // 3), (told + flushes, wanted):
        left = sorted(set(some) - chosen)
        chosen |= set(rnd.sample(left, min(nr, len(left), wanted - len(chosen))))
    return sorted(chosen), len(told) + len(flushes)


def enough(ran, wanted, of):
    """Whether so many points ran as were asked for, of so many; says it when not."""
    if ran == min(wanted, of):
        return True
    print(f"# {ran} points ran, {wanted} were asked for, there are {of}")
    return False


def put(image, writes, rnd):
    """Writes that no flush has come behind: each may be there or not; FUA writes are."""
    for flags, at, data in writes:
        if not rnd or flags & FUA or rnd.random() < 0.5:
            image[at:at + len(data)] = data


def cuts(log, chosen, image, check, rnd, *begun):
    """What the disk may hold at each chosen point: it, and an image; `image` is how it began.

    What was durable by then, a random part of what was not, and of what came up to the next flush.
    check hears of the marks, and of those behind the point that tell what had begun.
    """
    done, guess, cached = 0, pages(len(image)), []
    for point in chosen:
        for entry in log[done:point + 1]:
            if entry[0] & MARK:
                check.mark(entry[2])
            elif entry[0] & FLUSH:
                _, start, end = entry
                put(image, [e for e in cached if start <= e[1] < end], None)
                cached = [e for e in cached if not start <= e[1] < end]
            else:
                cached.append(entry)
        done = point + 1
        guess[:] = image
        put(guess, cached, rnd)
        for entry in log[done:]:
            if entry[0] & (FLUSH | FUA):
                break
            if not entry[0] & MARK:
                put(guess, [entry], rnd)
            elif entry[2].startswith(begun):
                check.mark(entry[2])
        yield point, guess
