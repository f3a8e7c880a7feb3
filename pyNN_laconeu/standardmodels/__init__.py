"""PyNN's standard cell types, synapse types and current sources, as laconeu has them."""

import numpy as np
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
        except (errors.InvalidDimensionsError, errors.NonExistentParameterError):
            raise
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError,
                SyntaxError) as err:
            given = ", ".join(f"{key}={value!r:.80}" for key, value in parameters.items())
            reason = str(err) or "one of these cannot be a parameter's value"
            raise errors.InvalidParameterValueError(f"{name}({given}): {reason}") from err


def refuse(label, model, name, value, allowed):
    """Raise the error for a parameter's value."""
    value = value.item() if isinstance(value, np.generic) else value
    raise errors.InvalidParameterValueError(
        f"{label}: {model} parameter {name} = {value!r}, must be {allowed}")


class Checked(Explained):
    """Refuses parameter values that make no sense, before anything uses them."""

    positive = ()       # names of parameters that must be > 0
    not_negative = ()   # names of parameters that must be >= 0
    ordered = ()        # pairs (lower, upper): lower must be < upper
    together = ()       # groups of names that must be checked together

    @classmethod
    def check_parameters(cls, parameters, label):
        """Check values before they are taken over.

        parameters: name -> array, one value per cell; label: names the population in errors.
        Raises pyNN.errors.InvalidParameterValueError.
        """
        for name, values in parameters.items():
            values = np.asarray(values)
            if values.dtype == object:
                continue
            finite = np.isfinite(values)
            if not finite.all():
                refuse(label, cls.__name__, name, values[~finite].flat[0], "a finite number")
            for names, allowed, bad in ((cls.positive, "> 0", values <= 0),
                                        (cls.not_negative, ">= 0", values < 0)):
                if name in names and bad.any():
                    refuse(label, cls.__name__, name, values[bad].flat[0], allowed)
        for lower, upper in cls.ordered:
            if lower in parameters and upper in parameters:
                low, high = np.broadcast_arrays(parameters[lower], parameters[upper])
                bad = low >= high
                if bad.any():
                    refuse(label, cls.__name__, lower, low[bad].flat[0],
                           f"< {upper} = {high[bad].flat[0].item()!r}: the cell would spike for "
                           "ever")
