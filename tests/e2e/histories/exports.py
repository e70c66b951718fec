"""The exports of ChatGPT and Claude.ai: whole-file JSON, in several files, or inside the zip that is mailed."""

import json
import zipfile

from histories import BRANCH, DAMAGED, EMPTY, History, INJECTED, METADATA, START, UNKNOWN, at, uid


def seconds(clock):
    return START.timestamp() + clock + 0.25


def at_quarter(clock):
    return at(clock)[:-5] + ".250Z"


class Tree:
    """One conversation of ChatGPT: nodes that know their parent and children."""

    def __init__(self, h, name, title, clock=0, current=True):
        self.h, self.id, self.title, self.clock = h, uid("chatgpt", name), title, clock
        self.nodes = {"client-created-root": {"id": "client-created-root", "message": None, "parent": None, "children": []}}
        self.last = "client-created-root"
        self.current = current
        h.skip(EMPTY)  # a node without a message

    def node(self, role, content, text=None, reason=None, parent=None, recall=True, **metadata):
        self.clock += 1
        nid = uid(self.id, len(self.nodes))
        parent = parent or self.last
        self.nodes[parent]["children"].append(nid)
        self.nodes[nid] = {"id": nid, "parent": parent, "children": [], "message": {
            "id": nid, "author": {"role": role, "name": None, "metadata": {}}, "create_time": seconds(self.clock),
            "update_time": None, "content": content, "status": "finished_successfully", "end_turn": True, "weight": 1.0,
            "metadata": metadata, "recipient": "all", "channel": None}}
        if reason != BRANCH:
            self.last = nid
        if reason == "merged":
            self.h.merged += 1  # it goes with what is said next
        elif reason:
            self.h.skip(reason)
        else:
            self.h.turn(role, text, self.id, at_quarter(self.clock), recall, title=self.title)
        return nid

    def say(self, role, text, **more):
        return self.node(role, {"content_type": "text", "parts": [text]}, text, **more)

    def value(self):
        v = {"id": self.id, "conversation_id": self.id, "title": self.title, "create_time": seconds(0),
             "update_time": seconds(self.clock), "mapping": self.nodes, "moderation_results": [], "is_archived": False}
        return v | ({"current_node": self.last} if self.current else {})


def everything(h):
    t = Tree(h, "everything", "Beekeeping")
    t.node("system", {"content_type": "text", "parts": [""]}, reason=EMPTY, is_visually_hidden_from_conversation=True)
    t.node("user", {"content_type": "user_editable_context", "user_profile": "Keeps bees", "user_instructions": "Be kind"},
           reason=INJECTED, is_visually_hidden_from_conversation=True)
    asked = t.say("user", "How do I calm angry bees?")
    t.say("assistant", "An answer that was made again", reason=BRANCH, parent=asked, model_slug="gpt-4o")
    t.node("assistant", {"content_type": "thoughts", "source_analysis_msg_id": "x", "thoughts": [
        {"summary": "Smoke", "content": "Smoke calms bees", "chunks": [], "finished": True}]}, reason="merged",
        model_slug="o3")
    t.node("assistant", {"content_type": "code", "language": "python", "response_format_name": None, "text": "print(3)"},
           "print(3)", model_slug="o3")
    t.node("tool", {"content_type": "execution_output", "text": "3"}, "3")
    t.node("tool", {"content_type": "tether_browsing_display", "result": "bees and smoke", "summary": None}, "bees and smoke")
    t.node("assistant", {"content_type": "reasoning_recap", "content": "Thought for 3 seconds"}, reason=METADATA)
    t.say("assistant", "With cool smoke, and slowly.", model_slug="o3")
    t.node("user", {"content_type": "multimodal_text", "parts": [
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x", "size_bytes": 1, "width": 1, "height": 1},
        "What about this hive?", {"content_type": "audio_transcription", "text": "it hums", "direction": "in"}]},
        "What about this hive?\n\nit hums", attachments=[{"id": "f", "name": "hive.png"}])
    t.say("assistant", "It hums contentedly.", model_slug="gpt-4o")
    t.say("user", "yes")
    t.say("assistant", "Good.", model_slug="gpt-4o")
    t.say("user", "yes")
    t.say("assistant", "Good indeed.", model_slug="gpt-4o")
    return t


def chatgpt_conversations(h):
    untitled = Tree(h, "untitled", None, clock=100)
    untitled.say("user", "A conversation without a title about honey")
    lost = Tree(h, "lost", "No current node", clock=200, current=False)
    lost.say("user", "Nobody says where this ends, honeycomb")
    lost.say("assistant", "At its newest leaf.")
    return [everything(h).value(), untitled.value(), lost.value()]


def write(h, conversations, shards, name="conversations.json"):
    """{file name: bytes} of an export"""
    if shards == 1:
        return {name: json.dumps(conversations, ensure_ascii=False).encode()}
    return {f"conversations-{i:03}.json": json.dumps(conversations[i::shards]).encode() for i in range(shards)}


def put(h, files, zipped, beside):
    if zipped:
        with zipfile.ZipFile(h.path("export.zip"), "w", zipfile.ZIP_DEFLATED) as z:
            for name, content in (files | beside).items():
                z.writestr(name, content)
            z.writestr("../escape.json", "[]")  # a name that would leave the folder
    else:
        for name, content in (files | beside).items():
            h.file(name, content)


