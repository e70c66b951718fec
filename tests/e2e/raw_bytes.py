"""Looking for texts in the bytes of files: as they stand, in any case, and inside whatever was packed with zstd, with
each dictionary that the store has."""

import ctypes
import ctypes.util
import pathlib
import sqlite3

MAGIC = b"\x28\xb5\x2f\xfd"
PACKED_MAX = 1 << 20


def library():
    z = ctypes.CDLL(ctypes.util.find_library("zstd"))
    z.ZSTD_createDCtx.restype = ctypes.c_void_p
    z.ZSTD_decompress_usingDict.restype = ctypes.c_size_t
    z.ZSTD_decompress_usingDict.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                            ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    z.ZSTD_findFrameCompressedSize.restype = ctypes.c_size_t
    z.ZSTD_findFrameCompressedSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    z.ZSTD_isError.argtypes = [ctypes.c_size_t]
    return z


def dictionaries(data):
    """What packed turns may need, straight from the store."""
    try:
        with sqlite3.connect(f"file:{data / 'store.db'}?mode=ro", uri=True, timeout=20) as db:
            rows = [r[0] for r in db.execute("SELECT bytes FROM pack_dictionary")]
        db.close()
        return rows
    except sqlite3.Error:
        return []


def unpacked(blob, dicts, z=library()):
    """The texts of all zstd frames that lie whole in the bytes."""
    at, ctx = blob.find(MAGIC), z.ZSTD_createDCtx()
    while at >= 0:
        frame = blob[at:at + PACKED_MAX]
        size = z.ZSTD_findFrameCompressedSize(frame, len(frame))
        for d in [b"", *dicts] if not z.ZSTD_isError(size) else []:
            room = ctypes.create_string_buffer(PACKED_MAX)
            n = z.ZSTD_decompress_usingDict(ctx, room, PACKED_MAX, frame, size, d, len(d))
            if not z.ZSTD_isError(n):
                yield room.raw[:n]
        at = blob.find(MAGIC, at + 1)


def files(*roots):
    for root in map(pathlib.Path, roots):
        yield from [root] if root.is_file() else (p for p in sorted(root.rglob("*")) if p.is_file())


def where(words, *roots):
    """{word: [files that hold it]} of the words that are somewhere in these files and folders."""
    found = {}
    dicts = [d for root in roots for d in dictionaries(pathlib.Path(root))]
    for path in files(*roots):
        blob = path.read_bytes()
        texts = [blob.lower(), *(t.lower() for t in unpacked(blob, dicts))]
        for word in words:
            if any(word.lower().encode() in t for t in texts):
                found.setdefault(word, []).append(path.name)
    return found
