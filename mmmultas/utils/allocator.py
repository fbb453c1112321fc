"""Keep freed memory in the process (DESIGN trap 19)."""
import ctypes
import os

__all__ = ['keep_freed_memory']

# mallopt's names for them, from glibc's malloc.h
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4


def keep_freed_memory() -> str:
    """Tell glibc not to hand every freed tensor back to the system.

    Small models on a CPU spend up to a quarter of an update on that.
    ``MMMULTAS_MALLOC=0`` in the environment switches it off.

    Returns:
        A sentence for the log.
    """
    if os.environ.get('MMMULTAS_MALLOC', '1') == '0':
        return 'Allocator as it is (MMMULTAS_MALLOC=0).'
    try:
        mallopt = ctypes.CDLL('libc.so.6').mallopt
    except (OSError, AttributeError):
        return 'Allocator as it is (no glibc).'
    done = mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    if not done:
        return 'Allocator as it is (glibc refused).'
    return ('Freed memory stays in the process, which is faster on CPUs; '
            'MMMULTAS_MALLOC=0 switches this off.')
