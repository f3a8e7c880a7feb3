"""PyNN's standard cell types, synapse types and current sources, as laconeu has them."""

from pyNN import errors
from pyNN.standardmodels import build_translations


def identity(model):
    """PyNN's table of translations, each parameter standing for itself in its own unit."""
    return build_translations(*((name, name) for name in model.default_parameters))


class Explained:
    """Says which model refused which values; PyNN's own constructors name neither."""

    def __init__(self, **parameters):
        name = type(self).__name__
        unknown = sorted(set(parameters) - set(self.default_parameters))
        if unknown:
            raise errors.NonExistentParameterError(unknown[0], name, self.default_parameters)
        try:
            super().__init__(**parameters)
        except errors.InvalidDimensionsError:
            raise
        except (TypeError, ValueError, SyntaxError) as err:
            given = ", ".join(f"{key}={value!r:.80}" for key, value in parameters.items())
            raise errors.InvalidParameterValueError(f"{name}({given}): {err}") from err
