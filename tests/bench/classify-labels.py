"""Texts, labels and the peers' side of classify-labels.sh. Needs nothing but Python."""
import json
import random
import subprocess
import sys

from llama_server import chat, post, wait

LABELS = {
    "plumbing": "water, pipes, taps, pumps and drains",
    "weather": "rain, storms, heat, frost and forecasts",
    "money": "bills, prices, taxes, banks and payments",
    "school": "lessons, pupils, teachers and examinations",
    "travel": "trains, flights, hotels, roads and tickets",
}
SUBJECTS = {
    "plumbing": ["The tap in the kitchen", "Our old pump", "The drain behind the mill", "A pipe under the floor"],
    "weather": ["The storm from the coast", "This morning's frost", "The heat of July", "Heavy rain over the hills"],
    "money": ["The bill for electricity", "My bank", "The tax office", "The price of flour"],
    "school": ["The teacher of class four", "The examination in June", "A pupil from the village", "The lesson on rivers"],
    "travel": ["The night train to the south", "Our flight", "The hotel by the lake", "A ticket for the ferry"],
}
MIDDLES = [
    "was not what anybody had expected when the week began",
    "has been the talk of the whole street since Tuesday",
    "needs somebody to look at it before the holidays",
    "came up again in the meeting and nobody knew what to do about it",
    "cost my neighbour more time than he likes to admit",
    "will be better next month, as far as one can say today",
]
ENDS = ["", " I wrote it down so that we do not forget.", " Please tell Anna and the others at number {n}.",
        " Could you call me back at {n} past nine?", " We have {n} photographs of it, and none of them is sharp."]


def texts(count):
    draw = random.Random(7)
    names = list(LABELS)
    for n in range(count):
        truth = draw.choice(names)
        subject = draw.choice(SUBJECTS[truth])
        text = f"{subject} {draw.choice(MIDDLES)}.{draw.choice(ENDS).format(n=n)}"
        print(json.dumps({"n": n, "text": text, "truth": truth}))


def rules(lines):
    """The instructions, word for word as classify gives them."""
    listed = "".join(f"\n- {name}: {about}" for name, about in lines)
    return f"Labels:{listed}\nYou are a text classifier. Reply with the label of the text."


def read_labels(path):
    return [tuple(line.rstrip("\n").split("\t")) for line in open(path)]


def letters(lines):
    return "root ::= " + " | ".join(json.dumps(name) for name, _ in lines)


def tokens(lines, server):
    """A grammar of the tokens that the model itself writes the labels with."""

    def spelt(name):
        found = post(server + "/tokenize", {"content": name, "add_special": False})["tokens"]
        return " ".join(f"<[{token}]>" for token in found)

    return "root ::= " + " | ".join(spelt(name) for name, _ in lines)


def ask(server, kind, path, labels, out):
    """Prints the seconds, and the tokens that are not common to all prompts."""
    lines = read_labels(labels)
    wait(server)
    records = [json.loads(line) for line in open(path)]
    grammar = letters(lines) if kind == "letters" else tokens(lines, server)

    def body(text):
        turns = [{"role": "system", "content": rules(lines)}, {"role": "user", "content": text}]
        return {"messages": turns, "grammar": grammar, "temperature": 0, "max_tokens": 16, "cache_prompt": True}

    shared = post(server + "/v1/chat/completions", body("x"))["usage"]["prompt_tokens"]
    tail = len(post(server + "/tokenize", {"content": "<|im_end|>\n<|im_start|>assistant\n", "parse_special": True})["tokens"])
    prefix = shared - 1 - tail
    answers, took = chat(server, [body(record["text"]) for record in records])
    own = [answer["usage"]["prompt_tokens"] - prefix for answer in answers]
    with open(out, "w") as file:
        for record, answer in zip(records, answers):
            label = answer["choices"][0]["message"]["content"]
            tokens_in = answer["usage"]["prompt_tokens"]
            file.write(json.dumps({**record, "label": label, "tokens_in": tokens_in}) + "\n")
    print(f"{took:.2f} {sum(own)}")


def alone(program, model, count, path, labels):
    """A process a text, as people do it in a shell loop: llama-completion with the grammar, or
    `llm`, which has none and answers as it likes."""
    lines = read_labels(labels)
    for line in list(open(path))[:count]:
        text = json.loads(line)["text"]
        prompt = f"<|im_start|>system\n{rules(lines)}<|im_end|>\n<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
        if model == "llm":
            command = [program, "-m", "SmolLM2", "--no-stream", "--no-log", "-s", rules(lines), text]
        else:
            command = [program, "-m", model, "-no-cnv", "-t", "2", "-c", "1024", "-n", "16", "--temp", "0",
                       "--no-display-prompt", "--grammar", letters(lines), "-p", prompt]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
        if done.returncode or not done.stdout.strip():
            sys.exit(f"no answer from {program}: {done.stdout!r} {done.stderr[-500:]}")


def same(ours, theirs):
    pairs = [(json.loads(a), json.loads(b)) for a, b in zip(open(ours), open(theirs), strict=True)]
    # The same prompts, token for token.
    assert all((a["n"], a["via"][-1]["tokens_in"]) == (b["n"], b["tokens_in"]) for a, b in pairs)
    equal = sum(a["label"] == b["label"] for a, b in pairs)
    print(f"{equal} of {len(pairs)} ({100 * equal / len(pairs):.1f} %)")


def right(path):
    records = [json.loads(line) for line in open(path)]
    print(f"{sum(one['label'] == one['truth'] for one in records) / len(records):.3f}")


match sys.argv[1:]:
    case ["texts", count]:
        texts(int(count))
    case ["labels"]:
        for name, about in LABELS.items():
            print(f"{name}\t{about}")
    case ["ask", server, kind, path, labels, out]:
        ask(server, kind, path, labels, out)
    case ["alone", program, model, count, path, labels]:
        alone(program, model, int(count), path, labels)
    case ["right", path]:
        right(path)
    case ["same", ours, theirs]:
        same(ours, theirs)
    case other:
        sys.exit(f"unknown: {other}")
