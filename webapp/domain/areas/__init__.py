"""Areas 四级网格 with their zones: county, town, community, grid, compound, building."""
