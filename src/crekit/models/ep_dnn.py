"""EP-DNN (Kim et al. 2016) in the form that DeepRegFinder compares itself with: a multilayer perceptron on all bins."""

from torch import nn

HIDDEN = (600, 500, 400)


class EpDnn(nn.Sequential):
    """Three dense layers with softplus and dropout: ``ep-dnn``.

    Takes standardised tracks, shape (n, n_marks, n_bins); returns logits, shape (n, n_classes).

    Parameters
    ----------
    n_marks, n_classes, n_bins : int
    """

    def __init__(self, n_marks: int, n_classes: int, n_bins: int = 20) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        width = n_marks * n_bins
        for hidden in HIDDEN:
            layers += [nn.Linear(width, hidden), nn.Softplus(), nn.Dropout(0.5)]
            width = hidden
        super().__init__(*layers, nn.Linear(width, n_classes))
