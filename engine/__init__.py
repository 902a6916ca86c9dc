"""How a study runs: its cells one after another in this process, or side by side as processes on Ray."""
