"""Cursor: conversations in a table of keys and values, with tokens beside them that nobody may read."""

import json
import sqlite3

from histories import DAMAGED, EMPTY, History, at, at_ms, uid

TOKEN = "never-read-this-token"


class Composer:
    """One conversation. Its order is that of the headers, not that of the keys."""

    def __init__(self, h, name, clock):
        self.h, self.id, self.name, self.clock = h, uid("cursor", name), name, clock
        self.headers, self.rows = [], []

    def bubble(self, kind, text, reason=None, blob=False, said=None, **more):
        self.clock += 1
        bid = uid("bubble", self.id, len(self.headers))
        self.headers.append({"bubbleId": bid, "type": kind})
        value = {"_v": 3, "type": kind, "bubbleId": bid, "text": text, "createdAt": at(self.clock), **more}
        self.put(bid, json.dumps(value), blob)
        if reason == "merged":
            self.h.merged += 1
        elif reason:
            self.h.skip(reason)
        else:
            self.h.turn("user" if kind == 1 else "assistant", said or text, self.id, at(self.clock), title=self.name)

    def put(self, bid, value, blob=False):
        self.rows.append((f"bubbleId:{self.id}:{bid}", value.encode() if blob else value))

    def data(self):
        return json.dumps({"_v": 10, "composerId": self.id, "name": self.name, "createdAt": at_ms(0), "status": "completed",
                           "lastUpdatedAt": at_ms(self.clock), "fullConversationHeadersOnly": self.headers,
                           "modelConfig": {"modelName": "gpt-5"}, "blobEncryptionKey": TOKEN})


def composers(h):
    first = Composer(h, "Planting the hedge", 0)
    first.bubble(1, "When do I plant the hawthorn hedge?")
    first.bubble(2, "In November, with bare roots.", blob=True)
    first.bubble(2, "", said="→ read_file {}", toolFormerData={"name": "read_file", "rawArgs": "{}", "result": "{}", "status": "completed"})
    first.bubble(2, "", "merged", thinking={"text": "hawthorn is hardy"})  # it goes with what is said next
    first.bubble(2, "", EMPTY)
    first.bubble(1, "yes")
    first.bubble(1, "yes")
    missing = uid("bubble", "missing")
    first.headers.append({"bubbleId": missing, "type": 2})  # its row is gone
    h.skip(EMPTY)
    first.headers.append({"bubbleId": "null-row", "type": 2})
    first.put("null-row", "null")
    h.skip(EMPTY)
    first.headers.append({"bubbleId": "broken-row", "type": 2})
    first.put("broken-row", '{"type":2,"text":"bro')
    h.skip(DAMAGED)
    second = Composer(h, "Pruning", 100)
    second.bubble(1, "Is June too late to prune the plum?", blob=True)
    second.bubble(2, "Plums are pruned in summer.")
    return [first, second]


def inline(h):
    """Older conversations hold their bubbles themselves."""
    cid = uid("cursor", "inline")
    h.turn("user", "Where does the ivy go?", cid, at(300))  # when it began: the bubbles know no time
    h.turn("assistant", "On the north wall.", cid, at(300))
    return cid, json.dumps({"composerId": cid, "name": "Ivy", "createdAt": at_ms(300), "conversation": [
        {"type": 1, "bubbleId": "i1", "text": "Where does the ivy go?"},
        {"type": 2, "bubbleId": "i2", "text": "On the north wall."}]})


def rich(*paragraphs):
    """What the editor makes of a prompt."""
    return json.dumps({"root": {"type": "root", "children": [
        {"type": "paragraph", "children": [{"type": "text", "text": t} for t in texts]} for texts in paragraphs]}})


def unusual(h):
    """Words that are only in the editor's form; bubbles without a time, which are as old as the one before; a
    conversation of which no list says what belongs to it."""
    c = Composer(h, "Rare bushes", 400)
    c.bubble(1, "", said="Is the witch hazel\nin bloom?", richText=rich(["Is the ", "witch hazel"], ["in bloom?"]))
    c.bubble(2, "", said="not a tree", richText="not a tree", modelInfo={"modelName": "gpt-6"})
    c.bubble(1, "Since when?", createdAt=None, timingInfo={"clientStartTime": at_ms(403)})
    c.clock -= 1
    c.bubble(2, "Since January.", createdAt=None)
    h.turns[-1].at = at(403)
    cid = uid("cursor", "headless")
    rows = [(f"composerData:{cid}", json.dumps({"composerId": cid, "createdAt": at_ms(500), "lastUpdatedAt": at_ms(510)}))]
    for n, kind, text in ((2, 2, "It is a rose."), (1, 1, "What is the bush without a head?")):
        rows.append((f"bubbleId:{cid}:b{9 - n}", json.dumps({"type": kind, "bubbleId": f"b{9 - n}", "text": text, "createdAt": at(500 + n)})))
    h.turn("user", "What is the bush without a head?", cid, at(501))
    h.turn("assistant", "It is a rose.", cid, at(502))
    return [(f"composerData:{c.id}", c.data()), *c.rows, *rows]


def whole(root, wal=False):
    """…/Cursor/User; with wal, all conversations are only in the log beside the database."""
    h = History(root, "cursor")
    db = sqlite3.connect(h.path("globalStorage/state.vscdb"))
    db.execute(f"pragma journal_mode={'wal' if wal else 'delete'}")
    db.execute("create table ItemTable (key text unique on conflict replace, value blob)")
    db.execute("create table cursorDiskKV (key text unique on conflict replace, value blob)")
    db.execute("insert into ItemTable values('cursorAuth/accessToken', ?), ('cursorAuth/refreshToken', ?)", (TOKEN, TOKEN))
    if wal:
        db.commit()
        db.execute("pragma wal_autocheckpoint=0")
        db.execute("pragma wal_checkpoint(truncate)")
    rows = [("cursorAuth/accessToken", TOKEN), ("agentKv:blob:00ff", b"\x00\x01" + TOKEN.encode()),
            ("checkpointId:x", '{"text":"not a message"}'), ("bubbleId:orphan:1", '{"type":1,"text":"of no conversation"}'),
            ("composerData:broken", '{"composerId":'), ("composerData:nothing", None)]
    h.skip(DAMAGED)
    h.skip(EMPTY)
    for c in composers(h):
        rows += [(f"composerData:{c.id}", c.data()), *reversed(c.rows)]
    cid, value = inline(h)
    rows.append((f"composerData:{cid}", value.encode()))
    rows += unusual(h)
    db.executemany("insert into cursorDiskKV values(?,?)", rows)
    db.commit()
    h.open = db if wal else db.close()
    h.secret("settings.json", "{}")
    return h
