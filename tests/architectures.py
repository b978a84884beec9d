"""Tiny models of every architecture, with seeded random weights, as GGUF files and as Hugging Face models.

A case names the features of its family and the Hugging Face configuration that means the same. Weights come
from the standard library's random numbers, so a case and a seed always give the same file, and expected
logits can be kept without keeping weights.

    python3 architectures.py SEED    # JSON: what transformers computes (needs torch and transformers)
"""
import array
import json
import math
import random
import struct
import sys

VOCAB, LAYERS, D, HEADS, KV_HEADS, HEAD_DIM, FF = 128, 4, 64, 4, 2, 16, 96
EPSILON = 1e-5
LONG = 1 << 12  # the context of files that are not stretched
ORIGINAL = 32   # the original context of those that are

BASE = {"hidden_size": D, "intermediate_size": FF, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "vocab_size": VOCAB, "rms_norm_eps": EPSILON,
        "max_position_embeddings": LONG, "tie_word_embeddings": False, "pad_token_id": None,
        "bos_token_id": None, "eos_token_id": None}
PLAIN_ROPE = {"rope_type": "default", "rope_theta": 10000.0}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "beta_fast": 4.0, "beta_slow": 1.0,
        "original_max_position_embeddings": ORIGINAL}
YARN_KEYS = {"rope.scaling.type": "yarn", "rope.scaling.factor": 8.0, "rope.scaling.yarn_beta_fast": 4.0,
             "rope.scaling.yarn_beta_slow": 1.0, "rope.scaling.original_context_length": ORIGINAL}
