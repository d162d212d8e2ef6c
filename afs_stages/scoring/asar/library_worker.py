"""A worker process around libasar: frames with code on stdin,
frames with the outcome on stdout.

Runs by itself (`python -I library_worker.py LIBRARY`), imports the standard library
only, and gives up, before the first snippet, every right it does not need: it can open
no file, start no process and use bounded memory and CPU. asar is not thread-safe, so
there is one snippet at a time. A frame is a 4-byte little-endian length and JSON.
"""

from __future__ import annotations

import ctypes
import json
import resource
import struct
import sys
from typing import Any

BUFFER = 256 * 1024
"""Bytes of the reused image; a snippet is placed at its start."""
MEMORY = 768 * 2**20
MAX_ERRORS = 12
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Of glibc's `mallopt`."""
KEPT = 16 * 2**20


class MemoryFile(ctypes.Structure):
    """asar's `memoryfile`."""

    _fields_ = (
        ("path", ctypes.c_char_p),
        ("buffer", ctypes.c_char_p),
        ("length", ctypes.c_size_t),
    )


class PatchParams(ctypes.Structure):
    """asar's `patchparams`, API 303."""

    _fields_ = (
        ("structsize", ctypes.c_int),
        ("patchloc", ctypes.c_char_p),
        ("romdata", ctypes.c_char_p),
        ("buflen", ctypes.c_int),
        ("romlen", ctypes.POINTER(ctypes.c_int)),
        ("includepaths", ctypes.c_void_p),
        ("numincludepaths", ctypes.c_int),
        ("should_reset", ctypes.c_bool),
        ("defines", ctypes.c_void_p),
        ("define_count", ctypes.c_int),
        ("stdincludesfile", ctypes.c_char_p),
        ("stddefinesfile", ctypes.c_char_p),
        ("warning_settings", ctypes.c_void_p),
        ("warning_setting_count", ctypes.c_int),
        ("memory_files", ctypes.POINTER(MemoryFile)),
        ("memory_file_count", ctypes.c_int),
        ("override_checksum_gen", ctypes.c_bool),
        ("generate_checksum", ctypes.c_bool),
    )


class ErrorData(ctypes.Structure):
    """asar's `errordata`."""

    _fields_ = (
        ("fullerrdata", ctypes.c_char_p),
        ("rawerrdata", ctypes.c_char_p),
        ("block", ctypes.c_char_p),
        ("filename", ctypes.c_char_p),
        ("line", ctypes.c_int),
        ("callerfilename", ctypes.c_char_p),
        ("callerline", ctypes.c_int),
        ("errid", ctypes.c_int),
    )


class Asar:
    """The loaded library with its one buffer."""

    def __init__(self, path: str) -> None:
        self.dll = ctypes.CDLL(path)
        self.dll.asar_apiversion()
        if not self.dll.asar_init():
            raise OSError("asar_init failed")
        self.dll.asar_geterrors.restype = ctypes.POINTER(ErrorData)
        self.image = ctypes.create_string_buffer(BUFFER)

    def assemble(self, code: bytes) -> dict[str, Any]:
        """Assemble one snippet: {"ok", "errors": [raw message …], "bytes":
        hex of the first four}.
        """
        file = MemoryFile(b"snippet.asm", code, len(code))
        length = ctypes.c_int(0)
        ctypes.memset(self.image, 0, 16)
        params = PatchParams(
            structsize=ctypes.sizeof(PatchParams),
            patchloc=b"snippet.asm",
            should_reset=True,
            buflen=BUFFER,
            romdata=ctypes.cast(self.image, ctypes.c_char_p),
            romlen=ctypes.pointer(length),
            memory_files=ctypes.pointer(file),
            memory_file_count=1,
        )
        ok = bool(self.dll.asar_patch_ex(ctypes.byref(params)) & 1)
        count = ctypes.c_int(0)
        errors = self.dll.asar_geterrors(ctypes.byref(count))
        texts = [
            (errors[i].rawerrdata or b"").decode("utf-8", "replace")
            for i in range(min(count.value, MAX_ERRORS))
        ]
        return {
            "ok": ok and not count.value,
            "errors": texts,
            "bytes": self.image.raw[:4].hex(),
        }


def confine() -> None:
    """Give up what assembling needs not: files, processes, unbounded memory."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def keep_memory() -> None:
    """Let glibc keep what asar frees after each snippet: giving it back and taking it
    again costs half the time.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        for parameter in TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD:
            tune(parameter, KEPT)


def serve(asar: Asar) -> None:
    """Answer frames until stdin ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        code = source.read(struct.unpack("<I", head)[0])
        answer = json.dumps(asar.assemble(code)).encode()
        target.write(struct.pack("<I", len(answer)) + answer)
        target.flush()


if __name__ == "__main__":
    keep_memory()
    loaded = Asar(sys.argv[1])
    confine()
    serve(loaded)
