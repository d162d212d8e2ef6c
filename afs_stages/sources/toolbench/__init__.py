"""ToolBench's trajectories."""
