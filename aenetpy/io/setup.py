"""The 17 records of a fingerprint setup (spec 7.1)."""

from __future__ import annotations

from aenetpy.data.limits import ANY, NOT_NEGATIVE, POSITIVE
from aenetpy.data.setup import N_PARAMETERS, FeatureStatistics, Setup, check_setup
from aenetpy.io.fortran import (
    RecordReader,
    array_record,
    encode_species,
    encode_text,
    integer_record,
    real_record,
    record,
)


def encode_setup(setup: Setup) -> bytes:
    """Return the 17 records of a setup (spec 7.1); without statistics they count 0 atoms.

    Parameters
    ----------
    setup
        The setup; a description longer than 1024 bytes is cut.

    Raises
    ------
    DataError
        A species has more than two characters.
    """
    g = setup.n_features
    known = setup.known_statistics
    return b"".join(
        [
            record(encode_text(setup.description, 1024)),
            record(encode_species([setup.species])),
            integer_record(len(setup.environment)),
            record(encode_species(setup.environment)),
            real_record(setup.r_min),
            real_record(setup.r_max),
            record(encode_text(setup.kind, 100)),
            integer_record(g),
            integer_record(N_PARAMETERS),
            array_record(setup.functions_g, "<i4"),
            array_record(setup.parameters_gp, "<f8"),
            array_record(setup.partners_g2, "<i4"),
            integer_record(known.count),
            array_record(known.minimum_g, "<f8"),
            array_record(known.maximum_g, "<f8"),
            array_record(known.mean_g, "<f8"),
            array_record(known.mean_square_g, "<f8"),
        ]
    )


def decode_setup(reader: RecordReader) -> Setup:
    """Read the 17 records of a setup (spec 7.1).

    Parameters
    ----------
    reader
        Stands at the description.

    Raises
    ------
    DataError
        Truncated, damaged, or with numbers that cannot be, see `check_setup`.
    """
    description = reader.text("description", 1024)
    (species,) = reader.species("species of the setup", 1)
    environment = reader.species("environment species", reader.count("number of species"))
    r_min = reader.real("smallest distance", NOT_NEGATIVE)
    r_max = reader.real("cutoff", POSITIVE)
    kind = reader.text("kind of descriptor", 100)
    g = reader.count("number of functions")
    n_parameters = reader.count("number of parameters")
    if n_parameters != N_PARAMETERS:
        raise reader.damaged(f"{n_parameters} parameters per function, not {N_PARAMETERS}")
    functions_g = reader.integer_array("function kinds", g)
    parameters_gp = reader.reals("function parameters", g * N_PARAMETERS, ANY)
    partners_g2 = reader.integer_array("function species", g * 2)
    statistics = FeatureStatistics(
        count=reader.count("number of atoms evaluated"),
        minimum_g=reader.reals("smallest fingerprint values", g),
        maximum_g=reader.reals("largest fingerprint values", g),
        mean_g=reader.reals("mean fingerprint values", g),
        mean_square_g=reader.reals("mean squares of fingerprint values", g, NOT_NEGATIVE),
    )
    setup = Setup(
        species=species,
        environment=environment,
        r_min=r_min,
        r_max=r_max,
        kind=kind,
        functions_g=functions_g,
        parameters_gp=parameters_gp.reshape(g, N_PARAMETERS),
        partners_g2=partners_g2.reshape(g, 2),
        statistics=statistics,
        description=description,
    )
    return check_setup(setup, reader.error)
