"""What the tests of the REST API share: making sessions, conversations and turns, and judging errors."""


def session(cairn, **body):
    return cairn.post("/api/v2/sessions", body, 201)["session_id"]


def conversation(cairn, session_id, **body):
    return cairn.post("/api/v2/conversations", {"session_id": session_id, **body}, 201)["conversation_id"]


def turn(cairn, conversation_id, content, **body):
    body = {"agent": "ana", **body}
    return cairn.post(f"/api/v2/conversations/{conversation_id}/turns", {"content": content, **body}, 201)


def turns(cairn, conversation_id):
    """All of them, page by page."""
    out, cursor = [], {}
    while True:
        page = cairn.get(f"/api/v2/conversations/{conversation_id}", limit=300, **cursor)
        out += page["turns"]
        if not page["next_cursor"]:
            return out
        cursor = {"cursor": page["next_cursor"]}


def refused(cairn, method, path, body=None, status=400, code="VALIDATION_FAILED", field=None, says=None, **more):
    """The request must be refused in the contract's shape; the error."""
    r = cairn.http.request(method, path, **({"json": body} if body is not None else {}), **more)
    assert r.status_code == status, f"{method} {path} {body}: {r.status_code} {r.text}"
    error = r.json()["error"]
    assert error["code"] == code, error
    assert error["message"] and not error["message"].endswith("."), error
    assert isinstance(error["details"], dict)
    if field:
        assert error["details"].get("field") == field, error
    for word in [says] if isinstance(says, str) else says or []:
        assert word in error["message"], error
    return error


NO_SESSION = "sess_" + "0" * 32
NO_CONVERSATION = "conv_" + "0" * 32
