"""The lectures' published figures beside ours, from full runs over several seeds."""
