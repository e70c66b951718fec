"""A stand-in for the model's server: OpenAI's and Anthropic's routes, scripted by the request, recorded byte for byte.

The script is in the model's name (or, before it, in the header `x-script`): words after the first are separated by
commas, e.g. model "plain", "any,say=Hello%20there", "slow,first=0.5,delay=0.01,chunks=20", "x,status=429,retry=2".

    say=TEXT      the answer's text, percent-encoded          chunks=N    the text is "word0 word1 …", N of them
    first=S       wait before the status line                 delay=S     wait before each streamed event
    status=N      answer with that error; retry=S retry-after tools=1     answer with tool calls
    stall=N       stop sending after N events, stay open      drop=N      cut the connection after N events (or bytes)
    fail=N        an `error` event after N events             gzip=1      compressed when the request allows it
    split=N       write the stream in pieces of N bytes       crlf=1      CRLF line ends, comments, multi-line data
    chunked=1     no Content-Length on a plain answer         hangup=1    close without any answer
    garbage=1     200 with a body that is no JSON             big=N       a text of N bytes
    review=N      that error, where the system message speaks of "the review" (the last turn of Cairn's own cycle)

`stream`, `n` and `stream_options.include_usage` of the request are obeyed. Use `with Upstream() as u:` (a process of its
own), then u.url, u.requests(), u.reset(); or run it: upstream.py [PORT]."""

import asyncio
import base64
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request

TEXT = "Hello from the stand-in, with an ümlaut and 日本語."
CREATED = 1700000000
TOOL_CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}},
    {"id": "call_2", "type": "function", "function": {"name": "get_time", "arguments": '{"zone": "CET"}'}},
]
USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21,
         "completion_tokens_details": {"reasoning_tokens": 0}}


