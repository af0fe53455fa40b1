"""The papers' claims: what each says, in the papers' own words where they have some, and what is compared for it.

thesis = Wang, PhD thesis; CVPR = Wang et al., CVPR 2018; UNIT = Liu et al., NIPS 2017.
"""

from __future__ import annotations

from . import claim_alignment as figure
from . import claim_domains as domains
from . import claim_sides as tables
from .claim_domains import CLOSE_REVERSE
from .claim_sides import BOTTOM, CLOSE, CONTROL, PP
from .claim_verdicts import FAIR, OURS, PAPERS, Claim
from .scores import BOTH_FLOWERS, DS, FLOWERS, NS, RDNS, RDS, RNS, RS, SD

DOUBLES = "The performance more than doubles in terms of mIoU."
MODERATE = "Table 4.3 shows a significant gain of almost 3% in mIoU and a more moderate gain in global accuracy."
ORACLE = "Oracle is the upper bound obtained by training a translation fully supervised with paired data."
FOREST = (
    "In the case of zero-pair setting [...] the results obtain a large gap when compared to the baselines [...]. For "
    "example, for N → S we obtain an increase of 22% over 2 x pix2pix."
)
TRENDS = (
    "The three curves follow a similar trend, with the alignment increasing in the first iterations of each stage and "
    "then stabilizing."
)

