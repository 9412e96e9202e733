"""What the official Python package does against a server: argv is its URL up to /v1."""
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="of-the-house", max_retries=0, timeout=120)
ask = [{"role": "user", "content": "What is the capital of France?"}]


def models():
    return [model.id for model in client.models.list()]


def chat():
    answer = client.chat.completions.create(model=models()[0], messages=ask, max_tokens=12, temperature=0, seed=1)
    assert "Paris" in answer.choices[0].message.content, answer
    assert answer.usage.total_tokens > 10


def stream():
    pieces = client.chat.completions.create(model=models()[0], messages=ask, max_tokens=12, temperature=0, stream=True, stream_options={"include_usage": True})
    pieces = list(pieces)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert "Paris" in text and pieces[-1].usage.completion_tokens > 0, text


def schema():
    shape = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"], "additionalProperties": False}
    answer = client.chat.completions.create(model=models()[0], messages=ask, max_tokens=60, temperature=0, response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": shape, "strict": True}})
    import json
    assert set(json.loads(answer.choices[0].message.content)) == {"city"}


def completion():
    answer = client.completions.create(model=models()[0], prompt="One, two, three,", max_tokens=6, temperature=0, stop=["\n"])
    assert "four" in answer.choices[0].text, answer


def embedding():
    answer = client.embeddings.create(model="all-minilm-l6-v2", input=["a cat", "tax law"])
    assert len(answer.data) == 2 and len(answer.data[0].embedding) == 384


def errors():
    for call, kind in [
        (lambda: client.chat.completions.create(model="none-such", messages=ask), openai.NotFoundError),
        (lambda: client.chat.completions.create(model=models()[0], messages=[]), openai.BadRequestError),
        (lambda: client.with_options(api_key="wrong").models.list(), openai.AuthenticationError),
    ]:
        try:
            call()
        except kind:
            continue
        raise SystemExit(f"{kind.__name__} was expected")


print(f"openai for Python {openai.__version__}")
for check in [models, chat, stream, schema, completion, embedding, errors]:
    check()
    print(f"  {check.__name__}: right")