def chatgpt(root, shards=1, zipped=False):
    h = History(root, "chatgpt")
    beside = {"chat.html": b"<html></html>", "user.json": b'{"id":"user-x","email":"ada@example.org"}',
              "message_feedback.json": b"[]", "file-abc-hive.png": b"\x89PNG" + b"\0" * 5000}
    put(h, write(h, chatgpt_conversations(h), shards), zipped, beside)
    return h


def chatgpt_broken(root):
    """Loops, missing parents, members of the wrong type: each conversation stands for itself."""
    h = History(root, "chatgpt")
    good = Tree(h, "good", "Good")
    good.say("user", "The good one is found, mead")
    loop = Tree(h, "loop", "Loop", clock=50)
    a = loop.say("user", "Round and round")
    loop.nodes[a]["parent"] = a
    loop.nodes["client-created-root"]["children"] = []
    h.skipped[EMPTY] -= 1
    h.skip(BRANCH)  # its root is on no path
    adrift = Tree(h, "adrift", "Adrift", clock=60)
    b = adrift.say("user", "My parent is missing")
    adrift.nodes[b]["parent"] = "nobody"
    h.skipped[EMPTY] -= 1
    h.skip(BRANCH)
    circle = Tree(h, "circle", None, clock=5000, current=False)  # nobody is its end, and nobody knows a time
    h.skipped[EMPTY] -= 1
    del circle.nodes["client-created-root"]
    for n, text in ((1, "Round the hive"), (2, "and round again")):
        circle.nodes[f"c{n}"] = {"id": f"c{n}", "parent": f"c{3 - n}", "children": [f"c{3 - n}"], "message": {
            "id": f"c{n}", "author": {"role": "user"}, "create_time": None, "content": {"content_type": "text", "parts": [text]}}}
        h.turn("user", text, circle.id, at_quarter(0))  # the conversation's own
    h.json("conversations.json", [good.value(), loop.value(), adrift.value(), circle.value(), 7, {"title": "no mapping"},
                                  {"id": "m", "mapping": {"x": 5}, "current_node": "x"}])
    h.skip(DAMAGED, 2)
    h.skip(UNKNOWN)
    return h


class Chat:
    """One conversation of Claude.ai."""

    def __init__(self, h, name, title, clock=0):
        self.h, self.id, self.title, self.clock, self.messages = h, uid("claude.ai", name), title, clock, []

    def message(self, sender, text, content=None, said=None, reason=None, attachments=(), files=(), **more):
        self.clock += 1
        self.messages.append({"uuid": uid(self.id, len(self.messages)), "text": text, "sender": sender,
                              "content": [{"type": "text", "text": text}] if content is None else content,
                              "created_at": at(self.clock)[:-1] + "000+00:00", "updated_at": at(self.clock),
                              "attachments": list(attachments), "files": list(files), **more})
        if reason:
            self.h.skip(reason)
        else:
            role = "user" if sender == "human" else "assistant"
            self.h.turn(role, text if said is None else said, self.id, at(self.clock), title=self.title)

    def value(self):
        return {"uuid": self.id, "name": self.title, "summary": "", "created_at": at(0), "updated_at": at(self.clock),
                "account": {"uuid": uid("account")}, "chat_messages": self.messages}


def claude_conversations(h):
    c = Chat(h, "everything", "Lighthouses")
    c.message("human", "How tall is the lighthouse?")
    c.message("assistant", "old text", content=[
        {"type": "thinking", "thinking": "They mean the tall one"}, {"type": "text", "text": "Forty metres,"},
        {"type": "tool_use", "name": "ruler", "input": {"of": "lighthouse"}},
        {"type": "tool_result", "name": "ruler", "content": [{"type": "text", "text": "40 m"}]},
        {"type": "text", "text": "without its lamp."}], said="Forty metres,\n\n→ ruler {\"of\":\"lighthouse\"}\n\nwithout its lamp.")
    c.message("human", "Read this", content=[], attachments=[
        {"file_name": "log.txt", "file_size": 12, "file_type": "txt", "extracted_content": "The keeper wrote at dusk."}],
        files=[{"file_name": "lamp.png"}], said="Read this\n\nlog.txt:\nThe keeper wrote at dusk.")
    c.message("human", "", content=[], attachments=[
        {"file_name": "only.txt", "extracted_content": "Nothing but an attachment."}],
        said="only.txt:\nNothing but an attachment.")
    c.message("assistant", "", content=[], reason=EMPTY)
    c.message("human", "yes")
    c.message("human", "yes")
    c.message("human", "Nobody knows when I said this", created_at=None)
    h.turns[-1].at = at(7)  # as what came before
    empty = Chat(h, "empty", "")
    return [c.value(), empty.value()]


def claude(root, shards=1, zipped=False):
    h = History(root, "claude-ai")
    beside = {"users.json": b'[{"uuid":"x","email_address":"ada@example.org"}]', "projects.json": b"[]"}
    put(h, write(h, claude_conversations(h), shards), zipped, beside)
    return h


def long_conversation(root, source, size):
    """One conversation of about `size` bytes, as years of talk in one thread leave it."""
    h = History(root, source)
    words = "bees and smoke and honey " * 40
    if source == "chatgpt":
        t = Tree(h, "long", "Long")
        for i in range(size // 1600):
            t.say("assistant" if i % 2 else "user", f"{i} {words}")
        h.json("conversations.json", [t.value()])
    else:
        c = Chat(h, "long", "Long")
        for i in range(size // 2300):
            c.message("assistant" if i % 2 else "human", f"{i} {words}")
        h.json("conversations.json", [c.value()])
    return h
