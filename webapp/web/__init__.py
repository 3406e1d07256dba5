"""HTTP helpers that know no feature: guard, answers, errors, forms, printed sheets."""
