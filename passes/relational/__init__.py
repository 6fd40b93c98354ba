"""The patterns of `convert-ten-to-rel`, by topic."""
