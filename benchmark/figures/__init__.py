"""The figures of a study as PNG and PDF, made from its manifest, records and checkpoints.

    all_figures.py       the figures by name, and the loop that makes them
    study_source.py      the source of a figure: trials, labels, and the sentences of its caption
    trained_models.py    trained models and test images, as codes and reconstructions
    clustering_scores.py, training_curves.py, training_cost.py, tsne.py, reconstructions.py, manifold.py, traversals.py,
    frontiers.py, weight_sweeps.py
                         one figure each

A figure consists of two functions: `pages` converts the source to plain data, page by page, or to the reason why a page
cannot be made; `draw` draws the data. The drawing contains nothing that is not in the data, so tests check the data.
Style, image panels and files are in benchmark.plotting.
"""
