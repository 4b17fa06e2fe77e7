"""What the phantom of volumes is made of, and how it looks on CT and on MR."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tissue:
    """A material. CT is of the portal venous phase, 70 s after contrast medium; MR is T1-weighted, without."""

    name: str
    hu: float
    """Mean on CT, Hounsfield units."""
    t1: float
    """Mean signal on MR; fat has 900."""
    spread: float = 0.05
    """How much the mean differs between patients, as a part of what it differs from water, or of the signal."""
    texture: float = 3.0
    """Standard deviation of slow changes within it, HU; on MR as many units of signal."""
    around: str = ""
    """Of a tumour: the tissue it grows in, whose difference between patients it shares, so that it stands out alike."""


AIR = Tissue("air", -1000, 6, spread=0, texture=0)
SKIN = Tissue("skin", 45, 420)
FAT = Tissue("fat", -104, 900, texture=5)
MUSCLE = Tissue("muscle", 60, 390, texture=9)
LUNG = Tissue("lung", -845, 55, spread=0.03, texture=35)
BLOOD_IN_HEART = Tissue("blood in the heart", 145, 260)
LIVER = Tissue("liver", 112, 540, spread=0.1, texture=4)
SPLEEN = Tissue("spleen", 124, 370, spread=0.1, texture=4)
PANCREAS = Tissue("pancreas", 98, 520, spread=0.1, texture=12)
BILE = Tissue("bile", 8, 240, texture=1)
RENAL_CORTEX = Tissue("renal cortex", 192, 470, texture=5)
RENAL_MEDULLA = Tissue("renal medulla", 148, 350, texture=5)
RENAL_SINUS = Tissue("renal sinus", -70, 780, texture=12)
URINE = Tissue("urine", 8, 190, texture=1)
STOMACH_WALL = Tissue("stomach wall", 78, 400)
STOMACH_FLUID = Tissue("stomach fluid", 15, 200, texture=4)
BOWEL_WALL = Tissue("bowel wall", 78, 400)
BOWEL_CONTENT = Tissue("bowel content", 22, 300, spread=0.3, texture=18)
STOOL = Tissue("stool", -10, 420, spread=0.5, texture=70)
GAS = Tissue("gas", -960, 8, spread=0, texture=8)
SPINAL_FLUID = Tissue("cerebrospinal fluid", 12, 170, texture=1)
SPINAL_CORD = Tissue("spinal cord", 40, 400, texture=1)
DISC = Tissue("intervertebral disc", 88, 330, texture=6)
CORTICAL_BONE = Tissue("cortical bone", 850, 70, spread=0.1, texture=20)
TRABECULAR_BONE = Tissue("trabecular bone", 195, 600, spread=0.2, texture=38)
RIB_MARROW = Tissue("marrow of ribs", 300, 560, spread=0.15, texture=30)
AORTIC_BLOOD = Tissue("blood in the aorta", 168, 130, spread=0.1, texture=2)
CAVAL_BLOOD = Tissue("blood in the vena cava", 142, 150, spread=0.1, texture=6)
PORTAL_BLOOD = Tissue("blood in the portal vein", 178, 160, spread=0.08, texture=2)
HEPATIC_BLOOD = Tissue("blood in the hepatic veins", 166, 160, spread=0.08, texture=2)
RENAL_BLOOD = Tissue("blood in the renal vessels", 165, 150, spread=0.1, texture=2)
