# The public names: `lazy_loader` imports each one when it is first used.

__version__: str

from .calculators import Calculator as Calculator
from .calculators import CommitteeCalculator as CommitteeCalculator
from .data.setup import Setup as Setup
from .data.structure import Structure as Structure
from .data.training_set import TrainingSet as TrainingSet
from .descriptors.table import fingerprints as fingerprints
from .errors import AenetpyError as AenetpyError
from .io.generate_in import read_generate_in as read_generate_in
from .io.generate_in import write_generate_in as write_generate_in
from .io.learn_in import read_learn as read_learn
from .io.network import read_network as read_network
from .io.network import write_network as write_network
from .io.predict_in import read_predict_in as read_predict_in
from .io.predict_in import write_predict_in as write_predict_in
from .io.stp import read_stp as read_stp
from .io.stp import write_stp as write_stp
from .io.study_in import read_study as read_study
from .io.taylor_in import TaylorInput as TaylorInput
from .io.train_in import read_train_in as read_train_in
from .io.train_in import write_train_in as write_train_in
from .io.trainset import read_trainset as read_trainset
from .io.trainset import write_trainset as write_trainset
from .io.xsf import read_xsf as read_xsf
from .io.xsf import write_xsf as write_xsf
from .models.committee import Committee as Committee
from .models.committee import read_committee as read_committee
from .models.potential import Potential as Potential
from .models.reading import read_potential as read_potential
from .reports.listener import Listener as Listener
from .reports.listener import TextListener as TextListener
from .workflows.augment import AugmentTask as AugmentTask
from .workflows.augment import augment as augment
from .workflows.explore import explore as explore
from .workflows.generate import generate as generate
from .workflows.learn import learn as learn
from .workflows.predict import predict as predict
from .workflows.study import study as study
from .workflows.train import train as train
from .workflows.train_members import train_members as train_members
