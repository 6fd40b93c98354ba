"""Train the demo language model: a small Llama that tells the stories of `corpus.py`.

    python examples/train_demo.py

About a quarter of an hour on two CPU cores. Writes `examples/demo/`.
"""

import argparse
import math
import time
from pathlib import Path

import torch
from corpus import stories
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, set_seed

BEGIN, END = "<|begin|>", "<|end|>"
PROMPTS = ["Once upon a time", "Lily found a red ball", "The old dog", "One day, Tom"]

CONFIG = LlamaConfig(
    vocab_size=512,
    hidden_size=64,
    intermediate_size=172,
    num_hidden_layers=5,
    num_attention_heads=8,
    num_key_value_heads=4,
    max_position_embeddings=512,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
    initializer_range=0.05,
    bos_token_id=0,
    eos_token_id=1,
    dtype="float32",
)


def train_tokenizer(texts: list[str]) -> Tokenizer:
    """Byte-level BPE: any text has an encoding, and decoding gives exactly that text back."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=CONFIG.vocab_size,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def pack(tokenizer: Tokenizer, texts: list[str], window: int) -> torch.Tensor:
    """All stories behind one another, each from BEGIN to END, cut into windows of equal length."""
    ids = [i for text in tokenizer.encode_batch(texts) for i in [*text.ids, CONFIG.eos_token_id]]
    return torch.tensor(ids[: len(ids) // window * window]).view(-1, window)


def train(model: LlamaForCausalLM, windows: torch.Tensor, batch: int, peak: float) -> None:
    """One pass over the windows: AdamW, a short warm-up and a cosine down to nothing."""
    batches = windows[torch.randperm(len(windows))].split(batch)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=peak, betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / 100) * (1 + math.cos(math.pi * step / len(batches))) / 2,
    )
    start = time.monotonic()
    model.train()
    for step, ids in enumerate(batches, start=1):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 200 == 0 or step == len(batches):
            seconds = time.monotonic() - start
            print(
                f"step {step}/{len(batches)}  loss {loss.item():.3f}  {seconds:.0f} s", flush=True
            )


@torch.no_grad()
def evaluate(model: LlamaForCausalLM, windows: torch.Tensor) -> float:
    model.eval()
    losses = [model(input_ids=ids, labels=ids).loss.item() for ids in windows.split(32)]
    return sum(losses) / len(losses)


def continue_story(
    model: LlamaForCausalLM, tokenizer: Tokenizer, prompt: str, temperature: float = 0
) -> str:
    """The prompt and what the model adds; ` [...]` if it did not come to an end by itself."""
    ids = torch.tensor([tokenizer.encode(prompt).ids])
    sampling = {"do_sample": True, "temperature": temperature} if temperature else {}
    out = model.generate(ids, attention_mask=ids * 0 + 1, max_new_tokens=300, **sampling)[0]
    return tokenizer.decode(out.tolist()) + (" [...]" if out[-1] != CONFIG.eos_token_id else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stories", type=int, default=80_000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--peak", type=float, default=3e-3, help="the largest learning rate")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "demo")
    arguments = parser.parse_args()

    set_seed(0)
    torch.set_num_threads(2)
    texts = list(stories(arguments.stories, seed=1))
    tokenizer = train_tokenizer(texts[:20_000])
    windows = pack(tokenizer, texts, window=256)
    held_out = pack(tokenizer, list(stories(1_000, seed=2)), window=256)
    model = LlamaForCausalLM(CONFIG)
    print(f"{model.num_parameters():,} parameters, {windows.numel():,} tokens", flush=True)

    train(model, windows, arguments.batch, arguments.peak)
    print(f"loss on new stories: {evaluate(model, held_out):.4f}")

    model.generation_config = GenerationConfig(
        bos_token_id=CONFIG.bos_token_id, eos_token_id=CONFIG.eos_token_id, do_sample=False
    )
    model.save_pretrained(arguments.out)
    tokenizer.save(str(arguments.out / "tokenizer.json"))
    for prompt in PROMPTS:
        print(f"\n{continue_story(model, tokenizer, prompt)}")
        print(f"\n{continue_story(model, tokenizer, prompt, temperature=0.8)}")


if __name__ == "__main__":
    main()
