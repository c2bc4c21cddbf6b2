"""Learning on the fly: dynamics, selection, reference calculations, fits."""
