"""Zeroes the device code in a CUDA library that one GPU architecture does not need, so that the file compresses well.

usage: empty-other-devices.py FILE ARCH         ARCH is 90 for sm_90

Offsets do not change. CUDA's "fatbins" are in the sections .nv_fatbin and __nv_relfatbin: a header (magic, header size,
size of all entries), then entries (kind: 1 PTX, 2 machine code; header size; payload size; architecture). The machine
code for ARCH is kept. A fatbin without it keeps PTX, which the driver compiles, and machine code for the same major
architecture up to ARCH. Everything after the last loaded segment (symbols and section headers) is cut off.
"""

import mmap
import os
import struct
import sys

MAGIC, PTX, MACHINE_CODE = 0xBA55ED50, 1, 2


def device_sections(data):
    (headers,) = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    rows = [struct.unpack_from("<IIQQQQ", data, headers + i * size) for i in range(count)] if headers else []
    for name, _, _, _, offset, length in rows:
        start = rows[names][4] + name
        if data[start : data.find(b"\0", start)] in (b".nv_fatbin", b"__nv_relfatbin"):
            yield offset, offset + length


def entries(data, start, end):
    """Yields the entries of each fatbin as (kind, architecture, payload offset, payload size)."""
    at = start
    while at + 16 <= end:
        magic, _, header, length = struct.unpack_from("<IHHQ", data, at)
        if magic != MAGIC:
            at += 8
            continue
        entry, at, found = at + header, at + header + length, []
        while entry < at:
            kind, _, own_header, payload = struct.unpack_from("<HHIQ", data, entry)
            (arch,) = struct.unpack_from("<I", data, entry + 28)
            found.append((kind, arch, entry + own_header, payload))
            entry += own_header + payload
        if entry != at:
            sys.exit("a fatbin has an unknown layout")
        yield found


def is_needed(kind, arch, wanted, exact):
    if exact:
        return kind == MACHINE_CODE and arch == wanted
    return arch <= wanted and (kind == PTX or arch // 10 == wanted // 10)


def main(path, wanted):
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        for start, end in device_sections(data):
            for fatbin in entries(data, start, end):
                exact = any(kind == MACHINE_CODE and arch == wanted for kind, arch, _, _ in fatbin)
                for kind, arch, offset, size in fatbin:
                    if kind in (PTX, MACHINE_CODE) and not is_needed(kind, arch, wanted, exact):
                        data[offset : offset + size] = bytes(size)
        (table,) = struct.unpack_from("<Q", data, 0x20)
        size, count = struct.unpack_from("<HH", data, 0x36)
        segments = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
        end = max(offset + length for kind, _, offset, _, _, length in segments if kind == 1)
        # The file no longer has section headers.
        struct.pack_into("<Q", data, 0x28, 0)
        struct.pack_into("<HH", data, 0x3C, 0, 0)
    os.truncate(path, end)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
