"""The planned experiments, each with the policies that its arms are in the simulator."""
