"""The figures of a study, from its results folder: manifest, records and checkpoints to PNG and PDF.

    registry.py      the figures by name, and the one loop that makes them
    source.py        what a figure may look at: trials, labels, what must stand on its face
    checkpoints.py   trained models and test images, as codes and reconstructions
    clustering.py, curves.py, cost.py, tsne.py, reconstructions.py, manifold.py, traversals.py   one figure each
    panels.py        images side by side         style.py   colours, type, captions        write.py   the files

A figure is two functions: one turns the source into plain data, page by page, or into the reason why a page cannot be
made; the other draws such data. Nothing is drawn that is not in the data, so tests look there.
"""
