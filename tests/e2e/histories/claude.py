"""Claude Code's transcripts, line by line: a session that writes itself."""

import json
import re

from histories import METADATA, at, uid

MODEL = "claude-opus-4-5"


def slug(cwd):
    """The folder's name. It cannot be turned back into the path."""
    return re.sub(r"[^A-Za-z0-9]", "-", cwd)


class Session:
    """One transcript. A method a kind of line; what a reader finds of it goes to the history."""

    def __init__(self, history, name, cwd="/home/ada/mill", clock=0, sid=None):
        self.history, self.cwd, self.clock = history, cwd, clock
        self.key = uid("claude", name)  # what its lines' ids are made of
        self.id = sid or self.key
        self.parent, self.records, self.written = None, [], 0

    def envelope(self, kind, **more):
        self.clock += 1
        self.written += 1
        record = {"parentUuid": self.parent, "isSidechain": False, "userType": "external", "cwd": self.cwd,
                  "sessionId": self.id, "version": "2.1.40", "gitBranch": "main", "type": kind,
                  "uuid": uid(self.key, self.written), "timestamp": at(self.clock)}
        record.update(more)
        self.parent = record["uuid"]
        self.records.append(record)
        return record

    def user(self, content, human=None, text=None, recall=True, **more):
        """human: whether a person typed it (None: not noted)."""
        record = self.envelope("user", message={"role": "user", "content": content}, **more)
        text = text if text is not None else content
        self.history.turn("user", text, self.id, at(self.clock), recall, human=human, cwd=self.cwd, uuid=record["uuid"])
        return record

    def assistant(self, *blocks, mid=None, usage=(10, 1), stop=None, **more):
        """The blocks of one API message, a line each; usage grows from line to line and the last is right."""
        mid = mid or "msg_" + uid(self.key, "m", self.written)[:8]
        for i, block in enumerate(blocks):
            last = i == len(blocks) - 1
            self.envelope("assistant", requestId="req_" + mid, message={
                "id": mid, "type": "message", "role": "assistant", "model": MODEL, "content": [block],
                "stop_reason": stop if last else None, "stop_sequence": None,
                "usage": {"input_tokens": usage[0], "output_tokens": usage[1] + i, "cache_read_input_tokens": 5,
                          "cache_creation_input_tokens": 7, "service_tier": "standard",
                          "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0}}}, **more)
        said = "\n".join(b["text"] for b in blocks if b["type"] == "text")
        self.history.merged += len(blocks) - 1
        self.history.turn("assistant", said, self.id, at(self.clock), model=MODEL, mid=mid,
                          usage={"input_tokens": usage[0], "output_tokens": usage[1] + len(blocks) - 1})

    def snapshot(self, prompt, tracked):
        self.records.append({"type": "file-history-snapshot", "messageId": prompt["uuid"], "isSnapshotUpdate": False,
                             "snapshot": {"messageId": prompt["uuid"], "timestamp": at(self.clock),
                                          "trackedFileBackups": tracked}})
        self.history.skip(METADATA)

    def path(self):
        return f"projects/{slug(self.cwd)}/{self.id}.jsonl"

    def write(self, tail=b""):
        return self.history.lines(self.path(), self.records, tail)


def text(words):
    return {"type": "text", "text": words}


def thinking(words):
    return {"type": "thinking", "thinking": words, "signature": "c2ln" * 20}


def tool_use(name, given, call="toolu_1"):
    return {"type": "tool_use", "id": call, "name": name, "input": given}


def tool_result(content, call="toolu_1", error=False):
    return {"type": "tool_result", "tool_use_id": call, "content": content, "is_error": error}


def dumps(record):
    return json.dumps(record, ensure_ascii=False)
