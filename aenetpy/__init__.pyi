# The public names: `lazy_loader` imports each one when it is first used.

__version__: str

from .calculators import Calculator as Calculator
from .calculators import CommitteeCalculator as CommitteeCalculator
from .commands.augment import AugmentTask as AugmentTask
from .commands.augment import augment as augment
from .commands.explore import explore as explore
from .commands.generate import generate as generate
from .commands.predict import predict as predict
from .commands.train import train as train
from .commands.train_members import train_members as train_members
from .data.setup import Setup as Setup
from .data.structure import Structure as Structure
from .data.training_set import TrainingSet as TrainingSet
from .descriptors.table import fingerprints as fingerprints
from .errors import AenetpyError as AenetpyError
from .formats.network import read_network as read_network
from .formats.network import write_network as write_network
from .formats.trainset import read_trainset as read_trainset
from .formats.trainset import write_trainset as write_trainset
from .inputs.generate_in import read_generate_in as read_generate_in
from .inputs.generate_in import write_generate_in as write_generate_in
from .inputs.learn import read_learn as read_learn
from .inputs.predict_in import read_predict_in as read_predict_in
from .inputs.predict_in import write_predict_in as write_predict_in
from .inputs.stp import read_stp as read_stp
from .inputs.stp import write_stp as write_stp
from .inputs.study import read_study as read_study
from .inputs.taylor import TaylorInput as TaylorInput
from .inputs.train_in import read_train_in as read_train_in
from .inputs.train_in import write_train_in as write_train_in
from .learning.learn import learn as learn
from .models.committee import Committee as Committee
from .models.committee import read_committee as read_committee
from .models.potential import Potential as Potential
from .models.reading import read_potential as read_potential
from .reports.listener import Listener as Listener
from .reports.listener import TextListener as TextListener
from .structures.xsf import read_xsf as read_xsf
from .structures.xsf import write_xsf as write_xsf
from .studies.study import study as study
