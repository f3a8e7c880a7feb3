"""PyNN's standard cell types, synapse types and current sources, as laconeu has them."""