SHORT_FACTORS = [1.0 + 0.05 * i for i in range(HEAD_DIM // 2)]
LONG_FACTORS = [1.0 + 0.9 * i for i in range(HEAD_DIM // 2)]
LONG_ROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": SHORT_FACTORS,
             "long_factor": LONG_FACTORS, "original_max_position_embeddings": ORIGINAL}
LONG_CONTEXT = {"original_max_position_embeddings": ORIGINAL}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": ORIGINAL}
WINDOW = 12


def llama3_factors():
    factors = []
    for i in range(HEAD_DIM // 2):
        wave = 2 * math.pi * LLAMA3["rope_theta"] ** (2 * i / HEAD_DIM)
        smooth = (ORIGINAL / wave - LLAMA3["low_freq_factor"]) / (
            LLAMA3["high_freq_factor"] - LLAMA3["low_freq_factor"])
        smooth = min(1.0, max(0.0, smooth))
        factors.append(1 / ((1 - smooth) / LLAMA3["factor"] + smooth))
    return factors


def case(name, architecture, model, config=None, keys=None, rope=None, **features):
    """features: interleaved, bias, qk_norm (head, whole), no_pre_norm, post_norm, joined, experts, tied,
    unit_offset (norm weights are stored plus one), factors (tensors), context, lengths."""
    return {"name": name, "architecture": architecture, "model": model,
            "config": {**BASE, "rope_parameters": rope or PLAIN_ROPE, **(config or {})},
            "keys": keys or {}, "lengths": [5, 30, 90], "context": 0, **features}


GEMMA = {"hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": HEAD_DIM, "sliding_window": WINDOW,
         "tie_word_embeddings": True}
GEMMA_FEATURES = {"post_norm": True, "tied": True, "unit_offset": True}
OLMO_FEATURES = {"qk_norm": "whole", "no_pre_norm": True, "post_norm": True}

CASES = [
    case("llama", "llama", "Llama", interleaved=True),
    case("llama-tied", "llama", "Llama", {"tie_word_embeddings": True}, interleaved=True, tied=True),
    case("llama-linear", "llama", "Llama", rope={**PLAIN_ROPE, "rope_type": "linear", "factor": 4.0},
         keys={"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}, interleaved=True),
    case("llama-3", "llama", "Llama", rope=LLAMA3, interleaved=True,
         factors={"rope_freqs.weight": llama3_factors()}),
    case("llama-yarn", "llama", "Llama", rope=YARN, keys=YARN_KEYS, interleaved=True),
    case("mixtral", "llama", "Mixtral", {"num_local_experts": 6, "num_experts_per_tok": 2}, interleaved=True,
         experts=(6, 2), sliding_window=None),
    case("mistral3", "mistral3", "Ministral3",
         rope={**YARN, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.4},
         keys={**YARN_KEYS, "rope.scaling.yarn_log_multiplier": 1.0, "attention.temperature_scale": 0.4},
         interleaved=True),
    case("qwen2", "qwen2", "Qwen2", bias=True),
    case("qwen3", "qwen3", "Qwen3", qk_norm="head"),
    case("qwen3-yarn", "qwen3", "Qwen3", rope=YARN, keys=YARN_KEYS, qk_norm="head"),
    case("qwen3moe", "qwen3moe", "Qwen3Moe",
         {"num_experts": 8, "num_experts_per_tok": 3, "norm_topk_prob": True, "moe_intermediate_size": FF,
          "decoder_sparse_step": 1, "mlp_only_layers": []}, qk_norm="head", experts=(8, 3)),
    case("gemma2", "gemma2", "Gemma2",
         {**GEMMA, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 5.0,
          "layer_types": ["sliding_attention", "full_attention"] * (LAYERS // 2)},
         {"attention.sliding_window": WINDOW, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 5.0},
         **GEMMA_FEATURES),
    case("gemma3", "gemma3", "Gemma3",
         {**GEMMA, "layer_types": ["sliding_attention"] * 3 + ["full_attention"]},
         {"attention.sliding_window": WINDOW, "attention.sliding_window_pattern": [True] * 3 + [False],
          "rope.freq_base": 50000.0, "rope.freq_base_swa": 10000.0, "rope.scaling.type": "linear",
          "rope.scaling.factor": 8.0},
         rope={"full_attention": {"rope_type": "linear", "rope_theta": 50000.0, "factor": 8.0},
               "sliding_attention": PLAIN_ROPE}, qk_norm="head", **GEMMA_FEATURES),
    case("phi3", "phi3", "Phi3", {"sliding_window": WINDOW}, {"attention.sliding_window": WINDOW}, joined=True),
    case("phi3-partial", "phi3", "Phi3", {"sliding_window": None},
         {"attention.sliding_window": 0, "rope.dimension_count": HEAD_DIM // 2},
         rope={**PLAIN_ROPE, "partial_rotary_factor": 0.5}, joined=True),
    case("phi3-longrope-short", "phi3", "Phi3", {"sliding_window": None, **LONG_CONTEXT}, rope=LONG_ROPE,
         joined=True, long_rope=True, context=ORIGINAL, lengths=[5, 30]),
    case("phi3-longrope-long", "phi3", "Phi3", {"sliding_window": None, **LONG_CONTEXT}, rope=LONG_ROPE,
         joined=True, long_rope=True, lengths=[40, 90]),
    case("granite", "granite", "Granite",
         {"embedding_multiplier": 3.0, "attention_multiplier": 0.4, "residual_multiplier": 0.6,
          "logits_scaling": 0.5},
         {"embedding_scale": 3.0, "attention.scale": 0.4, "residual_scale": 0.6, "logit_scale": 0.5},
         interleaved=True),
    case("smollm3", "smollm3", "SmolLM3",
         {"no_rope_layers": [1, 1, 1, 0], "no_rope_layer_interval": 4, "use_sliding_window": False,
          "tie_word_embeddings": True}, interleaved=True, tied=True),
    case("olmo2", "olmo2", "Olmo2", **OLMO_FEATURES),
    case("olmo3", "olmo2", "Olmo3",
         {"sliding_window": WINDOW, "layer_types": ["sliding_attention"] * 3 + ["full_attention"]},
         {**YARN_KEYS, "attention.sliding_window": WINDOW,
          "attention.sliding_window_pattern": [True] * 3 + [False]},
         rope={"full_attention": YARN, "sliding_attention": PLAIN_ROPE}, **OLMO_FEATURES),
]


def prompt(length):
    return [(7 * i * i + 3 * i + length) % VOCAB for i in range(length)]


def metadata(c):
    keys = {"context_length": LONG, "block_count": LAYERS, "embedding_length": D, "feed_forward_length": FF,
            "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS,
            "attention.key_length": HEAD_DIM, "attention.value_length": HEAD_DIM,
            "attention.layer_norm_rms_epsilon": EPSILON, "rope.freq_base": 10000.0}
    if c.get("experts"):
        keys.update(zip(("expert_count", "expert_used_count"), c["experts"]))
        keys["expert_feed_forward_length"] = FF
    if c.get("long_rope"):
        keys["rope.scaling.type"] = "longrope"
        keys["rope.scaling.original_context_length"] = ORIGINAL
        keys["rope.scaling.attn_factor"] = math.sqrt(1 + math.log(LONG / ORIGINAL) / math.log(ORIGINAL))
    keys.update(c["keys"])
    return {"general.architecture": c["architecture"],
            **{f"{c['architecture']}.{key}": value for key, value in keys.items()}}


def shapes(c):
    """Name to shape, rows first, in the order of the file."""
    q, kv = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
    out = {"token_embd.weight": (VOCAB, D), "output_norm.weight": (D,)}
    if not c.get("tied"):
        out["output.weight"] = (VOCAB, D)
    for i in range(LAYERS):
        layer = {}
        if not c.get("no_pre_norm"):
            layer.update({"attn_norm.weight": (D,), "ffn_norm.weight": (D,)})
        if c.get("post_norm"):
            layer.update({"post_attention_norm.weight": (D,), "post_ffw_norm.weight": (D,)})
        if c.get("joined"):
            layer["attn_qkv.weight"] = (q + 2 * kv, D)
        else:
            layer.update({"attn_q.weight": (q, D), "attn_k.weight": (kv, D), "attn_v.weight": (kv, D)})
        if c.get("bias"):
            layer.update({"attn_q.bias": (q,), "attn_k.bias": (kv,), "attn_v.bias": (kv,)})
        if c.get("qk_norm"):
            whole = c["qk_norm"] == "whole"
            layer["attn_q_norm.weight"] = (q if whole else HEAD_DIM,)
            layer["attn_k_norm.weight"] = (kv if whole else HEAD_DIM,)
        layer["attn_output.weight"] = (D, q)
        if c.get("experts"):
            n = c["experts"][0]
            layer.update({"ffn_gate_inp.weight": (n, D), "ffn_gate_exps.weight": (n, FF, D),
                          "ffn_up_exps.weight": (n, FF, D), "ffn_down_exps.weight": (n, D, FF)})
        elif c.get("joined"):
            layer.update({"ffn_up.weight": (2 * FF, D), "ffn_down.weight": (D, FF)})
        else:
            layer.update({"ffn_gate.weight": (FF, D), "ffn_up.weight": (FF, D), "ffn_down.weight": (D, FF)})
        out.update({f"blk.{i}.{name}": shape for name, shape in layer.items()})
    return out


def weights(c, seed):
    """Name to (shape, floats)."""
    numbers = random.Random(f"{c['name']} {seed}")
    out = {}
    for name, shape in shapes(c).items():
        if "norm" in name:
            middle, spread = 1.0, 0.4
        elif name.endswith("bias"):
            middle, spread = 0.0, 0.5
        else:
            # Products keep their inputs' size, the router tells its experts apart.
            middle, spread = 0.0, math.sqrt((12.0 if "gate_inp" in name else 4.5) / shape[-1])
        if name == "token_embd.weight":
            spread = 0.5 if c.get("tied") else 1.0
        values = array.array("f", (middle + spread * (2 * numbers.random() - 1)
                                   for _ in range(math.prod(shape))))
        out[name] = (shape, values)
    factors = dict(c.get("factors", {}))
    if c.get("long_rope"):
        factors = {"rope_factors_long.weight": LONG_FACTORS, "rope_factors_short.weight": SHORT_FACTORS}
    for name, values in factors.items():
        out[name] = ((len(values),), array.array("f", values))
    return out


# --------------------------------------------------------------------------------------------------------
# GGUF

def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(v):
    if isinstance(v, bool):
        return struct.pack("<I?", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + string(v)
    return struct.pack("<IIQ", 9, 7, len(v)) + b"".join(struct.pack("<?", x) for x in v)


def write_gguf(path, c, seed):
    keys, tensors = metadata(c), weights(c, seed)
    out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)))
    for key, v in keys.items():
        out += string(key) + value(v)
    data = bytearray()
    for name, (shape, values) in tensors.items():
        out += string(name) + struct.pack("<I", len(shape))
        out += b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", 0, len(data))
        data += values.tobytes()
        data += bytes(-len(data) % 32)
    out += bytes(-len(out) % 32)
    with open(path, "wb") as file:
        file.write(out + data)


# --------------------------------------------------------------------------------------------------------
# Hugging Face

NAMES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
         "attn_v": "self_attn.v_proj", "attn_qkv": "self_attn.qkv_proj", "attn_output": "self_attn.o_proj",
         "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
         "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj", "ffn_gate_inp": "mlp.gate", "ffn_down_exps": "mlp.experts.down_proj",
         "post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm"}


def hugging_face_name(c, name):
    if not name.startswith("blk."):
        return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
                "output.weight": "lm_head.weight"}[name]
    _, index, stem, kind = name.split(".")
    theirs = NAMES[stem]
    if stem == "ffn_norm" and c.get("post_norm") and not c.get("no_pre_norm"):
        theirs = "pre_feedforward_layernorm"
    if stem == "ffn_up" and c.get("joined"):
        theirs = "mlp.gate_up_proj"
    return f"model.layers.{index}.{theirs}" + ("" if stem == "ffn_down_exps" else f".{kind}")


def state_dict(c, seed):
    import torch
    out = {}
    tensors = {name: torch.tensor(values, dtype=torch.float64).reshape(shape)
               for name, (shape, values) in weights(c, seed).items() if not name.startswith("rope")}
    for name, tensor in tensors.items():
        stem = name.split(".")[-2]
        if stem == "ffn_gate_exps":
            index = name.split(".")[1]
            tensor = torch.cat([tensor, tensors[name.replace("gate", "up")]], dim=1)
            out[f"model.layers.{index}.mlp.experts.gate_up_proj"] = tensor
            continue
        if stem == "ffn_up_exps":
            continue
        if c.get("interleaved") and stem in ("attn_q", "attn_k"):
            # Pairs lie side by side in the file, half a head apart there.
            tensor = tensor.reshape(-1, HEAD_DIM // 2, 2, D).swapaxes(1, 2).reshape(tensor.shape)
        if c.get("unit_offset") and stem.endswith("norm"):
            tensor = tensor - 1
        out[hugging_face_name(c, name)] = tensor
    if c.get("tied"):
        out["lm_head.weight"] = out["model.embed_tokens.weight"]
    return out


def expected(c, seed):
    """What transformers computes in double precision."""
    import torch
    import transformers
    make = getattr(transformers, c["model"] + ("TextConfig" if c["model"] == "Gemma3" else "Config"))
    config = make(**c["config"], attn_implementation="eager", experts_implementation="eager")
    model = getattr(transformers, c["model"] + "ForCausalLM")(config).double().eval()
    missing = model.load_state_dict(state_dict(c, seed), strict=False)
    if missing.missing_keys or missing.unexpected_keys:
        raise SystemExit(f"{c['name']}: {missing}")
    out = []
    for length in c["lengths"]:
        ids = prompt(length)
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
        logprobs = torch.log_softmax(logits, dim=-1)
        out.append({"length": length, "logits": [float(f"{x:.7g}") for x in logits[-1].tolist()],
                    "logprobs": [float(f"{logprobs[i, ids[i + 1]].item():.7g}") for i in range(length - 1)]})
    return out


def main():
    seed = int(sys.argv[1])
    print(json.dumps({c["name"]: expected(c, seed) for c in CASES}))


if __name__ == "__main__":
    main()
