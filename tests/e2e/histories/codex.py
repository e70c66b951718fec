"""Codex CLI: sessions by day, archived and compressed ones, history.jsonl, session_index.jsonl."""

import json
import subprocess

from histories import (DAMAGED, EMPTY, ENCRYPTED, History, INJECTED, METADATA, REPEATED, START, UNKNOWN, at, line, uid)

MODEL = "gpt-5.1-codex"


class Rollout:
    """One rollout file. What is written goes to `records`, what is to be found to the history."""

    def __init__(self, history, name, cwd="/home/ada/engine", clock=0):
        self.history = history
        self.id = uid("codex", name)
        self.cwd = cwd
        self.clock = clock
        self.records = []

    def put(self, kind, payload, reason=None):
        self.clock += 1
        self.records.append({"timestamp": at(self.clock), "type": kind, "payload": payload})
        if reason:
            self.history.skip(reason)

    def meta(self, **more):
        self.put("session_meta", {"id": self.id, "timestamp": at(self.clock), "cwd": self.cwd, "originator": "codex_cli_rs",
                                  "cli_version": "0.65.0", "source": "cli", "model_provider": "openai",
                                  "git": {"commit_hash": "0a1b2c3d", "branch": "valves",
                                          "repository_url": "git@example.org:ada/engine.git"}, **more}, METADATA)

    def context(self):
        self.put("turn_context", {"cwd": self.cwd, "approval_policy": "on-request", "model": MODEL, "effort": "medium",
                                  "summary": "auto", "sandbox_policy": {"mode": "workspace-write"}}, METADATA)

    def say(self, text, images=0):
        content = [{"type": "input_text", "text": text}]
        content += [{"type": "input_image", "image_url": "data:image/png;base64," + "iVBORw0KGgo" * 50}] * images
        self.put("response_item", {"type": "message", "role": "user", "content": content})
        self.history.turn("user", text, self.id, at(self.clock), cwd=self.cwd, branch="valves", version="0.65.0")
        self.put("event_msg", {"type": "user_message", "message": text, "kind": "plain"}, REPEATED)

    def answer(self, text):
        self.put("event_msg", {"type": "agent_message", "message": text}, REPEATED)
        self.put("response_item", {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
        self.history.turn("assistant", text, self.id, at(self.clock), model=MODEL)
        self.put("event_msg", {"type": "token_count", "info": {"total_token_usage": {
            "input_tokens": 900, "cached_input_tokens": 100, "output_tokens": 40, "reasoning_output_tokens": 8,
            "total_tokens": 948}, "model_context_window": 272000}, "rate_limits": None}, METADATA)

    def injected(self, text, role="user"):
        self.put("response_item", {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]},
                 INJECTED)

    def reasoning(self, summary):
        """Some have a summary in the clear; the rest is cipher text only."""
        self.put("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": s} for s in summary],
                                   "content": None, "encrypted_content": "gAAAAAB" + "x" * 80},
                 None if summary else ENCRYPTED)
        if summary:
            self.history.merged += 1  # it goes with what is said next
            self.put("event_msg", {"type": "agent_reasoning", "text": summary[0]}, REPEATED)

    def call(self, name, arguments, output, custom=False, call_id="call_1"):
        """Arguments are a string that holds JSON; output is a string, or an object."""
        kind = "custom_tool_call" if custom else "function_call"
        key = "input" if custom else "arguments"
        self.put("response_item", {"type": kind, "name": name, key: arguments, "call_id": call_id, "status": "completed"})
        self.history.turn("assistant", f"→ {name} {arguments}", self.id, at(self.clock), tool=name)
        self.put("response_item", {"type": kind + "_output", "call_id": call_id, "output": output})
        said = output if isinstance(output, str) else output["content"]
        self.history.turn("tool", said, self.id, at(self.clock))

    def name(self, folder="sessions"):
        day = START.strftime("%Y/%m/%d") + "/" if folder == "sessions" else ""
        return f"{folder}/{day}rollout-{START.strftime('%Y-%m-%dT%H-%M-%S')}-{self.id}.jsonl"

    def write(self, folder="sessions", tail=b""):
        return self.history.lines(self.name(folder), self.records, tail)


