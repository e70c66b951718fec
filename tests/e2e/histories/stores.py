"""Databases of other memories: CCC's, in its two layouts, and Chronicle Weaver's."""

import sqlite3

from histories import EMPTY, History, METADATA, at, at_ms, uid

SESSION = uid("ccc")


def ccc(root):
    """Now: numbers inside, the tool's ids as external ids."""
    h = History(root, "ccc")
    db = sqlite3.connect(h.path(".cccmemory.db"))
    db.executescript("""
        create table projects(id integer primary key, canonical_path text);
        create table conversations(id integer primary key, project_id integer, project_path text, source_type text,
            external_id text, first_message_at integer, last_message_at integer, git_branch text);
        create table messages(id integer primary key, conversation_id integer, external_id text, parent_message_id integer,
            parent_external_id text, message_type text, role text, content text, timestamp integer, is_sidechain integer,
            agent_id text, request_id text, git_branch text, cwd text, metadata text);
        create table decisions(id integer primary key, decision_text text);
    """)
    db.execute("insert into conversations values(7, 1, '/home/ada/dam', 'claude-code', ?, 0, 0, 'main')", (SESSION,))

    def put(n, kind, role, content, side=0, agent=None):
        db.execute("insert into messages values(?,7,?,null,?,?,?,?,?,?,?,null,'main',null,null)",
                   (n, uid("ccc", n), uid("ccc", n - 1), kind, role, content, at_ms(n), side, agent))

    put(1, "user", "user", "How thick is the dam?")
    put(2, "assistant", "assistant", "Nine metres at its foot.")
    put(3, "system", None, "<progress>")
    put(4, "user", "user", None)
    put(5, "user", "user", "Look for cracks", 1, "a1b2")
    put(6, "summary", None, "of the dam")
    h.turn("user", "How thick is the dam?", SESSION, at(1))
    h.turn("assistant", "Nine metres at its foot.", SESSION, at(2))
    h.skip(METADATA, 2)  # nobody's words: no role
    h.skip(EMPTY)
    h.turn("assistant", "Look for cracks", SESSION, at(5), thread="a1b2")
    db.commit()
    db.close()
    return h


def ccc_of_before(root):
    """Before: texts as ids, a database a project."""
    h = History(root, "ccc")
    db = sqlite3.connect(h.path("projects/-home-ada-dam/.claude-conversations-memory.db"))
    db.executescript("""
        create table conversations(id text primary key, project_path text, source_type text);
        create table messages(id text primary key, conversation_id text, parent_id text, message_type text, role text,
            content text, timestamp integer, is_sidechain integer);
    """)
    db.execute("insert into conversations values(?, '/home/ada/dam', 'claude-code')", (SESSION,))
    db.execute("insert into messages values('u1', ?, null, 'user', 'user', 'Does the dam leak?', ?, 0)", (SESSION, at_ms(1)))
    h.turn("user", "Does the dam leak?", SESSION, at(1))
    db.commit()
    db.close()
    return h


def weaver(root):
    h = History(root, "chronicle-weaver")
    db = sqlite3.connect(h.path("data/chronicle_weaver.db"))
    db.executescript("""
        create table conversations(id integer primary key, title varchar(200), created_at datetime, updated_at datetime,
            is_active boolean, summary text, metadata json);
        create table messages(id integer primary key, conversation_id integer, role varchar(20), content text,
            timestamp datetime, agent_name varchar(100), llm_provider varchar(50), token_count integer, metadata json);
        create table agent_configurations(id integer primary key, name text, system_prompt text);
        create table character_states(id integer primary key, name text, conversation_id integer, description text);
        create table prop_items(id integer primary key, name text, category text);
        create table conversation_summaries(id integer primary key, conversation_id integer, summary_text text,
            created_at datetime);
        create table user_preferences(id integer primary key, key text, value json);
        insert into agent_configurations values(1, 'narrator', 'never-read-this-token');
    """)
    db.execute("insert into conversations(id, title) values(3, 'The salt road')")

    def stamp(n):
        return at(n).replace("T", " ").replace("Z", "").replace(".000", ".000000")

    for n, (role, content) in enumerate((("user", "The caravan sets out at night"), ("assistant", "Stars over the salt pans."),
                                         ("user", "yes"), ("user", "yes"), ("assistant", "")), 1):
        db.execute("insert into messages(id,conversation_id,role,content,timestamp,agent_name) values(?,3,?,?,?,'narrator')",
                   (n, role, content, stamp(n)))
        if content:
            h.turn(role, content, "3", at(n))
        else:
            h.skip(EMPTY)
    db.execute("insert into conversation_summaries values(1, 3, 'A caravan on the salt road', ?)", (stamp(9),))
    h.turn("system", "A caravan on the salt road", "3", at(9), recall=False)
    db.commit()
    db.close()
    h.titles = {"3": "The salt road"}
    return h
