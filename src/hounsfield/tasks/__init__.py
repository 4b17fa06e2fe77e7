"""Each ties a network, a target, a loss, a decoding and a score together."""
