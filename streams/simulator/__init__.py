"""simulator: the example shop, and shoppers with known truth who answer offers.

`SHOP` is the folder of the example shop's reference data, the default of `offerstream replay`.
"""

from pathlib import Path

SHOP = Path(__file__).parent / "shop"

__all__ = ["SHOP"]