CLAIMS = (
    Claim("C1", PAPERS, "D→S: M&MNets above every baseline of the papers' table",
          "The direct combination (D → S) with M&MNet outperforms all baselines significantly.",
          "thesis 4.6.2, table 4.4; CVPR 5.3", DS, tables.above_table(DS)),
    Claim("C1", PAPERS, "D→S: more than double the mIoU of each (said of SceneNet RGB-D)", DOUBLES,
          "thesis 4.6.2, table 4.4; CVPR 5.3", DS, tables.twice_table),
    Claim("C1", FAIR, "D→S: M&MNets above every baseline run, cascades also with BN re-estimated", "",
          "thesis, table 4.4", DS, tables.above_all(DS)),
    Claim("C1", FAIR, "D→S: more than double the mIoU of each of these", "", "thesis, table 4.4", DS,
          tables.twice_all),
    Claim("C2", PAPERS, "D→S: +PP above M&MNets in mIoU",
          "Results improve another 5% in mIoU when adding the pseudo-pairs during training.",
          "thesis 4.6.2, tables 4.3 and 4.4", DS, tables.pseudo_pairs("mmnet", DS)),
    Claim("C2", PAPERS, "D→S: +PP above M&MNets in global accuracy too, by less", MODERATE, "thesis 4.6.2, table 4.3",
          DS, tables.moderate("mmnet")),
    Claim("C2", FAIR, "D→S: +PP above a control of as many steps in mIoU", "", "thesis, table 4.3", DS,
          tables.pseudo_pairs(CONTROL, DS)),
    Claim("C2", FAIR, "D→S: +PP above this control in global accuracy too, by less", "", "thesis, table 4.3", DS,
          tables.moderate(CONTROL)),
    Claim("C3", PAPERS, "(R, D)→S above depth alone",
          "this multi-modal combination further improves the performance of zero-pair translation",
          "thesis 4.6.2, table 4.4; CVPR 5.4", DS, tables.inputs_help(RDS, DS)),
    Claim("C3", OURS, "(R, D)→S above RGB alone, which is seen in training", "", "", DS, tables.inputs_help(RDS, RS)),
    Claim("C4", PAPERS, "D→S and (R, D)→S: the oracle is the upper bound", ORACLE, "thesis 4.6.2, table 4.4", DS,
          tables.upper_bound(DS, RDS)),
    Claim("C5", PAPERS, "D→S: pooling indices above no side information, that above skip connections",
          "skip connections obtain worse results than no side information at all. [...] In contrast, pooling indices "
          "provide a significant boost over no side information.", "thesis 4.6.2, table 4.2; CVPR 5.2", DS,
          tables.from_scratch(("mmnet", "mmnet-none"), ("mmnet-none", "mmnet-skip"))),
    Claim("C6", PAPERS, "D→S: autoencoders, then latent consistency, then noise each help",
          "latent space consistency and the usage of autoencoders lead to significant performance gains [...]. Adding "
          "noise to the output of the encoder results in a small performance gain.",
          "thesis 4.6.2, table 4.3; CVPR 5.2", DS, tables.variants(*tables.STEPS)),
    Claim("C6", PAPERS, "D→S: autoencoders and latent consistency each more than double mIoU",
          "for both, the performance (in mIoU) is more than doubled.", "thesis 4.6.2, table 4.3; CVPR 5.2", DS,
          tables.doubled(*tables.STEPS[:2])),
    Claim("C7", PAPERS, "D→S: a pretrained RGB encoder helps",
          "Table 4.2 shows an additional gain of around 4% in mIoU when using the pretrained weights.",
          "thesis 4.6.2, table 4.2; CVPR 5.2", DS, tables.pretraining),
    Claim("C8", PAPERS, "D→S: pooling indices in the RGB decoder too lower mIoU",
          "When we add pooling indices to our approach without pseudo-pairs, results drop from 46.7% to 42.4% in mIoU.",
          "thesis 4.6.2", DS, tables.variants(("mmnet", "mmnet-rgb-indices"))),
    Claim("C9", PAPERS, f"D→R→S: skip connections within {CLOSE:g} points of 2 x pix2pix, indices below both",
          "significantly worse than 2 x pix2pix. However, when we run our architecture with skip connections we obtain "
          "results similar to 2 x pix2pix.", "thesis 4.6.2, table 4.4; CVPR 5.3", DS,
          tables.cascades(tables.as_printed)),
    Claim("C9", PAPERS, f"D→R→S: indices within {CLOSE:g} points of CycleGAN",
          "M&MNet evaluated on (D → R → S) achieve a similar result as CycleGAN", "thesis 4.6.2, table 4.4; CVPR 5.3",
          DS, tables.like_cyclegan(tables.as_printed)),
    Claim("C9", FAIR, "D→R→S with BN re-estimated: skip connections and indices as above", "", "thesis, table 4.4", DS,
          tables.cascades(tables.as_fair)),
    Claim("C9", FAIR, f"D→R→S with BN re-estimated: indices within {CLOSE:g} points of CycleGAN", "",
          "thesis, table 4.4", DS, tables.like_cyclegan(tables.as_fair)),
    Claim("C10", PAPERS, "S→D: M&MNets above every baseline of the papers' table in all five metrics",
          "The conclusions are similar as in previous experiment: M&MNetS outperform both baseline methods on all five "
          "evaluation metrics.", "thesis 4.6.2, tables 4.5 and 4.7; CVPR 5.3", SD,
          tables.in_five(lambda one, both: tables.above_table(one))),
    Claim("C10", PAPERS, "S→D and (R, S)→D: +PP above M&MNets in all five metrics",
          "The variant with pseudo-pairs obtains the best results.", "thesis 4.6.2, tables 4.5 and 4.7", SD,
          tables.in_five(lambda one, both: tables.pseudo_pairs("mmnet", one, both))),
    Claim("C10", PAPERS, "(R, S)→D above segmentation alone in all five metrics",
          "this multi-modal combination further improves the performance of zero-pair translation",
          "thesis 4.6.2, tables 4.5 and 4.7; CVPR 5.4", SD,
          tables.in_five(lambda one, both: tables.inputs_help(both, one))),
    Claim("C10", PAPERS, "S→D and (R, S)→D: the oracle is the upper bound in all five metrics", ORACLE,
          "thesis 4.6.2, tables 4.5 and 4.7", SD, tables.in_five(tables.upper_bound)),
    Claim("C10", FAIR, "S→D: above every baseline run, cascades also with BN re-estimated, in all five metrics", "",
          "thesis, tables 4.5 and 4.7", SD, tables.in_five(lambda one, both: tables.above_all(one))),
    Claim("C10", FAIR, "S→D and (R, S)→D: +PP above a control of as many steps in all five metrics", "",
          "thesis, tables 4.5 and 4.7", SD,
          tables.in_five(lambda one, both: tables.pseudo_pairs(CONTROL, one, both))),
    Claim("C11", PAPERS, "Θ2→Θ3: +PP above M&MNets",
          "The usage of pseudo-pairs results in a huge absolute performance gain of 21%.", "thesis 4.5.3, table 4.1",
          FLOWERS, tables.pseudo_pairs("mmnet", FLOWERS)),
    Claim("C11", FAIR, "Θ2→Θ3: +PP above a control of as many steps", "", "thesis, table 4.1", FLOWERS,
          tables.pseudo_pairs(CONTROL, FLOWERS)),
    Claim("C12", PAPERS, "M&MNets grow linearly with the number of domains, pairwise translators quadratically",
          "mix and match networks scale linearly with the number of domains, whereas existing unpaired image "
          "translation methods scale quadratically", "CVPR 3.3 and 5.5; thesis 4.3.3", None,
          domains.scaling(("mmnet-domains", 1), ("cyclegan-pairwise", 2))),
    Claim("C13", PAPERS, "Alignment (AF) rises dramatically in stage two and more moderately in stage three",
          "The beginning of stage two shows a dramatic increase in the alignment, with a more moderate increase at "
          "stage three.", "thesis 4.6.2 on figure 4.11", DS, figure.alignment),
    Claim("C14", PAPERS, f"D→S: CycleGAN and StarGAN at most {BOTTOM:g} points above the cascade with indices",
          "CycleGAN is not able to learn a good mapping [...]. Also, both results for StarGAN show that this approach "
          "is unable to learn a good mapping", "thesis 4.6.2, table 4.4", DS,
          tables.bottom(tables.as_printed, "BN trained")),
    Claim("C14", FAIR, "D→S: the same with the cascade's BN re-estimated", "", "thesis, table 4.4", DS,
          tables.bottom(tables.as_fair, "BN re-estimated")),
    Claim("C15", PAPERS, "(R, D)→S: +PP above M&MNets",
          "the new variant with pseudo-pairs obtaining the best performance. Similarly, multi-modal translation "
          "further improves the performance.", "thesis 4.6.3, table 4.6; table 4.4", DS,
          tables.pseudo_pairs("mmnet", RDS)),
    Claim("C15", FAIR, "(R, D)→S: +PP above a control of as many steps", "", "thesis, tables 4.4 and 4.6", DS,
          tables.pseudo_pairs(CONTROL, RDS)),
    Claim("C16", PAPERS, "(Θ1, Θ2)→Θ3 above Θ1 alone; PP double that gain",
          "In this case the pseudo-pairs double the performance gain with respect to the paired domain (last row) from "
          "77.5 - 75 = 2.5% to 80.5 - 75 = 5.5%.", "thesis 4.5.3, table 4.1", FLOWERS, tables.flowers_gain),
    Claim("C16", FAIR, "(Θ1, Θ2)→Θ3: +PP above a control of as many steps", "", "thesis, table 4.1", FLOWERS,
          tables.pseudo_pairs(CONTROL, BOTH_FLOWERS)),
    Claim("C17", PAPERS, "More modalities help: two above one, three above two, with and without PP",
          "The multi-modal results show that adding more modalities further increases results.",
          "thesis 4.6.4, table 4.8", NS, tables.more_modalities()),
    Claim("C17", PAPERS, "A third modality helps obstacles more than mIoU",
          "Mainly, the performance on the category obstacle increases.", "thesis 4.6.4, table 4.8", NS,
          tables.obstacles),
    Claim("C18", PAPERS, "N→S: M&MNets and +PP above every baseline of table 4.8", FOREST,
          "thesis 4.6.4, table 4.8", NS, tables.above_table(NS, ("mmnet", PP))),
    Claim("C18", FAIR, "N→S: above every baseline run, cascades also with BN re-estimated", "",
          "thesis, table 4.8", NS, tables.above_all(NS, ("mmnet", PP))),
    Claim("C19", PAPERS, "+PP above M&MNets from N, (R, N) and (R, D, N)",
          "pseudo-labeling further improves the results", "thesis 4.6.4, table 4.8", NS,
          tables.pseudo_pairs("mmnet", NS, RNS, RDNS)),
    Claim("C19", FAIR, "+PP above a control of as many steps from N, (R, N) and (R, D, N)", "",
          "thesis, table 4.8", NS, tables.pseudo_pairs(CONTROL, NS, RNS, RDNS)),
    Claim("C20", PAPERS, "(R, D)→S at alpha 0.2: RGB's indices, the papers' choice, above depth's",
          "We set alpha to 0.2 and use the pooling indices from the RGB encoder (instead of those from the depth "
          "encoder, see supplementary material for more details).", "CVPR 5.4 and figure 7; thesis 4.6.2", DS,
          tables.indices),
    Claim("C21", PAPERS, "AF of each pair rises in stages two and three", TRENDS,
          "thesis 4.6.2 on figure 4.11", DS, figure.curves),
    Claim("C22", PAPERS, "AF rises in the first half of each stage and changes less in the second", TRENDS,
          "thesis 4.6.2 on figure 4.11", DS, figure.stabilizing),
    Claim("C23", PAPERS, "Over the rows of table 4.3, mIoU rises with AF",
          "These results are consistent with those of the ablation study of the previous section, showing that better "
          "alignment typically leads to better results in unseen translations.", "thesis 4.6.2 on figure 4.11", DS,
          figure.alignment_and_results),
    Claim("C24", PAPERS, "D→S: UNIT above CycleGAN (said of satellite images and maps)",
          "we found the model achieved an average pixel accuracy of 0.569. [...] But when we used the full model, it "
          "achieved the best performance of 0.600 average pixel accuracy.", "UNIT, performance analysis", DS,
          tables.unit),
    Claim("C25", PAPERS, "SDIT's LPIPS above that of CycleGAN, IcGAN, StarGAN and MUNIT",
          "Our method outperforms both baseline methods on LPIPS despite only using a single model.",
          "thesis 6.5.3, table 6.3; table 6.4", None, domains.diversity),
    Claim("C26", PAPERS, f"SDIT's RCA above CycleGAN, IcGAN and StarGAN, within {CLOSE_REVERSE:g} points of MUNIT's",
          "For the classification accuracy, CycleGAN, IcGAN and StarGAN produce a lower score [...]. Both MUNIT and "
          "SDIT have a similar performance.", "thesis 6.5.3, table 6.3; table 6.4", None, domains.reverse_accuracy),
    Claim("C27", PAPERS, "SDIT has one generator for any number of domains, CycleGAN one for each pair",
          "for both CycleGAN and MUNIT training all pairwise translation would in case of N domains require "
          "N x (N - 1)/2 generators.", "thesis 6.5.3", None, domains.scaling(("sdit", 0), ("cyclegan-pairwise", 2))),
    Claim("C28", OURS, "D→S: one router taught to go directly above the same one through RGB", "", "", DS,
          tables.direct_route("router-direct", "router-indirect")),
    Claim("C29", OURS, "D→S: one network with conditional normalization above one pair per modality", "",
          "", DS, tables.variants(("dcn", "mmnet"))),
    Claim("C30", OURS, "D→S: M&MNets, without and with PP, above plain pseudo-labels", "", "", DS,
          tables.variants(("mmnet", "pseudo-label"), (PP, "pseudo-label"))),
    Claim("C31", OURS, "D→S: the diffusion router taught to go directly above the same one through RGB", "", "", DS,
          tables.direct_route("diffusion-router-direct", "diffusion-router")),
)  # fmt: skip
