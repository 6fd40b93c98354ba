"""From the text of a prompt to its tokens."""

from tokenizers import Tokenizer

from tensorjoin.errors import TensorjoinError
from tensorjoin.runtime.catalog import StoredModel


def tokenizer_of(model: StoredModel) -> Tokenizer | None:
    """The model's tokenizer, without the truncation and padding that its file may ask for."""
    if model.tokenizer is None:
        return None
    tokenizer = Tokenizer.from_str(model.tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encode(model: StoredModel, tokenizer: Tokenizer | None, text: str) -> list[int]:
    """The tokens of a prompt, with those that the tokenizer puts around it."""
    if tokenizer is None:
        raise TensorjoinError(
            f"the model {model.shown} has no tokenizer: give the prompt as --token-ids"
        )
    if not text:
        raise TensorjoinError("the prompt is empty: give some text by --prompt")
    try:
        return tokenizer.encode(text).ids
    except Exception as error:  # the library raises nothing more particular
        raise TensorjoinError(
            f"the tokenizer of {model.shown} cannot encode the prompt ({error}): use other words"
        ) from error
