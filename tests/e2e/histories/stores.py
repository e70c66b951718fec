"""Databases of other memories: CCC's, in its two layouts, and Chronicle Weaver's."""

import json
import sqlite3

from histories import EMPTY, History, METADATA, at, at_ms, uid

SESSION = uid("ccc")


CCC = """
create table projects(id integer primary key, canonical_path text);
create table conversations(id integer primary key, project_id integer, project_path text, source_type text,
    external_id text, first_message_at integer, last_message_at integer, git_branch text);
create table messages(id integer primary key, conversation_id integer, external_id text, parent_message_id integer,
    parent_external_id text, message_type text, role text, content text, timestamp integer, is_sidechain integer,
    agent_id text, request_id text, git_branch text, cwd text, metadata text);
create table tool_uses(id integer primary key, message_id integer, external_id text, tool_name text, tool_input text,
    timestamp integer);
create index by_use on tool_uses(message_id);
create table tool_results(id integer primary key, tool_use_id integer, message_id integer, external_id text, content text,
    is_error integer, stdout text, stderr text, is_image integer, timestamp integer);
create index by_result on tool_results(message_id);
create table thinking_blocks(id integer primary key, external_id text, message_id integer, thinking_content text);
create index by_thought on thinking_blocks(message_id);
create table decisions(id integer primary key, external_id text, conversation_id integer, message_id integer,
    decision_text text, rationale text, timestamp integer);
create table mistakes(id integer primary key, external_id text, conversation_id integer, message_id integer,
    mistake_type text, what_went_wrong text, correction text, timestamp integer);
create table user_preferences(id text primary key, category text, preference text, rationale text, examples text,
    established_date integer, updated_at integer);
create virtual table messages_fts using fts5(id unindexed, content, metadata, content=messages, content_rowid=rowid);
"""


def ccc(root):
    """Now: numbers inside, the tool's ids as external ids; a message's line stands beside it as it was."""
    h = History(root, "ccc")
    db = sqlite3.connect(h.path(".cccmemory.db"))
    db.executescript(CCC)
    db.execute("insert into conversations values(7, 1, '/home/ada/dam', 'claude-code', ?, 0, 0, 'main')", (SESSION,))
    db.execute("insert into conversations values(8, 1, '/home/ada/dam', 'codex', 'of-codex', 0, 0, null)")

    def put(n, kind, role, content, side=0, agent=None, line=None, of=7):
        db.execute("insert into messages values(?,?,?,null,?,?,?,?,?,?,?,null,'main',null,?)",
                   (n, of, uid("ccc", n), uid("ccc", n - 1), kind, role, content, at_ms(n), side, agent,
                    json.dumps(line) if line else None))

    put(1, "user", "user", "How thick is the dam?", line={"type": "user", "uuid": "x", "message": {"role": "user"}})
    put(2, "assistant", "assistant", "Nine metres at its foot.")
    db.execute("insert into thinking_blocks values(1, 't', 2, 'Water is heavy')")
    put(3, "progress", None, "<progress>")
    put(4, "user", "user", None)
    put(5, "user", "user", "Look for cracks", 1, "a1b2")
    put(6, "summary", None, "of the dam")
    put(7, "assistant", "assistant", None)
    db.execute("""insert into tool_uses values(1, 7, 'toolu_1', 'Bash', '{"command":"ls"}', 0)""")
    put(8, "user", "user", "")
    db.execute("""insert into tool_results values(1, 1, 8, 'r', '[{"type":"text","text":"cracks.txt"}]', 0, 'x', '', 0, 0)""")
    put(9, "user", "user", "<command-name>/clear</command-name>")
    put(10, "user", "user", "Caveat of the tool", line={"isMeta": True})
    put(11, "system", None, "Conversation compacted")
    put(12, "user", "user", "Does Codex know the dam?", of=8)
    put(13, "assistant", "assistant", "It does.", of=8)
    h.turn("user", "How thick is the dam?", SESSION, at(1))
    h.turn("assistant", "Nine metres at its foot.", SESSION, at(2))
    h.skip(METADATA, 2)  # nobody's words: no role
    h.skip(EMPTY)
    h.turn("assistant", "Look for cracks", SESSION, at(5), thread="a1b2")
    h.turn("assistant", '→ Bash {"command":"ls"}', SESSION, at(7))
    h.turn("tool", "cracks.txt", SESSION, at(8))
    h.turn("system", "<command-name>/clear</command-name>", SESSION, at(9))
    h.turn("system", "Caveat of the tool", SESSION, at(10), recall=False)
    h.turn("system", "Conversation compacted", SESSION, at(11), recall=False)
    h.turn("user", "Does Codex know the dam?", "of-codex", at(12))
    h.turn("assistant", "It does.", "of-codex", at(13))
    made(h, db)
    db.commit()
    db.close()
    return h


def made(h, db):
    """What it made of messages."""
    db.execute("insert into decisions values(1, 'd', 7, 2, 'Make the dam nine metres', 'The water presses', ?)", (at_ms(20),))
    db.execute("insert into mistakes values(1, 'm', 7, 2, 'logic_error', 'Counted the dam in feet', null, ?)", (at_ms(21),))
    db.execute("insert into user_preferences values('p1', 'tooling', 'metres, please', 'they said so', '[]', 0, ?)", (at_ms(22),))
    h.turn("system", "Make the dam nine metres\n\nThe water presses", SESSION, at(20), recall=False)
    h.turn("system", "Counted the dam in feet", SESSION, at(21), recall=False)
    h.other("preferences", key="p1", value="metres, please", category="tooling", description="they said so")


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


