"""What publishing's workers do: drain the lane of publications."""

from publishing.delivering import LANE
from socialops.lib.delivery import draining

drain = draining.task(LANE)