def everything(h):
    """Each record type of the description once."""
    r = Rollout(h, "everything")
    r.meta(instructions="Be brief.")
    r.injected("<environment_context>\n  <cwd>/home/ada/engine</cwd>\n</environment_context>")
    r.injected("<user_instructions>\nBe brief.\n</user_instructions>")
    r.injected("# AGENTS.md instructions for /home/ada/engine\n\n<INSTRUCTIONS>\nUse tabs.\n</INSTRUCTIONS>")
    r.injected("<permissions instructions>ask first</permissions instructions>", role="developer")
    r.put("event_msg", {"type": "task_started", "model_context_window": 272000}, METADATA)
    r.context()
    r.say("Why does the brass valve stick at 41 degrees?", images=1)
    r.reasoning(["**Looking at the valve** and its spring"])
    r.reasoning([])
    r.call("shell", '{"command":["grep","-n","spring","valve.c"]}', "12: spring = 41;\n")
    r.call("shell", '{"command":["true"]}', {"content": "exit code 0", "success": True}, call_id="call_2")
    r.call("apply_patch", "*** Begin Patch\n*** Update File: valve.c\n-spring = 41;\n+spring = 42;\n*** End Patch", "Done!",
           custom=True, call_id="call_3")
    r.put("response_item", {"type": "web_search_call", "status": "completed",
                            "action": {"type": "search", "query": "brass expansion"}})
    h.turn("assistant", '→ web_search_call {"type":"search","query":"brass expansion"}', r.id, at(r.clock))
    r.put("response_item", {"type": "ghost_snapshot", "ghost_commit": {"id": "abc"}}, METADATA)
    r.answer("Because brass expands; the spring needs 42. Line two has  U+2028:\u2028here.")
    r.put("event_msg", {"type": "turn_aborted", "reason": "interrupted"}, METADATA)
    r.put("world_state", {"files": []}, METADATA)
    r.put("compacted", {"message": "They fixed the valve.", "replacement_history": []})
    h.turn("system", "They fixed the valve.", r.id, at(r.clock), recall=False, block="compacted")
    r.put("response_item", {"type": "message", "role": "assistant", "content": []}, EMPTY)
    r.put("response_item", {"type": "hologram", "x": 1}, UNKNOWN)
    r.put("moon_phase", {"x": 1}, UNKNOWN)
    r.records.append(b'{"timestamp":"2026-03-01T09:00:40.000Z","type":"response_item","payload":{"type":"mess\n')
    h.skip(DAMAGED)
    r.say("yes")
    r.answer("Done.")
    r.say("yes")  # said twice, so two turns
    r.answer("Done again.")
    return r


def fork(h, parent, turns, merged, skipped):
    """A fork: its own session_meta, then the parent's session_meta and records again at new times, then news. What the
    parent's records came to is told: they are the same words once more."""
    r = Rollout(h, "fork", clock=500)
    r.meta(forked_from_id=parent.id)
    r.records += [{**record, "timestamp": at(500)} for record in parent.records if isinstance(record, dict)]
    h.duplicates += turns
    h.merged += merged
    for reason, n in skipped.items():
        h.skip(reason, n - (reason == DAMAGED))  # the garbage line was not copied
    r.say("And the copper valve?")
    r.answer("Copper expands less than brass.")
    return r


def subagent(h, parent):
    """An agent that another one started: nobody typed what it is asked, and it belongs to the other's session. It begins
    with a copy of its parent's first words."""
    r = Rollout(h, "subagent", clock=600)
    r.meta(source={"subagent": {"thread_spawn": {"parent_thread_id": parent.id, "depth": 1, "agent_nickname": "Watt"}}})
    copied = [x for x in parent.records if isinstance(x, dict) and x["type"] in ("session_meta", "response_item")][:6]
    r.records += [{**x, "timestamp": at(601)} for x in copied]
    h.skip(METADATA)
    h.skip(INJECTED, 4)
    h.duplicates += 1  # what the parent was asked
    r.put("response_item", {"type": "message", "role": "user",
                            "content": [{"type": "input_text", "text": "Measure the spring of the valve"}]})
    h.turn("assistant", "Measure the spring of the valve", parent.id, at(r.clock), thread=r.id, kind="task")
    r.put("response_item", {"type": "message", "role": "assistant",
                            "content": [{"type": "output_text", "text": "It is 42 long."}]})
    h.turn("assistant", "It is 42 long.", parent.id, at(r.clock), thread=r.id)
    return r


def events_only(h):
    """A rollout whose words stand in events, and nowhere else."""
    r = Rollout(h, "events", clock=700)
    r.meta()
    for kind, text in (("user_message", "Only an event asks about the crank"), ("agent_reasoning", "**Thinking of cranks**"),
                       ("agent_message", "Only an event answers about the crank"), ("user_message", "  ")):
        r.put("event_msg", {"type": kind, "text" if kind == "agent_reasoning" else "message": text})
        if kind == "agent_reasoning":
            h.merged += 1
        elif text.strip():
            h.turn("user" if kind == "user_message" else "assistant", text, r.id, at(r.clock))
        else:
            h.skip(EMPTY)
    r.put("response_item", {"type": "function_call", "name": "shell", "arguments": "{}", "call_id": "c"})
    h.turn("assistant", "→ shell {}", r.id, at(r.clock))
    return r