WEAVER = """
create table conversations(id integer primary key, title varchar(200), created_at datetime, updated_at datetime,
    is_active boolean, summary text, metadata json);
create table messages(id integer primary key, conversation_id integer, role varchar(20), content text,
    timestamp datetime, agent_name varchar(100), llm_provider varchar(50), token_count integer, metadata json);
create table agent_configurations(id integer primary key, name varchar(100), display_name varchar(200), system_prompt text,
    enabled boolean, llm_provider varchar(50), temperature float, max_tokens integer, capabilities json, metadata json,
    created_at datetime, updated_at datetime);
create table character_states(id integer primary key, name varchar(100), conversation_id integer, description text,
    personality_traits json, background text, current_mood varchar(50), current_location varchar(200), relationships json,
    inventory json, stats json, last_seen datetime, is_active boolean, metadata json);
create table prop_items(id integer primary key, name varchar(100), category varchar(50), subcategory varchar(50),
    description text, image_path varchar(500), tags json, rarity varchar(20), properties json, usage_count integer,
    last_used datetime, created_at datetime, is_favorite boolean);
create table conversation_summaries(id integer primary key, conversation_id integer, summary_text text, key_events json,
    character_developments json, plot_points json, created_at datetime, message_range_start integer,
    message_range_end integer);
create table user_preferences(id integer primary key, key varchar(100), value json, category varchar(50),
    description varchar(500), updated_at datetime);
insert into agent_configurations values(1, 'narrator', 'The Narrator', 'Tell the tale.', 1, 'openai', 0.9, 1024,
    '["stories"]', '{}', '2026-03-01 09:00:00', '2026-03-01 09:00:00'),
    (2, 'quiet', null, 'Say little.', 0, null, 9.5, 'many', 'stories', '[1]', null, null);
insert into character_states values(1, 'Mira', 3, 'A trader of salt', '["brave"]', 'Born by the pans', 'calm', 'the pans',
    '{"Tam":"brother"}', '["lamp"]', '{"hp":9}', '2026-03-01 09:00:05', 1, '{}'),
    (2, 'Tam', null, null, 'no json', null, null, null, null, null, null, null, 0, null),
    (3, null, 3, 'nobody', null, null, null, null, null, null, null, null, 1, null);
insert into prop_items values(1, 'Lamp', 'tool', 'light', 'Burns oil', '/lamp.png', '["light"]', 'rare', '{"oil":3}', 4,
    '2026-03-01 09:00:06', '2026-03-01 09:00:00', 1);
insert into user_preferences values(1, 'theme', '{"name":"dark"}', 'ui', 'How it looks', '2026-03-01 09:00:07'),
    (2, 'voice', '"low"', null, null, null);
"""


def weaver(root):
    """Characters, things, settings, agents and summaries are records of these kinds; a nameless one is nobody."""
    h = History(root, "chronicle-weaver")
    db = sqlite3.connect(h.path("data/chronicle_weaver.db"))
    db.executescript(WEAVER)

    def stamp(n):
        return at(n).replace("T", " ").replace("Z", "").replace(".000", ".000000")

    db.execute("insert into conversations(id, title, created_at, updated_at, summary) values(3, 'The salt road', ?, ?, 'Salt')",
               (stamp(0), stamp(8)))
    for n, (role, content) in enumerate((("user", "The caravan sets out at night"), ("assistant", "Stars over the salt pans."),
                                         ("user", "yes"), ("user", "yes"), ("assistant", "")), 1):
        db.execute("insert into messages(id,conversation_id,role,content,timestamp,agent_name) values(?,3,?,?,?,'narrator')",
                   (n, role, content, stamp(n)))
        if content:
            h.turn(role, content, "3", at(n))
        else:
            h.skip(EMPTY)
    db.execute("""insert into conversation_summaries values(1, 3, 'A caravan on the salt road', '["departure"]',
        '{"Mira":"braver"}', '["the road"]', ?, 1, 2)""", (stamp(9),))
    db.execute("insert into character_states(id, name, stats, is_active, description) values(9, 'Giant', ?, 1, ?)",
               (json.dumps({"size": "x" * 300_000}), "tall " * 20_000))  # more than there is room for
    h.other("characters", name="Giant", description=("tall " * 20_000)[:64 * 1024], is_active=True)
    db.commit()
    db.close()
    h.other("summaries", text="A caravan on the salt road", key_events=["departure"], plot_points=["the road"],
            character_developments={"Mira": "braver"}, created_at=at(9))
    h.other("summaries", text="Salt")
    h.other("agents", name="narrator", display_name="The Narrator", system_prompt="Tell the tale.", temperature=0.9,
            max_tokens=1024, capabilities=["stories"])
    h.other("agents", name="quiet", enabled=False, temperature=0.7, max_tokens=2048, capabilities=["stories"], metadata={"value": [1]})
    h.other("characters", name="Mira", current_mood="calm", relationships={"Tam": "brother"}, inventory=["lamp"],
            stats={"hp": 9}, last_seen=at(5), is_active=True)
    h.other("characters", name="Tam", personality_traits="no json", is_active=False, conversation_id=None)
    h.other("props", name="Lamp", rarity="rare", tags=["light"], properties={"oil": 3}, usage_count=4, is_favorite=True)
    h.other("preferences", key="theme", value={"name": "dark"}, category="ui", description="How it looks")
    h.other("preferences", key="voice", value="low", category="general")
    h.titles = {"3": "The salt road"}
    return h
