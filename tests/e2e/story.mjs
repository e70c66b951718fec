// The story with OpenAI's own client for Node, one act at a time: `node story.mjs ACT`, settings as JSON on standard
// input, what the client saw as JSON on standard output. The client package is in build/node.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const set = JSON.parse(readFileSync(0, 'utf8'));
const OpenAI = createRequire(set.modules + '/')('openai');
const client = new OpenAI({ baseURL: set.url + '/v1', apiKey: 'unused', maxRetries: 0 });
const byHeader = { headers: { 'X-Cairn-Session': set.session } };

async function collect(stream, onText) {
  let text = '';
  const calls = [];
  for await (const chunk of stream) {
    const delta = chunk.choices[0]?.delta ?? {};
    for (const c of delta.tool_calls ?? []) {
      calls[c.index] ??= { id: c.id, type: 'function', function: { name: c.function.name, arguments: '' } };
      calls[c.index].function.arguments += c.function.arguments ?? '';
    }
    text += delta.content ?? '';
    if (delta.content && onText) onText(text);
  }
  return { text, calls };
}

const acts = {
  // One exchange: `stream`, `body` (session in the body instead of the header) and `tools` as asked for.
  async chat() {
    const request = { model: set.model, messages: set.messages, stream: !!set.stream, ...(set.extra ?? {}) };
    if (set.body) request.session_id = set.session;
    const { data, response } = await client.chat.completions.create(request, set.body ? {} : byHeader).withResponse();
    const seen = set.stream ? await collect(data)
      : { text: data.choices[0].message.content, calls: data.choices[0].message.tool_calls ?? [] };
    return { ...seen, conversation: response.headers.get('x-cairn-conversation'),
      memory: response.headers.get('x-cairn-memory') };
  },
  // A stream during which the server is killed: tells when enough has come, then how it ended.
  async broken() {
    let text = '', error = null, told = false;
    try {
      const stream = await client.chat.completions.create({ model: set.model, messages: set.messages, stream: true }, byHeader);
      await collect(stream, (t) => {
        text = t;
        if (!told && t.split(' ').length >= set.enough) {
          told = true;
          console.log(JSON.stringify({ now: true }));
        }
      });
    } catch (e) {
      error = String(e);
    }
    return { text, error };
  },
};

console.log(JSON.stringify(await acts[process.argv[2]]()));
