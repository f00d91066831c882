"""The literature that the parts of a rule come from, as BibTeX by key."""

from __future__ import annotations

from collections.abc import Iterable

ENTRIES: dict[str, str] = {
    "marschall2020": """@article{marschall2020,
  author  = {Marschall, Owen and Cho, Kyunghyun and Savin, Cristina},
  title   = {A Unified Framework of Online Learning Algorithms for Training Recurrent Neural Networks},
  journal = {Journal of Machine Learning Research},
  volume  = {21},
  number  = {135},
  pages   = {1--34},
  year    = {2020}
}""",
    "williams1989": """@article{williams1989,
  author  = {Williams, Ronald J. and Zipser, David},
  title   = {A Learning Algorithm for Continually Running Fully Recurrent Neural Networks},
  journal = {Neural Computation},
  volume  = {1},
  number  = {2},
  pages   = {270--280},
  year    = {1989}
}""",
    "williams1990": """@article{williams1990,
  author  = {Williams, Ronald J. and Peng, Jing},
  title   = {An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories},
  journal = {Neural Computation},
  volume  = {2},
  number  = {4},
  pages   = {490--501},
  year    = {1990}
}""",
    "schmidhuber1992": """@article{schmidhuber1992,
  author  = {Schmidhuber, J{\\"u}rgen},
  title   = {A Fixed Size Storage {$O(n^3)$} Time Complexity Learning Algorithm for Fully Recurrent
             Continually Running Networks},
  journal = {Neural Computation},
  volume  = {4},
  number  = {2},
  pages   = {243--248},
  year    = {1992}
}""",
    "tallec2018": """@inproceedings{tallec2018,
  author    = {Tallec, Corentin and Ollivier, Yann},
  title     = {Unbiased Online Recurrent Optimization},
  booktitle = {International Conference on Learning Representations},
  year      = {2018}
}""",
    "mujika2018": """@inproceedings{mujika2018,
  author    = {Mujika, Asier and Meier, Florian and Steger, Angelika},
  title     = {Approximating Real-Time Recurrent Learning with Random {Kronecker} Factors},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {31},
  year      = {2018}
}""",
    "benzing2019": """@inproceedings{benzing2019,
  author    = {Benzing, Frederik and Gauy, Marcelo Matheus and Mujika, Asier and Martinsson, Anders
               and Steger, Angelika},
  title     = {Optimal {Kronecker}-Sum Approximation of Real Time Recurrent Learning},
  booktitle = {International Conference on Machine Learning},
  year      = {2019}
}""",
    "roth2019": """@inproceedings{roth2019,
  author    = {Roth, Christopher and Kanitscheider, Ingmar and Fiete, Ila},
  title     = {Kernel {RNN} Learning ({KeRNL})},
  booktitle = {International Conference on Learning Representations},
  year      = {2019}
}""",
    "murray2019": """@article{murray2019,
  author  = {Murray, James M.},
  title   = {Local Online Learning in Recurrent Networks with Random Feedback},
  journal = {eLife},
  volume  = {8},
  pages   = {e43299},
  year    = {2019}
}""",
    "bellec2020": """@article{bellec2020,
  author  = {Bellec, Guillaume and Scherr, Franz and Subramoney, Anand and Hajek, Elias and
             Salaj, Darjan and Legenstein, Robert and Maass, Wolfgang},
  title   = {A Solution to the Learning Dilemma for Recurrent Networks of Spiking Neurons},
  journal = {Nature Communications},
  volume  = {11},
  pages   = {3625},
  year    = {2020}
}""",
    "menick2021": """@inproceedings{menick2021,
  author    = {Menick, Jacob and Elsen, Erich and Evci, Utku and Osindero, Simon and Simonyan, Karen
               and Graves, Alex},
  title     = {Practical Real Time Recurrent Learning with a Sparse Approximation},
  booktitle = {International Conference on Learning Representations},
  year      = {2021}
}""",
    "eckart1936": """@article{eckart1936,
  author  = {Eckart, Carl and Young, Gale},
  title   = {The Approximation of One Matrix by Another of Lower Rank},
  journal = {Psychometrika},
  volume  = {1},
  pages   = {211--218},
  year    = {1936}
}""",
    "werbos1990": """@article{werbos1990,
  author  = {Werbos, Paul J.},
  title   = {Backpropagation Through Time: What It Does and How to Do It},
  journal = {Proceedings of the IEEE},
  volume  = {78},
  number  = {10},
  pages   = {1550--1560},
  year    = {1990}
}""",
    "jaderberg2017": """@inproceedings{jaderberg2017,
  author    = {Jaderberg, Max and Czarnecki, Wojciech Marian and Osindero, Simon and Vinyals, Oriol
               and Graves, Alex and Silver, David and Kavukcuoglu, Koray},
  title     = {Decoupled Neural Interfaces Using Synthetic Gradients},
  booktitle = {International Conference on Machine Learning},
  year      = {2017}
}""",
    "czarnecki2017": """@inproceedings{czarnecki2017,
  author    = {Czarnecki, Wojciech Marian and {\\'S}wirszcz, Grzegorz and Jaderberg, Max and Osindero, Simon
               and Vinyals, Oriol and Kavukcuoglu, Koray},
  title     = {Understanding Synthetic Gradients and Decoupled Neural Interfaces},
  booktitle = {International Conference on Machine Learning},
  year      = {2017}
}""",
    "fiete2006": """@article{fiete2006,
  author  = {Fiete, Ila R. and Seung, H. Sebastian},
  title   = {Gradient Learning in Spiking Neural Networks by Dynamic Perturbation of Conductances},
  journal = {Physical Review Letters},
  volume  = {97},
  number  = {4},
  pages   = {048104},
  year    = {2006}
}""",
    "gunnarsson1996": """@inproceedings{gunnarsson1996,
  author    = {Gunnarsson, Svante},
  title     = {Combining Tracking and Regularization in Recursive Least Squares Identification},
  booktitle = {IEEE Conference on Decision and Control},
  year      = {1996}
}""",
    "cho2014": """@inproceedings{cho2014,
  author    = {Cho, Kyunghyun and van Merri{\\"e}nboer, Bart and Gulcehre, Caglar and Bahdanau, Dzmitry and
               Bougares, Fethi and Schwenk, Holger and Bengio, Yoshua},
  title     = {Learning Phrase Representations using {RNN} Encoder-Decoder for Statistical Machine
               Translation},
  booktitle = {Proceedings of the 2014 Conference on Empirical Methods in Natural Language
               Processing},
  pages     = {1724--1734},
  year      = {2014}
}""",
    "zhou2016": """@article{zhou2016,
  author  = {Zhou, Guo-Bing and Wu, Jianxin and Zhang, Chen-Lin and Zhou, Zhi-Hua},
  title   = {Minimal Gated Unit for Recurrent Neural Networks},
  journal = {International Journal of Automation and Computing},
  volume  = {13},
  number  = {3},
  pages   = {226--234},
  year    = {2016}
}""",
    "hochreiter1997": """@article{hochreiter1997,
  author  = {Hochreiter, Sepp and Schmidhuber, J{\\"u}rgen},
  title   = {Long Short-Term Memory},
  journal = {Neural Computation},
  volume  = {9},
  number  = {8},
  pages   = {1735--1780},
  year    = {1997}
}""",
    "gers2000": """@article{gers2000,
  author  = {Gers, Felix A. and Schmidhuber, J{\\"u}rgen and Cummins, Fred},
  title   = {Learning to Forget: Continual Prediction with {LSTM}},
  journal = {Neural Computation},
  volume  = {12},
  number  = {10},
  pages   = {2451--2471},
  year    = {2000}
}""",
    "li2018": """@inproceedings{li2018,
  author    = {Li, Shuai and Li, Wanqing and Cook, Chris and Zhu, Ce and Gao, Yanbo},
  title     = {Independently Recurrent Neural Network ({IndRNN}): Building A Longer and Deeper {RNN}},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  year      = {2018}
}""",
    "irie2024": """@inproceedings{irie2024,
  author    = {Irie, Kazuki and Gopalakrishnan, Anand and Schmidhuber, J{\\"u}rgen},
  title     = {Exploring the Promise and Limits of Real-Time Recurrent Learning},
  booktitle = {International Conference on Learning Representations},
  year      = {2024}
}""",
    "tallec2018b": """@inproceedings{tallec2018b,
  author    = {Tallec, Corentin and Ollivier, Yann},
  title     = {Can Recurrent Neural Networks Warp Time?},
  booktitle = {International Conference on Learning Representations},
  year      = {2018}
}""",
    "jozefowicz2015": """@inproceedings{jozefowicz2015,
  author    = {Jozefowicz, Rafal and Zaremba, Wojciech and Sutskever, Ilya},
  title     = {An Empirical Exploration of Recurrent Network Architectures},
  booktitle = {International Conference on Machine Learning},
  year      = {2015}
}""",
    "saxe2014": """@inproceedings{saxe2014,
  author    = {Saxe, Andrew M. and McClelland, James L. and Ganguli, Surya},
  title     = {Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks},
  booktitle = {International Conference on Learning Representations},
  year      = {2014}
}""",
    "glorot2010": """@inproceedings{glorot2010,
  author    = {Glorot, Xavier and Bengio, Yoshua},
  title     = {Understanding the Difficulty of Training Deep Feedforward Neural Networks},
  booktitle = {International Conference on Artificial Intelligence and Statistics},
  year      = {2010}
}""",
    "le2015": """@misc{le2015,
  author = {Le, Quoc V. and Jaitly, Navdeep and Hinton, Geoffrey E.},
  title  = {A Simple Way to Initialize Recurrent Networks of Rectified Linear Units},
  note   = {arXiv:1504.00941},
  year   = {2015}
}""",
    "orvieto2023": """@inproceedings{orvieto2023,
  author    = {Orvieto, Antonio and Smith, Samuel L. and Gu, Albert and Fernando, Anushan and
               Gulcehre, Caglar and Pascanu, Razvan and De, Soham},
  title     = {Resurrecting Recurrent Neural Networks for Long Sequences},
  booktitle = {International Conference on Machine Learning},
  year      = {2023}
}""",
    "zucchet2023": """@inproceedings{zucchet2023,
  author    = {Zucchet, Nicolas and Meier, Robert and Schug, Simon and Mujika, Asier and
               Sacramento, Jo{\\~a}o},
  title     = {Online Learning of Long-Range Dependencies},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {36},
  year      = {2023}
}""",
    "kingma2015": """@inproceedings{kingma2015,
  author    = {Kingma, Diederik P. and Ba, Jimmy},
  title     = {Adam: A Method for Stochastic Optimization},
  booktitle = {International Conference on Learning Representations},
  year      = {2015}
}""",
    "polyak1964": """@article{polyak1964,
  author  = {Polyak, Boris T.},
  title   = {Some Methods of Speeding Up the Convergence of Iteration Methods},
  journal = {USSR Computational Mathematics and Mathematical Physics},
  volume  = {4},
  number  = {5},
  pages   = {1--17},
  year    = {1964}
}""",
    "pitis2016": """@misc{pitis2016,
  author = {Pitis, Silviu},
  title  = {Recurrent Neural Networks in {TensorFlow} {I}},
  note   = {r2rt.com},
  year   = {2016}
}""",
    "tieleman2012": """@misc{tieleman2012,
  author = {Tieleman, Tijmen and Hinton, Geoffrey},
  title  = {Lecture 6.5, {RMSProp}: Divide the Gradient by a Running Average of Its Recent Magnitude},
  note   = {Coursera: Neural Networks for Machine Learning},
  year   = {2012}
}""",
}

