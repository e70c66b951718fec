"""Writes every source below a folder, to look at: python -m histories FOLDER (from tests/e2e)."""

import pathlib
import sys

from histories import claude_folders, codex, cursor, exports, gemini, generic, memory_context, opencode, stores

SOURCES = {
    "claude": claude_folders.whole, "codex": codex.whole, "gemini": gemini.whole, "opencode": opencode.sqlite,
    "opencode-legacy": opencode.legacy, "cursor": cursor.whole, "chatgpt": exports.chatgpt, "claude-ai": exports.claude,
    "jsonl": generic.whole, "memory-context": memory_context.whole,
    "ccc": stores.ccc, "chronicle-weaver": stores.weaver,
}

if __name__ == "__main__":
    below = pathlib.Path(sys.argv[1])
    for name, write in SOURCES.items():
        h = write(below / name)
        print(f"{name:16} {len(h.turns):3} turns, {h.duplicates} duplicates, {h.merged} merged, skipped {dict(h.skipped)}")
