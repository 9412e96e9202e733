"""Mails and the peer's side of summarize-mails.sh. Needs nothing but Python."""
import email
import email.policy
import json
import re
import sys

from llama_server import chat, wait


def mails(corpus, count):
    """The bodies of the first mails of some length, at most 1,500 characters each."""
    found = 0
    for line in open(corpus):
        raw = json.loads(line)["text"]
        raw = json.loads(raw)["text"] if raw.startswith("{") else raw
        raw = raw.split("\n", 1)[1] if raw.startswith("From ") else raw
        body = email.message_from_string(raw, policy=email.policy.compat32)
        if body.is_multipart() or body.get_content_type() != "text/plain":
            continue
        text = re.sub(r"[ \t]+", " ", body.get_payload()).strip()[:1500]
        if len(text) >= 300 and found < count:
            print(json.dumps({"n": found, "text": text}))
            found += 1


def ask(server, path, prompt, out):
    """Asks with the same words as summarize; prints seconds, prompt and answer tokens."""
    wait(server)
    rules = open(prompt).read()
    records = [json.loads(line) for line in open(path)]
    bodies = [
        {"messages": [{"role": "system", "content": rules}, {"role": "user", "content": record["text"]}],
         "temperature": 0, "max_tokens": 60, "cache_prompt": True}
        for record in records
    ]
    answers, took = chat(server, bodies)
    usage = [answer["usage"] for answer in answers]
    with open(out, "w") as file:
        for record, answer in zip(records, answers):
            file.write(json.dumps({"n": record["n"], "summary": answer["choices"][0]["message"]["content"]}) + "\n")
    print(f"{took:.2f}", sum(one["prompt_tokens"] for one in usage), sum(one["completion_tokens"] for one in usage))


match sys.argv[1:]:
    case ["mails", corpus, count]:
        mails(corpus, int(count))
    case ["ask", server, path, prompt, out]:
        ask(server, path, prompt, out)
    case other:
        sys.exit(f"unknown: {other}")
