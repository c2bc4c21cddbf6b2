"""Neural-network potentials in the file formats of aenet.

The public names stand in ``__init__.pyi``. They are imported when they are first used, since their
modules take time.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
