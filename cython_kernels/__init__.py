"""The compiled half of pyNN.laconeu; installed as ``pyNN_laconeu.kernels``.

models/     membranes and receptors as data
render.py   model data + template -> the .pyx of the state updates, at build time
engine.pyx  the time loop, delivery, spike sources, recording
numerics.pyx  exp, expm1 and Philox for NumPy arrays, the same bits on every machine
"""
