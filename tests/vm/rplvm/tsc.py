# SPDX-License-Identifier: GPL-2.0-or-later
"""The rate of the time stamp counter that a guest will see.

microvm has no timer that a kernel could measure it with (6.1 then keeps time by ticks, 7.2 does not
boot), so the rate is measured here and given on the kernel's command line.  An emulated CPU passes
the host's counter through; with icount one tick is one nanosecond.
"""
import ctypes
import functools
import mmap
import time

ICOUNT_KHZ = 1000000
# rdtsc; shl rdx,32; or rax,rdx; ret
CODE = bytes.fromhex("0f31 48c1e220 4809d0 c3")


@functools.cache
def host_khz():
    page = mmap.mmap(-1, mmap.PAGESIZE,
                     prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CODE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(address)

    def both():
        # The tightest of a few readings: the scheduler may step in between the two clocks.
        best = None
        for _ in range(20):
            a, n, b = rdtsc(), time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW), rdtsc()
            if best is None or b - a < best[0]:
                best = (b - a, (a + b) // 2, n)
        return best[1:]

    t0, n0 = both()
    time.sleep(0.1)
    t1, n1 = both()
    return (t1 - t0) * 1000000 // (n1 - n0)