class Upstream:
    """The stand-in in a process of its own."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, str(pathlib.Path(__file__).resolve()), "0"],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def _ask(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as r:
            return json.load(r)

    def requests(self):
        """What came, oldest first: method, path, headers (list of pairs), body (bytes), json (or None), aborted (the
        caller left before the answer was over), done, port (the caller's)."""
        out = self._ask("/_requests")
        for r in out:
            r["body"] = base64.b64decode(r["body"])
            try:
                r["json"] = json.loads(r["body"])
            except ValueError:
                r["json"] = None
        return out

    def last(self):
        return self.requests()[-1]

    def reset(self):
        self._ask("/_reset")


def header(record, name):
    """All values of a recorded request's header."""
    return [v for k, v in record["headers"] if k.lower() == name.lower()]


# ---- the server ----


def script_of(request, body):
    text = request.headers.get("x-script") or (body or {}).get("model") or ""
    out = {}
    for part in str(text).split(",")[1:]:
        key, _, value = part.partition("=")
        out[key.strip()] = urllib.parse.unquote(value) if value else "1"
    return out


def answer_text(script):
    if "big" in script:
        return ("0123456789abcdef" * (int(script["big"]) // 16 + 1))[: int(script["big"])]
    if "chunks" in script:
        return " ".join(f"word{i}" for i in range(int(script["chunks"])))
    return script.get("say", TEXT)


def pieces(text):
    words = text.split(" ")
    return [w if i == 0 else " " + w for i, w in enumerate(words)]


def chat_plain(body, script):
    choices = []
    for i in range(body.get("n") or 1):
        message = {"role": "assistant", "content": answer_text(script) + (f" (choice {i})" if i else ""), "refusal": None}
        reason = "stop"
        if "tools" in script:
            message = {"role": "assistant", "content": None, "tool_calls": TOOL_CALLS}
            reason = "tool_calls"
        choices.append({"index": i, "message": message, "logprobs": None, "finish_reason": reason})
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": body.get("model"),
            "choices": choices, "usage": USAGE, "system_fingerprint": "fp_1", "x_unknown": {"kept": [1, 2.50, None]}}


def chat_events(body, script):
    def chunk(choices, **more):
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": CREATED, "model": body.get("model"),
                "system_fingerprint": "fp_1", "choices": choices, **more}

    for i in range(body.get("n") or 1):
        yield None, chunk([{"index": i, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
        if "tools" in script:
            for t, call in enumerate(TOOL_CALLS):
                head = {"index": t, "id": call["id"], "type": "function",
                        "function": {"name": call["function"]["name"], "arguments": ""}}
                yield None, chunk([{"index": i, "delta": {"tool_calls": [head]}, "finish_reason": None}])
                arguments = call["function"]["arguments"]
                for part in (arguments[:5], arguments[5:]):
                    delta = {"tool_calls": [{"index": t, "function": {"arguments": part}}]}
                    yield None, chunk([{"index": i, "delta": delta, "finish_reason": None}])
        else:
            for part in pieces(answer_text(script) + (f" (choice {i})" if i else "")):
                yield None, chunk([{"index": i, "delta": {"content": part}, "finish_reason": None}])
        reason = "tool_calls" if "tools" in script else "stop"
        yield None, chunk([{"index": i, "delta": {}, "finish_reason": reason}])
    if (body.get("stream_options") or {}).get("include_usage"):
        yield None, chunk([], usage=USAGE)
    yield None, "[DONE]"


def completions_plain(body, script):
    return {"id": "cmpl-1", "object": "text_completion", "created": CREATED, "model": body.get("model"), "usage": USAGE,
            "choices": [{"index": i, "text": answer_text(script), "finish_reason": "stop", "logprobs": None}
                        for i in range(body.get("n") or 1)]}


def completions_events(body, script):
    for part in pieces(answer_text(script)) + [None]:
        yield None, {"id": "cmpl-1", "object": "text_completion", "created": CREATED, "model": body.get("model"),
                     "choices": [{"index": 0, "text": part or "", "finish_reason": None if part else "stop"}]}
    yield None, "[DONE]"


def responses_plain(body, script, status="completed"):
    if "tools" in script:
        output = [{"id": f"fc_{i}", "type": "function_call", "status": "completed", "call_id": c["id"],
                   "name": c["function"]["name"], "arguments": c["function"]["arguments"]}
                  for i, c in enumerate(TOOL_CALLS)]
    else:
        output = [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                   "content": [{"type": "output_text", "text": answer_text(script), "annotations": []}]}]
    return {"id": "resp_1", "object": "response", "created_at": CREATED, "status": status, "model": body.get("model"),
            "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None,
            "incomplete_details": None, "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0,
            "usage": {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21,
                      "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}}


def responses_events(body, script):
    number = 0

    def event(kind, **more):
        nonlocal number
        number += 1
        return kind, {"type": kind, "sequence_number": number - 1, **more}

    whole = responses_plain(body, script)
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield event("response.created", response=started)
    yield event("response.in_progress", response=started)
    for index, item in enumerate(whole["output"]):
        at = {"output_index": index}
        yield event("response.output_item.added", item={**item, "status": "in_progress"}, **at)
        if item["type"] == "message":
            at |= {"item_id": item["id"], "content_index": 0}
            part = item["content"][0]
            yield event("response.content_part.added", part={**part, "text": ""}, **at)
            for piece in pieces(part["text"]):
                yield event("response.output_text.delta", delta=piece, logprobs=[], **at)
            yield event("response.output_text.done", text=part["text"], logprobs=[], **at)
            yield event("response.content_part.done", part=part, **at)
        else:
            yield event("response.function_call_arguments.delta", delta=item["arguments"], item_id=item["id"], **at)
            yield event("response.function_call_arguments.done", arguments=item["arguments"], name=item["name"],
                        item_id=item["id"], **at)
        yield event("response.output_item.done", item=item, output_index=index)
    yield event("response.completed", response=whole)


def messages_plain(body, script):
    content = [{"type": "text", "text": answer_text(script)}]
    if "tools" in script:
        content += [{"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": body.get("model"), "content": content,
            "stop_reason": "tool_use" if "tools" in script else "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 12}}


def messages_events(body, script):
    whole = messages_plain(body, script)
    start = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 9, "output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": start}
    yield "ping", {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": empty}
        if block["type"] == "text":
            deltas = [{"type": "text_delta", "text": p} for p in pieces(block["text"])]
        else:
            text = json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": p} for p in ("", text[:6], text[6:])]
        for d in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": d}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    yield "message_delta", {"type": "message_delta", "usage": {"output_tokens": 12},
                            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}}
    yield "message_stop", {"type": "message_stop"}


def embeddings(body, script):
    inputs = body.get("input")
    inputs = inputs if isinstance(inputs, list) else [inputs]
    vector = [0.25, -0.5, 1.0]
    coded = base64.b64encode(struct.pack("<3f", *vector)).decode()
    return {"object": "list", "model": body.get("model"), "usage": {"prompt_tokens": 3, "total_tokens": 3},
            "data": [{"object": "embedding", "index": i,
                      "embedding": coded if body.get("encoding_format") == "base64" else vector}
                     for i in range(len(inputs))]}


def error_body(path, status):
    if path.startswith("/v1/messages"):
        kind = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": f"The stand-in answers {status}."}}
    return {"error": {"message": f"The stand-in answers {status}.", "type": "stand_in_error", "param": None,
                      "code": f"code_{status}"}}


PLAIN = {"/v1/chat/completions": chat_plain, "/v1/completions": completions_plain, "/v1/responses": responses_plain,
         "/v1/messages": messages_plain, "/v1/embeddings": embeddings,
         "/v1/messages/count_tokens": lambda b, s: {"input_tokens": 14}}
STREAM = {"/v1/chat/completions": chat_events, "/v1/completions": completions_events,
          "/v1/responses": responses_events, "/v1/messages": messages_events}


def frame(name, data, script):
    data = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    end = "\r\n" if "crlf" in script else "\n"
    out = f": a comment{end}" if "crlf" in script else ""
    if name:
        out += f"event: {name}{end}"
    if "crlf" in script and data.startswith("{"):
        return out + f"data: {{{end}data: {data[1:]}{end}{end}"
    return out + f"data: {data}{end}{end}"


def make_app():
    from aiohttp import web

    log = []

    async def relay(request, response, record, script, events):
        async def write(data):
            size = int(script.get("split", 0)) or len(data)
            for i in range(0, len(data), size):
                await response.write(data[i : i + size])
                if "split" in script:
                    await asyncio.sleep(0)

        for i, (name, event) in enumerate(events):
            if "stall" in script and i == int(script["stall"]):
                await asyncio.sleep(3600)
            if "drop" in script and i == int(script["drop"]):
                request.transport.close()
                return response
            if "fail" in script and i == int(script["fail"]):
                body = {"error": {"message": "The stand-in fails.", "type": "server_error", "param": None, "code": None}}
                if name:
                    body = {"type": "error", **body}
                await write(frame("error" if name else None, body, script).encode())
                break
            if "delay" in script:
                await asyncio.sleep(float(script["delay"]))
            await write(frame(name, event, script).encode())
            record["sent"] = i + 1
        await response.write_eof()
        record["done"] = True
        return response

    async def plain(request, record, script, status, value, headers):
        data = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, indent=1).encode()
        if "gzip" in script and "gzip" in request.headers.get("accept-encoding", ""):
            data = gzip.compress(data, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if "chunked" in script or "drop" in script:
            response = web.StreamResponse(status=status, headers=headers)
            if "drop" in script:
                response.content_length = len(data)
            await response.prepare(request)
            await response.write(data[: int(script["drop"])] if "drop" in script else data)
            if "drop" in script:
                await asyncio.sleep(0.05)
                request.transport.close()
                return response
            await response.write_eof()
        else:
            response = web.Response(status=status, body=data, headers=headers)
            await response.prepare(request)
            await response.write_eof()
        record["done"] = True
        return response

    async def answer(request, record, body):
        script = script_of(request, body)
        headers = {"x-request-id": "req_upstream_1", "request-id": "req_upstream_1", "openai-processing-ms": "7", "openai-organization": "org-test",
                   "X-Custom-Thing": "kept", "Content-Type": "application/json"}
        if "first" in script:
            await asyncio.sleep(float(script["first"]))
        if "hangup" in script:
            request.transport.close()
            return web.Response()
        if "review" in script and "the review" in str((body or {}).get("messages", [{}])[0].get("content")):
            script["status"] = script["review"]
        if "status" in script or (request.method == "POST" and body is None):
            status = int(script.get("status", 400))
            if "retry" in script:
                headers["retry-after"] = script["retry"]
                headers["retry-after-ms"] = str(int(float(script["retry"]) * 1000))
            return await plain(request, record, script, status, error_body(request.path, status), headers)
        if "garbage" in script:
            return await plain(request, record, script, 200, b"{not json at all", headers)
        if request.method == "GET" and request.path.startswith("/v1/models"):
            models = [{"id": m, "object": "model", "created": CREATED, "owned_by": "test"} for m in ("small", "org/large")]
            name = urllib.parse.unquote(request.path[len("/v1/models/"):])
            value = {"object": "list", "data": models} if not name else {**models[0], "id": name}
            return await plain(request, record, script, 200, value, headers)
        if request.method != "POST" or request.path not in PLAIN:
            return await plain(request, record, script, 404, error_body(request.path, 404), headers)
        if body.get("stream") and request.path in STREAM:
            headers |= {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
            response = web.StreamResponse(status=200, headers=headers)
            if "gzip" in script and "gzip" in request.headers.get("accept-encoding", ""):
                response.enable_compression(web.ContentCoding.gzip)
            await response.prepare(request)
            return await relay(request, response, record, script, STREAM[request.path](body, script))
        return await plain(request, record, script, 200, PLAIN[request.path](body, script), headers)

    async def handle(request):
        if request.path == "/_requests":
            return web.json_response(log)
        if request.path == "/_reset":
            log.clear()
            return web.json_response({})
        record = {"method": request.method, "path": request.raw_path, "body": "", "aborted": False, "done": False,
                  "sent": 0, "time": time.time(), "port": request.transport.get_extra_info("peername")[1],
                  "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in request.raw_headers]}
        raw = await request.read()
        record["body"] = base64.b64encode(raw).decode()
        log.append(record)
        try:
            body = json.loads(raw) if raw else None
            body = body if isinstance(body, dict) else None
        except ValueError:
            body = None
        try:
            return await answer(request, record, body)
        except (asyncio.CancelledError, ConnectionError):
            record["aborted"] = True
            raise

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{tail:.*}", handle)
    return app


async def serve(port):
    from aiohttp import web

    runner = web.AppRunner(make_app(), handler_cancellation=True, auto_decompress=False, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
