"""The batteries: one package each, none of them loaded by ``import costrel``."""