LABELS: dict[str, str] = {
    "marschall2020": "Marschall et al. 2020",
    "williams1989": "Williams & Zipser 1989",
    "williams1990": "Williams & Peng 1990",
    "schmidhuber1992": "Schmidhuber 1992",
    "tallec2018": "Tallec & Ollivier 2018",
    "mujika2018": "Mujika et al. 2018",
    "benzing2019": "Benzing et al. 2019",
    "roth2019": "Roth et al. 2019",
    "murray2019": "Murray 2019",
    "bellec2020": "Bellec et al. 2020",
    "menick2021": "Menick et al. 2021",
    "eckart1936": "Eckart & Young 1936",
    "werbos1990": "Werbos 1990",
    "jaderberg2017": "Jaderberg et al. 2017",
    "czarnecki2017": "Czarnecki et al. 2017",
    "fiete2006": "Fiete & Seung 2006",
    "gunnarsson1996": "Gunnarsson 1996",
    "cho2014": "Cho et al. 2014",
    "zhou2016": "Zhou et al. 2016",
    "hochreiter1997": "Hochreiter & Schmidhuber 1997",
    "gers2000": "Gers et al. 2000",
    "li2018": "Li et al. 2018",
    "irie2024": "Irie et al. 2024",
    "tallec2018b": "Tallec & Ollivier 2018b",
    "jozefowicz2015": "Jozefowicz et al. 2015",
    "saxe2014": "Saxe et al. 2014",
    "glorot2010": "Glorot & Bengio 2010",
    "le2015": "Le et al. 2015",
    "orvieto2023": "Orvieto et al. 2023",
    "zucchet2023": "Zucchet et al. 2023",
    "kingma2015": "Kingma & Ba 2015",
    "polyak1964": "Polyak 1964",
    "pitis2016": "Pitis 2016",
    "tieleman2012": "Tieleman & Hinton 2012",
}


def bibtex(keys: Iterable[str]) -> str:
    """Return the entries of `keys`, each once, in the order given."""
    return "\n\n".join(ENTRIES[key] for key in dict.fromkeys(keys))
