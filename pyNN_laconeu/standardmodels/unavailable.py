"""Stand-ins for the standard models of PyNN that this version does not have.

They keep `from pyNN.laconeu import ...` of a script alive until it really uses the model, which
PyNN's own stand-in then refuses by name.
"""

import inspect

from pyNN import standardmodels
from pyNN.standardmodels import ModelNotAvailable, cells, electrodes, receptors, synapses

MODULES = (cells, synapses, electrodes, receptors)
# What single back ends have besides PyNN's standard models.
NATIVE = {"NativeSynapseType", "NativeElectrodeType", "IntFire1", "IntFire2", "IntFire4"}


def stand_ins(available):
    """{name: class} for every standard model, and some others, not in `available`.

    Making an instance raises NotImplementedError naming the model.
    """
    models = {name for module in MODULES
              for name, obj in inspect.getmembers(module, inspect.isclass)
              if obj.__module__ == module.__name__
              and issubclass(obj, standardmodels.base.StandardModelType)}
    return {name: type(name, (ModelNotAvailable,), {"__doc__": "Not in this version."})
            for name in sorted((models | NATIVE) - set(available))}
