"""Small files as VASP writes them, made up: two atoms of hydrogen that move apart."""

from __future__ import annotations

from collections.abc import Sequence

_ROW = "   <v> {} {} {} </v>\n"
_CELL = ((6.0, 0, 0), (0, 6.0, 0), (0, 0, 6.0))


def _rows(rows: Sequence[Sequence[float]]) -> str:
    return "".join(_ROW.format(*row) for row in rows)


def vasprun(counts: Sequence[int], nelm: int = 5) -> str:
    """Return a ``vasprun.xml`` with a step of each of these numbers of electronic steps."""
    text = [
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n'
        ' <kpoints>\n  <varray name="kpointlist" >\n   <v> 0 0 0 </v>\n  </varray>\n'
        '  <varray name="weights" >\n   <v> 1.0 </v>\n  </varray>\n </kpoints>\n'
        ' <parameters>\n  <separator name="electronic" >\n'
        f'   <i type="int" name="NELM">{nelm:6d}</i>\n   <i type="int" name="NELMDL">    -5</i>\n'
        "  </separator>\n </parameters>\n"
        ' <atominfo>\n  <array name="atoms" >\n   <set>\n'
        "    <rc><c>H </c><c>   1</c></rc>\n    <rc><c>H </c><c>   1</c></rc>\n"
        "   </set>\n  </array>\n </atominfo>\n"
        ' <structure name="initialpos" >\n  <crystal>\n   <varray name="basis" >\n'
        + _rows(_CELL)
        + '   </varray>\n  </crystal>\n  <varray name="positions" >\n'
        + _rows([(0, 0, 0), (0, 0, 0.125)])
        + "  </varray>\n </structure>\n"
    ]
    for k, n in enumerate(counts):
        energy = (
            f'  <energy>\n   <i name="e_fr_energy"> {-6.7 - k / 100} </i>\n'
            f'   <i name="e_0_energy"> {-6.7 - k / 100} </i>\n  </energy>\n'
        )
        text += [" <calculation>\n", f"  <scstep>\n{energy}  </scstep>\n" * n]
        text.append(
            '  <structure>\n   <crystal>\n    <varray name="basis" >\n'
            + _rows(_CELL)
            + '    </varray>\n   </crystal>\n   <varray name="positions" >\n'
            + _rows([(0, 0, 0), (0, 0, 0.125 + k / 1000)])
            + '   </varray>\n  </structure>\n  <varray name="forces" >\n'
            + _rows([(0, 0, -1.5), (0, 0, 1.5)])
            + f"  </varray>\n{energy} </calculation>\n"
        )
    return "".join([*text, "</modeling>\n"])


def outcar(ends: Sequence[tuple[int, str]], nelm: int = 5) -> str:
    """Return an ``OUTCAR`` of steps, each with a number of iterations and what VASP says last."""
    line = "-" * 39
    text = [
        " vasp.6.4.2 made up\n POTCAR:    PAW_PBE H 15Jun2001\n POTCAR:    PAW_PBE H 15Jun2001\n"
        "   ISPIN  =      1    spin polarized calculation?\n"
        "   ions per type =               2\n"
        f"   NELM   = {nelm:6d};   NELMIN=  2; NELMDL= -5     # of ELM steps\n"
    ]
    for k, (n, last) in enumerate(ends):
        for i in range(n):
            text.append(f"{line} Iteration {k + 1:6d}({i + 1:4d})  {line}\n")
            text.append("  Free energy of the ion-electron system (eV)\n")
        if last:
            text.append(f"{line} aborting loop {last} {line}\n")
        text.append(
            "      direct lattice vectors                 reciprocal lattice vectors\n"
            "     6.0 0.0 0.0     0.17 0.0 0.0\n     0.0 6.0 0.0     0.0 0.17 0.0\n"
            "     0.0 0.0 6.0     0.0 0.0 0.17\n\n"
            " POSITION                                       TOTAL-FORCE (eV/Angst)\n"
            f" {'-' * 83}\n"
            "  0.0 0.0 0.0   0.0 0.0 -1.5\n"
            f"  0.0 0.0 {0.75 + k / 100}   0.0 0.0 1.5\n"
            f" {'-' * 83}\n"
            "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n  -------------------\n"
            f"  free  energy   TOTEN  =        {-6.7 - k / 100} eV\n\n"
            f"  energy  without entropy=  {-6.7 - k / 100}  energy(sigma->0) = {-6.7 - k / 100}\n"
        )
    return "".join(text)
