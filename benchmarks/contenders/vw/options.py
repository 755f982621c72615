"""How Vowpal Wabbit is run: SquareCB, tuned on world 1 of `offer_regret`."""

SQUARECB = "--cb_explore_adf --squarecb --quiet"
TUNED = "--cb_type mtr -q UA --ignore_linear U --gamma_scale 1000 --gamma_exponent 0.5 -l 0.2"