def lines_of_2025(h):
    """Items without envelopes and times: these are the session's. A tool's output was an object, as a text."""
    sid = uid("codex", "2025")
    h.lines(f"sessions/2025/05/01/rollout-2025-05-01T10-00-00-{sid}.jsonl", [
        {"id": sid, "timestamp": at(800), "instructions": "Be brief.", "git": {"branch": "old"}}, {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "How old is the boiler?"}]},
        {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "c", "id": None},
        {"type": "function_call_output", "call_id": "c", "output": json.dumps({"output": "plate.txt\n", "metadata": {"exit_code": 0}})},
        {"type": "local_shell_call", "call_id": "d", "status": "completed", "action": {"type": "exec", "command": ["pwd"]}}])
    h.skip(METADATA, 2)
    h.turn("user", "How old is the boiler?", sid, at(800))
    h.turn("assistant", '→ shell {"command":["ls"]}', sid, at(800))
    h.turn("tool", "plate.txt\n", sid, at(800))
    h.turn("assistant", '→ local_shell_call {"type":"exec","command":["pwd"]}', sid, at(800))


def document_of_2025(h):
    """The first ones were one document each."""
    sid = uid("codex", "document")
    h.json(f"sessions/rollout-2025-04-20-{sid}.json", {
        "session": {"timestamp": at(850), "id": sid, "instructions": ""},
        "items": [{"role": "user", "type": "message", "content": [{"type": "input_text", "text": "Is the whistle loud?"}]},
                  {"id": "m", "type": "message", "role": "assistant", "status": "completed",
                   "content": [{"type": "output_text", "text": "It is."}]}, 7]}, indent=2)
    h.turn("user", "Is the whistle loud?", sid, at(850))
    h.turn("assistant", "It is.", sid, at(850))
    h.skip(DAMAGED)


def whole(root):
    """A whole ~/.codex."""
    h = History(root, "codex")
    parent = everything(h)
    parent.write()
    fork(h, parent, len(h.turns), h.merged, dict(h.skipped)).write()
    subagent(h, parent).write()
    events_only(h).write()
    lines_of_2025(h)
    document_of_2025(h)

    archived = Rollout(h, "archived", clock=1000)
    archived.meta()
    archived.say("Archived question about the governor")
    archived.answer("Archived answer about the governor")
    archived.write("archived_sessions")

    packed = Rollout(h, "packed", clock=2000)
    packed.meta()
    packed.say("Packed question about the flywheel")
    packed.answer("Packed answer about the flywheel")
    plain = packed.write()
    subprocess.run(["zstd", "-q", "--rm", str(plain)], check=True)

    both = Rollout(h, "both", clock=3000)
    both.meta()
    both.say("There is a plain file and a packed one of this")
    both.answer("Only the plain one counts")
    plain = both.write()
    subprocess.run(["zstd", "-q", "-k", str(plain)], check=True)
    h.skip(REPEATED)  # the packed one, as a whole

    torn = Rollout(h, "torn", clock=4000)
    torn.meta()
    torn.say("The last line is not whole yet")
    torn.write(tail=line({"timestamp": at(4100), "type": "event_msg", "payload": {"type": "user_message"}})[:-12])

    history_lines(h, parent)
    h.lines("session_index.jsonl", [{"id": parent.id, "thread_name": "Valves", "updated_at": at(90)},
                                    {"id": parent.id, "thread_name": "Sticking valves", "updated_at": at(95)}])
    h.skip(METADATA, 2)
    h.titles = {parent.id: "Sticking valves"}
    h.secret("auth.json", '{"OPENAI_API_KEY":"sk-' + 'none"}')
    h.secret("config.toml", 'model = "x"\n')
    return h


def history_lines(h, parent):
    """Prompts by themselves, in seconds: most are in a rollout too, some have outlived theirs."""
    gone, older = uid("codex", "gone"), uid("codex", "older")
    seconds = int(START.timestamp())
    h.lines("history.jsonl", [
        {"session_id": parent.id, "ts": seconds + 9, "text": "Why does the brass valve stick at 41 degrees?"},
        {"session_id": gone, "ts": seconds + 50, "text": "The rollout of this prompt is gone"},
        {"conversation_id": older, "ts": seconds + 60, "text": "An older line names a conversation"},
    ])
    h.duplicates += 1
    h.turn("user", "The rollout of this prompt is gone", gone, at(50))
    h.turn("user", "An older line names a conversation", older, at(60))
