"""The nouns: structures, setups, training sets, the potential of a species."""
