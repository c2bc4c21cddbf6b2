from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.setup import FeatureStatistics
from aenetpy.errors import DataError, InputError
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.models.scaling import ROUNDING, feature_scaling, raw_deviations, rounding_noise
from aenetpy.training.normalise import normalise, without_constants
from tests.training import setup_of, small_trainset


def with_features(trainset, t: int, features_ng):
    features = list(trainset.features_tng)
    setups = list(trainset.setups_t)
    features[t] = features_ng
    setups[t] = setup_of(trainset.species[t], features_ng)
    return replace(trainset, features_tng=tuple(features), setups_t=tuple(setups))


def test_energies_per_atom_fill_the_interval() -> None:
    raw = small_trainset()
    trainset, n_removed = normalise(raw)
    per_atom_s = trainset.energies_s / trainset.n_atoms_s
    assert n_removed == 0
    assert trainset.normalized
    assert per_atom_s.min() == pytest.approx(-1, abs=1e-14)
    assert per_atom_s.max() == pytest.approx(1, abs=1e-14)
    assert trainset.energy_minimum == per_atom_s.min()
    assert trainset.energy_maximum == per_atom_s.max()
    assert trainset.energy_average == pytest.approx(per_atom_s.mean(), abs=1e-15)
    back_s = trainset.energies_s / trainset.scale + trainset.n_atoms_s * trainset.shift
    assert back_s == pytest.approx(raw.energies_s, rel=1e-14)
    assert trainset.forces_nc == pytest.approx(trainset.scale * raw.forces_nc)
    assert (trainset.positions_nc == raw.positions_nc).all()


def test_fingerprints_have_mean_zero_and_deviation_one() -> None:
    for x_ng in normalise(small_trainset()).trainset.features_tng:
        assert x_ng.mean(axis=0) == pytest.approx(0, abs=1e-13)
        assert x_ng.std(axis=0) == pytest.approx(1, rel=1e-12)


def test_statistics_of_the_fingerprints_stay_raw() -> None:
    raw = small_trainset()
    assert normalise(raw).trainset.setups_t is raw.setups_t


def test_structures_above_the_limit_are_left_out() -> None:
    raw = small_trainset()
    per_atom_s = raw.energies_s / raw.n_atoms_s
    limit = float(np.sort(per_atom_s)[-2])
    trainset, n_removed = normalise(raw, limit)
    keep_s = per_atom_s <= limit
    gone = int(np.argmin(keep_s))
    types_n = np.delete(
        raw.types_n, np.s_[raw.n_atoms_s[:gone].sum() : raw.n_atoms_s[: gone + 1].sum()]
    )
    assert n_removed == 1
    assert trainset.n_structures == raw.n_structures - 1
    assert raw.names_s[gone] not in trainset.names_s
    assert (trainset.types_n == types_n).all()
    assert trainset.energies_s.max() / trainset.n_atoms_s.max() <= 1.001
    assert [len(x) for x in trainset.features_tng] == np.bincount(types_n).tolist()
    # the same atom has the same numbers with and without the other structure
    assert (trainset.features_tng[0][0] == normalise(raw).trainset.features_tng[0][0]).all()


def test_tolerance_above_the_limit() -> None:
    raw = small_trainset(("T", "T", "T"))
    raw = replace(
        raw,
        energies_s=np.array([0.0, 1.0004, 1.0006]),
        energy_minimum=0.0,
        energy_maximum=1.0006,
    )
    trainset, n_removed = normalise(raw, 1.0)  # scaled: -1, 1.0008, 1.0012
    assert n_removed == 1
    assert trainset.names_s == raw.names_s[:2]


def test_a_limit_above_all_energies_changes_nothing() -> None:
    raw = small_trainset()
    plain, limited = normalise(raw), normalise(raw, 1e30)
    assert limited.n_removed == 0
    assert limited.trainset.scale == plain.trainset.scale


def test_normalised_set_is_returned_as_it_is() -> None:
    once = normalise(small_trainset()).trainset
    assert normalise(once, -100.0) == (once, 0)


def test_constant_components_become_zero_with_one_warning(caplog) -> None:
    raw = small_trainset()
    features_ng = raw.features_tng[0].copy()
    features_ng[:, [1, 3]] = 0.5, 0.0
    with caplog.at_level(logging.WARNING, logger="aenetpy"):
        trainset = normalise(with_features(raw, 0, features_ng)).trainset
    assert (trainset.features_tng[0][:, [1, 3]] == 0).all()
    assert (trainset.features_tng[0][:, [0, 2]] != 0).all()
    assert caplog.messages == [
        "Ti: fingerprint components 2, 4 of 4 are the same for all atoms and are not used"
    ]


def test_scaling_survives_a_variance_rounded_below_zero() -> None:
    statistics = FeatureStatistics(
        9,
        np.zeros(4),
        np.ones(4),
        mean_g=np.array([0.1, 0.0, 1.0, 0.0]),
        mean_square_g=np.array([0.1**2 - 1e-18, 1e-21, 5.0, np.nan]),
    )
    mean_g, inverse_sigma_g = feature_scaling(statistics)
    assert mean_g is statistics.mean_g
    assert inverse_sigma_g.tolist() == [0.0, 0.0, 0.5, 0.0]


