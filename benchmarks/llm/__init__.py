"""Language models side by side on the same weights: SQL engines, numpy and llama.cpp."""
