"""tensorjoin: a compiler that turns neural networks into SQL."""