def test_a_species_without_atoms_is_told_once(caplog) -> None:
    assert normalise(small_trainset(("TT", "T"))).trainset.features_tng[1].shape == (0, 3)
    assert caplog.messages == ["O: no atoms in the training set; its network is not trained"]


def with_noise(raw):
    """Components 1 and 3 of Ti are constant, with the deviations that rounding leaves."""
    features_ng = raw.features_tng[0].copy()
    features_ng[:, [0, 2]] = 123.456, 0.2
    features_ng[::2, [0, 2]] *= 1.0 + 3e-16
    noisy = with_features(raw, 0, features_ng)
    statistics = noisy.setups_t[0].statistics
    # what a running average over a million atoms leaves, and over a few
    mean_square_g = statistics.mean_g**2 * [1.0 + 3e-13, 0.0, 1.0 + 4e-16, 0.0]
    mean_square_g[[1, 3]] = statistics.mean_square_g[[1, 3]]
    setup = noisy.setups_t[0].with_statistics(replace(statistics, mean_square_g=mean_square_g))
    return replace(noisy, setups_t=(setup, noisy.setups_t[1]))


def test_what_only_rounding_makes_vary_is_not_trained_on(caplog) -> None:
    noisy = with_noise(small_trainset())
    statistics = noisy.setups_t[0].statistics
    assert raw_deviations(statistics)[0] > ROUNDING * 123.456  # its extremes tell
    assert 0.0 < raw_deviations(statistics)[2] < ROUNDING * 0.2
    assert rounding_noise(statistics).tolist() == [True, False, True, False]
    told = "Ti: fingerprint components 1, 3 of 4 are the same for all atoms and are not used"
    trainset = normalise(noisy).trainset
    assert caplog.messages == [told]
    # on disk as aenet writes it
    sigma_g = np.sqrt(statistics.mean_square_g - statistics.mean_g**2)
    expected_ng = (noisy.features_tng[0] - statistics.mean_g) / sigma_g
    np.testing.assert_allclose(trainset.features_tng[0], expected_ng, rtol=1e-14)
    ours = without_constants(trainset)
    assert (ours.features_tng[0][:, [0, 2]] == 0).all()
    np.testing.assert_array_equal(
        ours.features_tng[0][:, [1, 3]], trainset.features_tng[0][:, [1, 3]]
    )
    assert ours.features_tng[1] is trainset.features_tng[1]
    caplog.clear()
    normalise(trainset)  # as read from a set that is normalised already
    assert caplog.messages == [told]


def test_equal_energies_are_refused_without_forces() -> None:
    raw = replace(small_trainset(), energy_minimum=-8.0, energy_maximum=-8.0)
    scaled = normalise(raw, with_forces=True).trainset
    assert (scaled.scale, scaled.shift) == (1.0, pytest.approx(-8.0))
    with pytest.raises(DataError, match=r"same energy of -8\.000000 eV per atom"):
        normalise(raw)


def test_a_limit_below_all_energies_is_refused() -> None:
    with pytest.raises(InputError, match="MAXENERGY -100 leaves no structures"):
        normalise(small_trainset(), -100.0)


def test_set_without_setups_is_refused() -> None:
    with pytest.raises(DataError, match="no fingerprint setups; train on a file written by"):
        normalise(replace(small_trainset(), setups_t=None))


def test_setup_without_statistics_is_refused() -> None:
    raw = small_trainset()
    setups_t = tuple(setup.with_statistics(None) for setup in raw.setups_t)
    with pytest.raises(DataError, match="Ti holds no statistics"):
        normalise(replace(raw, setups_t=setups_t))


def test_empty_set_is_refused() -> None:
    with pytest.raises(DataError, match="no structures"):
        normalise(replace(small_trainset(), names_s=()))


def test_normalised_set_of_aenet_in_bytes(golden, tmp_path) -> None:
    start = golden / "05-train" / "start"
    trainset, n_removed = normalise(read_trainset(start / "TiO2.train"))
    assert n_removed == 0
    write_trainset(tmp_path / "TiO2.train.scaled", trainset)
    expected = (start / "expected" / "TiO2.train.scaled").read_bytes()
    assert (tmp_path / "TiO2.train.scaled").read_bytes() == expected


def test_limit_of_energy_as_aenet_reports_it(golden) -> None:
    raw = read_trainset(golden / "05-train" / "start" / "TiO2.train")
    trainset, n_removed = normalise(raw, -8.0)
    text = (golden / "05-train" / "bfgs-maxenergy" / "expected" / "train.out").read_text()
    for line in (
        f"{n_removed} high-energy structures will be removed",
        f"Energy scaling factor: f = {trainset.scale:.6f}",
        f"Atomic energy shift  : s = {trainset.shift:.6f}",
        f"Number of structures in the data set: {trainset.n_structures}",
        f"Average energy (eV/atom) : {trainset.energy_average:.6f}",
        f"Minimum energy (eV/atom) : {trainset.energy_minimum:.6f}",
        f"Maximum energy (eV/atom) : {trainset.energy_maximum:.6f}",
    ):
        assert line in text
