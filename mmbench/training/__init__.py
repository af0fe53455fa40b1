"""Train one method: data, loop, checkpoints, device."""
