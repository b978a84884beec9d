#!/usr/bin/env python3
"""Logits, greedy text and perplexity of every backend against exact arithmetic on the same weights.

A backend may be no farther from exact than llama.cpp is (times 1.25, and never asked to be closer than
0.02), and its greedy text may leave the exact one only where the exact margin is below twice that.
"""
import argparse
import os

from oracle import GOLDEN, SHARED, Inspector, default_model, instruction_sets, load

# Which KV type llama.cpp's own figures were made with.
TINY_KV = "f32"


def distance(reference, logits):
    return max(abs(value - logits[str(token)]) for token, value in reference["top"])


class Score:
    def __init__(self):
        self.right = self.total = 0

    def add(self, good, text):
        self.total += 1
        self.right += good
        print(text + ("" if good else "   <-- WRONG"), flush=True)


def check_prompt(inspector, item, greedy, score, label):
    exact, native = item["exact"], item["native"]
    common = dict(map(tuple, native["top"]))
    native_distance = max(abs(v - common[t]) for t, v in exact["top"] if t in common)
    allowed = max(1.25 * native_distance, 0.02)
    reply = inspector.ask({"ids": item["ids"], "want": [t for t, _ in exact["top"]],
                           "greedy": greedy})
    mine = distance(exact, reply["logits"])
    same = next((i for i, (a, b) in enumerate(zip(exact["greedy"], reply["greedy"])) if a != b),
                greedy)
    greedy_good = same == greedy or exact["margin"][same] < 2 * allowed
    score.add(mine <= allowed and greedy_good,
              f"{label}: {len(item['ids'])} tokens: distance {mine:.4f} (llama.cpp "
              f"{native_distance:.4f}), greedy same for {same}/{greedy}")


def check_perplexity(inspector, perplexity, score, label):
    exact, native = perplexity["exact"]["logprobs"], perplexity["native"]["logprobs"]
    mine = inspector.ask({"ids": perplexity["ids"], "logprobs": True})["logprobs"]
    mean = lambda values: sum(abs(a - b) for a, b in zip(exact, values)) / len(exact)
    good = len(mine) == len(exact) and mean(mine) <= max(1.25 * mean(native), 0.002)
    score.add(good, f"{label}: perplexity: mean difference {mean(mine):.5f} (llama.cpp "
                    f"{mean(native):.5f})")


def check_model(build, model, reference, backend, instructions, kv, longest, greedy, score):
    label = f"{os.path.basename(model)} {backend} {instructions or ''}".strip()
    inspector = Inspector(build, "logits", "--model", model, "--backend", backend, "--kv-type", kv,
                          env={"HEARTH_CPU": instructions} if instructions else None)
    for item in reference["items"]:
        if len(item["ids"]) <= longest:
            check_prompt(inspector, item, greedy, score, label)
    if len(reference["perplexity"]["ids"]) <= longest:
        check_perplexity(inspector, reference["perplexity"], score, label)
    inspector.close()


def check_batch(build, model, reference, score):
    """Sequences of one batch give bit by bit what each gives alone."""
    inspector = Inspector(build, "logits", "--model", model)
    requests = [{"ids": item["ids"][:200 + 37 * i], "top": 50, "greedy": 8}
                for i, item in enumerate(reference["items"])]
    together = inspector.ask({"batch": requests})["batch"]
    for i, request in enumerate(requests):
        alone = inspector.ask(request)
        score.add(alone == together[i],
                  f"{os.path.basename(model)}: sequence {i} of a batch equals the same alone")
    inspector.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    score = Score()
    slow = os.environ.get("HEARTH_SLOW") == "1"

    sets = [(os.path.join(GOLDEN, "tiny"), os.path.join(GOLDEN, "reference"))]
    if os.path.isdir(SHARED):
        sets = [(os.path.join(SHARED, "tiny"), os.path.join(SHARED, "reference"))]
    else:
        print(f"skipped: the full set of references, {SHARED} is not there")
    for models, references in sets:
        for name in sorted(os.listdir(references)):
            model = os.path.join(models, name.removeprefix("tiny-").removesuffix(".json") + ".gguf")
            if not name.startswith("tiny-") or not os.path.exists(model):
                continue
            reference = load(os.path.join(references, name))
            check_model(build, model, reference, "reference", None, TINY_KV, 400, 16, score)
            for instructions in instruction_sets():
                check_model(build, model, reference, "cpu", instructions, TINY_KV, 4000, 64, score)

    model = default_model()
    reference = load(os.path.join(GOLDEN, "reference", "smollm2-135m-q4_1.json"))
    if not os.path.exists(model):
        raise SystemExit(f"the default model is missing: {model}; ./test fetches it")
    check_model(build, model, reference, "reference", None, "f32", 8, 1, score)
    for instructions in instruction_sets():
        scalar = instructions == "scalar"
        longest, greedy = (40, 4) if scalar and not slow else (4000, 64)
        check_model(build, model, reference, "cpu", instructions, "f16", longest, greedy, score)
    check_batch(build, model, reference, score)

    print(f"{score.right} of {score.total}")
    raise SystemExit(0 if score.total > 0 and score.right == score.total else 1)


if __name__ == "__main__":
    main()
