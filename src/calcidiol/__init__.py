"""calcidiol: vitamin D regimens for one cancer patient, with forecast, safety gate and evidence.

Decision support for professionals. Not a medical device.
"""

__version__ = "0.1.0"
