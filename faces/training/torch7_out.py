from faces.torch7 import write_t7
from faces.training.openface import torch7_tree


def written(weights, path):
    write_t7(path, torch7_tree(lambda name, shape: weights[name].reshape(shape)))
