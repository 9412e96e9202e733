// What the official Node package does against a server: the argument is its URL up to /v1.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const { version } = JSON.parse(readFileSync(process.env.PEER + "/node/node_modules/openai/package.json"));
const require = createRequire(process.env.PEER + "/node/");
const { OpenAI, NotFoundError } = require("openai");

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "of-the-house", maxRetries: 0 });
const messages = [{ role: "user", content: "What is the capital of France?" }];
const right = (name, ok) => {
  if (!ok) throw new Error(name);
  console.log(`  ${name}: right`);
};

console.log(`openai for Node ${version}`);
const model = (await client.models.list()).data[0].id;
right("models", model === "smollm2-135m");
const limits = { max_tokens: 12, temperature: 0 };
const answer = await client.chat.completions.create({ model, messages, ...limits });
right("chat", answer.choices[0].message.content.includes("Paris"));
let text = "";
for await (const piece of await client.chat.completions.create({ model, messages, stream: true, ...limits }))
  text += piece.choices[0]?.delta?.content ?? "";
right("stream", text.includes("Paris"));
// It asks for vectors in Base64 and takes them apart by itself.
const vectors = await client.embeddings.create({ model: "all-minilm-l6-v2", input: "a cat" });
right("embedding", vectors.data[0].embedding.length === 384);
try {
  await client.chat.completions.create({ model: "none-such", messages });
  right("errors", false);
} catch (error) {
  right("errors", error instanceof NotFoundError && error.code === "model_not_found");
}
