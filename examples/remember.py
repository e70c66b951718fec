"""Remembers a sentence and recalls what helps with a question, from Python, through libcairn and ctypes alone:

    python3 remember.py /tmp/notes "The bakery closes at six on Fridays" "when does the bakery close?"
"""

import ctypes
import json
import os
import sys


class Cairn:
    """An open data folder. call() runs any operation of docs/operations.md."""

    def __init__(self, folder):
        self.lib = ctypes.CDLL("libcairn.so.0")
        self.lib.cairn_last_error.restype = ctypes.c_char_p
        self.lib.cairn_call.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p,
                                        ctypes.POINTER(ctypes.c_void_p)]
        self.lib.cairn_free.argtypes = self.lib.cairn_close.argtypes = [ctypes.c_void_p]
        self.handle = ctypes.c_void_p()
        if self.lib.cairn_open(os.fsencode(folder), ctypes.byref(self.handle)):
            raise OSError(self.lib.cairn_last_error().decode())

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.lib.cairn_close(self.handle)
        self.handle = None

    def call(self, operation, **args):
        out = ctypes.c_void_p()  # not c_char_p: the address is needed to free it
        code = self.lib.cairn_call(self.handle, operation.encode(), json.dumps(args).encode(), ctypes.byref(out))
        try:
            if code:
                raise ValueError(self.lib.cairn_last_error().decode())
            return json.loads(ctypes.string_at(out))
        finally:
            self.lib.cairn_free(out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: remember.py FOLDER TEXT QUESTION")
    with Cairn(sys.argv[1]) as cairn:
        cairn.call("turn.remember", text=sys.argv[2], session="example")
        for hit in cairn.call("recall", query=sys.argv[3], max_results=3)["results"]:
            print(f"{hit['score']:.2f}  {hit['content']}")
