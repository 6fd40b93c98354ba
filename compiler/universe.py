"""What this project adds to xDSL; `sql-opt` and `xdsl-opt` find it by entry point."""

from xdsl.universe import Universe

TENSORJOIN_UNIVERSE = Universe(all_dialects={}, all_passes={}, all_targets={})
